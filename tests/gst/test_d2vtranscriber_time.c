/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row C of the fault matrix: time stamps, gaps and segments. */

#include "tests/gst/bench.h"

#include <string.h>

static void
push_segment (Bench *bench, GstFormat format, gdouble rate, guint64 start,
              guint64 stop)
{
  GstSegment segment;

  gst_segment_init (&segment, format);
  segment.rate = rate;
  segment.start = segment.time = start;
  segment.stop = stop;
  gst_harness_push_event (bench->harness, gst_event_new_segment (&segment));
}

static void
test_no_pts_at_all (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_segment (bench, GST_FORMAT_TIME, 1, MS (5000), GST_CLOCK_TIME_NONE);
  bench_push_one (bench, "0:100 25:200", GST_CLOCK_TIME_NONE, 0);
  bench_push_one (bench, "25:200 0:100", GST_CLOCK_TIME_NONE, 0);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 5100+400");
}

static void
test_pts_only_sometimes (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push_one (bench, "25:200", MS (1000), 0);
  bench_push_one (bench, "25:200", GST_CLOCK_TIME_NONE, 0);
  bench_push_one (bench, "30:200", MS (1400), 0);
  bench_push_one (bench, "30:200", MS (5000), 0);
  bench_push_one (bench, "35:200", GST_CLOCK_TIME_NONE, 0);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==,
                   "W25 1000+400, W30 1400+200, W30 5000+200, W35 5200+200");
}

/* Up to 40 ms either way is jitter; times come from the count of samples. */
static void
test_jitter (void)
{
  static const gint jitter_ms[] = { 0, 20, -20, 39, -39, 10, -5, 0, 25, -25 };
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  for (guint i = 0; i < 50; i++)
    bench_push_one (bench, "25:20",
                    MS (1000 + 20 * i) + MS ((gint64) jitter_ms[i % 10]), 0);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 1000+1000");
  g_assert_cmpuint (bench_stat (bench, "resyncs"), ==, 0);
}

/* Clocks that run apart by 500 ppm: no break in two minutes, and the times
 * follow the source's. */
static void
test_drift (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  for (guint i = 0; i < 6000; i++)
    bench_push_one (bench, i < 5990 ? "25:20" : "30:20",
                    i * (20 * GST_MSECOND + 10 * GST_USECOND), 0);
  words = bench_words (bench);
  g_assert_cmpuint (bench_stat (bench, "resyncs"), ==, 0);
  g_assert_cmpuint (bench_count (bench, "src: W25"), ==, 1);
  g_assert_nonnull (strstr (words, "W30 1198"));
}

static void
test_backwards (void)
{
  static const guint back_ms[] = { 1, 30, 100, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (back_ms); i++)
    {
      g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
      g_autofree gchar *words = NULL;

      bench_push_one (bench, "25:400", MS (2000), 0);
      bench_push_one (bench, "25:400", MS (2400 - back_ms[i]), 0);
      words = bench_words (bench);
      if (back_ms[i] <= 40)
        g_assert_cmpstr (words, ==, "W25 2000+800");
      else
        g_assert_true (g_str_has_prefix (words, "W25 2000+400, W25 "));
      g_assert_cmpuint (bench_stat (bench, "resyncs"), ==, back_ms[i] > 40);
    }
}

static void
test_a_day_back (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  GstClockTime day = 24 * 3600 * GST_SECOND;

  bench_push_one (bench, "25:400", day, 0);
  bench_push_one (bench, "30:400", 0, 0);
  words = bench_words (bench);
  /* The stream does not go back: the second word is moved up. */
  g_assert_cmpuint (bench_count (bench, "src: W"), ==, 2);
  g_assert_cmpuint (bench_stat (bench, "resyncs"), ==, 1);
}

/* With and without the flag, a jump tears words apart: the result is that of
 * two streams. */
static void
test_forward_jump (void)
{
  static const guint jump_ms[] = { 60, 200, 5000 };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (jump_ms); i++)
    {
      g_autoptr (Bench) bench = bench_new (NULL, i & 1, NULL);
      g_autofree gchar *words = NULL, *expected = NULL;
      guint later = 700 + jump_ms[i / 2];

      bench_push_one (bench, "0:300 25:400", 0, 0);
      bench_push_one (bench, "25:400 0:300", MS (later),
                      i & 1 ? GST_BUFFER_FLAG_DISCONT : 0);
      words = bench_words (bench);
      expected = g_strdup_printf ("W25 300+400, W25 %u+400", later);
      g_assert_cmpstr (words, ==, expected);
      g_assert_cmpuint (bench_stat (bench, "resyncs"), ==, 1);
    }
}

/* The flag alone is enough: something is missing, upstream knows. */
static void
test_discont_in_time (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push_one (bench, "25:400", 0, GST_BUFFER_FLAG_DISCONT);
  bench_push_one (bench, "25:400", MS (400), GST_BUFFER_FLAG_DISCONT);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400, W25 400+400");
}

/* Every other buffer is lost on the way, and nobody says so. */
static void
test_lost_buffers (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  for (guint i = 0; i < 20; i++)
    bench_push_one (bench, "25:100", i * MS (200), 0);
  words = bench_words (bench);
  g_assert_cmpuint (bench_count (bench, "src: W25"), ==, 20);
  g_assert_cmpuint (bench_stat (bench, "resyncs"), ==, 19);
}

/* ---------------------------------------------------------------- gaps -- */

static void
push_gap (Bench *bench, GstClockTime pts, GstClockTime duration)
{
  GstEvent *event = gst_event_new_gap (0, duration);
  GstStructure *structure = gst_event_writable_structure (event);

  gst_structure_set (structure, "timestamp", GST_TYPE_CLOCK_TIME, pts, NULL);
  gst_harness_push_event (bench->harness, event);
}

static void
test_short_gap (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:400");
  push_gap (bench, MS (400), MS (200));
  bench->next = MS (600);
  bench_push (bench, "30:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400, W30 600+200");
  /* One run of sound, one window: the silence was heard. */
  g_assert_cmpuint (bench_stat (bench, "windows-in"), ==, 1);
}

static void
test_long_gap (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:400");
  push_gap (bench, MS (400), MS (10000));
  g_assert_true (bench_wait (bench, "src: gap 400+10000", 5));
  g_assert_true (bench_wait (bench, "src: W25 0+400", 0));
  bench->next = MS (10400);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400, W25 10400+200");
}

static void
test_many_short_gaps (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:400");
  for (guint i = 0; i < 100; i++)
    push_gap (bench, MS (400 + 100 * i), MS (100));
  g_assert_true (bench_wait (bench, "src: gap 10300+100", 5));
  /* Sound without a time goes on where the gaps ended. */
  bench_push_one (bench, "30:200", GST_CLOCK_TIME_NONE, 0);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400, W30 10400+200");
}

static void
test_gap_of_unknown_length (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:400");
  push_gap (bench, MS (400), GST_CLOCK_TIME_NONE);
  bench->next = MS (3000);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400, W25 3000+200");
}

static void
test_gap_without_time (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_gap (bench, GST_CLOCK_TIME_NONE, MS (100));
  bench_push (bench, "25:400");
  push_gap (bench, GST_CLOCK_TIME_NONE, MS (100));
  push_gap (bench, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE);
  bench->next = MS (1000);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400, W25 1000+200");
}

/* --------------------------------------------------------- large times -- */

static void
test_huge_times (void)
{
  static const GstClockTime pts[] = { G_MAXUINT64 - 1, G_MAXUINT64 - GST_SECOND,
                                      G_MAXINT64, (guint64) G_MAXINT64 + 1, 0 };
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (pts); i++)
    {
      bench_push_one (bench, "25:400", pts[i], 0);
      push_gap (bench, pts[i], (guint64) 1 << 63);
      push_gap (bench, pts[i], G_MAXUINT64 - 1);
    }
  words = bench_words (bench);
  g_assert_cmpuint (bench_count (bench, "src: W25"), ==, 5);
}

/* ------------------------------------------------------------ segments -- */

static void
expect_format_error (Bench *bench)
{
  g_autoptr (GstMessage) message = bench_message (bench, GST_MESSAGE_ERROR, 1);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_cmpint (bench_push (bench, "25:200"), <=, GST_FLOW_NOT_NEGOTIATED);
}

static void
test_bytes (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);

  bench_push (bench, "25:200");
  push_segment (bench, GST_FORMAT_BYTES, 1, 0, GST_CLOCK_TIME_NONE);
  expect_format_error (bench);
}

static void
test_reverse (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autoptr (GstPad) src = gst_element_get_static_pad (bench->element, "src");

  g_assert_false (gst_pad_send_event (
      src, gst_event_new_seek (-1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                               GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, 10)));
  push_segment (bench, GST_FORMAT_TIME, -1, 0, MS (1000));
  expect_format_error (bench);
}

/* Faster is possible: running time says so, words are the same. */
static void
test_rate_2 (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  g_autoptr (GstMessage) message = NULL;
  guint64 running_time;

  push_segment (bench, GST_FORMAT_TIME, 2, 0, GST_CLOCK_TIME_NONE);
  bench_push (bench, "0:400 25:400");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 400+400");
  message = bench_element_message (bench, "d2v/transcript", 1);
  gst_structure_get_uint64 (gst_message_get_structure (message), "running-time",
                            &running_time);
  g_assert_cmpuint (running_time, ==, MS (200));
}

/* What lies outside is not heard, and nothing leaves the segment. */
static void
test_clipping (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_segment (bench, GST_FORMAT_TIME, 1, MS (1000), MS (2000));
  bench_push_one (bench, "30:500", MS (0), 0);
  bench_push_one (bench, "25:1000", MS (500), 0);
  bench_push_one (bench, "35:1000", MS (1500), 0);
  bench_push_one (bench, "40:1000", MS (2500), 0);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 1000+500, W35 1500+500");
}

/* A new segment in the middle of a word ends it; the same one again does not.
 */
static void
test_new_segment (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *lines = NULL;

  push_segment (bench, GST_FORMAT_TIME, 1, 0, GST_CLOCK_TIME_NONE);
  bench_push (bench, "25:200");
  push_segment (bench, GST_FORMAT_TIME, 1, 0, GST_CLOCK_TIME_NONE);
  bench_push (bench, "25:200");
  push_segment (bench, GST_FORMAT_TIME, 1, MS (9000), GST_CLOCK_TIME_NONE);
  bench->next = MS (9000);
  bench_push (bench, "25:200");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 5));
  lines = bench_lines (bench, NULL);
  g_assert_nonnull (
      strstr (lines, "src: W25 0+400; src: final-transcript; "
                     "src: segment 0; src: segment 9000; src: W25 9000+200"));
}

static void
test_stop_before_start (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_segment (bench, GST_FORMAT_TIME, 1, MS (2000), MS (1000));
  bench->next = MS (500);
  bench_push (bench, "25:3000");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "");
}

static void
test_new_stream (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:200");
  gst_harness_push_event (bench->harness,
                          gst_event_new_stream_start ("another"));
  push_segment (bench, GST_FORMAT_TIME, 1, 0, GST_CLOCK_TIME_NONE);
  bench->next = 0;
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W25 0+200");
  g_assert_cmpuint (bench_count (bench, "src: stream-start"), ==, 2);
}

/* Whatever the buffers, results lie inside of the segment and in order. */
static void
test_random_cuts (void)
{
  for (guint32 seed = 1; seed <= 20; seed++)
    {
      g_autoptr (Bench) bench = bench_new (NULL, seed & 1, NULL);
      g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
      g_autofree gchar *words = NULL;
      GstClockTime last = 0;
      GstBuffer *buffer;

      push_segment (bench, GST_FORMAT_TIME, 1, MS (500), MS (4500));
      bench->next = 0;
      for (guint i = 0; i < 50; i++)
        {
          g_autofree gchar *sound
              = g_strdup_printf ("%u:%u", 5 * g_rand_int_range (rand, 0, 5),
                                 g_rand_int_range (rand, 1, 300));

          bench_push_in (bench, sound, g_rand_int_range (rand, 1, 200));
        }
      words = bench_words (bench);
      while ((buffer = gst_harness_try_pull (bench->harness)))
        {
          GstClockTime pts = GST_BUFFER_PTS (buffer);
          GstClockTime end = pts + GST_BUFFER_DURATION (buffer);

          g_assert_cmpuint (pts, >=, MAX (last, MS (500)));
          g_assert_cmpuint (end, <=, MS (4500));
          last = pts;
          gst_buffer_unref (buffer);
        }
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/transcriber/" name, func)
  ADD ("fault_C1/no-pts-at-all", test_no_pts_at_all);
  ADD ("fault_C1/pts-only-sometimes", test_pts_only_sometimes);
  ADD ("fault_C2/jitter", test_jitter);
  ADD ("fault_C2/drift", test_drift);
  ADD ("fault_C2/backwards", test_backwards);
  ADD ("fault_C2/a-day-back", test_a_day_back);
  ADD ("fault_C3/forward-jump", test_forward_jump);
  ADD ("fault_C3/discont-in-time", test_discont_in_time);
  ADD ("fault_C4/lost-buffers", test_lost_buffers);
  ADD ("fault_C5/short-gap", test_short_gap);
  ADD ("fault_C5/long-gap", test_long_gap);
  ADD ("fault_C5/many-short-gaps", test_many_short_gaps);
  ADD ("fault_C5/gap-of-unknown-length", test_gap_of_unknown_length);
  ADD ("fault_C5/gap-without-time", test_gap_without_time);
  ADD ("fault_C6/huge-times", test_huge_times);
  ADD ("fault_C7/bytes", test_bytes);
  ADD ("fault_C7/reverse", test_reverse);
  ADD ("fault_C7/rate-2", test_rate_2);
  ADD ("fault_C7/clipping", test_clipping);
  ADD ("fault_C7/new-segment", test_new_segment);
  ADD ("fault_C7/stop-before-start", test_stop_before_start);
  ADD ("fault_C8/new-stream", test_new_stream);
  ADD ("random-cuts", test_random_cuts);
  return g_test_run ();
}
