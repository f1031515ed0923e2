/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unicode.h: the character classes that the tokenizer's split pattern and its
 * added tokens ask for, in Unicode 16.0.
 *
 * GLib's tables are those of the Unicode version it was built with (15.0 in
 * 2.74), which misplaces thousands of code points; hence a table of our own.
 * Any thread. */
#pragma once

#include <glib.h>

/* One of the first four, with or without WORD. Combining marks are OTHER. */
enum
{
  D2V_CHAR_OTHER = 0,
  D2V_CHAR_LETTER = 1, /* \p{L} */
  D2V_CHAR_NUMBER = 2, /* \p{N} */
  D2V_CHAR_SPACE = 3,  /* \s: White_Space */
  D2V_CHAR_KIND = 3,   /* mask of the above */
  D2V_CHAR_WORD = 4    /* \w: Alphabetic, M, Nd, Pc, U+200C, U+200D */
};

/* ASCII by code point; all of Unicode as sorted first << 3 | class. */
extern const guint8 d2v_char_class_ascii[128];
extern const guint32 d2v_char_ranges[];
extern const gsize d2v_char_n_ranges;

/* @c: at most U+10FFFF. */
guint d2v_char_class (gunichar c);

/* Bytes of the sequence that begins at @text, 1 <= n_bytes: a character, or
 * the longest part of one that is ill-formed (Unicode 16, 3.9: no overlong
 * forms, no surrogates). *whole says which; *cut, which may be NULL, whether
 * an ill-formed part could still become a character with bytes after the
 * end. */
gsize d2v_utf8_sequence (const gchar *text, gsize n_bytes, gboolean *whole,
                         gboolean *cut);

/* U+0000 is a character like any other. */
gboolean d2v_utf8_is_valid (const gchar *text, gsize n_bytes);

/* Copies @text to @out with one U+FFFD for each ill-formed part; @out has
 * room for 3 * n_bytes. Returns the bytes written; *n_replaced, which may be
 * NULL, counts the parts. */
gsize d2v_utf8_repair (const gchar *text, gsize n_bytes, gchar *out,
                       gsize *n_replaced);

/* Where each character of valid UTF-8 begins, in bytes, and after the last one
 * @n_bytes: *n_chars + 1 numbers. Free with d2v_free(); NULL when memory is
 * short or the text beyond 4 GiB. */
guint32 *d2v_utf8_index (const gchar *text, gsize n_bytes, gsize *n_chars);

/* The next character of valid UTF-8; *at moves behind it. */
static inline gunichar
d2v_utf8_next (const gchar *text, gsize *at)
{
  const guint8 *p = (const guint8 *) text + *at;

  if (p[0] < 0x80)
    {
      *at += 1;
      return p[0];
    }
  if (p[0] < 0xe0)
    {
      *at += 2;
      return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    }
  if (p[0] < 0xf0)
    {
      *at += 3;
      return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    }
  *at += 4;
  return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6
         | (p[3] & 0x3fu);
}

/* The class of the next character; *at moves behind it. */
static inline guint
d2v_utf8_next_class (const gchar *text, gsize *at)
{
  guint8 first = (guint8) text[*at];

  if (first < 0x80)
    {
      *at += 1;
      return d2v_char_class_ascii[first];
    }
  return d2v_char_class (d2v_utf8_next (text, at));
}

/* Where the character before @at begins; 0 < at. */
static inline gsize
d2v_utf8_before (const gchar *text, gsize at)
{
  do
    at--;
  while (((guint8) text[at] & 0xc0) == 0x80);
  return at;
}
