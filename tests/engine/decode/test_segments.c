/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/segments.h"

#include <math.h>

static void
assert_segment (D2vSegmenter *s, gsize label, guint64 start, guint64 end,
                gdouble score)
{
  D2vSegment found;

  g_assert_true (d2v_segmenter_next (s, &found));
  g_assert_cmpuint (found.label, ==, label);
  g_assert_cmpuint (found.start, ==, start);
  g_assert_cmpuint (found.end, ==, end);
  g_assert_cmpfloat_with_epsilon (found.score, score, 1e-6);
}

static void
assert_nothing (D2vSegmenter *s)
{
  D2vSegment found;

  g_assert_false (d2v_segmenter_next (s, &found));
}

static void
test_two_labels (void)
{
  static const gfloat scores[] = {
    0.9f, 0.1f, /* 10: only the first */
    0.7f, 0.6f, /* 11: both */
    0.2f, 0.8f, /* 12: the second */
    0.5f, 0.4f, /* 13: one half is not above it */
    0.6f, 0.9f, /* 14: both again */
  };
  g_autoptr (D2vSegmenter) s = d2v_segmenter_new (2, NULL);
  D2vSegment open;

  d2v_segmenter_push (s, 10, scores, 2);
  assert_nothing (s);
  g_assert_true (d2v_segmenter_peek (s, 1, &open));
  g_assert_cmpuint (open.start, ==, 11);
  g_assert_cmpuint (open.end, ==, 12);
  d2v_segmenter_push (s, 12, scores + 4, 3);
  assert_segment (s, 0, 10, 12, 0.8);
  assert_segment (s, 1, 11, 13, 0.7);
  assert_nothing (s);
  d2v_segmenter_flush (s);
  assert_segment (s, 0, 14, 15, 0.6);
  assert_segment (s, 1, 14, 15, 0.9);
  assert_nothing (s);
  g_assert_false (d2v_segmenter_peek (s, 0, &open));
}

static void
test_gap_and_length (void)
{
  static const gfloat scores[] = { 0.9f, 0.9f, 0.3f, 0.3f, 0.9f, 0.1f,
                                   0.1f, 0.1f, 0.8f, 0.0f, 0.0f, 0.0f };
  D2vSegmenterParams params = { .min_frames = 2, .merge_gap = 2 };
  g_autoptr (D2vSegmenter) s = d2v_segmenter_new (1, &params);
  D2vSegment open;

  d2v_segmenter_push (s, 0, scores, 4);
  g_assert_true (d2v_segmenter_peek (s, 0, &open));
  g_assert_cmpuint (open.end, ==, 2);
  d2v_segmenter_push (s, 4, scores + 4, 8);
  /* the gap of two is inside, and counts in the mean; one of three is not */
  assert_segment (s, 0, 0, 5, (3 * 0.9 + 2 * 0.3) / 5);
  /* a single frame is too short */
  assert_nothing (s);
  g_assert_false (d2v_segmenter_peek (s, 0, &open));
}

static void
test_threshold_and_nan (void)
{
  static const gfloat scores[] = { 0.6f, 0.9f, NAN, 0.9f };
  D2vSegmenterParams params = { .threshold = 0.8f };
  g_autoptr (D2vSegmenter) s = d2v_segmenter_new (1, &params);

  d2v_segmenter_push (s, 0, scores, 4);
  d2v_segmenter_flush (s);
  assert_segment (s, 0, 1, 2, 0.9);
  assert_segment (s, 0, 3, 4, 0.9);
  assert_nothing (s);
}

/* Lost frames end what was heard before them, and start nothing. */
static void
test_lost_frames (void)
{
  static const gfloat scores[] = { 0.9f, 0.9f };
  D2vSegmenterParams params = { .merge_gap = 100 };
  g_autoptr (D2vSegmenter) s = d2v_segmenter_new (1, &params);

  d2v_segmenter_push (s, 0, scores, 2);
  d2v_segmenter_push (s, 5, scores, 1);
  assert_segment (s, 0, 0, 2, 0.9);
  assert_nothing (s);
  d2v_segmenter_reset (s);
  d2v_segmenter_push (s, 0, scores, 1);
  d2v_segmenter_flush (s);
  assert_segment (s, 0, 0, 1, 0.9);
  assert_nothing (s);
}

static void
assert_same (const D2vSegment *a, const D2vSegment *b)
{
  g_assert_cmpuint (a->label, ==, b->label);
  g_assert_cmpuint (a->start, ==, b->start);
  g_assert_cmpuint (a->end, ==, b->end);
  g_assert_cmpfloat (a->score, ==, b->score);
}

/* However the frames are cut, the segments are the same. */
static void
test_any_cutting (void)
{
  enum
  {
    FRAMES = 70,
    LABELS = 3
  };
  GRand *rand = g_rand_new_with_seed (9);

  for (guint round = 0; round < 500; round++)
    {
      D2vSegmenterParams params
          = { .min_frames = round % 4, .merge_gap = round % 3 };
      g_autoptr (D2vSegmenter) whole = d2v_segmenter_new (LABELS, &params);
      g_autoptr (D2vSegmenter) cut = d2v_segmenter_new (LABELS, &params);
      gfloat scores[FRAMES * LABELS];
      D2vSegment a, b;

      for (guint i = 0; i < G_N_ELEMENTS (scores); i++)
        scores[i] = (gfloat) g_rand_double (rand);
      d2v_segmenter_push (whole, 0, scores, FRAMES);
      d2v_segmenter_flush (whole);
      for (gsize i = 0, step; i < FRAMES; i += step)
        {
          step = (gsize) g_rand_int_range (rand, 1, 9);
          step = MIN (step, FRAMES - i);
          d2v_segmenter_push (cut, i, scores + i * LABELS, step);
          while (g_rand_boolean (rand) && d2v_segmenter_next (cut, &b))
            {
              g_assert_true (d2v_segmenter_next (whole, &a));
              assert_same (&a, &b);
            }
        }
      d2v_segmenter_flush (cut);
      while (d2v_segmenter_next (whole, &a))
        {
          g_assert_true (d2v_segmenter_next (cut, &b));
          assert_same (&a, &b);
          g_assert_cmpuint (a.end - a.start, >=, MAX (1, params.min_frames));
        }
      assert_nothing (cut);
    }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/segments/two-labels", test_two_labels);
  g_test_add_func ("/decode/segments/gap-and-length", test_gap_and_length);
  g_test_add_func ("/decode/segments/threshold-and-nan",
                   test_threshold_and_nan);
  g_test_add_func ("/decode/segments/lost-frames", test_lost_frames);
  g_test_add_func ("/decode/segments/any-cutting", test_any_cutting);
  return g_test_run ();
}
