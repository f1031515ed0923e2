/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as a script (tests/gst/script.h) for a transcriber with a fake
 * engine: whatever happens to the element, no rule of a stream is broken, and
 * it stops. */

#include "gst/gstd2vresult.h"
#include "gst/gstd2vtranscriber.h"
#include "tests/fuzz/fuzz.h"
#include "tests/gst/script.h"

#include <glib/gstdio.h>

/* Longer scripts say nothing that shorter ones cannot. */
#define MAX_BYTES 2048

static gchar *model;

static void
remove_model (void)
{
  static const gchar *const names[] = { "fake.conf", "weights" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *path = g_build_filename (model, names[i], NULL);

      g_remove (path);
    }
  g_rmdir (model);
}

static void
write_file (const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (model, name, NULL);

  if (!g_file_set_contents (path, text, -1, NULL))
    abort ();
}

static void
set_up (void)
{
  /* A pool's thread that ends during a search for leaks looks like one. */
  g_thread_pool_set_max_unused_threads (-1);
  g_thread_pool_set_max_idle_time (0);
  gst_init (NULL, NULL);
  gst_debug_set_active (FALSE);
  gst_d2v_result_register ();
  if (!gst_element_register (NULL, "d2vtranscriber", GST_RANK_NONE,
                             GST_TYPE_D2V_TRANSCRIBER))
    abort ();
  model = g_dir_make_tmp ("d2v-fuzz-XXXXXX", NULL);
  write_file ("fake.conf", "window_ms 1");
  write_file ("weights", "W");
  atexit (remove_model);
}

/* GStreamer warns of data before segments and the like, which is what scripts
 * are about; criticals are bugs. */
static GLogWriterOutput
take_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
          gpointer data)
{
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR))
    {
      g_log_writer_standard_streams (level, fields, n_fields, data);
      abort ();
    }
  return G_LOG_WRITER_HANDLED;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  g_autofree gchar *bytes
      = g_strndup ((const gchar *) data, MIN (n_bytes, MAX_BYTES));
  g_autofree gchar *script = g_utf8_make_valid (bytes, -1);
  GstElement *element;
  Player *player;

  if (!model)
    {
      g_log_set_writer_func (take_log, NULL, NULL);
      set_up ();
    }
  element = gst_element_factory_make ("d2vtranscriber", NULL);
  gst_object_ref_sink (element);
  g_object_set (element, "model", model, NULL);
  player = player_new (element);
  player_run (player, script);
  player_free (player);
  gst_object_unref (element);
  return 0;
}
