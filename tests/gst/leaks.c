/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pipeline through everything that owns something, for the leaks tracer:
 * every pad, a seek, a swap, a failed swap, an end, two runs. With the argument
 * `plant` a buffer is leaked on purpose, and the tracer has to notice. */

#include "tests/gst/bench.h"

#define LINE                                                                   \
  "audiotestsrc num-buffers=200 samplesperbuffer=320 ! " CAPS_F32 " ! "        \
  "d2vtranscriber name=t language-code=en partial-results=true ! "             \
  "d2vmetajson location=/dev/null ! fakesink sync=false "                      \
  "t.partial_src ! queue ! fakesink sync=false async=false "                   \
  "t.json_src ! queue ! fakesink sync=false async=false"

static void
wait_for (GstElement *pipeline, GstMessageType type)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
                                                    type | GST_MESSAGE_ERROR);

  g_assert_nonnull (message);
  g_assert_true (GST_MESSAGE_TYPE (message) & type);
  gst_message_unref (message);
}

static void
run (const gchar *model, const gchar *other)
{
  GstElement *pipeline = gst_parse_launch (LINE, NULL);
  g_autoptr (GstElement) t = gst_bin_get_by_name (GST_BIN (pipeline), "t");
  g_autoptr (GstStructure) stats = NULL;

  g_object_set (t, "model", model, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for (pipeline, GST_MESSAGE_EOS);
  g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
                                          GST_SEEK_FLAG_FLUSH, 0));
  g_object_set (t, "model", other, NULL);
  wait_for (pipeline, GST_MESSAGE_EOS);
  g_object_set (t, "model", "/nowhere", NULL);
  wait_for (pipeline, GST_MESSAGE_WARNING);
  g_object_get (t, "stats", &stats, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  gchar *model, *other;

  gst_init (&argc, &argv);
  model = make_model ("W", NULL);
  other = make_model ("X", NULL);
  for (guint i = 0; i < 2; i++)
    run (model, other);
  remove_model (model);
  remove_model (other);
  if (argc > 1)
    g_assert_nonnull (gst_buffer_new ());
  gst_deinit ();
  return 0;
}
