/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shipped recordings, played at their own speed into d2vtranscriber on a
 * Vulkan device (D2V_TEST_DEVICE): the very words and times that the CPU hears,
 * and how much of the time computing takes. Windows are such that a software
 * driver keeps up; where this machine is too slow for that, the test says so
 * and is skipped. */

#include "engine/d2v.h"

#include <gst/gst.h>

#define WINDOWS                                                                \
  "regime=live chunk-duration=2000 left-context=400 right-context=200"

typedef struct
{
  GString *words; /* "TIMER 800+340, ..." */
  gchar *device;  /* that was used */
  guint64 n_windows, n_dropped;
  guint n_fallbacks;
  gdouble rtf;
} Heard;

static void
on_word (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  GString *words = data;
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  if (map.size > 0)
    g_string_append_printf (
        words, "%s%.*s %" G_GUINT64_FORMAT "+%d", words->len > 0 ? ", " : "",
        (gint) map.size, (const gchar *) map.data,
        GST_BUFFER_PTS (buffer) / GST_MSECOND,
        (gint) (GST_BUFFER_DURATION (buffer) / GST_MSECOND));
  gst_buffer_unmap (buffer, &map);
}

static void
read_stats (GstElement *element, Heard *heard)
{
  GstStructure *stats;

  g_object_get (element, "stats", &stats, "device-name", &heard->device, NULL);
  g_assert_true (gst_structure_get (
      stats, "windows-out", G_TYPE_UINT64, &heard->n_windows,
      "windows-dropped-late", G_TYPE_UINT64, &heard->n_dropped,
      "model-fallbacks", G_TYPE_UINT, &heard->n_fallbacks, "rtf", G_TYPE_DOUBLE,
      &heard->rtf, NULL));
  gst_structure_free (stats);
}

static void
play (const gchar *sound, const gchar *device, Heard *heard)
{
  const gchar *root = g_getenv ("D2V_SOURCE_ROOT");
  g_autofree gchar *line = g_strdup_printf (
      "filesrc location=\"%s/examples/media/%s\" ! decodebin ! audioconvert ! "
      "audioresample ! clocksync ! d2vtranscriber name=t device=%s " WINDOWS
      " model=\"%s/examples/models/asr-small-en\" ! "
      "fakesink name=s sync=false signal-handoffs=true",
      root, sound, device, root);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstElement) t = gst_bin_get_by_name (GST_BIN (pipeline), "t");
  g_autoptr (GstElement) s = gst_bin_get_by_name (GST_BIN (pipeline), "s");

  *heard = (Heard){ .words = g_string_new (NULL) };
  g_signal_connect (s, "handoff", G_CALLBACK (on_word), heard->words);
  /* Ready before the clock runs, as an application would have it. */
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      bus, 120 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  g_assert_no_error (error);
  read_stats (t, heard);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
clear (Heard *heard)
{
  g_string_free (heard->words, TRUE);
  g_free (heard->device);
}

static void
same_words (gconstpointer sound)
{
  Heard cpu, gpu;

  play (sound, "cpu", &cpu);
  play (sound, g_getenv ("D2V_TEST_DEVICE"), &gpu);
  g_test_message ("%s: %s; real-time factor %.3f, the CPU's %.3f; %s",
                  (const gchar *) sound, gpu.device, gpu.rtf, cpu.rtf,
                  gpu.words->str);
  g_assert_true (g_str_has_prefix (gpu.device, "Vulkan"));
  g_assert_cmpuint (gpu.n_windows, >, 0);
  if (gpu.n_fallbacks > 0 || gpu.n_dropped > 0 || cpu.n_dropped > 0)
    g_test_skip ("this machine does not keep up with the sound");
  else
    {
      g_assert_cmpstr (gpu.words->str, ==, cpu.words->str);
      g_assert_cmpuint (gpu.words->len, >, 0);
    }
  clear (&cpu);
  clear (&gpu);
}

static gboolean
has_device (void)
{
  g_autoptr (GPtrArray) devices = d2v_devices_list ();

  for (guint i = 0; i < devices->len; i++)
    {
      const D2vDevice *device = g_ptr_array_index (devices, i);

      if (device->usable && g_str_has_prefix (device->id, "vulkan:"))
        return TRUE;
    }
  return FALSE;
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  if (!has_device ())
    {
      g_print ("1..0 # SKIP no Vulkan device\n");
      return 0;
    }
  g_test_add_data_func ("/vulkan/live/timer", "timer.ogg", same_words);
  g_test_add_data_func ("/vulkan/live/weather", "weather.flac", same_words);
  return g_test_run ();
}
