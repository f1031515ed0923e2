/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row D5: a pipeline with the real engine from NULL to PLAYING and back a
 * thousand times: the model is loaded, hears a little, and is gone. Memory,
 * threads and file descriptors must not grow.
 *
 *     cycles MODEL [CYCLES]
 */

#include "tests/gst/bench.h"

#include <malloc.h>
#include <stdlib.h>

/* Early cycles fill caches; what is kept after them is kept for good. */
#define WARM 100
/* Over all other cycles together: a leak of one byte for each sample that a
 * cycle hears would be three times as much, and one kilobyte a cycle as well.
 * Pools of threads make memory breathe by some hundred kilobytes. */
#define MAX_GROWTH_KIB 900

typedef struct
{
  guint64 rss_kib;
  guint n_threads, n_fds;
} Use;

/* The engine's own threads may still be giving back what they had. */
static Use
measure (void)
{
  Use least = { G_MAXUINT64, G_MAXUINT, G_MAXUINT };

  for (guint i = 0; i < 10; i++)
    {
      g_usleep (100000);
      malloc_trim (0);
      least.rss_kib = MIN (least.rss_kib, process_rss_kib ());
      least.n_threads = MIN (least.n_threads, process_threads ());
      least.n_fds = MIN (least.n_fds, process_fds ());
    }
  return least;
}

static void
cycle (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PLAYING), !=,
                   GST_STATE_CHANGE_FAILURE);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
                                        GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_NULL), ==,
                   GST_STATE_CHANGE_SUCCESS);
}

int
main (int argc, char **argv)
{
  guint n_cycles = argc > 2 ? (guint) atoi (argv[2]) : 1000;
  g_autofree gchar *line = NULL;
  GstElement *pipeline;
  Use before = { 0 }, after;

  /* One heap for all threads, so that what one frees another finds. */
  mallopt (M_ARENA_MAX, 1);
  gst_init (NULL, NULL);
  g_assert_cmpint (argc, >, 1);
  line = g_strdup_printf ("audiotestsrc num-buffers=5 samplesperbuffer=320 ! "
                          "d2vtranscriber model=%s ! fakesink sync=false",
                          argv[1]);
  pipeline = gst_parse_launch (line, NULL);
  g_assert_nonnull (pipeline);
  for (guint i = 0; i < n_cycles; i++)
    {
      cycle (pipeline);
      if (i + 1 == MIN (WARM, n_cycles / 2))
        before = measure ();
    }
  after = measure ();
  gst_object_unref (pipeline);
  g_print ("%u cycles: %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " KiB, "
           "%u to %u threads, %u to %u files\n",
           n_cycles, before.rss_kib, after.rss_kib, before.n_threads,
           after.n_threads, before.n_fds, after.n_fds);
  g_assert_cmpuint (after.rss_kib, <=, before.rss_kib + MAX_GROWTH_KIB);
  g_assert_cmpuint (after.n_threads, <=, before.n_threads + 2);
  g_assert_cmpuint (after.n_fds, <=, before.n_fds);
  return 0;
}
