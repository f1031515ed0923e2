/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pipeline with the real engine from NULL to PLAYING and back a thousand
 * times: the model is loaded, hears a little, and is gone. Memory, threads and
 * file descriptors must not grow.
 *
 *     cycles MODEL [CYCLES]
 */

#include <gst/gst.h>

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Early cycles fill caches; what is kept after them is kept for good. */
#define WARM 100
/* Over all other cycles together: a leak of one byte for each sample that a
 * cycle hears would be three times as much, and one kilobyte a cycle as well.
 * Pools of threads make memory breathe by some hundred kilobytes. */
#define MAX_GROWTH_KB 900

typedef struct
{
  glong resident_kb;
  guint n_threads, n_files;
} Use;

static guint
count_entries (const gchar *path)
{
  DIR *directory = opendir (path);
  guint n = 0;

  g_assert_nonnull (directory);
  while (readdir (directory))
    n++;
  closedir (directory);
  return n;
}

static Use
measure_once (void)
{
  Use use = { 0 };
  glong size, resident;
  FILE *file;

  malloc_trim (0);
  file = fopen ("/proc/self/statm", "r");
  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%ld %ld", &size, &resident), ==, 2);
  fclose (file);
  use.resident_kb = resident * (sysconf (_SC_PAGESIZE) / 1024);
  use.n_threads = count_entries ("/proc/self/task");
  use.n_files = count_entries ("/proc/self/fd");
  return use;
}

/* The engine's own threads may still be giving back what they had. */
static Use
measure (void)
{
  Use least = measure_once ();

  for (guint i = 0; i < 10; i++)
    {
      Use use;

      g_usleep (100000);
      use = measure_once ();
      least.resident_kb = MIN (least.resident_kb, use.resident_kb);
      least.n_threads = MIN (least.n_threads, use.n_threads);
      least.n_files = MIN (least.n_files, use.n_files);
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
  g_print ("%u cycles: %ld to %ld kB, %u to %u threads, %u to %u files\n",
           n_cycles, before.resident_kb, after.resident_kb, before.n_threads,
           after.n_threads, before.n_files, after.n_files);
  g_assert_cmpint (after.resident_kb - before.resident_kb, <=, MAX_GROWTH_KB);
  g_assert_cmpuint (after.n_threads, <=, before.n_threads + 2);
  g_assert_cmpuint (after.n_files, <=, before.n_files);
  return 0;
}
