/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/ctc_stream.h"

#include "engine/decode/ctc.h"

static const gchar *const letters[] = { "<pad>", "|", "A", "B", "", "<unk>" };
enum
{
  PAD,
  BAR,
  A,
  B,
  HOLE,
  UNK
};

static const D2vVocab vocab = {
  .tokens = (gchar **) letters,
  .n_tokens = G_N_ELEMENTS (letters),
  .pad = PAD,
  .unk = UNK,
  .word_delimiter = BAR,
  .replace_word_delimiter_char = (gchar *) " ",
};

static void
push (D2vCtcStream *stream, guint64 first, const gint64 *ids, gsize n)
{
  g_autofree gfloat *p = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    p[i] = ids[i] == B ? 0.25f : 0.75f;
  d2v_ctc_stream_push (stream, first, ids, p, n);
}

#define PUSH(stream, first, ...)                                               \
  push (stream, first, (const gint64[]){ __VA_ARGS__ },                        \
        sizeof ((gint64[]){ __VA_ARGS__ }) / sizeof (gint64))

static void
assert_word (D2vCtcStream *stream, const gchar *text, guint64 start,
             guint64 end)
{
  D2vCtcEvent e;

  g_assert_true (d2v_ctc_stream_next (stream, &e));
  g_assert_cmpint (e.type, ==, D2V_CTC_WORD);
  g_assert_cmpstr (e.text, ==, text);
  g_assert_cmpuint (e.start, ==, start);
  g_assert_cmpuint (e.end, ==, end);
}

static void
assert_endpoint (D2vCtcStream *stream, guint64 start, guint64 end)
{
  D2vCtcEvent e;

  g_assert_true (d2v_ctc_stream_next (stream, &e));
  g_assert_cmpint (e.type, ==, D2V_CTC_ENDPOINT);
  g_assert_null (e.text);
  g_assert_cmpuint (e.start, ==, start);
  g_assert_cmpuint (e.end, ==, end);
}

static void
assert_nothing (D2vCtcStream *stream)
{
  D2vCtcEvent e;

  g_assert_false (d2v_ctc_stream_next (stream, &e));
}

/* A word is out with the delimiter after it, not before. */
static void
test_as_soon_as (void)
{
  g_autoptr (D2vCtcStream) s = d2v_ctc_stream_new (&vocab, 0);
  D2vCtcEvent e;

  PUSH (s, 100, PAD, A, A, PAD, B);
  assert_nothing (s);
  g_assert_true (d2v_ctc_stream_peek (s, &e));
  g_assert_cmpstr (e.text, ==, "AB");
  g_assert_cmpuint (e.start, ==, 101);
  g_assert_cmpuint (e.end, ==, 105);
  g_assert_cmpfloat_with_epsilon (e.confidence, (0.75 + 0.75 + 0.25) / 3, 1e-6);
  g_assert_cmpuint (d2v_ctc_stream_decided (s), ==, 101);

  PUSH (s, 105, B, PAD, BAR);
  assert_word (s, "AB", 101, 106);
  assert_nothing (s);
  g_assert_false (d2v_ctc_stream_peek (s, &e));
  g_assert_cmpuint (d2v_ctc_stream_decided (s), ==, 108);
}

static void
test_flush (void)
{
  g_autoptr (D2vCtcStream) s = d2v_ctc_stream_new (&vocab, 0);

  PUSH (s, 0, A, A);
  d2v_ctc_stream_flush (s);
  assert_word (s, "A", 0, 2);
  d2v_ctc_stream_flush (s);
  assert_nothing (s);
  /* the run does not go on */
  PUSH (s, 2, A);
  d2v_ctc_stream_flush (s);
  assert_word (s, "A", 2, 3);
}

/* Skipped frames end nothing: runs and words go on behind them. */
static void
test_skip (void)
{
  g_autoptr (D2vCtcStream) s = d2v_ctc_stream_new (&vocab, 0);

  d2v_ctc_stream_skip (s, 5); /* nothing began yet */
  PUSH (s, 0, A, A);
  d2v_ctc_stream_skip (s, 2);
  PUSH (s, 4, A, B);
  d2v_ctc_stream_skip (s, 1);
  PUSH (s, 7, BAR);
  assert_word (s, "AB", 0, 6);
  assert_nothing (s);
  g_assert_cmpuint (d2v_ctc_stream_decided (s), ==, 8);
}

/* Lost frames end the word: what was said there is not known. */
static void
test_gap (void)
{
  g_autoptr (D2vCtcStream) s = d2v_ctc_stream_new (&vocab, 3);

  PUSH (s, 0, A, PAD, PAD);
  PUSH (s, 10, PAD, PAD, A);
  assert_word (s, "A", 0, 1);
  assert_nothing (s); /* a gap is no silence: 2 + 2 is no pause of 3 */
  g_assert_cmpuint (d2v_ctc_stream_decided (s), ==, 12);
}

static void
test_pause (void)
{
  g_autoptr (D2vCtcStream) s = d2v_ctc_stream_new (&vocab, 3);

  PUSH (s, 0, PAD, PAD, PAD, PAD); /* nothing said yet: no endpoint */
  assert_nothing (s);
  PUSH (s, 4, A, PAD, PAD, A, PAD, PAD);
  assert_nothing (s);
  PUSH (s, 10, PAD);
  assert_word (s, "AA", 4, 8);
  assert_endpoint (s, 8, 11);
  PUSH (s, 11, PAD, PAD, PAD, PAD, PAD); /* once a pause */
  assert_nothing (s);
  /* delimiters are silence, and the word may be finished before */
  PUSH (s, 16, B, BAR, PAD, BAR, BAR, A);
  assert_word (s, "B", 16, 17);
  assert_endpoint (s, 17, 20);
  assert_nothing (s);
}

static void
test_reset (void)
{
  g_autoptr (D2vCtcStream) s = d2v_ctc_stream_new (&vocab, 2);

  PUSH (s, 50, A, BAR, A);
  d2v_ctc_stream_reset (s);
  assert_nothing (s);
  PUSH (s, 0, PAD, PAD, B, BAR);
  assert_word (s, "B", 2, 3);
  assert_nothing (s);
}

/* Events that nobody took survive the next push. */
static void
test_late_taking (void)
{
  g_autoptr (D2vCtcStream) s = d2v_ctc_stream_new (&vocab, 0);

  PUSH (s, 0, A, BAR, B, BAR);
  assert_word (s, "A", 0, 1);
  PUSH (s, 4, A, B, BAR);
  assert_word (s, "B", 2, 3);
  assert_word (s, "AB", 4, 6);
  assert_nothing (s);
}

/* ---- property: any cutting gives the words of the whole ---- */

static gint64
random_id (GRand *rand)
{
  static const gint64 ids[] = { PAD, PAD, BAR, A, B, B, HOLE, UNK, 77 };

  return ids[g_rand_int_range (rand, 0, G_N_ELEMENTS (ids))];
}

static gsize
random_step (GRand *rand, gint least, gint most, gsize left)
{
  gsize step = (gsize) g_rand_int_range (rand, least, most + 1);

  return MIN (step, left);
}

static gsize
take_words (D2vCtcStream *stream, const D2vCtcResult *whole, gsize n)
{
  D2vCtcEvent e;

  while (d2v_ctc_stream_next (stream, &e))
    {
      g_assert_cmpuint (n, <, whole->n_words);
      const D2vCtcWord *word = &whole->words[n++];
      g_assert_cmpstr (e.text, ==, word->text);
      g_assert_cmpuint (e.start, ==, word->start);
      g_assert_cmpuint (e.end, ==, word->end);
      g_assert_cmpfloat (e.confidence, ==, word->confidence);
    }
  return n;
}

static void
check_cut (GRand *rand, gsize n_frames, gint longest_piece)
{
  g_autofree gint64 *ids = g_new (gint64, n_frames);
  g_autofree gfloat *p = g_new (gfloat, n_frames);
  g_autoptr (D2vCtcStream) stream = d2v_ctc_stream_new (&vocab, 0);
  gsize n = 0;

  for (gsize i = 0; i < n_frames; i++)
    {
      ids[i] = random_id (rand);
      p[i] = (gfloat) g_rand_double (rand);
    }
  g_autoptr (D2vCtcResult) whole
      = d2v_ctc_decode (&vocab, ids, p, n_frames, NULL);

  for (gsize i = 0, step; i < n_frames; i += step)
    {
      step = random_step (rand, 0, longest_piece, n_frames - i);
      d2v_ctc_stream_push (stream, i, ids + i, p + i, step);
      if (g_rand_boolean (rand))
        n = take_words (stream, whole, n);
    }
  d2v_ctc_stream_flush (stream);
  n = take_words (stream, whole, n);
  g_assert_cmpuint (n, ==, whole->n_words);
}

static void
test_any_cutting (void)
{
  GRand *rand = g_rand_new_with_seed (20240817);

  for (guint i = 0; i < 3000; i++)
    check_cut (rand, g_rand_int_range (rand, 0, 60),
               g_rand_int_range (rand, 1, 9));
  g_rand_free (rand);
}

/* What the pause rule ends is where the silences are, however cut. */
static void
test_pause_any_cutting (void)
{
  GRand *rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 500; round++)
    {
      gint64 ids[80];
      g_autoptr (D2vCtcStream) whole = d2v_ctc_stream_new (&vocab, 4);
      g_autoptr (D2vCtcStream) cut = d2v_ctc_stream_new (&vocab, 4);
      D2vCtcEvent a, b;

      for (guint i = 0; i < 80; i++)
        ids[i] = g_rand_int_range (rand, 0, 3) ? PAD : random_id (rand);
      push (whole, 0, ids, 80);
      for (gsize i = 0, step; i < 80; i += step)
        {
          step = random_step (rand, 1, 6, 80 - i);
          push (cut, i, ids + i, step);
        }
      while (d2v_ctc_stream_next (whole, &a))
        {
          g_assert_true (d2v_ctc_stream_next (cut, &b));
          g_assert_cmpint (a.type, ==, b.type);
          g_assert_cmpstr (a.text, ==, b.text);
          g_assert_cmpuint (a.start, ==, b.start);
          g_assert_cmpuint (a.end, ==, b.end);
          if (a.type == D2V_CTC_ENDPOINT)
            g_assert_cmpuint (a.end - a.start, ==, 4);
        }
      assert_nothing (cut);
    }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/ctc-stream/as-soon-as", test_as_soon_as);
  g_test_add_func ("/decode/ctc-stream/flush", test_flush);
  g_test_add_func ("/decode/ctc-stream/gap", test_gap);
  g_test_add_func ("/decode/ctc-stream/skip", test_skip);
  g_test_add_func ("/decode/ctc-stream/pause", test_pause);
  g_test_add_func ("/decode/ctc-stream/reset", test_reset);
  g_test_add_func ("/decode/ctc-stream/late-taking", test_late_taking);
  g_test_add_func ("/decode/ctc-stream/any-cutting", test_any_cutting);
  g_test_add_func ("/decode/ctc-stream/pause-any-cutting",
                   test_pause_any_cutting);
  return g_test_run ();
}
