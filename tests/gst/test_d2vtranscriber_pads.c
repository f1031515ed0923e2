/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The other ways out: partial results, JSON, markup; and row A7. */

#include "tests/gst/bench.h"

#include <stdlib.h>
#include <string.h>

/* A pad to link a requested one to; collects what comes. */
typedef struct
{
  GstPad *pad;
  GstPad *peer;
  GMutex lock;
  GPtrArray *buffers;
} Sink;

static GstFlowReturn
collect (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Sink *sink = gst_pad_get_element_private (pad);

  g_mutex_lock (&sink->lock);
  g_ptr_array_add (sink->buffers, buffer);
  g_mutex_unlock (&sink->lock);
  return GST_FLOW_OK;
}

static Sink *
sink_new (GstPad *peer)
{
  Sink *sink = g_new0 (Sink, 1);

  g_mutex_init (&sink->lock);
  sink->buffers
      = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  sink->peer = peer;
  sink->pad = gst_pad_new ("collector", GST_PAD_SINK);
  gst_pad_set_element_private (sink->pad, sink);
  gst_pad_set_chain_function (sink->pad, collect);
  gst_pad_set_active (sink->pad, TRUE);
  g_assert_cmpint (gst_pad_link (peer, sink->pad), ==, GST_PAD_LINK_OK);
  return sink;
}

static void
sink_free (Sink *sink)
{
  gst_pad_set_active (sink->pad, FALSE);
  gst_object_unref (sink->pad);
  gst_object_unref (sink->peer);
  g_ptr_array_unref (sink->buffers);
  g_mutex_clear (&sink->lock);
  g_free (sink);
}

static gchar *
text_of (GstBuffer *buffer)
{
  gchar *text = g_malloc0 (gst_buffer_get_size (buffer) + 1);

  gst_buffer_extract (buffer, 0, text, G_MAXSIZE);
  return text;
}

/* Stream-start, @caps and segment, in that order, before @data. A pad that is
 * linked while the stream runs may tell them twice. */
static void
expect_introduction (const gchar *lines, const gchar *caps, const gchar *data)
{
  const gchar *start = strstr (lines, "stream-start");
  const gchar *first = strstr (lines, data);

  g_assert_nonnull (start);
  g_assert_nonnull (strstr (start, caps));
  g_assert_nonnull (strstr (strstr (start, caps), "segment 0"));
  g_assert_nonnull (first);
  g_assert_true (strstr (strstr (start, caps), "segment 0") < first);
}

/* ------------------------------------------------------------- partial -- */

static void
test_partial_pad (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  Sink *sink = sink_new (bench_request (bench, "partial_src"));
  g_autofree gchar *words = NULL, *lines = NULL;

  bench_push (bench, "0:100 25:2000 0:1000");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 100+2000");
  g_assert_true (bench_wait (bench, "partial_src: eos", 5));
  lines = bench_lines (bench, "partial_src: ");
  expect_introduction (lines, "partial_src: caps utf8", "partial_src: W25");
  g_assert_true (g_str_has_suffix (lines, "partial_src: eos"));
  /* The word grows while it is heard. */
  g_assert_nonnull (strstr (lines, "partial_src: W25 100+300"));
  g_assert_nonnull (strstr (lines, "partial_src: W25 100+700"));
  g_assert_cmpuint (sink->buffers->len, >=, 4);
  /* Nobody asked for them elsewhere. */
  g_assert_cmpuint (bench_count (bench, "src: W25 100+300"), ==, 1);
  sink_free (sink);
}

/* A sentence grows from its beginning, where it stands in the end, too. */
static void
test_partial_sentence (void)
{
  g_autoptr (Bench) bench = bench_new (
      "regime=live output=sentence partial-results=true", FALSE, NULL);
  Sink *partial = sink_new (bench_request (bench, "partial_src"));
  Sink *json = sink_new (bench_request (bench, "json_src"));
  g_autofree gchar *words = NULL;
  gboolean both = FALSE;

  bench_push (bench, "0:100 25:300 0:100 30:2000 0:1000");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 W30 100+2400");
  g_assert_true (bench_wait (bench, "json_src: eos", 5));
  g_assert_true (bench_wait (bench, "partial_src: eos", 5));
  for (guint i = 0; i < partial->buffers->len; i++)
    {
      GstBuffer *buffer = g_ptr_array_index (partial->buffers, i);
      g_autofree gchar *text = text_of (buffer);

      g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, 100 * GST_MSECOND);
      both |= g_str_equal (text, "W25 W30");
    }
  g_assert_true (both);
  g_assert_cmpuint (json->buffers->len, ==, partial->buffers->len + 1);
  for (guint i = 0; i < json->buffers->len; i++)
    g_assert_cmpuint (GST_BUFFER_PTS (g_ptr_array_index (json->buffers, i)), ==,
                      100 * GST_MSECOND);
  sink_free (partial);
  sink_free (json);
}

static void
test_partial_messages (void)
{
  g_autoptr (Bench) bench
      = bench_new ("regime=live partial-results=true", FALSE, NULL);
  g_autofree gchar *words = NULL;
  guint n_partial = 0, n_final = 0, last_revision = 0;
  GstMessage *message;

  bench_push (bench, "0:100 25:2000 0:1000");
  words = bench_words (bench);
  while ((message = bench_element_message (bench, "d2v/transcript", 0)))
    {
      const GstStructure *result = gst_message_get_structure (message);
      gboolean final;
      guint revision;

      g_assert_true (gst_structure_get_boolean (result, "final", &final));
      if (final)
        n_final++;
      else
        {
          g_assert_true (
              gst_structure_get_uint (result, "revision", &revision));
          g_assert_cmpuint (revision, >, last_revision);
          last_revision = revision;
          n_partial++;
        }
      gst_message_unref (message);
    }
  g_assert_cmpuint (n_final, ==, 1);
  g_assert_cmpuint (n_partial, >=, 4);
}

/* ---------------------------------------------------------------- JSON -- */

static void
test_json_pad (void)
{
  g_autoptr (Bench) bench = bench_new ("language-code=en", FALSE, NULL);
  Sink *sink = sink_new (bench_request (bench, "json_src"));
  g_autofree gchar *words = NULL, *line = NULL;

  bench_push (bench, "0:100 24:200");
  words = bench_words (bench);
  g_assert_true (bench_wait (bench, "json_src: eos", 5));
  g_assert_cmpuint (bench_count (bench, "json_src: caps json"), ==, 1);
  g_assert_cmpuint (sink->buffers->len, ==, 1);
  line = text_of (g_ptr_array_index (sink->buffers, 0));
  g_assert_cmpstr (
      line, ==,
      "{\"version\":1,\"type\":\"transcript\",\"timestamp\":100000000,"
      "\"stream-time\":100000000,\"running-time\":100000000,"
      "\"duration\":200000000,\"start\":100000000,\"end\":300000000,"
      "\"text\":\"W24\",\"confidence\":0.5,\"final\":true,"
      "\"language\":\"en\",\"words\":[{\"text\":\"W24\","
      "\"start\":100000000,\"end\":300000000,\"confidence\":0.5}]}\n");
  sink_free (sink);
}

/* A pad that comes while playing is told all it has to know. */
static void
test_late_pad (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autofree gchar *words = NULL, *lines = NULL;
  Sink *sink;

  bench_push (bench, "25:200 0:2000");
  g_assert_true (bench_wait (bench, "src: W25", 5));
  sink = sink_new (bench_request (bench, "json_src"));
  bench_push (bench, "30:200 0:500");
  words = bench_words (bench);
  g_assert_true (bench_wait (bench, "json_src: eos", 5));
  lines = bench_lines (bench, "json_src: ");
  expect_introduction (lines, "json_src: caps json", "json_src: {");
  g_assert_cmpuint (sink->buffers->len, ==, 1);
  sink_free (sink);
}

static void
test_one_of_a_kind (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autoptr (GstPad) pad = bench_request (bench, "json_src");

  g_assert_null (gst_element_request_pad (
      bench->element, gst_element_get_pad_template (bench->element, "json_src"),
      NULL, NULL));
  gst_element_release_request_pad (bench->element, pad);
}

/* Only a requested pad is linked: enough to go on. */
static void
test_only_json_linked (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autoptr (GstPad) src = gst_element_get_static_pad (bench->element, "src");
  Sink *sink = sink_new (bench_request (bench, "json_src"));

  gst_pad_unlink (src, bench->harness->sinkpad);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (bench_push (bench, "25:200 0:300"), ==, GST_FLOW_OK);
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "json_src: eos", 5));
  g_assert_cmpuint (sink->buffers->len, ==, 20);
  sink_free (sink);
}

/* -------------------------------------------------------------- markup -- */

static Bench *
bench_with_markup (void)
{
  Bench *bench = bench_new ("regime=live", FALSE, NULL);
  g_autofree gchar *weights = g_build_filename (bench->model, "weights", NULL);

  g_assert_true (g_file_set_contents (weights, "<A&B>", -1, NULL));
  gst_element_set_state (bench->element, GST_STATE_NULL);
  return bench;
}

static void
play_again (Bench *bench)
{
  bench_clear_log (bench);
  gst_element_set_state (bench->element, GST_STATE_PLAYING);
  gst_harness_push_event (bench->harness, gst_event_new_stream_start ("again"));
  gst_harness_set_src_caps_str (bench->harness, CAPS_F32);
}

static void
test_plain_text (void)
{
  g_autoptr (Bench) bench = bench_with_markup ();

  play_again (bench);
  bench_push (bench, "25:200");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: <A&B>25 0+200", 5));
}

static void
test_markup (void)
{
  g_autoptr (Bench) bench = bench_with_markup ();

  gst_harness_set_sink_caps_str (bench->harness,
                                 "text/x-raw, format=pango-markup");
  play_again (bench);
  bench_push (bench, "25:200");
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: &lt;A&amp;B&gt;25 0+200", 5));
  g_assert_cmpuint (bench_count (bench, "src: caps pango-markup"), ==, 1);
}

/* Downstream changes its mind, and then takes nothing that we have. */
static void
test_renegotiation (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  GstFlowReturn flow = GST_FLOW_OK;

  bench_push (bench, "25:200 0:1500");
  g_assert_true (bench_wait (bench, "src: W25", 5));
  gst_harness_set_sink_caps_str (bench->harness,
                                 "text/x-raw, format=pango-markup");
  gst_harness_push_upstream_event (bench->harness,
                                   gst_event_new_reconfigure ());
  bench_push (bench, "30:200 0:1500");
  g_assert_true (bench_wait (bench, "src: W30", 5));
  g_assert_cmpuint (bench_count (bench, "src: caps pango-markup"), ==, 1);

  gst_harness_set_sink_caps_str (bench->harness, "video/x-raw");
  gst_harness_push_upstream_event (bench->harness,
                                   gst_event_new_reconfigure ());
  for (guint i = 0; i < 1000 && flow == GST_FLOW_OK; i++)
    {
      flow = bench_push (bench, "30:200 0:300");
      g_usleep (1000);
    }
  g_assert_cmpint (flow, ==, GST_FLOW_NOT_NEGOTIATED);
}

/* -------------------------------------------------------- the contract -- */

/* What a transcriber bin of another plugin does with its transcriber. */
static void
test_transcriberbin (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);
  GObjectClass *klass = G_OBJECT_GET_CLASS (bench->element);
  static const gchar *const guints[] = { "latency", "lateness" };
  g_autoptr (GstPad) sink = gst_element_get_static_pad (bench->element, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (bench->element, "src");
  g_autofree gchar *words = NULL;

  g_assert_nonnull (sink);
  g_assert_nonnull (src);
  for (guint i = 0; i < G_N_ELEMENTS (guints); i++)
    {
      GParamSpec *spec = g_object_class_find_property (klass, guints[i]);

      g_assert_nonnull (spec);
      g_assert_true (spec->value_type == G_TYPE_UINT);
      g_assert_true (spec->flags & G_PARAM_WRITABLE);
    }
  bench_push (bench, "25:200 0:1000");
  g_object_set (bench->element, "language-code", "fr-FR", NULL);
  gst_element_set_state (bench->element, GST_STATE_NULL);
  play_again (bench);
  bench->next = 0;
  bench_push (bench, "30:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W30 0+200");
  g_assert_cmpuint (bench_count (bench, "tag fr"), ==, 1);
}

/* ------------------------------------------------------------- presets -- */

static void
test_presets (void)
{
  static const gchar *const names[]
      = { "low-latency", "balanced", "accurate", "offline" };
  GstElement *element = gst_element_factory_make ("d2vtranscriber", NULL);
  guint last = 0;
  gint regime;

  gst_object_ref_sink (element);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      guint chunk, right;

      g_assert_true (gst_preset_load_preset (GST_PRESET (element), names[i]));
      g_object_get (element, "chunk-duration", &chunk, "right-context", &right,
                    "regime", &regime, NULL);
      g_assert_cmpuint (chunk + right, >=, last);
      last = chunk + right;
    }
  g_assert_cmpint (regime, ==, 1);
  gst_object_unref (element);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/transcriber/" name, func)
  ADD ("partial/pad", test_partial_pad);
  ADD ("partial/sentence", test_partial_sentence);
  ADD ("partial/messages", test_partial_messages);
  ADD ("json/pad", test_json_pad);
  ADD ("json/late-pad", test_late_pad);
  ADD ("json/one-of-a-kind", test_one_of_a_kind);
  ADD ("json/alone", test_only_json_linked);
  ADD ("markup/plain", test_plain_text);
  ADD ("markup/escaped", test_markup);
  ADD ("fault_A7/renegotiation", test_renegotiation);
  ADD ("transcriberbin", test_transcriberbin);
  ADD ("presets", test_presets);
  return g_test_run ();
}
