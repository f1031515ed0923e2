/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/ctc.h"

#include "engine/decode/lower.h"

#include "tests/engine/golden.h"

#include <math.h>

/* Ids as in the worked example's tokens; the names of a community
 * vocabulary. 6 has no token. */
static const gchar *const letters[] = {
  "[PAD]", "|", "H", "I",        "Y",        "O", "",
  "[UNK]", ".", " ", "\xc4\xb0", "\xce\xa3", "'", "S",
};
enum
{
  PAD,
  BAR,
  H,
  I,
  Y,
  O,
  HOLE,
  UNK,
  DOT,
  BLANK_LETTER,
  DOTTED_I,
  SIGMA,
  QUOTE,
  S
};

static D2vVocab
make_vocab (void)
{
  return (D2vVocab){
    .tokens = (gchar **) letters,
    .n_tokens = G_N_ELEMENTS (letters),
    .pad = PAD,
    .unk = UNK,
    .word_delimiter = BAR,
    .replace_word_delimiter_char = (gchar *) " ",
  };
}

static D2vCtcResult *
decode (const D2vVocab *vocab, const gint64 *ids, gsize n)
{
  g_autoptr (GError) error = NULL;
  D2vCtcResult *result = d2v_ctc_decode (vocab, ids, NULL, n, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  return result;
}

#define DECODE(vocab, ...)                                                     \
  decode (vocab, (const gint64[]){ __VA_ARGS__ },                              \
          sizeof ((gint64[]){ __VA_ARGS__ }) / sizeof (gint64))

static void
assert_char (const D2vCtcResult *r, gsize i, const gchar *text, gsize start,
             gsize end)
{
  g_assert_cmpstr (r->chars[i].text, ==, text);
  g_assert_cmpuint (r->chars[i].start, ==, start);
  g_assert_cmpuint (r->chars[i].end, ==, end);
}

static void
assert_word (const D2vCtcResult *r, gsize i, const gchar *text, gsize start,
             gsize end)
{
  g_assert_cmpstr (r->words[i].text, ==, text);
  g_assert_cmpuint (r->words[i].start, ==, start);
  g_assert_cmpuint (r->words[i].end, ==, end);
}

/* The specification's example. */
static void
test_worked_example (void)
{
  D2vVocab vocab = make_vocab ();
  g_autoptr (D2vCtcResult) r
      = DECODE (&vocab, PAD, H, H, PAD, I, BAR, BAR, PAD, Y, O, PAD, O);

  g_assert_cmpstr (r->text, ==, "HI YOO");
  g_assert_cmpuint (r->n_chars, ==, 6);
  assert_char (r, 0, "H", 1, 3);
  assert_char (r, 1, "I", 4, 5);
  assert_char (r, 2, " ", 5, 7);
  assert_char (r, 3, "Y", 8, 9);
  assert_char (r, 4, "O", 9, 10);
  assert_char (r, 5, "O", 11, 12);
  g_assert_cmpuint (r->n_words, ==, 2);
  assert_word (r, 0, "HI", 1, 5);
  assert_word (r, 1, "YOO", 8, 12);
}

static void
test_empty (void)
{
  D2vVocab vocab = make_vocab ();
  g_autoptr (D2vCtcResult) none = decode (&vocab, NULL, 0);
  g_autoptr (D2vCtcResult) blanks = DECODE (&vocab, PAD, PAD);

  g_assert_cmpstr (none->text, ==, "");
  g_assert_cmpuint (none->n_chars + none->n_words, ==, 0);
  g_assert_cmpstr (blanks->text, ==, "");
  g_assert_cmpuint (blanks->n_chars + blanks->n_words, ==, 0);
}

/* Every id without a token is the same unknown token, so they are one run. */
static void
test_unknown (void)
{
  D2vVocab vocab = make_vocab ();
  g_autoptr (D2vCtcResult) r
      = DECODE (&vocab, HOLE, 999, -5, UNK, PAD, G_MAXINT64);

  g_assert_cmpstr (r->text, ==, "[UNK][UNK]");
  g_assert_cmpuint (r->n_chars, ==, 2);
  assert_char (r, 0, "[UNK]", 0, 4);

  vocab.unk = -1;
  g_autoptr (D2vCtcResult) without = DECODE (&vocab, HOLE, 999, H);
  g_assert_cmpstr (without->text, ==, "<unk>H");
}

/* Delimiters at the ends are stripped, doubled ones inside stay two. */
static void
test_delimiters (void)
{
  D2vVocab vocab = make_vocab ();
  g_autoptr (D2vCtcResult) r = DECODE (&vocab, BAR, H, BAR, PAD, BAR, I, BAR);

  g_assert_cmpstr (r->text, ==, "H  I");
  g_assert_cmpuint (r->n_chars, ==, 6);
  g_assert_cmpuint (r->n_words, ==, 2);
  assert_word (r, 1, "I", 5, 6);

  /* A letter that reads as the delimiter separates words. */
  g_autoptr (D2vCtcResult) same = DECODE (&vocab, H, BLANK_LETTER, I);
  g_assert_cmpstr (same->text, ==, "H I");
  g_assert_cmpuint (same->n_words, ==, 2);

  /* Only white space is stripped. */
  vocab.replace_word_delimiter_char = (gchar *) "_";
  g_autoptr (D2vCtcResult) bar = DECODE (&vocab, BAR, H, BAR, BLANK_LETTER);
  g_assert_cmpstr (bar->text, ==, "_H_");
  g_assert_cmpuint (bar->n_words, ==, 2);
  assert_word (bar, 1, " ", 3, 4);

  vocab.word_delimiter = -1;
  g_autoptr (D2vCtcResult) none = DECODE (&vocab, H, BAR, I);
  g_assert_cmpstr (none->text, ==, "H|I");
  g_assert_cmpuint (none->n_words, ==, 1);
}

static void
test_lower_case (void)
{
  D2vVocab vocab = make_vocab ();

  vocab.do_lower_case = TRUE;
  g_autoptr (D2vCtcResult) r
      = DECODE (&vocab, DOTTED_I, SIGMA, BAR, SIGMA, O, SIGMA);
  /* i with a combining dot, final sigma | sigma, o, final sigma */
  g_assert_cmpstr (r->text, ==, "i\xcc\x87\xcf\x82 \xcf\x83o\xcf\x82");
  /* words keep the vocabulary's case */
  assert_word (r, 1, "\xce\xa3O\xce\xa3", 3, 6);
}

static void
test_lower (void)
{
  static const gchar *const cases[][2] = {
    { "", "" },
    { "HELLO I", "hello i" },
    { "\xc3\x80\xc3\x89", "\xc3\xa0\xc3\xa9" }, /* À É */
    { "\xce\xa3", "\xcf\x83" },                 /* alone: not final */
    { "A\xce\xa3.", "a\xcf\x82." },
    { "A\xce\xa3.B", "a\xcf\x83.b" },
    { "A'\xce\xa3 B", "a'\xcf\x82 b" },
    { "1\xce\xa3", "1\xcf\x83" },
    { "\xe1\xba\x9e", "\xc3\x9f" },             /* capital sharp s */
    { "\xe2\x85\xa3", "\xe2\x85\xb3" },         /* Roman four */
    { "\xe2\x93\x8f", "\xe2\x93\xa9" },         /* circled Z */
    { "\xc2\xaa\xce\xa3", "\xc2\xaa\xcf\x82" }, /* an ordinal is cased */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *lower = d2v_lower (cases[i][0]);
      g_assert_cmpstr (lower, ==, cases[i][1]);
    }
}

static void
test_clean_up (void)
{
  D2vVocab vocab = make_vocab ();

  vocab.clean_up_tokenization_spaces = TRUE;
  g_autoptr (D2vCtcResult) r
      = DECODE (&vocab, H, BAR, DOT, BAR, PAD, BAR, DOT, BAR, QUOTE, BAR, S);
  /* "H .  . ' S": " ." twice, leaving a space, then " ' " */
  g_assert_cmpstr (r->text, ==, "H. .'S");

  vocab.do_lower_case = TRUE;
  g_autoptr (D2vCtcResult) s = DECODE (&vocab, H, BAR, QUOTE, S);
  g_assert_cmpstr (s->text, ==, "h's");
}

/* ---- the original's answers ---- */

static void
assert_span (const D2vJsonValue *spans, gsize i, const gchar *text, gsize start,
             gsize end)
{
  const D2vJsonValue *span = d2v_json_element (spans, i);

  g_assert_cmpstr (text, ==,
                   d2v_json_string (d2v_json_element (span, 0), NULL));
  g_assert_cmpint ((gint64) start, ==,
                   d2v_json_integer (d2v_json_element (span, 1)));
  g_assert_cmpint ((gint64) end, ==,
                   d2v_json_integer (d2v_json_element (span, 2)));
}

static void
check_golden (const D2vJsonValue *value)
{
  const D2vJsonValue *chars = d2v_json_member (value, "chars");
  const D2vJsonValue *words = d2v_json_member (value, "words");
  gsize n_tokens = d2v_json_length (d2v_json_member (value, "tokens"));
  gsize n = d2v_json_length (d2v_json_member (value, "ids"));
  g_autofree const gchar **tokens = g_new (const gchar *, n_tokens);
  g_autofree gint64 *ids = g_new (gint64, n);
  D2vVocab vocab = {
    .tokens = (gchar **) tokens,
    .n_tokens = n_tokens,
    .pad = golden_integer (value, "pad"),
    .unk = golden_integer (value, "unk"),
    .word_delimiter = golden_integer (value, "delimiter"),
    .replace_word_delimiter_char
    = (gchar *) golden_string (value, "replacement"),
    .do_lower_case = d2v_json_bool (d2v_json_member (value, "lower")),
    .clean_up_tokenization_spaces
    = d2v_json_bool (d2v_json_member (value, "clean")),
  };

  for (gsize i = 0; i < n_tokens; i++)
    tokens[i] = d2v_json_string (golden_element (value, "tokens", i), NULL);
  for (gsize i = 0; i < n; i++)
    ids[i] = d2v_json_integer (golden_element (value, "ids", i));
  g_autoptr (D2vCtcResult) r = decode (&vocab, ids, n);
  g_assert_cmpstr (r->text, ==, golden_string (value, "text"));
  g_assert_cmpuint (r->n_chars, ==, d2v_json_length (chars));
  for (gsize i = 0; i < r->n_chars; i++)
    assert_span (chars, i, r->chars[i].text, r->chars[i].start,
                 r->chars[i].end);
  g_assert_cmpuint (r->n_words, ==, d2v_json_length (words));
  for (gsize i = 0; i < r->n_words; i++)
    assert_span (words, i, r->words[i].text, r->words[i].start,
                 r->words[i].end);
}

static void
test_golden (void)
{
  golden_each ("decode", "ctc.json", check_golden);
}

/* ---- logits ---- */

static void
test_best (void)
{
  static const gfloat logits[] = {
    0,         2,         2,         1,         /* the first of equal ones */
    -INFINITY, -INFINITY, -3,        -INFINITY, /* certain */
    NAN,       1,         0,         NAN,       NAN,       NAN,
    NAN,       NAN,       -INFINITY, -INFINITY, -INFINITY, -INFINITY,
  };
  gint64 ids[5];
  gfloat p[5];

  d2v_ctc_best (logits, 5, 4, ids, p);
  g_assert_cmpint (ids[0], ==, 1);
  g_assert_cmpint (ids[1], ==, 2);
  g_assert_cmpint (ids[2], ==, 1);
  g_assert_cmpint (ids[3], ==, 0);
  g_assert_cmpint (ids[4], ==, 0);
  g_assert_cmpfloat_with_epsilon (p[0], 1 / (2 + expf (-1) + expf (-2)), 1e-6);
  g_assert_cmpfloat (p[1], ==, 1);
  g_assert_true (isnan (p[2]));
}

/* Wide rows go through the lanes: the greatest at every place, and its twin
 * behind it. */
static void
test_best_wide (void)
{
  enum
  {
    V = 75
  };

  for (gsize at = 0; at < V; at++)
    {
      gfloat x[V];
      gint64 id;

      for (gsize i = 0; i < V; i++)
        x[i] = (gfloat) ((i * 31) % 17) - 20;
      x[at] = 3;
      x[V - 1] = 3;
      d2v_ctc_best (x, 1, V, &id, NULL);
      g_assert_cmpint (id, ==, at);
    }
}

static void
test_logits (void)
{
  D2vVocab vocab = make_vocab ();
  g_autoptr (GError) error = NULL;
  const gfloat logits[] = {
    0, 0, 9, 0, /* H */
    0, 0, 9, 0, /* H */
    9, 0, 0, 0, /* blank */
    0, 0, 0, 1, /* I, less sure */
  };

  g_autoptr (D2vCtcResult) r
      = d2v_ctc_decode_logits (&vocab, logits, 4, 4, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (r->text, ==, "HI");
  assert_word (r, 0, "HI", 0, 4);
  gfloat sure = 1 / (1 + 3 * expf (-9));
  gfloat unsure = 1 / (1 + 3 * expf (-1));
  g_assert_cmpfloat_with_epsilon (r->words[0].confidence,
                                  (2 * sure + unsure) / 3, 1e-6);

  g_autoptr (D2vCtcResult) none
      = d2v_ctc_decode_logits (&vocab, NULL, 0, 4, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (none->text, ==, "");
}

/* 300,000 times a kilobyte. */
static void
test_too_long (void)
{
  enum
  {
    N = 600000
  };
  g_autofree gchar *long_token = g_strnfill (1024, 'x');
  gchar *tokens[] = { (gchar *) "<pad>", long_token };
  D2vVocab vocab = { .tokens = tokens,
                     .n_tokens = 2,
                     .unk = -1,
                     .word_delimiter = -1,
                     .replace_word_delimiter_char = (gchar *) " " };
  g_autofree gint64 *ids = g_new (gint64, N);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N; i++)
    ids[i] = i % 2;
  g_assert_null (d2v_ctc_decode (&vocab, ids, NULL, N, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/ctc/worked-example", test_worked_example);
  g_test_add_func ("/decode/ctc/empty", test_empty);
  g_test_add_func ("/decode/ctc/unknown", test_unknown);
  g_test_add_func ("/decode/ctc/delimiters", test_delimiters);
  g_test_add_func ("/decode/ctc/lower-case", test_lower_case);
  g_test_add_func ("/decode/ctc/lower", test_lower);
  g_test_add_func ("/decode/ctc/clean-up", test_clean_up);
  g_test_add_func ("/decode/ctc/golden", test_golden);
  g_test_add_func ("/decode/ctc/best", test_best);
  g_test_add_func ("/decode/ctc/best-wide", test_best_wide);
  g_test_add_func ("/decode/ctc/logits", test_logits);
  g_test_add_func ("/decode/ctc/too-long", test_too_long);
  return g_test_run ();
}
