/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/engine/session/media.h"

#include "engine/io/json.h"

#include <glib/gstdio.h>
#include <string.h>

gchar *
media_path (const gchar *first, ...)
{
  va_list args;
  va_start (args, first);
  g_autofree gchar *below = g_build_filename_valist (first, &args);
  va_end (args);

  return g_build_filename (g_getenv ("D2V_SOURCE_ROOT"), below, NULL);
}

GArray *
media_load (const gchar *name)
{
  g_autofree gchar *path = media_path ("examples", "media", name, NULL);
  g_autofree gchar *raw = NULL;
  gint fd = g_file_open_tmp ("d2v-XXXXXX.raw", &raw, NULL);
  g_autofree gchar *from = g_strdup_printf ("location=%s", path);
  g_autofree gchar *to = g_strdup_printf ("location=%s", raw);
  const gchar *argv[] = { "gst-launch-1.0",
                          "-q",
                          "filesrc",
                          from,
                          "!",
                          "decodebin",
                          "!",
                          "audioconvert",
                          "!",
                          "audioresample",
                          "!",
                          "audio/x-raw,format=F32LE,rate=16000,channels=1",
                          "!",
                          "filesink",
                          to,
                          NULL };
  gchar *data = NULL;
  gsize n_bytes = 0;
  gint status = 1;
  GArray *samples = NULL;

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  if (g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                    NULL, NULL, NULL, &status, NULL)
      && status == 0 && g_file_get_contents (raw, &data, &n_bytes, NULL))
    {
      samples = g_array_new (FALSE, FALSE, sizeof (gfloat));
      g_array_append_vals (samples, data, (guint) (n_bytes / 4));
    }
  g_free (data);
  g_unlink (raw);
  return samples;
}

gchar *
media_expected (const gchar *name, const gchar *key)
{
  g_autofree gchar *dir = media_path ("examples", "media", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vJson) json = d2v_json_read (dir, name, NULL, &error);

  g_assert_no_error (error);
  return g_strdup (
      d2v_json_string (d2v_json_member (d2v_json_root (json), key), NULL));
}

D2vSession *
media_session (guint n_threads)
{
  g_autofree gchar *path
      = media_path ("examples", "models", "asr-small-en", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vModel) model = d2v_model_open (path, NULL, &error);

  g_assert_no_error (error);
  D2vSession *session = d2v_session_new (
      model, &(D2vSessionParams){ .n_threads = n_threads }, &error);
  g_assert_no_error (error);
  return session;
}
