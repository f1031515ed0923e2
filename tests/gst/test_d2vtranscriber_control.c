/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row D of the fault matrix: flushes, ends, states, flows and threads. */

#include "tests/gst/bench.h"

#include <string.h>

/* ------------------------------------------------------------- pushing -- */

/* Another thread that pushes sound until it is told to stop or fails. */
typedef struct
{
  Bench *bench;
  GThread *thread;
  gint started, stop; /* atomic */
  gint returned;      /* atomic: the time of the last return, ms */
  GstFlowReturn flow;
} Pusher;

static gint
now_ms (void)
{
  return (gint) (g_get_monotonic_time () / 1000);
}

static gpointer
push_all (gpointer data)
{
  Pusher *pusher = data;

  g_atomic_int_set (&pusher->started, TRUE);
  while (!g_atomic_int_get (&pusher->stop) && pusher->flow == GST_FLOW_OK)
    pusher->flow = bench_push (pusher->bench, "25:300 0:200");
  g_atomic_int_set (&pusher->returned, now_ms ());
  return NULL;
}

static Pusher *
pusher_new (Bench *bench)
{
  Pusher *pusher = g_new0 (Pusher, 1);

  pusher->bench = bench;
  pusher->thread = g_thread_new ("pusher", push_all, pusher);
  while (!g_atomic_int_get (&pusher->started))
    g_usleep (1000);
  return pusher;
}

/* Joins it; returns what its last push returned. */
static GstFlowReturn
pusher_end (Pusher *pusher, gint *returned)
{
  GstFlowReturn flow;

  g_atomic_int_set (&pusher->stop, TRUE);
  g_thread_join (pusher->thread);
  flow = pusher->flow;
  if (returned)
    *returned = pusher->returned;
  g_free (pusher);
  return flow;
}

/* --------------------------------------------------------------- flush -- */

/* A window takes 10 s, so chain waits; a flush must free it at once. */
static void
test_flush_frees_chain (void)
{
  g_autoptr (Bench) bench = bench_new (
      "window-duration=1000 stride-duration=100", FALSE, "window_ms 10000");
  Pusher *pusher = pusher_new (bench);
  gint flushed, returned;
  g_autofree gchar *words = NULL;

  g_usleep (300000);
  g_assert_cmpint (g_atomic_int_get (&pusher->returned), ==, 0);
  flushed = now_ms ();
  gst_harness_push_event (bench->harness, gst_event_new_flush_start ());
  g_assert_cmpint (pusher_end (pusher, &returned), ==, GST_FLOW_FLUSHING);
  g_assert_cmpint (returned - flushed, <=, 100);
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-flushed"), >=, 1);
}

static void
test_flush_while_loading (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, "load_ms 10000");
  Pusher *pusher = pusher_new (bench);
  gint flushed, returned;

  g_usleep (100000);
  flushed = now_ms ();
  gst_harness_push_event (bench->harness, gst_event_new_flush_start ());
  g_assert_cmpint (pusher_end (pusher, &returned), ==, GST_FLOW_FLUSHING);
  g_assert_cmpint (returned - flushed, <=, 100);
}

/* A thousand flushes at random moments: nothing of before is heard after. */
static void
test_flush_at_random (void)
{
  g_autoptr (Bench) bench = bench_new (
      "window-duration=1000 stride-duration=100", FALSE, "window_ms 3");
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autofree gchar *words = NULL;
  GstHarness *h = bench->harness;

  for (guint i = 0; i < 1000; i++)
    {
      bench_push_in (bench, "30:600 0:100 35:1200",
                     g_rand_int_range (rand, 100, 1900));
      if (g_rand_boolean (rand))
        g_usleep (g_rand_int_range (rand, 0, 3000));
      bench_flush (bench);
      while (gst_harness_try_pull_event (h))
        ;
    }
  bench_clear_log (bench);
  bench_push (bench, "0:100 25:300");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 100+300");
}

/* ---------------------------------------------------------------- seek -- */

/* After a flushing seek the first result is right, a thousand times, and the
 * model is not loaded again. */
static void
test_seeks (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  guint64 before = 0;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree gchar *words = NULL;

      bench_push_in (bench, "0:100 25:300", 100);
      words = bench_words (bench);
      g_assert_cmpstr (words, ==, "W25 100+300");
      bench_flush (bench);
      bench_clear_log (bench);
      gst_buffer_unref (gst_harness_pull (bench->harness));
      while (gst_bus_have_pending (bench->bus))
        gst_message_unref (gst_bus_pop (bench->bus));
      for (GstEvent *e; (e = gst_harness_try_pull_event (bench->harness));)
        gst_event_unref (e);
      for (GstEvent *e;
           (e = gst_harness_try_pull_upstream_event (bench->harness));)
        gst_event_unref (e);
      if (i == 200)
        before = process_rss_kib ();
    }
#ifdef __SANITIZE_ADDRESS__
  before += 1 << 20; /* it keeps freed memory for a while */
#endif
  g_assert_cmpuint (process_rss_kib (), <, before + 1024);
  g_assert_null (bench_message (bench, GST_MESSAGE_PROGRESS, 0));
}

static gboolean
upstream_got_seek (Bench *bench)
{
  GstEvent *event;
  gboolean found = FALSE;

  while (!found
         && (event = gst_harness_try_pull_upstream_event (bench->harness)))
    {
      found = GST_EVENT_TYPE (event) == GST_EVENT_SEEK;
      gst_event_unref (event);
    }
  return found;
}

static void
test_seek_goes_upstream (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autoptr (GstPad) src = gst_element_get_static_pad (bench->element, "src");

  gst_pad_send_event (src, gst_event_new_seek (1.0, GST_FORMAT_TIME,
                                               GST_SEEK_FLAG_FLUSH,
                                               GST_SEEK_TYPE_SET, MS (10),
                                               GST_SEEK_TYPE_NONE, 0));
  g_assert_true (upstream_got_seek (bench));
}

/* ----------------------------------------------------------------- end -- */

/* Tails of every length: the words are the same and come before the end. */
static void
test_tails (void)
{
  for (guint tail = 0; tail <= 1000; tail += 20)
    for (guint live = 0; live < 2; live++)
      {
        g_autoptr (Bench) bench = bench_new (
            "window-duration=1000 stride-duration=100", live, NULL);
        g_autofree gchar *words = NULL, *sound = NULL, *expected = NULL;

        sound = g_strdup_printf ("0:500 25:300 0:100 30:%u", tail);
        bench_push_in (bench, sound, 100);
        words = bench_words (bench);
        expected = g_strdup_printf ("W25 500+300, W30 900+%u", tail);
        g_assert_cmpstr (words, ==, tail ? expected : "W25 500+300");
        g_assert_cmpuint (bench_count (bench, "src: eos"), ==, 1);
      }
}

static void
test_end_while_computing (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, "window_ms 500");
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:300");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+300");
}

static void
test_end_without_data (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = bench_words (bench);

  g_assert_cmpstr (words, ==, "");
}

static void
test_end_before_loaded (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, "load_ms 300");
  g_autofree gchar *words = bench_words (bench);

  g_assert_cmpstr (words, ==, "");
}

/* SEGMENT_DONE keeps its place behind the words. */
static void
test_segment_done (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, "window_ms 100");
  g_autofree gchar *lines = NULL;

  bench_push (bench, "25:300");
  gst_harness_push_event (bench->harness,
                          gst_event_new_segment_done (GST_FORMAT_TIME, 300));
  g_assert_true (bench_wait (bench, "segment-done", 5));
  lines = bench_lines (bench, NULL);
  g_assert_nonnull (strstr (lines, "src: W25 0+300; src: final-transcript; "
                                   "src: segment-done"));
}

/* Other events keep their place among the words. */
static void
test_tag_in_place (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *lines = NULL;

  bench_push (bench, "25:200 0:200");
  gst_harness_push_event (bench->harness, gst_event_new_tag (gst_tag_list_new (
                                              GST_TAG_TITLE, "t", NULL)));
  bench_push (bench, "30:200");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 5));
  lines = bench_lines (bench, NULL);
  g_assert_nonnull (strstr (lines, "W25 0+200; src: tag other; "
                                   "src: gap 200+200; src: W30 400+200"));
}

/* -------------------------------------------------------------- states -- */

/* PLAYING to NULL while a window hangs and chain waits. */
static void
test_stop_while_computing (void)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (Bench) bench = bench_new (
          "window-duration=1000 stride-duration=100", FALSE, "window_ms 10000");
      Pusher *pusher = pusher_new (bench);
      gint began;

      g_usleep (20000 * i);
      began = now_ms ();
      gst_element_set_state (bench->element, GST_STATE_NULL);
      g_assert_cmpint (now_ms () - began, <=, 200);
      pusher_end (pusher, NULL);
    }
}

static void
test_stop_while_loading (void)
{
  static const gchar *const conf[] = { "load_ms 10000", "session_ms 10000" };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (Bench) bench = bench_new (NULL, FALSE, conf[i]);
      gint began;

      g_usleep (50000);
      began = now_ms ();
      gst_element_set_state (bench->element, GST_STATE_NULL);
      g_assert_cmpint (now_ms () - began, <=, 200);
    }
}

static void
drain_bus (Bench *bench)
{
  gst_bus_set_flushing (bench->bus, TRUE);
  gst_bus_set_flushing (bench->bus, FALSE);
}

/* A harness that is not played again after NULL, so that states may change
 * without it. */
static void
cycle (Bench *bench, gboolean with_data)
{
  GstSegment segment;
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS_F32);
  GstHarness *h = bench->harness;

  gst_element_set_state (bench->element, GST_STATE_PLAYING);
  if (with_data)
    {
      gst_segment_init (&segment, GST_FORMAT_TIME);
      gst_harness_push_event (h, gst_event_new_stream_start ("cycle"));
      gst_harness_push_event (h, gst_event_new_caps (caps));
      gst_harness_push_event (h, gst_event_new_segment (&segment));
      bench->next = 0;
      bench_push_in (bench, "25:200 0:100", 100);
    }
  gst_element_set_state (bench->element, GST_STATE_NULL);
  drain_bus (bench);
  bench_clear_log (bench);
  for (GstBuffer *b; (b = gst_harness_try_pull (h));)
    gst_buffer_unref (b);
  for (GstEvent *e; (e = gst_harness_try_pull_event (h));)
    gst_event_unref (e);
  for (GstEvent *e; (e = gst_harness_try_pull_upstream_event (h));)
    gst_event_unref (e);
}

static void
test_cycles (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  guint n = g_test_slow () ? 10000 : 1000;
  guint threads = 0, fds = 0;
  guint64 before = 0;

  for (guint i = 0; i < n + 200; i++)
    {
      cycle (bench, i % 2);
      if (i == 199)
        {
          before = process_rss_kib ();
          threads = process_threads ();
          fds = process_fds ();
        }
    }
  g_test_message ("RSS grew by %" G_GINT64_FORMAT " KiB",
                  (gint64) process_rss_kib () - (gint64) before);
  g_assert_cmpuint (process_rss_kib (), <=, before + 1024);
  /* The pool that tasks run on keeps a thread or two for later. */
  g_assert_cmpuint (process_threads (), <=, threads + 3);
  g_assert_cmpuint (process_fds (), ==, fds);
}

/* --------------------------------------------------------------- flows -- */

static GstFlowReturn answer;

static GstFlowReturn
answering_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return answer;
}

static void
test_downstream_says (void)
{
  static const GstFlowReturn answers[]
      = { GST_FLOW_FLUSHING, GST_FLOW_EOS, GST_FLOW_NOT_LINKED, GST_FLOW_ERROR,
          GST_FLOW_NOT_NEGOTIATED };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
      GstFlowReturn flow = GST_FLOW_OK;

      answer = answers[i];
      gst_pad_set_chain_function (bench->harness->sinkpad, answering_chain);
      for (guint n = 0; n < 1000 && flow == GST_FLOW_OK; n++)
        {
          flow = bench_push (bench, "25:200 0:200");
          g_usleep (1000);
        }
      g_assert_cmpint (flow, ==, answers[i]);
    }
}

/* Downstream fails after upstream said goodbye: nobody but the bus can tell,
 * and the end still goes on. */
static void
test_downstream_fails_at_the_end (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, "window_ms 50");
  g_autoptr (GstMessage) message = NULL;

  answer = GST_FLOW_ERROR;
  gst_pad_set_chain_function (bench->harness->sinkpad, answering_chain);
  bench_push (bench, "25:200");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 5));
  message = bench_message (bench, GST_MESSAGE_ERROR, 5);
  g_assert_nonnull (message);
}

static void
test_engine_fails (void)
{
  g_autoptr (Bench) bench = bench_new (
      "window-duration=1000 stride-duration=100", FALSE, "fail_at 2");
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; i < 100 && flow == GST_FLOW_OK; i++)
    flow = bench_push (bench, "25:200 0:200");
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  message = bench_message (bench, GST_MESSAGE_ERROR, 5);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED);
  g_assert_null (bench_message (bench, GST_MESSAGE_ERROR, 0));
}

/* ------------------------------------------------------ slow consumers -- */

static gint blocked = TRUE;

static GstFlowReturn
blocking_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  while (g_atomic_int_get (&blocked))
    g_usleep (1000);
  return GST_FLOW_OK;
}

/* Recorded: upstream waits, and nothing is lost. */
static void
test_slow_consumer_recorded (void)
{
  g_autoptr (Bench) bench
      = bench_new ("window-duration=1000 stride-duration=100", FALSE, NULL);
  Pusher *pusher;
  gint returned;
  guint64 heard;

  g_atomic_int_set (&blocked, TRUE);
  gst_pad_set_chain_function (bench->harness->sinkpad, blocking_chain);
  pusher = pusher_new (bench);
  g_usleep (500000);
  heard = bench->next;
  g_usleep (200000);
  g_assert_cmpuint (bench->next, ==, heard); /* it waits */
  g_assert_cmpuint (heard, <=, 6 * GST_SECOND);
  g_atomic_int_set (&blocked, FALSE);
  g_usleep (100000);
  g_assert_cmpuint (bench->next, >, heard); /* it goes on */
  g_assert_cmpint (pusher_end (pusher, &returned), ==, GST_FLOW_OK);
  gst_harness_push_event (bench->harness, gst_event_new_eos ());
  g_assert_true (bench_wait (bench, "src: eos", 10));
  /* One word every half second, all of them. */
  g_assert_cmpuint (bench_count (bench, "src: W25"), ==,
                    bench->next / MS (500));
}

/* Live: upstream never waits; what nobody took is dropped and counted. */
static void
test_slow_consumer_live (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);
  guint64 before;

  g_atomic_int_set (&blocked, TRUE);
  gst_pad_set_chain_function (bench->harness->sinkpad, blocking_chain);
  for (guint i = 0; i < 20; i++)
    bench_push (bench, "25:300 0:200");
  before = process_rss_kib ();
  for (guint i = 0; i < 2000; i++)
    {
      gint64 began = g_get_monotonic_time ();

      g_assert_cmpint (bench_push (bench, "25:300 0:200"), ==, GST_FLOW_OK);
      g_assert_cmpint (g_get_monotonic_time () - began, <, 500000);
    }
  g_assert_cmpuint (process_rss_kib (), <, before + 4096);
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-late"), >, 1000);
  g_atomic_int_set (&blocked, FALSE);
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 10));
}

/* ---------------------------------------------------- slow computing -- */

/* Live, and windows come faster than they are computed: the chain never waits,
 * what waited too long is dropped, and one message says so. */
static void
test_producer_too_fast (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, "window_ms 200");
  g_autofree gchar *words = NULL;
  g_autoptr (GstMessage) message = NULL;
  gint64 began;

  bench_push (bench, "0:20"); /* waits for the model */
  began = g_get_monotonic_time ();
  for (guint i = 0; i < 12; i++)
    g_assert_cmpint (bench_push (bench, "25:300 0:500"), ==, GST_FLOW_OK);
  g_assert_cmpint (g_get_monotonic_time () - began, <, G_TIME_SPAN_SECOND);
  words = bench_words (bench);
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-late"), >=, 5);
  g_assert_cmpuint (bench_count (bench, "src: W25"), >=, 2);
  message = bench_message (bench, GST_MESSAGE_QOS, 0);
  g_assert_nonnull (message);
  g_assert_null (bench_message (bench, GST_MESSAGE_QOS, 0));
}

/* ---------------------------------------------------------- properties -- */

static gint racing;

static gpointer
set_properties (gpointer data)
{
  Bench *bench = data;
  guint i = 0;

  while (g_atomic_int_get (&racing))
    {
      g_autoptr (GstStructure) stats = NULL;
      g_autofree gchar *model = NULL, *name = NULL;

      g_object_set (bench->element, "word-confidence-threshold",
                    (i % 3) / 10.0f, "lateness", i % 50, "latency", i % 100,
                    "language-code", i % 2 ? "en" : "de", "text-case", i % 4,
                    "output", i % 2, "chunk-duration", 400 + i % 7 * 20, NULL);
      if (i % 50 == 0)
        g_object_set (bench->element, "model", bench->model, NULL);
      g_object_get (bench->element, "stats", &stats, "model", &model,
                    "device-name", &name, NULL);
      i++;
    }
  return NULL;
}

static void
test_properties_from_threads (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);
  GThread *threads[8];

  g_atomic_int_set (&racing, TRUE);
  for (guint i = 0; i < 8; i++)
    threads[i] = g_thread_new ("setter", set_properties, bench);
  for (guint i = 0; i < 30; i++)
    {
      g_assert_cmpint (bench_push (bench, "25:300 0:200"), ==, GST_FLOW_OK);
      g_usleep (5000);
      drain_bus (bench);
    }
  g_atomic_int_set (&racing, FALSE);
  for (guint i = 0; i < 8; i++)
    g_thread_join (threads[i]);
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 10));
}

/* ------------------------------------------------------------- sharing -- */

static void
test_sixteen (void)
{
  Bench *benches[16];
  g_autofree gchar *none = NULL;

  for (guint i = 0; i < 16; i++)
    benches[i] = bench_new (NULL, i % 2, "window_ms 5");
  for (guint i = 0; i < 16; i++)
    bench_push (benches[i], "0:100 25:300");
  gst_element_set_state (benches[3]->element, GST_STATE_NULL);
  for (guint i = 0; i < 16; i++)
    {
      g_autofree gchar *words = NULL;

      if (i == 3)
        continue;
      words = bench_words (benches[i]);
      g_assert_cmpstr (words, ==, "W25 100+300");
    }
  for (guint i = 0; i < 16; i++)
    bench_free (benches[i]);
}

/* ------------------------------------------------------------- linking -- */

static void
test_relink (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autoptr (GstPad) src = gst_element_get_static_pad (bench->element, "src");
  g_autofree gchar *words = NULL;
  GstFlowReturn flow = GST_FLOW_OK;

  bench_push (bench, "25:200 0:1500");
  g_assert_true (bench_wait (bench, "src: W25 0+200", 5));
  g_assert_true (gst_pad_unlink (src, bench->harness->sinkpad));
  for (guint i = 0; i < 1000 && flow == GST_FLOW_OK; i++)
    {
      flow = bench_push (bench, "30:200 0:300");
      g_usleep (1000);
    }
  g_assert_cmpint (flow, ==, GST_FLOW_NOT_LINKED);
  g_assert_cmpint (gst_pad_link (src, bench->harness->sinkpad), ==,
                   GST_PAD_LINK_OK);
  bench_clear_log (bench);
  g_assert_cmpint (bench_push (bench, "35:200 0:1500"), ==, GST_FLOW_OK);
  g_assert_true (bench_wait (bench, "src: W35", 5));
}

static gpointer
request_and_release (gpointer data)
{
  Bench *bench = data;

  while (g_atomic_int_get (&racing))
    {
      GstPad *pad = gst_element_request_pad_simple (bench->element, "json_src");

      g_usleep (500);
      gst_element_release_request_pad (bench->element, pad);
      gst_object_unref (pad);
    }
  return NULL;
}

/* Live sound that comes too far ahead of the computing is dropped, on a busy
 * machine any that is pushed without a look at what came of it. */
static void
wait_for_words (Bench *bench, guint n)
{
  gint64 until = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (bench_count (bench, "src: W25") < n)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (1000);
    }
}

static void
test_pads_come_and_go (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);
  g_autofree gchar *words = NULL;
  GThread *thread;

  g_atomic_int_set (&racing, TRUE);
  thread = g_thread_new ("pads", request_and_release, bench);
  for (guint i = 0; i < 100; i++)
    {
      g_assert_cmpint (bench_push (bench, "25:300 0:200"), ==, GST_FLOW_OK);
      g_usleep (2000);
      wait_for_words (bench, i > 10 ? i - 10 : 0);
    }
  g_atomic_int_set (&racing, FALSE);
  g_thread_join (thread);
  words = bench_words (bench);
  g_assert_cmpuint (bench_count (bench, "src: W25"), ==, 100);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/transcriber/" name, func)
  ADD ("fault_D1/flush-frees-chain", test_flush_frees_chain);
  ADD ("fault_D1/flush-while-loading", test_flush_while_loading);
  ADD ("fault_D1/flush-at-random", test_flush_at_random);
  ADD ("fault_D2/seeks", test_seeks);
  ADD ("fault_D2/seek-goes-upstream", test_seek_goes_upstream);
  ADD ("fault_D3/tails", test_tails);
  ADD ("fault_D3/end-while-computing", test_end_while_computing);
  ADD ("fault_D3/end-without-data", test_end_without_data);
  ADD ("fault_D3/end-before-loaded", test_end_before_loaded);
  ADD ("fault_D3/segment-done", test_segment_done);
  ADD ("fault_D3/tag-in-place", test_tag_in_place);
  ADD ("fault_D4/stop-while-computing", test_stop_while_computing);
  ADD ("fault_E9/stop-while-loading", test_stop_while_loading);
  ADD ("fault_D5/cycles", test_cycles);
  ADD ("fault_D7/downstream-says", test_downstream_says);
  ADD ("fault_D7/downstream-fails-at-the-end",
       test_downstream_fails_at_the_end);
  ADD ("fault_D7/engine-fails", test_engine_fails);
  ADD ("fault_D8/slow-consumer-recorded", test_slow_consumer_recorded);
  ADD ("fault_D8/slow-consumer-live", test_slow_consumer_live);
  ADD ("fault_D9/producer-too-fast", test_producer_too_fast);
  ADD ("fault_D10/properties-from-threads", test_properties_from_threads);
  ADD ("fault_D11/sixteen", test_sixteen);
  ADD ("fault_D12/relink", test_relink);
  ADD ("fault_D12/pads-come-and-go", test_pads_come_and_go);
  return g_test_run ();
}
