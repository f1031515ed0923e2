/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/json_scan.h"

#include <errno.h>
#include <string.h>

#define MAX_STRING (1 << 20)
/* 128 for reals: JSONTestSuite's y_number_double_close_to_zero has 81. */
#define MAX_INTEGER_TOKEN 64
#define MAX_REAL_TOKEN 128

/* What may come next. */
enum
{
  VALUE,
  VALUE_OR_END, /* after [ */
  KEY,
  KEY_OR_END, /* after { */
  COMMA_OR_END,
  NOTHING
};

void
d2v_scanner_init (D2vScanner *scanner, const gchar *text, gsize length,
                  guint max_depth)
{
  g_assert (max_depth <= D2V_JSON_MAX_DEPTH);
  *scanner = (D2vScanner){
    .text = text, .length = length, .max_depth = max_depth, .expect = VALUE
  };
}

static D2vToken
fail_at (D2vScanner *s, gsize offset, const gchar *reason)
{
  s->error_offset = offset;
  s->reason = reason;
  return D2V_TOKEN_FAILED;
}

/* -1 at the end of the text. */
static inline gint
peek (const D2vScanner *s)
{
  return s->position < s->length ? (guchar) s->text[s->position] : -1;
}

static void
skip_space (D2vScanner *s)
{
  for (gint c = peek (s); c == ' ' || c == '\n' || c == '\r' || c == '\t';
       c = peek (s))
    s->position++;
}

static gboolean
in_object (const D2vScanner *s)
{
  return s->depth > 0 && (s->in_object >> (s->depth - 1) & 1) != 0;
}

static void
expect_after_value (D2vScanner *s)
{
  s->expect = s->depth > 0 ? COMMA_OR_END : NOTHING;
}

/* ------------------------------------------------------------ strings -- */

/* Four hexadecimal digits at @at; -1 when they are not. */
static gint
code_unit (const D2vScanner *s, gsize at)
{
  gint unit = 0;

  if (s->length < 4 || at > s->length - 4)
    return -1;
  for (guint i = 0; i < 4; i++)
    {
      gint digit = g_ascii_xdigit_value (s->text[at + i]);
      if (digit < 0)
        return -1;
      unit = unit << 4 | digit;
    }
  return unit;
}

/* The code point of the \u escape whose digits begin at @at, a pair taken as
 * one; *length becomes how many bytes follow the first "\u". -1: not one. */
static gint
escaped_code_point (const D2vScanner *s, gsize at, gsize *length)
{
  gint high = code_unit (s, at);

  *length = 4;
  if (high < 0xd800 || high > 0xdfff)
    return high;
  if (high > 0xdbff || s->length - at < 10 || s->text[at + 4] != '\\'
      || s->text[at + 5] != 'u')
    return -1;
  gint low = code_unit (s, at + 6);
  if (low < 0xdc00 || low > 0xdfff)
    return -1;
  *length = 10;
  return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* At a backslash; moves past the escape. */
static gboolean
check_escape (D2vScanner *s)
{
  gsize at = s->position + 1;
  gsize length;

  s->escaped = TRUE;
  if (at >= s->length)
    return FALSE;
  if (s->text[at] != 'u')
    {
      s->position = at + 1;
      return s->text[at] != '\0' && strchr ("\"\\/bfnrt", s->text[at]) != NULL;
    }
  gint c = escaped_code_point (s, at + 1, &length);
  if (c < 0)
    return FALSE;
  s->has_nul |= c == 0;
  s->position = at + 1 + length;
  return TRUE;
}

/* Length of the well-formed UTF-8 sequence at the position; 0 for none. */
static gsize
sequence_length (const D2vScanner *s)
{
  const gchar *p = s->text + s->position;
  gunichar c
      = g_utf8_get_char_validated (p, (gssize) (s->length - s->position));

  if (c == (gunichar) -1 || c == (gunichar) -2)
    return 0;
  return (gsize) g_unichar_to_utf8 (c, NULL);
}

/* At the opening quote. */
static D2vToken
scan_string (D2vScanner *s, D2vToken token)
{
  s->begin = ++s->position;
  s->escaped = s->has_nul = FALSE;
  for (gint c = peek (s); c != '"'; c = peek (s))
    {
      gsize step = 1;

      if (c < 0)
        return fail_at (s, s->begin - 1, "a string that does not end");
      if (c < 0x20)
        return fail_at (s, s->position, "a control character in a string");
      if (c == '\\')
        {
          gsize at = s->position;
          if (!check_escape (s))
            return fail_at (s, at, "a wrong escape in a string");
          continue;
        }
      if (c >= 0x80 && (step = sequence_length (s)) == 0)
        return fail_at (s, s->position, "invalid UTF-8 in a string");
      s->position += step;
    }
  s->end = s->position++;
  if (s->end - s->begin > MAX_STRING)
    return fail_at (s, s->begin, "a string beyond 1 MiB");
  if (token == D2V_TOKEN_KEY && s->has_nul)
    return fail_at (s, s->begin, "a NUL in a key");
  return token;
}

void
d2v_scanner_string (const D2vScanner *s, GString *out)
{
  static const gchar from[] = "bfnrt", to[] = "\b\f\n\r\t";

  g_string_truncate (out, 0);
  for (gsize i = s->begin; i < s->end;)
    {
      const gchar *slash = memchr (s->text + i, '\\', s->end - i);
      gsize plain = slash != NULL ? (gsize) (slash - s->text) : s->end;
      gsize length;

      g_string_append_len (out, s->text + i, (gssize) (plain - i));
      if (slash == NULL)
        return;
      gchar c = s->text[plain + 1];
      i = plain + 2;
      if (c == 'u')
        {
          gint point = escaped_code_point (s, i, &length);
          if (point == 0) /* g_string_append_unichar() writes nothing */
            g_string_append_c (out, '\0');
          else
            g_string_append_unichar (out, (gunichar) point);
          i += length;
          continue;
        }
      const gchar *known = strchr (from, c);
      g_string_append_c (out, known != NULL ? to[known - from] : c);
    }
}

/* ------------------------------------------------------------ numbers -- */

static gsize
skip_digits (D2vScanner *s)
{
  gsize begin = s->position;

  while (g_ascii_isdigit (peek (s)))
    s->position++;
  return s->position - begin;
}

static gboolean
skip_fraction (D2vScanner *s)
{
  s->position++;
  return skip_digits (s) > 0;
}

static gboolean
skip_exponent (D2vScanner *s)
{
  s->position++;
  if (peek (s) == '+' || peek (s) == '-')
    s->position++;
  return skip_digits (s) > 0;
}

static D2vToken
scan_number (D2vScanner *s)
{
  D2vToken token = D2V_TOKEN_INTEGER;
  gboolean valid = TRUE;

  s->begin = s->position;
  if (peek (s) == '-')
    s->position++;
  if (peek (s) == '0')
    s->position++;
  else
    valid = skip_digits (s) > 0;
  if (valid && peek (s) == '.')
    {
      token = D2V_TOKEN_REAL;
      valid = skip_fraction (s);
    }
  if (valid && (peek (s) == 'e' || peek (s) == 'E'))
    {
      token = D2V_TOKEN_REAL;
      valid = skip_exponent (s);
    }
  s->end = s->position;
  if (!valid || g_ascii_isalnum (peek (s)))
    return fail_at (s, s->begin, "a wrong number");
  if (s->end - s->begin
      > (token == D2V_TOKEN_INTEGER ? MAX_INTEGER_TOKEN : MAX_REAL_TOKEN))
    return fail_at (s, s->begin, "a number of too many characters");
  return token;
}

gboolean
d2v_scanner_integer (const D2vScanner *s, gint64 *out)
{
  gchar digits[MAX_INTEGER_TOKEN + 1] = { 0 };
  gsize length = s->end - s->begin;

  if (length > MAX_INTEGER_TOKEN)
    return FALSE;
  memcpy (digits, s->text + s->begin, length);
  errno = 0;
  *out = g_ascii_strtoll (digits, NULL, 10);
  return errno == 0;
}

/* ------------------------------------------------------------ grammar -- */

static D2vToken
scan_word (D2vScanner *s, const gchar *word, D2vToken token)
{
  gsize n = strlen (word);

  s->begin = s->position;
  if (s->length - s->position < n
      || memcmp (s->text + s->position, word, n) != 0)
    return fail_at (s, s->begin, "expected a value");
  s->end = s->position += n;
  if (g_ascii_isalnum (peek (s)))
    return fail_at (s, s->begin, "expected a value");
  return token;
}

static D2vToken
open_container (D2vScanner *s, gboolean object)
{
  if (s->depth == s->max_depth)
    return fail_at (s, s->position, "nested too deeply");
  guint32 bit = (guint32) 1 << s->depth;
  s->in_object = object ? s->in_object | bit : s->in_object & ~bit;
  s->depth++;
  s->position++;
  s->expect = object ? KEY_OR_END : VALUE_OR_END;
  return object ? D2V_TOKEN_OBJECT_BEGIN : D2V_TOKEN_ARRAY_BEGIN;
}

static D2vToken
close_container (D2vScanner *s)
{
  gboolean object = in_object (s);

  s->position++;
  s->depth--;
  expect_after_value (s);
  return object ? D2V_TOKEN_OBJECT_END : D2V_TOKEN_ARRAY_END;
}

static D2vToken
scan_key (D2vScanner *s)
{
  if (peek (s) != '"')
    return fail_at (s, s->position, "expected a key");
  D2vToken token = scan_string (s, D2V_TOKEN_KEY);
  if (token == D2V_TOKEN_FAILED)
    return token;
  skip_space (s);
  if (peek (s) != ':')
    return fail_at (s, s->position, "expected a colon");
  s->position++;
  s->expect = VALUE;
  return token;
}

static D2vToken
scan_value (D2vScanner *s)
{
  gint c = peek (s);

  if (c == '{' || c == '[')
    return open_container (s, c == '{');

  D2vToken token;
  if (c == '"')
    token = scan_string (s, D2V_TOKEN_STRING);
  else if (c == '-' || g_ascii_isdigit (c))
    token = scan_number (s);
  else if (c == 't')
    token = scan_word (s, "true", D2V_TOKEN_TRUE);
  else if (c == 'f')
    token = scan_word (s, "false", D2V_TOKEN_FALSE);
  else
    token = scan_word (s, "null", D2V_TOKEN_NULL);
  if (token != D2V_TOKEN_FAILED)
    expect_after_value (s);
  return token;
}

D2vToken
d2v_scanner_next (D2vScanner *s)
{
  skip_space (s);
  gint c = peek (s);

  if (s->expect == NOTHING)
    return c < 0 ? D2V_TOKEN_END
                 : fail_at (s, s->position, "something after the value");
  if (s->expect == COMMA_OR_END && c == ',')
    {
      s->position++;
      s->expect = in_object (s) ? KEY : VALUE;
      skip_space (s);
      return in_object (s) ? scan_key (s) : scan_value (s);
    }
  if (s->expect == COMMA_OR_END || s->expect == KEY_OR_END
      || s->expect == VALUE_OR_END)
    if (c == (in_object (s) ? '}' : ']'))
      return close_container (s);
  if (s->expect == COMMA_OR_END)
    return fail_at (s, s->position, "expected a comma or the end");
  return in_object (s) && s->expect != VALUE ? scan_key (s) : scan_value (s);
}

gboolean
d2v_scanner_check (D2vScanner *scanner)
{
  D2vScanner ahead = *scanner;
  D2vToken token;

  do
    token = d2v_scanner_next (&ahead);
  while (token > D2V_TOKEN_END);
  scanner->error_offset = ahead.error_offset;
  scanner->reason = ahead.reason;
  return token == D2V_TOKEN_END;
}
