/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"
#include "engine/process/unicode.h"

/* The pattern, leftmost alternative first:
 *
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */

/* Bytes of the contraction at @text, 0 when there is none. */
static gsize
contraction (const gchar *text, gsize n)
{
  if (n < 2 || text[0] != '\'')
    return 0;
  switch (text[1])
    {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return n > 2 && text[2] == 'e' ? 3 : 0;
    case 'l':
      return n > 2 && text[2] == 'l' ? 3 : 0;
    default:
      return 0;
    }
}

/* Where the run of characters of @kind that begins at or before @at ends;
 * *last becomes where its last character begins. */
static gsize
run_end (const gchar *text, gsize n, gsize at, guint kind, gsize *last)
{
  while (at < n)
    {
      gsize begin = at;

      if ((d2v_utf8_next_class (text, &at) & D2V_CHAR_KIND) != kind)
        return begin;
      *last = begin;
    }
  return n;
}

gsize
d2v_bpe_piece_end (const gchar *text, gsize n, gsize begin)
{
  gsize at = begin, last = begin;
  gsize length = contraction (text + begin, n - begin);

  if (length > 0)
    return begin + length;

  guint kind = d2v_utf8_next_class (text, &at) & D2V_CHAR_KIND;
  if (text[begin] == ' ' && at < n)
    {
      gsize after = at;
      guint next = d2v_utf8_next_class (text, &after) & D2V_CHAR_KIND;

      if (next != D2V_CHAR_SPACE)
        return run_end (text, n, after, next, &last);
    }
  gsize end = run_end (text, n, at, kind, &last);
  /* \s+(?!\S): the last white space before a word is left to the word, and
   * stays alone when the word cannot take it. */
  if (kind == D2V_CHAR_SPACE && end < n && last > begin)
    return last;
  return end;
}
