/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/unicode.h"

#include <string.h>

#define N_POINTS 0x110000

/* Totals over all code points that specification and table must share. */
static void
test_counts (void)
{
  gsize n[8] = { 0 };

  for (gunichar c = 0; c < N_POINTS; c++)
    n[d2v_char_class (c)]++;
  g_assert_cmpuint (n[D2V_CHAR_LETTER] + n[D2V_CHAR_LETTER | D2V_CHAR_WORD], ==,
                    141028);
  g_assert_cmpuint (n[D2V_CHAR_NUMBER] + n[D2V_CHAR_NUMBER | D2V_CHAR_WORD], ==,
                    1911);
  g_assert_cmpuint (n[D2V_CHAR_SPACE], ==, 25);
  g_assert_cmpuint (n[D2V_CHAR_SPACE | D2V_CHAR_WORD], ==, 0);
  /* Every letter is a word character; of the numbers Nd and Nl are. */
  g_assert_cmpuint (n[D2V_CHAR_LETTER], ==, 0);
  g_assert_cmpuint (n[D2V_CHAR_NUMBER], ==, 915);
}

static void
test_some (void)
{
  static const struct
  {
    gunichar c;
    guint class;
  } cases[] = {
    { 'a', D2V_CHAR_LETTER | D2V_CHAR_WORD },
    { '_', D2V_CHAR_WORD },
    { '9', D2V_CHAR_NUMBER | D2V_CHAR_WORD },
    { ' ', D2V_CHAR_SPACE },
    { 0, D2V_CHAR_OTHER },
    { 0x1c, D2V_CHAR_OTHER }, /* white space to Python, not to Unicode */
    { 0x85, D2V_CHAR_SPACE },
    { 0xaa, D2V_CHAR_LETTER | D2V_CHAR_WORD },
    { 0xb2, D2V_CHAR_NUMBER },
    { 0x301, D2V_CHAR_WORD },
    { 0x200b, D2V_CHAR_OTHER },
    { 0x200d, D2V_CHAR_WORD },
    { 0x2167, D2V_CHAR_NUMBER | D2V_CHAR_WORD },
    { 0x3000, D2V_CHAR_SPACE },
    { 0x4e00, D2V_CHAR_LETTER | D2V_CHAR_WORD },
    { 0x1f600, D2V_CHAR_OTHER },
    { 0x10d4a, D2V_CHAR_LETTER | D2V_CHAR_WORD }, /* new in 16.0 */
    { 0x16d40, D2V_CHAR_LETTER | D2V_CHAR_WORD }, /* new in 16.0 */
    { 0x10ffff, D2V_CHAR_OTHER },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (d2v_char_class (cases[i].c) != cases[i].class)
      g_error ("U+%04X: expected class %u, found %u", cases[i].c,
               cases[i].class, d2v_char_class (cases[i].c));
}

static void
test_ascii_agrees (void)
{
  for (gunichar c = 0; c < 128; c++)
    g_assert_cmpuint (d2v_char_class_ascii[c], ==, d2v_char_class (c));
}

/* Against GLib, which has the same idea of a character. */
static void
test_utf8_round_trip (void)
{
  for (gunichar c = 0; c < N_POINTS; c++)
    {
      gchar text[6];
      gsize n = (gsize) g_unichar_to_utf8 (c, text), at = 0, class_at = 0;
      gboolean whole;

      if (c >= 0xd800 && c < 0xe000)
        {
          g_assert_false (d2v_utf8_is_valid (text, n));
          continue;
        }
      g_assert_cmpuint (d2v_utf8_next (text, &at), ==, c);
      g_assert_cmpuint (at, ==, n);
      g_assert_cmpuint (d2v_utf8_sequence (text, n, &whole, NULL), ==, n);
      g_assert_true (whole);
      g_assert_cmpuint (d2v_utf8_next_class (text, &class_at), ==,
                        d2v_char_class (c));
      g_assert_cmpuint (d2v_utf8_before (text, n), ==, 0);
    }
}

/* Any four bytes that begin with each pair of two. */
static void
test_utf8_validity (void)
{
  static const guint8 others[]
      = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };

  for (guint first = 0; first < 0x10000; first++)
    for (guint i = 0; i < G_N_ELEMENTS (others); i++)
      for (guint j = 0; j < G_N_ELEMENTS (others); j++)
        {
          const gchar text[4] = { (gchar) (first >> 8), (gchar) first,
                                  (gchar) others[i], (gchar) others[j] };

          if (!memchr (text, 0, 4))
            g_assert_cmpint (d2v_utf8_is_valid (text, 4), ==,
                             g_utf8_validate_len (text, 4, NULL));
        }
  g_assert_true (d2v_utf8_is_valid ("a\0b", 3));
}

static void
test_utf8_cut (void)
{
  const gchar *smile = "\360\237\230\200";
  gboolean whole, cut;

  for (gsize n = 1; n < 4; n++)
    {
      g_assert_cmpuint (d2v_utf8_sequence (smile, n, &whole, &cut), ==, n);
      g_assert_false (whole);
      g_assert_true (cut);
    }
  g_assert_cmpuint (d2v_utf8_sequence ("\360\237x", 3, &whole, &cut), ==, 2);
  g_assert_false (whole || cut);
  g_assert_cmpuint (d2v_utf8_sequence ("\300", 1, &whole, &cut), ==, 1);
  g_assert_false (whole || cut);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/unicode/counts", test_counts);
  g_test_add_func ("/process/unicode/some", test_some);
  g_test_add_func ("/process/unicode/ascii-agrees", test_ascii_agrees);
  g_test_add_func ("/process/unicode/utf8-round-trip", test_utf8_round_trip);
  g_test_add_func ("/process/unicode/utf8-validity", test_utf8_validity);
  g_test_add_func ("/process/unicode/utf8-cut", test_utf8_cut);
  return g_test_run ();
}
