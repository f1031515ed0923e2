/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/lower.h"

#include <string.h>

#define CAPITAL_I_DOT 0x0130
#define COMBINING_DOT 0x0307
#define CAPITAL_SIGMA 0x03A3
#define FINAL_SIGMA 0x03C2

static gboolean
is_within (gunichar c, gunichar first, gunichar last)
{
  return c >= first && c <= last;
}

/* Letters, and what Unicode counts among them although it looks like a number
 * or a symbol: Roman numerals, letters in circles and squares. */
static gboolean
is_cased (gunichar c)
{
  return g_unichar_islower (c) || g_unichar_isupper (c) || g_unichar_istitle (c)
         || c == 0xAA || c == 0xBA || is_within (c, 0x2160, 0x217F)
         || is_within (c, 0x24B6, 0x24E9) || is_within (c, 0x1F130, 0x1F149)
         || is_within (c, 0x1F150, 0x1F169) || is_within (c, 0x1F170, 0x1F189);
}

/* GLib knows letters only. */
static gunichar
to_lower (gunichar c)
{
  if (is_within (c, 0x2160, 0x216F))
    return c + 0x10;
  if (is_within (c, 0x24B6, 0x24CF))
    return c + 0x1A;
  return g_unichar_tolower (c);
}

/* Unicode's Case_Ignorable: marks, formats, modifiers, and the punctuation
 * that stands inside words. */
static gboolean
is_case_ignorable (gunichar c)
{
  static const gunichar inside[]
      = { '\'',   '.',    ':',    0x00B7, 0x0387, 0x055F,
          0x05F4, 0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
          0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A };

  for (guint i = 0; i < G_N_ELEMENTS (inside); i++)
    if (c == inside[i])
      return TRUE;

  switch (g_unichar_type (c))
    {
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_ENCLOSING_MARK:
    case G_UNICODE_FORMAT:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_MODIFIER_SYMBOL:
      return TRUE;
    default:
      return FALSE;
    }
}

/* Whether the sigma at @at ends a word: a cased letter before it and none
 * after, looking past what case ignores (Unicode's Final_Sigma). */
static gboolean
ends_word (const gchar *text, const gchar *at)
{
  const gchar *p = at;
  gunichar c = 0;

  do
    {
      p = g_utf8_find_prev_char (text, p);
      c = p != NULL ? g_utf8_get_char (p) : 0;
    }
  while (p != NULL && is_case_ignorable (c));
  if (p == NULL || !is_cased (c))
    return FALSE;

  for (p = g_utf8_next_char (at); *p != '\0'; p = g_utf8_next_char (p))
    if (!is_case_ignorable (g_utf8_get_char (p)))
      return !is_cased (g_utf8_get_char (p));
  return TRUE;
}

/* Not g_utf8_strdown(): that follows the user's locale, and a Turkish one
 * would turn every I into a dotless letter. */
gchar *
d2v_lower (const gchar *text)
{
  GString *out = g_string_sized_new (strlen (text));

  for (const gchar *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == CAPITAL_I_DOT)
        {
          g_string_append_c (out, 'i');
          g_string_append_unichar (out, COMBINING_DOT);
        }
      else if (c == CAPITAL_SIGMA && ends_word (text, p))
        g_string_append_unichar (out, FINAL_SIGMA);
      else
        g_string_append_unichar (out, to_lower (c));
    }
  return g_string_free (out, FALSE);
}
