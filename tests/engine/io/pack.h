/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pack.h: a safetensors file from its header's text. */
#pragma once

#include <gio/gio.h>
#include <string.h>

static inline GByteArray *
pack_safetensors (const gchar *header, gconstpointer data, gsize n_data)
{
  GByteArray *bytes = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE ((guint64) strlen (header));

  g_byte_array_append (bytes, (const guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) strlen (header));
  g_byte_array_append (bytes, data, (guint) n_data);
  return bytes;
}
