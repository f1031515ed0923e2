/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Delays: what is declared, what is kept, and what happens when it is not. */

#include "tests/gst/bench.h"

#include <stdio.h>
#include <string.h>

/* What a busy machine may add to a moment in time. */
#define SLACK MS (300)

/* Warming up takes eight windows or so, and they should be quick. */
#define SLOW_LATER "slow_after 10"

typedef struct
{
  gboolean live;
  GstClockTime min;
  GstClockTime max;
} Latency;

static Latency
query (Bench *bench)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (bench->element, "src");
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  Latency latency;

  g_assert_true (gst_pad_query (src, query));
  gst_query_parse_latency (query, &latency.live, &latency.min, &latency.max);
  return latency;
}

/* upstream + chunk + right context + budget; nothing is held up, so there is
 * no greatest latency. */
static void
test_query_live (void)
{
  g_autoptr (Bench) bench = bench_new (
      "chunk-duration=400 right-context=600 latency=100", TRUE, NULL);
  Latency latency;

  gst_harness_set_upstream_latency (bench->harness, MS (20));
  latency = query (bench);
  g_assert_true (latency.live);
  g_assert_cmpuint (latency.min, ==, MS (20 + 400 + 600 + 100));
  g_assert_cmpuint (latency.max, ==, GST_CLOCK_TIME_NONE);

  g_object_set (bench->element, "lateness", 300, NULL);
  g_assert_cmpuint (query (bench).min, ==, MS (20 + 400 + 600 - 300 + 100));
  g_object_set (bench->element, "lateness", 0, "output", 1, "endpoint-silence",
                400, "endpoint-max-duration", 5000, NULL);
  g_assert_cmpuint (query (bench).min, ==,
                    MS (20 + 400 + 600 + 5000 + 400 + 100));
}

static void
test_query_recorded (void)
{
  g_autoptr (Bench) bench = bench_new ("latency=100", FALSE, NULL);
  Latency latency = query (bench);

  g_assert_false (latency.live);
  g_assert_cmpuint (latency.min, ==, 0);
}

/* What is not known yet is assumed, what was measured is kept; and the default
 * is never more than 1.5 s. */
static void
test_measured (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, "window_ms 50");
  Latency latency;

  gst_harness_set_upstream_latency (bench->harness, 0);
  latency = query (bench);
  g_assert_cmpuint (latency.min, >, MS (400 + 500 + 400));
  g_assert_cmpuint (latency.min, <=, MS (1500));
}

static void
test_upstream_changes (void)
{
  g_autoptr (Bench) bench = bench_new ("latency=100", TRUE, NULL);
  GstClockTime before;

  gst_harness_set_upstream_latency (bench->harness, MS (10));
  before = query (bench).min;
  gst_harness_set_upstream_latency (bench->harness, MS (210));
  g_assert_cmpuint (query (bench).min, ==, before + MS (200));
}

static void
test_message_on_change (void)
{
  static const gchar *const names[]
      = { "latency", "lateness", "chunk-duration", "right-context" };
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);

  bench_push (bench, "0:40");
  while (bench_message (bench, GST_MESSAGE_LATENCY, 0))
    ;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GstMessage) message = NULL;

      g_object_set (bench->element, names[i], 200, NULL);
      message = bench_message (bench, GST_MESSAGE_LATENCY, 1);
      g_assert_nonnull (message);
    }
}

/* --------------------------------------------------- real time, a while -- */

static GstClockTime
last_position (Bench *bench)
{
  g_autofree gchar *lines = bench_lines (bench, "+");
  g_auto (GStrv) all = g_strsplit (lines, "; ", -1);
  GstClockTime position = 0;

  for (guint i = 0; all[i]; i++)
    {
      const gchar *numbers = strrchr (all[i], ' ');
      guint64 from, duration;

      if (numbers
          && sscanf (numbers, " %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
                     &from, &duration)
                 == 2)
        position = MAX (position, from + duration);
    }
  return MS (position);
}

/* How long ago the sound came that the stream has not come to yet. @arrivals:
 * of each buffer of 20 ms since @begin. */
static GstClockTime
lag_now (Bench *bench, GArray *arrivals, GstClockTime begin)
{
  GstClockTime position = last_position (bench);
  guint i = position > begin ? (guint) ((position - begin) / MS (20)) : 0;

  if (i >= arrivals->len)
    return 0;
  return (g_get_monotonic_time () - g_array_index (arrivals, gint64, i))
         * GST_USECOND;
}

/* Pushes as fast as sound is; returns how far the position lagged at most. */
static GstClockTime
push_in_time (Bench *bench, const gchar *sound)
{
  g_autoptr (GArray) samples = make_sound (sound);
  g_autoptr (GArray) arrivals = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 began = g_get_monotonic_time ();
  GstClockTime begin = bench->next, most = 0;

  for (guint i = 0; i < samples->len; i += 320)
    {
      GstBuffer *buffer
          = make_buffer (bench, (const gfloat *) samples->data + i, 320);
      gint64 due = began + (gint64) ((bench->next - begin) / 1000) + 20000;
      gint64 now;

      GST_BUFFER_PTS (buffer) = bench->next;
      bench->next += MS (20);
      while ((now = g_get_monotonic_time ()) < due)
        g_usleep (1000);
      g_array_append_val (arrivals, now);
      g_assert_cmpint (gst_harness_push (bench->harness, buffer), ==,
                       GST_FLOW_OK);
      most = MAX (most, lag_now (bench, arrivals, begin));
    }
  return most;
}

/* Silence, and windows in time: gaps keep the position near. */
static void
test_position_in_silence (void)
{
  g_autoptr (Bench) bench = bench_new ("latency=100", TRUE, "window_ms 20");
  GstClockTime lag;

  bench_push (bench, "0:40");
  lag = push_in_time (bench, "0:3000");
  g_assert_cmpuint (lag, <=, MS (400 + 500 + 100) + SLACK);
  g_assert_cmpuint (bench_count (bench, "src: gap"), >=, 4);
  g_assert_cmpuint (bench_stat (bench, "results-late"), ==, 0);
}

/* Windows that hang: gaps all the same. */
static void
test_position_when_hanging (void)
{
  g_autoptr (Bench) bench
      = bench_new ("latency=100", TRUE, "window_ms 60000\n" SLOW_LATER);
  GstClockTime lag;

  bench_push (bench, "0:5000");
  g_usleep (1200000); /* until that burst is due */
  lag = push_in_time (bench, "0:3000");
  /* One look at the clock every 50 ms. */
  g_assert_cmpuint (lag, <=, MS (400 + 500 + 100 + 50) + SLACK);
}

/* ---------------------------------------------------------------- late -- */

/* Computing takes three times what was declared. */
static Bench *
make_late (const gchar *policy)
{
  g_autofree gchar *properties = g_strdup_printf ("latency=100 %s", policy);
  Bench *bench = bench_new (properties, TRUE, "window_ms 300\n" SLOW_LATER);
  g_autofree gchar *unused = NULL;

  bench_push (bench, "0:4000");
  push_in_time (bench, "25:200 0:2000");
  unused = bench_words (bench);
  return bench;
}

static void
test_late_is_passed (void)
{
  g_autoptr (Bench) bench = make_late ("");
  g_autoptr (GstMessage) message = NULL;
  const GstStructure *result;
  guint64 start, timestamp, duration;

  g_assert_cmpuint (bench_count (bench, "src: W25"), ==, 1);
  g_assert_cmpuint (bench_stat (bench, "results-late"), ==, 1);
  message = bench_element_message (bench, "d2v/transcript", 1);
  result = gst_message_get_structure (message);
  gst_structure_get_uint64 (result, "start", &start);
  gst_structure_get_uint64 (result, "timestamp", &timestamp);
  g_assert_cmpuint (start, ==, MS (4000)); /* when it was said */
  /* Where the stream was already. */
  g_assert_cmpuint (timestamp, >, MS (4000));
  /* It ends where it ended, or what follows would come late by its length. */
  gst_structure_get_uint64 (result, "duration", &duration);
  g_assert_cmpuint (timestamp + duration, <=,
                    MAX (MS (4200), timestamp + MS (20)));
}

static void
test_late_is_dropped (void)
{
  g_autoptr (Bench) bench = make_late ("on-late=drop");

  g_assert_cmpuint (bench_count (bench, "src: W25"), ==, 0);
  g_assert_cmpuint (bench_stat (bench, "results-late"), ==, 1);
}

/* The measured need becomes the declared one. */
static void
test_need_is_declared (void)
{
  g_autoptr (Bench) bench
      = bench_new ("latency=50", TRUE, "window_ms 300\n" SLOW_LATER);
  g_autoptr (GstMessage) message = NULL;

  gst_harness_set_upstream_latency (bench->harness, 0);
  bench_push (bench, "0:40");
  g_assert_cmpuint (query (bench).min, ==, MS (400 + 500 + 50));
  gst_bus_set_flushing (bench->bus, TRUE);
  gst_bus_set_flushing (bench->bus, FALSE);
  bench_push (bench, "0:4000");
  push_in_time (bench, "0:3000");
  message = bench_message (bench, GST_MESSAGE_LATENCY, 2);
  g_assert_nonnull (message);
  g_assert_cmpuint (query (bench).min, >=, MS (400 + 500 + 300));
}

static void
test_watchdog (void)
{
  g_autoptr (Bench) bench
      = bench_new ("latency=50", TRUE, "window_ms 60000\n" SLOW_LATER);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  const GstStructure *details;

  bench_push (bench, "0:7000");
  message = bench_message (bench, GST_MESSAGE_WARNING, 5);
  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY);
  gst_message_parse_warning_details (message, &details);
  g_assert_cmpstr (gst_structure_get_string (details, "stage"), ==,
                   "inference");
  g_assert_null (bench_message (bench, GST_MESSAGE_WARNING, 1)); /* once */
}

/* A word without an end keeps the engine from deciding, not from working. */
static void
test_watchdog_long_word (void)
{
  g_autoptr (Bench) bench = bench_new ("latency=50", TRUE, "window_ms 20");

  bench_push (bench, "0:40");
  push_in_time (bench, "25:4000");
  g_assert_null (bench_message (bench, GST_MESSAGE_WARNING, 0));
}

/* Nor does a pause in which no sound comes. */
static void
test_watchdog_pause (void)
{
  g_autoptr (Bench) bench = bench_new ("latency=50", TRUE, "window_ms 20");

  bench_push (bench, "25:1000");
  g_assert_null (bench_message (bench, GST_MESSAGE_WARNING, 3));
  bench_push (bench, "25:1000");
  g_assert_null (bench_message (bench, GST_MESSAGE_WARNING, 1));
}

static void
test_lateness (void)
{
  g_autoptr (Bench) bench = bench_new ("lateness=300", FALSE, NULL);
  g_autofree gchar *words = NULL;
  g_autoptr (GstMessage) message = NULL;
  guint64 start;

  bench_push (bench, "0:100 25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 400+200");
  message = bench_element_message (bench, "d2v/transcript", 1);
  gst_structure_get_uint64 (gst_message_get_structure (message), "start",
                            &start);
  g_assert_cmpuint (start, ==, MS (100));
}

/* Windows that are complete after 1.5 s of sound. */
static guint64
count_windows (const gchar *properties)
{
  g_autoptr (Bench) bench = bench_new (properties, FALSE, NULL);
  guint64 before;

  bench_push (bench, "25:10");
  before = bench_stat (bench, "windows-in");
  bench_push (bench, "25:1490");
  return bench_stat (bench, "windows-in") - before;
}

/* A second without a stride is one window; by default they overlap. */
static void
test_no_stride (void)
{
  g_assert_cmpuint (count_windows ("window-duration=1000 stride-duration=0"),
                    ==, 1);
  g_assert_cmpuint (count_windows ("window-duration=1000 stride-duration=-1"),
                    ==, 2);
  g_assert_cmpuint (count_windows ("window-duration=1000"), ==, 2);
}

/* A chunk that nothing is heard around is through as soon as it is there. */
static void
test_no_context (void)
{
  g_autoptr (Bench) bench
      = bench_new ("latency=100 left-context=0 right-context=0", TRUE, NULL);

  gst_harness_set_upstream_latency (bench->harness, 0);
  g_assert_cmpuint (query (bench).min, ==, MS (400 + 100));
  bench_push (bench, "25:200 0:220");
  g_assert_true (bench_wait (bench, "src: W25 0+200", 5));
}

/* The property is stronger than what upstream says. */
static void
test_forced_regimes (void)
{
  g_autoptr (Bench) live = bench_new ("regime=live", FALSE, NULL);
  g_autoptr (Bench) recorded = bench_new ("regime=recorded", TRUE, NULL);

  bench_push (live, "25:200 0:3000");
  g_assert_true (bench_wait (live, "src: W25 0+200", 5));
  bench_push (recorded, "25:200 0:3000");
  g_assert_false (bench_wait (recorded, "src: W25 0+200", 1));
}

static void
test_settings_change_while_playing (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:200 0:1000");
  g_assert_true (bench_wait (bench, "src: W25 0+200", 5));
  g_object_set (bench->element, "text-case", 1, "word-confidence-threshold",
                0.9, NULL);
  bench_push (bench, "28:200 0:300 22:200 0:300");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 5));
  words = bench_lines (bench, "25 ");
  g_assert_cmpstr (words, ==, "src: W25 0+200");
  g_assert_cmpuint (bench_count (bench, "src: w28 1200+200"), ==, 1);
  g_assert_cmpuint (bench_count (bench, "22 "), ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/transcriber/" name, func)
  ADD ("latency/live", test_query_live);
  ADD ("latency/recorded", test_query_recorded);
  ADD ("latency/measured", test_measured);
  ADD ("fault_C10/upstream-changes", test_upstream_changes);
  ADD ("latency/message-on-change", test_message_on_change);
  ADD ("position/in-silence", test_position_in_silence);
  ADD ("position/when-hanging", test_position_when_hanging);
  ADD ("fault_C10/late-is-passed", test_late_is_passed);
  ADD ("fault_C10/late-is-dropped", test_late_is_dropped);
  ADD ("fault_C10/need-is-declared", test_need_is_declared);
  ADD ("watchdog", test_watchdog);
  ADD ("watchdog/long-word", test_watchdog_long_word);
  ADD ("watchdog/pause", test_watchdog_pause);
  ADD ("lateness", test_lateness);
  ADD ("durations/no-stride", test_no_stride);
  ADD ("durations/no-context", test_no_context);
  ADD ("forced-regimes", test_forced_regimes);
  ADD ("settings-change-while-playing", test_settings_change_while_playing);
  return g_test_run ();
}
