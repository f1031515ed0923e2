/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vlinefile.h: a file, FIFO or standard output that lines are written to
 * as they come, by a thread that must never be stuck in it. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _GstD2vLineFile GstD2vLineFile;

/* @location: a path, or "-". Files are emptied, or created. Never waits for a
 * FIFO's reader. */
GstD2vLineFile *gst_d2v_line_file_open (const gchar *location, GError **error);
void gst_d2v_line_file_close (GstD2vLineFile *file);

/* All of @lines, past every buffer of ours. Waits while a pipe is full; fails
 * with G_IO_ERROR_CANCELLED when interrupted. A reader that has gone away is
 * an error, never a signal. */
gboolean gst_d2v_line_file_write (GstD2vLineFile *file, const gchar *lines,
                                  GError **error);

/* While TRUE, nobody waits in write(). Any thread. */
void gst_d2v_line_file_interrupt (GstD2vLineFile *file, gboolean interrupt);

G_END_DECLS
