/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/unicode.h"

#include <string.h>

#include "engine/base/alloc.h"

guint
d2v_char_class (gunichar c)
{
  guint32 key = c << 3 | 7;
  gsize low = 0, high = d2v_char_n_ranges;

  /* The last range that begins at or before c; the first begins at 0. */
  while (high - low > 1)
    {
      gsize middle = (low + high) / 2;

      if (d2v_char_ranges[middle] <= key)
        low = middle;
      else
        high = middle;
    }
  return d2v_char_ranges[low] & 7;
}

gsize
d2v_utf8_sequence (const gchar *text, gsize n_bytes, gboolean *whole,
                   gboolean *cut)
{
  const guint8 *p = (const guint8 *) text;
  guint8 low = 0x80, high = 0xbf;
  gsize n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  gsize i = 1;

  /* The second byte rules out overlong forms, surrogates and what lies
   * beyond U+10FFFF. */
  if (p[0] == 0xe0)
    low = 0xa0;
  else if (p[0] == 0xed)
    high = 0x9f;
  else if (p[0] == 0xf0)
    low = 0x90;
  else if (p[0] == 0xf4)
    high = 0x8f;
  if (p[0] > 0xf4 || (p[0] >= 0x80 && p[0] < 0xc2))
    n = 0;
  for (; i < n && i < n_bytes && p[i] >= low && p[i] <= high; i++)
    low = 0x80, high = 0xbf;
  *whole = i == n;
  if (cut)
    *cut = i < n && i == n_bytes;
  return i;
}

gboolean
d2v_utf8_is_valid (const gchar *text, gsize n_bytes)
{
  gboolean whole = TRUE;

  for (gsize at = 0; at < n_bytes && whole;)
    if ((guint8) text[at] < 0x80)
      at++;
    else
      at += d2v_utf8_sequence (text + at, n_bytes - at, &whole, NULL);
  return whole;
}

gsize
d2v_utf8_repair (const gchar *text, gsize n_bytes, gchar *out,
                 gsize *n_replaced)
{
  gsize written = 0, replaced = 0, step;

  for (gsize at = 0; at < n_bytes; at += step)
    {
      gboolean whole;

      step = d2v_utf8_sequence (text + at, n_bytes - at, &whole, NULL);
      memcpy (out + written, whole ? text + at : "\357\277\275",
              whole ? step : 3);
      written += whole ? step : 3;
      replaced += !whole;
    }
  if (n_replaced)
    *n_replaced = replaced;
  return written;
}

guint32 *
d2v_utf8_index (const gchar *text, gsize n_bytes, gsize *n_chars)
{
  gsize n = 0;

  for (gsize i = 0; i < n_bytes; i++)
    n += ((guint8) text[i] & 0xc0) != 0x80;
  *n_chars = n;
  guint32 *begins
      = n_bytes < G_MAXUINT32 ? d2v_malloc_n (n + 1, sizeof (guint32)) : NULL;
  if (!begins)
    return NULL;
  for (gsize i = 0, at = 0; i < n_bytes; i++)
    if (((guint8) text[i] & 0xc0) != 0x80)
      begins[at++] = (guint32) i;
  begins[n] = (guint32) n_bytes;
  return begins;
}
