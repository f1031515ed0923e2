/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the transcriber says when all is well. */

#include "tests/gst/bench.h"

#include <string.h>

#define SOUND "0:200 25:400 0:300 30:200 0:1000 35:300"
#define WORDS "W25 200+400, W30 900+200, W35 2100+300"

static void
test_words (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, SOUND);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, WORDS);
}

static void
test_words_live (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, SOUND);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, WORDS);
}

/* Stream, caps and segment first, final results before the end. */
static void
test_order (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *lines = NULL;

  bench_push (bench, "25:400 0:100");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 5));
  lines = bench_lines (bench, NULL);
  g_assert_cmpstr (lines, ==,
                   "src: stream-start; src: caps utf8; src: segment 0; "
                   "src: W25 0+400; src: gap 400+100; "
                   "src: final-transcript; src: eos");
}

static void
test_stream_start (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  g_autoptr (GstPad) src = gst_element_get_static_pad (bench->element, "src");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (bench->element, "sink");
  g_autoptr (GstEvent) event = NULL;
  g_autofree gchar *sink_id = NULL;
  const gchar *id;
  GstStreamFlags flags;

  bench_push (bench, "25:100");
  words = bench_words (bench);
  event = gst_pad_get_sticky_event (src, GST_EVENT_STREAM_START, 0);
  g_assert_nonnull (event);
  gst_event_parse_stream_start (event, &id);
  gst_event_parse_stream_flags (event, &flags);
  sink_id = gst_pad_get_stream_id (sink);
  g_assert_cmpstr (id, !=, sink_id);
  g_assert_true (g_str_has_prefix (id, sink_id));
  g_assert_true (flags & GST_STREAM_FLAG_SPARSE);
}

static void
test_sentences (void)
{
  g_autoptr (Bench) bench
      = bench_new ("output=sentence text-case=sentence", FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, SOUND);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 w30 200+900, W35 2100+300");
}

static void
test_text_case (void)
{
  g_autoptr (Bench) bench = bench_new ("text-case=lower", FALSE, NULL);

  bench_push (bench, "25:400");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: w25 0+400", 5));
}

/* The end of an utterance, between its words and the next ones. */
static void
test_final_transcript (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *lines = NULL;

  bench_push (bench, "25:200 0:200 30:200 0:1000 35:200");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 5));
  lines = bench_lines (bench, NULL);
  g_assert_nonnull (strstr (lines, "src: W25 0+200; src: W30 400+200; "
                                   "src: final-transcript; "
                                   "src: gap 600+1000; src: W35 1600+200; "
                                   "src: final-transcript; src: eos"));
}

static void
test_confidence (void)
{
  /* The fake is sure of a word by its level's last digit. */
  g_autoptr (Bench) bench
      = bench_new ("word-confidence-threshold=0.5", FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "21:200 0:200 26:200 0:200 33:200 0:200 38:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W26 400+200, W38 1200+200");
}

static void
test_s16 (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench->is_s16 = TRUE;
  gst_harness_set_src_caps_str (bench->harness, CAPS_S16);
  bench_push (bench, SOUND);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, WORDS);
}

static guint64
field (const GstStructure *structure, const gchar *name)
{
  guint64 value;

  g_assert_true (gst_structure_get_uint64 (structure, name, &value));
  return value / GST_MSECOND;
}

static void
check_result (const GstStructure *result)
{
  gdouble confidence;
  const GValue *words;

  g_assert_cmpstr (gst_structure_get_string (result, "type"), ==, "transcript");
  g_assert_cmpstr (gst_structure_get_string (result, "text"), ==, "W24");
  g_assert_cmpuint (field (result, "timestamp"), ==, 200);
  g_assert_cmpuint (field (result, "stream-time"), ==, 200);
  g_assert_cmpuint (field (result, "running-time"), ==, 200);
  g_assert_cmpuint (field (result, "duration"), ==, 400);
  g_assert_cmpuint (field (result, "start"), ==, 200);
  g_assert_cmpuint (field (result, "end"), ==, 600);
  g_assert_true (gst_structure_get_double (result, "confidence", &confidence));
  g_assert_cmpfloat_with_epsilon (confidence, 0.5, 1e-6);
  words = gst_structure_get_value (result, "words");
  g_assert_cmpuint (gst_value_array_get_size (words), ==, 1);
  g_assert_cmpstr (
      gst_structure_get_string (
          gst_value_get_structure (gst_value_array_get_value (words, 0)),
          "text"),
      ==, "W24");
}

static void
test_meta (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  g_autoptr (GstBuffer) buffer = NULL;
  GstCustomMeta *meta;

  bench_push (bench, "0:200 24:400");
  words = bench_words (bench);
  buffer = gst_harness_pull (bench->harness);
  meta = gst_buffer_get_custom_meta (buffer, "GstD2vResultMeta");
  g_assert_nonnull (meta);
  g_assert_null (gst_meta_api_type_get_tags (((GstMeta *) meta)->info->api));
  check_result (gst_custom_meta_get_structure (meta));
}

static void
test_message (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  g_autoptr (GstMessage) message = NULL;

  bench_push (bench, "0:200 24:400");
  words = bench_words (bench);
  message = bench_element_message (bench, "d2v/transcript", 5);
  g_assert_nonnull (message);
  check_result (gst_message_get_structure (message));
}

static void
test_no_messages (void)
{
  g_autoptr (Bench) bench = bench_new ("post-messages=false", FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:400");
  words = bench_words (bench);
  g_assert_null (bench_element_message (bench, "d2v/transcript", 0));
}

static void
test_progress (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, "load_ms 50");
  g_autofree gchar *words = NULL;
  GstProgressType type = GST_PROGRESS_TYPE_ERROR;

  bench_push (bench, "25:100");
  words = bench_words (bench);
  for (guint i = 0; type != GST_PROGRESS_TYPE_COMPLETE; i++)
    {
      g_autoptr (GstMessage) message
          = bench_message (bench, GST_MESSAGE_PROGRESS, 5);
      g_autofree gchar *code = NULL, *text = NULL;

      g_assert_nonnull (message);
      gst_message_parse_progress (message, &type, &code, &text);
      g_assert_cmpstr (code, ==, "loading");
      if (i == 0)
        g_assert_cmpint (type, ==, GST_PROGRESS_TYPE_START);
    }
}

static void
test_new_item (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  g_autoptr (GstEvent) event = NULL;
  const GstStructure *item;

  bench_push (bench, "0:200 24:400");
  words = bench_words (bench);
  do
    {
      gst_clear_event (&event);
      event = gst_harness_pull_upstream_event (bench->harness);
    }
  while (GST_EVENT_TYPE (event) != GST_EVENT_CUSTOM_UPSTREAM);
  item = gst_event_get_structure (event);
  g_assert_true (gst_structure_has_name (item, "rstranscribe/new-item"));
  g_assert_cmpstr (gst_structure_get_string (item, "content"), ==, "W24");
  g_assert_true (gst_structure_has_field (item, "speaker"));
  g_assert_cmpuint (field (item, "running-time"), ==, 200);
  g_assert_cmpuint (field (item, "duration"), ==, 400);
}

static void
test_device_name (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL, *name = NULL;

  bench_push (bench, "25:100");
  words = bench_words (bench);
  g_object_get (bench->element, "device-name", &name, NULL);
  g_assert_cmpstr (name, ==, "cpu: a fake");
}

static void
test_stats (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:100");
  words = bench_words (bench);
  g_assert_cmpuint (bench_stat (bench, "windows-in"), ==, 1);
  g_assert_cmpuint (bench_stat (bench, "windows-out"), ==, 1);
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-late"), ==, 0);
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-nonfinite"), ==, 0);
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-corrupt"), ==, 0);
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-flushed"), ==, 0);
  g_assert_cmpuint (bench_stat (bench, "queue-depth"), ==, 0);
  g_assert_cmpuint (bench_stat (bench, "model-runs"), ==, 1);
  g_assert_cmpfloat (bench_stat_double (bench, "p95-ms"), >=, 0);
  g_assert_cmpfloat (bench_stat_double (bench, "rtf"), >=, 0);
}

static void
test_language (void)
{
  g_autoptr (Bench) bench = bench_new ("language-code=en", FALSE, NULL);
  g_autofree gchar *lines = NULL;
  g_autoptr (GstMessage) message = NULL;

  bench_push (bench, "25:100");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 5));
  g_assert_cmpuint (bench_count (bench, "src: tag en"), ==, 1);
  message = bench_element_message (bench, "d2v/transcript", 5);
  g_assert_cmpstr (gst_structure_get_string (
                       gst_message_get_structure (message), "language"),
                   ==, "en");
}

static void
test_observed_delay (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, "window_ms 100");
  g_autofree gchar *words = NULL;
  guint delay;

  bench_push (bench, "25:100");
  words = bench_words (bench);
  g_object_get (bench->element, "max-observed-delay", &delay, NULL);
  g_assert_cmpuint (delay, >=, 100);
  g_assert_cmpuint (delay, <, 5000);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transcriber/words", test_words);
  g_test_add_func ("/transcriber/words-live", test_words_live);
  g_test_add_func ("/transcriber/order", test_order);
  g_test_add_func ("/transcriber/stream-start", test_stream_start);
  g_test_add_func ("/transcriber/sentences", test_sentences);
  g_test_add_func ("/transcriber/text-case", test_text_case);
  g_test_add_func ("/transcriber/final-transcript", test_final_transcript);
  g_test_add_func ("/transcriber/confidence", test_confidence);
  g_test_add_func ("/transcriber/s16", test_s16);
  g_test_add_func ("/transcriber/meta", test_meta);
  g_test_add_func ("/transcriber/message", test_message);
  g_test_add_func ("/transcriber/no-messages", test_no_messages);
  g_test_add_func ("/transcriber/progress", test_progress);
  g_test_add_func ("/transcriber/new-item", test_new_item);
  g_test_add_func ("/transcriber/device-name", test_device_name);
  g_test_add_func ("/transcriber/stats", test_stats);
  g_test_add_func ("/transcriber/language", test_language);
  g_test_add_func ("/transcriber/observed-delay", test_observed_delay);
  return g_test_run ();
}
