/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/json.h"

#include <math.h>
#include <string.h>

static void
append_escaped (GString *out, gchar c)
{
  static const gchar from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
  const gchar *known = c != '\0' ? strchr (from, c) : NULL;

  if (known != NULL)
    g_string_append_printf (out, "\\%c", to[known - from]);
  else
    g_string_append_printf (out, "\\u%04x", (guchar) c);
}

void
d2v_json_append_string (GString *out, const gchar *string, gssize length)
{
  const gchar *p = string;
  const gchar *end = p + (length < 0 ? strlen (p) : (gsize) length);

  g_string_append_c (out, '"');
  while (p < end)
    {
      guchar byte = (guchar) *p;
      gunichar c = byte < 0x80 ? byte : g_utf8_get_char_validated (p, end - p);

      if (c == (gunichar) -1 || c == (gunichar) -2)
        {
          g_string_append (out, "\xef\xbf\xbd");
          p++;
          continue;
        }
      gsize step = (gsize) g_unichar_to_utf8 (c, NULL);
      if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\')
        append_escaped (out, *p);
      else
        g_string_append_len (out, p, (gssize) step);
      p += step;
    }
  g_string_append_c (out, '"');
}

/* 15 digits survive any decimal a person would write, 17 any double. Only a
 * subnormal may need fewer than 15 and still differ at 15. */
void
d2v_json_append_double (GString *out, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  gint digits = isnormal (value) ? 15 : 1;

  if (!isfinite (value))
    {
      g_string_append (out, "null");
      return;
    }
  do
    {
      gchar format[8];
      g_snprintf (format, sizeof format, "%%.%dg", digits);
      g_ascii_formatd (text, sizeof text, format, value);
    }
  while (g_ascii_strtod (text, NULL) != value && digits++ < 17);

  g_string_append (out, text);
  if (strpbrk (text, ".e") == NULL)
    g_string_append (out, ".0");
}
