/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* embed.c: a pipeline inside an application, words from its bus.
 *
 *   embed MODEL FILE */

#include <gst/gst.h>

/* FALSE when the pipeline is done; *failed then says how. */
static gboolean
handle (GstMessage *message, gboolean *failed)
{
  const GstStructure *words = gst_message_get_structure (message);
  guint64 time;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    {
      g_autoptr (GError) error = NULL;
      gst_message_parse_error (message, &error, NULL);
      g_printerr ("%s\n", error->message);
      *failed = TRUE;
    }
  else if (gst_message_has_name (message, "d2v/transcript")
           && gst_structure_get_uint64 (words, "running-time", &time))
    g_print ("%" GST_TIME_FORMAT "  %s\n", GST_TIME_ARGS (time),
             gst_structure_get_string (words, "text"));
  return !*failed && GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean failed = FALSE, more = TRUE;

  gst_init (&argc, &argv);
  if (argc < 3)
    {
      g_printerr ("usage: embed MODEL FILE\n");
      return 1;
    }
  g_autofree gchar *line = g_strdup_printf (
      "filesrc location=\"%s\" ! decodebin ! audioconvert ! audioresample ! "
      "d2vtranscriber model=\"%s\" output=sentence ! fakesink",
      argv[2], argv[1]);
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  if (error != NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (more)
    {
      g_autoptr (GstMessage) message
          = gst_bus_timed_pop (bus, GST_CLOCK_TIME_NONE);
      more = handle (message, &failed);
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return failed;
}
