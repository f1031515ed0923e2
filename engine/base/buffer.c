/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/buffer.h"

#include "engine/base/alloc.h"
#include "engine/base/math.h"

#include <string.h>

#define LEAST_ROOM 4096

gboolean
d2v_buffer_reserve (D2vBuffer *buffer, gsize n_bytes)
{
  if (n_bytes <= buffer->room)
    return TRUE;
  gpointer data = d2v_malloc (n_bytes);
  if (data == NULL)
    return FALSE;
  if (buffer->n_bytes > 0)
    memcpy (data, buffer->data, buffer->n_bytes);
  d2v_free (buffer->data);
  buffer->data = data;
  buffer->room = n_bytes;
  return TRUE;
}

gboolean
d2v_buffer_append (D2vBuffer *buffer, gconstpointer data, gsize n_bytes)
{
  gsize all;

  if (n_bytes == 0)
    return TRUE;
  if (!d2v_add (buffer->n_bytes, n_bytes, &all))
    return FALSE;
  if (all > buffer->room)
    {
      gsize twice = buffer->room < G_MAXSIZE / 2 ? buffer->room * 2 : all;
      if (!d2v_buffer_reserve (buffer,
                               d2v_max (d2v_max (all, twice), LEAST_ROOM)))
        return FALSE;
    }
  memcpy ((guint8 *) buffer->data + buffer->n_bytes, data, n_bytes);
  buffer->n_bytes = all;
  return TRUE;
}

void
d2v_buffer_remove_front (D2vBuffer *buffer, gsize n_bytes)
{
  g_assert (n_bytes <= buffer->n_bytes);

  buffer->n_bytes -= n_bytes;
  if (n_bytes > 0 && buffer->n_bytes > 0)
    memmove (buffer->data, (guint8 *) buffer->data + n_bytes, buffer->n_bytes);
}

void
d2v_buffer_clear (D2vBuffer *buffer)
{
  d2v_free (buffer->data);
  *buffer = (D2vBuffer){ NULL };
}
