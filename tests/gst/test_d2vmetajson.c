/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <gst/gst.h>

#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define META "GstD2vResultMeta"
#define ANYTHING "video/x-something, width=4"

/* A buffer of @size bytes with @n results, numbered from 0. */
static GstBuffer *
make_buffer (gsize size, guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, 0, size);
  for (guint i = 0; i < n; i++)
    {
      GstCustomMeta *meta = gst_buffer_add_custom_meta (buffer, META);

      gst_structure_set (gst_custom_meta_get_structure (meta), "type",
                         G_TYPE_STRING, "test", "i", G_TYPE_UINT, i, NULL);
    }
  GST_BUFFER_PTS (buffer) = 5;
  GST_BUFFER_DURATION (buffer) = 7;
  return buffer;
}

#define LINE_0 "{\"version\":1,\"type\":\"test\",\"i\":0}\n"
#define LINE_1 "{\"version\":1,\"type\":\"test\",\"i\":1}\n"

static gchar *
temp_name (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("d2v-json-XXXXXX", NULL);

  return g_build_filename (dir, "lines", NULL);
}

static void
remove_temp (gchar *name)
{
  g_autofree gchar *dir = g_path_get_dirname (name);

  g_remove (name);
  g_rmdir (dir);
  g_free (name);
}

static GstHarness *
harness_for (const gchar *location)
{
  GstElement *element = gst_element_factory_make ("d2vmetajson", NULL);
  GstHarness *h;

  gst_object_ref_sink (element);
  g_object_set (element, "location", location, NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_harness_set_src_caps_str (h, ANYTHING);
  gst_object_unref (element);
  return h;
}

/* Buffers of any caps pass as they are, and each line is there at once. */
static void
test_location (void)
{
  gchar *name = temp_name ();
  GstHarness *h = harness_for (name);
  g_autofree gchar *text = NULL, *more = NULL;
  GstBuffer *in = make_buffer (10, 1), *out;
  GstCaps *caps;

  out = gst_harness_push_and_pull (h, in);
  g_assert_true (out == in);
  gst_buffer_unref (out);
  g_assert_true (g_file_get_contents (name, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, LINE_0);

  gst_buffer_unref (gst_harness_push_and_pull (h, make_buffer (10, 0)));
  gst_buffer_unref (gst_harness_push_and_pull (h, make_buffer (0, 2)));
  g_assert_true (g_file_get_contents (name, &more, NULL, NULL));
  g_assert_cmpstr (more, ==, LINE_0 LINE_0 LINE_1);

  caps = gst_pad_get_current_caps (h->sinkpad);
  g_assert_true (gst_structure_has_name (gst_caps_get_structure (caps, 0),
                                         "video/x-something"));
  gst_caps_unref (caps);
  gst_harness_teardown (h);
  remove_temp (name);
}

static void
test_json_stream (void)
{
  GstHarness *h = gst_harness_new ("d2vmetajson");
  GstBuffer *out;
  GstMapInfo map;

  gst_harness_set_sink_caps_str (h, "application/x-json");
  gst_harness_set_src_caps_str (h, "text/x-raw, format=utf8");
  /* Nothing to say: nothing is said. */
  g_assert_cmpint (gst_harness_push (h, make_buffer (3, 0)), ==, GST_FLOW_OK);
  out = gst_harness_push_and_pull (h, make_buffer (3, 2));
  gst_buffer_map (out, &map, GST_MAP_READ);
  g_assert_cmpmem (map.data, map.size, LINE_0 LINE_1, strlen (LINE_0 LINE_1));
  gst_buffer_unmap (out, &map);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 5);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 7);
  gst_buffer_unref (out);
  g_assert_cmpuint (gst_harness_buffers_received (h), ==, 1);
  gst_harness_teardown (h);
}

/* Everything that JSON must escape or cannot say. */
static void
test_escapes (void)
{
  gchar *name = temp_name ();
  GstHarness *h = harness_for (name);
  g_autofree gchar *text = NULL;
  GstBuffer *buffer = gst_buffer_new ();
  GstCustomMeta *meta = gst_buffer_add_custom_meta (buffer, META);
  GValue list = G_VALUE_INIT, item = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_ARRAY);
  g_value_init (&item, G_TYPE_INT);
  g_value_set_int (&item, -3);
  gst_value_array_append_value (&list, &item);
  gst_value_array_append_value (&list, &item);
  gst_structure_set (
      gst_custom_meta_get_structure (meta), "quoted", G_TYPE_STRING,
      "a\"b\\c\n\t\x01\x7f", "umlaut", G_TYPE_STRING, "\xc3\xa4", "none",
      G_TYPE_STRING, NULL, "nan", G_TYPE_DOUBLE, (gdouble) NAN, "third",
      G_TYPE_DOUBLE, 1.0 / 3, "yes", G_TYPE_BOOLEAN, TRUE, "never",
      G_TYPE_UINT64, GST_CLOCK_TIME_NONE, "large", G_TYPE_UINT64,
      G_GUINT64_CONSTANT (18446744073709551614), NULL);
  gst_structure_take_value (gst_custom_meta_get_structure (meta), "list",
                            &list);
  gst_buffer_unref (gst_harness_push_and_pull (h, buffer));
  g_assert_true (g_file_get_contents (name, &text, NULL, NULL));
  g_assert_cmpstr (
      text, ==,
      "{\"version\":1,\"quoted\":\"a\\\"b\\\\c\\u000a\\u0009\\u0001\\u007f\","
      "\"umlaut\":\"\xc3\xa4\",\"none\":null,\"nan\":null,"
      "\"third\":0.3333333,\"yes\":true,\"never\":null,"
      "\"large\":18446744073709551614,\"list\":[-3,-3]}\n");
  gst_harness_teardown (h);
  remove_temp (name);
}

/* ---------------------------------------------------------------- FIFO -- */

static void
test_fifo (void)
{
  gchar *name = temp_name ();
  GstHarness *h;
  gchar text[1024] = "";
  gint fd;

  g_assert_cmpint (mkfifo (name, 0600), ==, 0);
  h = harness_for (name); /* nobody reads yet */
  gst_buffer_unref (gst_harness_push_and_pull (h, make_buffer (1, 1)));
  fd = open (name, O_RDONLY | O_NONBLOCK);
  gst_buffer_unref (gst_harness_push_and_pull (h, make_buffer (1, 2)));
  g_assert_cmpint (read (fd, text, sizeof text - 1), >, 0);
  g_assert_cmpstr (text, ==, LINE_0 LINE_0 LINE_1);
  close (fd);
  gst_harness_teardown (h);
  remove_temp (name);
}

static gpointer
push_many (gpointer h)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; i < 100000 && flow == GST_FLOW_OK; i++)
    flow = gst_harness_push (h, make_buffer (1, 5));
  return GINT_TO_POINTER (flow);
}

/* A full FIFO that nobody reads holds the stream up, but not its end. */
static void
test_full_fifo (void)
{
  gchar *name = temp_name ();
  GstHarness *h;
  GThread *thread;
  gint64 began;

  g_assert_cmpint (mkfifo (name, 0600), ==, 0);
  h = harness_for (name);
  thread = g_thread_new ("pusher", push_many, h);
  g_usleep (300000);
  began = g_get_monotonic_time ();
  gst_element_set_state (h->element, GST_STATE_NULL);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 300000);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==,
                   GST_FLOW_FLUSHING);
  gst_harness_teardown (h);
  remove_temp (name);
}

static void
test_flush_of_full_fifo (void)
{
  gchar *name = temp_name ();
  GstHarness *h;
  GThread *thread;

  g_assert_cmpint (mkfifo (name, 0600), ==, 0);
  h = harness_for (name);
  thread = g_thread_new ("pusher", push_many, h);
  g_usleep (300000);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==,
                   GST_FLOW_FLUSHING);
  gst_harness_teardown (h);
  remove_temp (name);
}

/* -------------------------------------------------------------- stdout -- */

/* In a process of its own, whose standard output is a pipe. */
static void
test_stdout (void)
{
  if (g_test_subprocess ())
    {
      GstHarness *h = harness_for (g_getenv ("D2V_TEST_LOCATION"));

      gst_buffer_unref (gst_harness_push_and_pull (h, make_buffer (1, 2)));
      _exit (0); /* without a chance to flush anything */
    }
  for (guint i = 0; i < 2; i++)
    {
      g_setenv ("D2V_TEST_LOCATION", i ? "/dev/stdout" : "-", TRUE);
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      g_test_trap_assert_stdout ("*" LINE_0 LINE_1 "*");
    }
}

/* The reader has gone away: an error, and no signal. */
static void
test_closed_pipe (void)
{
  gint ends[2];
  gint saved = dup (STDOUT_FILENO);
  GstHarness *h;
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  GstFlowReturn flow;

  g_assert_cmpint (pipe (ends), ==, 0);
  fflush (stdout);
  dup2 (ends[1], STDOUT_FILENO);
  h = harness_for ("-");
  gst_element_set_bus (h->element, bus);
  close (ends[0]);
  close (ends[1]);
  flow = gst_harness_push (h, make_buffer (1, 1));
  dup2 (saved, STDOUT_FILENO);
  close (saved);
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  message = gst_bus_timed_pop_filtered (bus, 0, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

static void
test_unwritable (void)
{
  GstElement *element = gst_element_factory_make ("d2vmetajson", NULL);
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_object_ref_sink (element);
  gst_element_set_bus (element, bus);
  g_object_set (element, "location", "/nowhere/at/all", NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
                   GST_STATE_CHANGE_FAILURE);
  message = gst_bus_timed_pop_filtered (bus, 0, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE);
  g_assert_nonnull (strstr (error->message, "/nowhere/at/all"));
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

/* The meta has no tags, so elements that only copy what they understand keep
 * it. */
static void
test_meta_survives (void)
{
  static const gchar *const lines[]
      = { "audioconvert ! audioresample", "volume volume=0.5",
          "audioconvert ! capsfilter caps=audio/x-raw,format=S16LE", "identity",
          "queue" };
  GstBuffer *in = make_buffer (640, 1);

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      GstHarness *h = gst_harness_new_parse (lines[i]);
      GstBuffer *out;

      gst_harness_set_src_caps_str (
          h, "audio/x-raw,format=F32LE,rate=16000,channels=1,"
             "layout=interleaved");
      out = gst_harness_push_and_pull (h, gst_buffer_copy_deep (in));
      g_assert_nonnull (gst_buffer_get_custom_meta (out, META));
      gst_buffer_unref (out);
      gst_harness_teardown (h);
    }
  gst_buffer_unref (in);
}

int
main (int argc, char **argv)
{
  GstPlugin *plugin;

  gst_init (&argc, &argv);
  plugin = gst_registry_find_plugin (gst_registry_get (), "data2vec");
  g_assert_nonnull (plugin);
  /* The meta comes with the plugin. */
  gst_object_unref (gst_plugin_load (plugin));
  gst_object_unref (plugin);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/metajson/" name, func)
  ADD ("location", test_location);
  ADD ("json-stream", test_json_stream);
  ADD ("escapes", test_escapes);
  ADD ("fifo", test_fifo);
  ADD ("full-fifo", test_full_fifo);
  ADD ("flush-of-full-fifo", test_flush_of_full_fifo);
  ADD ("stdout", test_stdout);
  ADD ("closed-pipe", test_closed_pipe);
  ADD ("unwritable", test_unwritable);
  ADD ("meta-survives", test_meta_survives);
  return g_test_run ();
}
