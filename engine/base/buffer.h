/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* buffer.h: an array that grows with what comes in, in memory that may be
 * short; GArray would end the process then. {0} is an empty one. */
#pragma once

#include <glib.h>

typedef struct
{
  gpointer data; /* 64-byte aligned; NULL while there is no room */
  gsize n_bytes; /* in use */
  gsize room;
} D2vBuffer;

/* Room for @n_bytes in all; what is in use stays. FALSE when memory is short:
 * then nothing changed. */
gboolean d2v_buffer_reserve (D2vBuffer *buffer, gsize n_bytes);
/* @data is not of the buffer itself. Grows by doubling. FALSE when memory is
 * short: then nothing changed. */
gboolean d2v_buffer_append (D2vBuffer *buffer, gconstpointer data,
                            gsize n_bytes);
/* Forgets the first @n_bytes, which are there. Keeps the room. */
void d2v_buffer_remove_front (D2vBuffer *buffer, gsize n_bytes);
/* Frees all; as new. */
void d2v_buffer_clear (D2vBuffer *buffer);
