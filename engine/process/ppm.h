/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ppm.h: the plainest image files: binary PPM (P6) and PGM (P5). */
#pragma once

#include "engine/io/file.h"
#include "engine/process/image.h"

/* Whether a file that begins with these two bytes is meant for us. */
gboolean d2v_ppm_is (const guint8 *head);

/* The values as Pillow's convert ("RGB") gives them: scaled to 0..255 where
 * the greatest value is another than 255, but 16-bit grey cut off at 255.
 * Bytes after the pixels are ignored. PPM, TOO_BIG, NO_MEMORY. */
D2vImage *d2v_ppm_read_file (D2vFile *file, GError **error);

/* Writes @values: (height, width) as a PGM, 8 bits a pixel up to @max_value
 * 255, else 16; no value is greater. WRITE. */
gboolean d2v_pgm_write (const gchar *path, const guint16 *values, gsize width,
                        gsize height, guint max_value, GError **error);
