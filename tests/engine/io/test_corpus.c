/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_corpus.c: every case of the corpus gets the error that its table says,
 * within the limits on time and memory. The corpus' directory is the last
 * argument. */

#include "engine/base/error.h"
#include "engine/io/config.h"
#include "engine/io/json.h"
#include "engine/io/processor.h"
#include "engine/io/vocab.h"
#include "engine/io/weights.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_US 250000
#define FREE_BYTES ((gsize) 32 << 20)
#define SMALL ((gsize) 1 << 20)

static const gchar *corpus;

typedef struct
{
  gchar *kind, *name, *code;
} Row;

/* ------------------------------------------------------------ readers -- */

static gboolean
read_tensors (const gchar *dir, GError **error)
{
  g_autofree gchar *path = g_build_filename (dir, "model.safetensors", NULL);
  g_autoptr (D2vTensors) tensors = d2v_tensors_load (path, error);

  return tensors != NULL;
}

static gboolean
read_weights (const gchar *dir, GError **error)
{
  g_autoptr (D2vWeights) weights = d2v_weights_open (dir, NULL, NULL, error);

  return weights != NULL;
}

static gboolean
read_config (const gchar *dir, GError **error)
{
  g_autoptr (D2vConfig) config = d2v_config_read (dir, NULL, error);

  return config != NULL;
}

static gboolean
read_vocab (const gchar *dir, GError **error)
{
  g_autoptr (D2vVocab) vocab = d2v_vocab_read (dir, 32, error);

  return vocab != NULL;
}

static gboolean
read_audio (const gchar *dir, GError **error)
{
  D2vAudioProcessorConfig audio;

  return d2v_audio_processor_read (dir, &audio, error);
}

static gboolean
read_image (const gchar *dir, GError **error)
{
  D2vImageProcessorConfig image;

  return d2v_image_processor_read (dir, 3, &image, error);
}

static gboolean
read_json (const gchar *dir, GError **error)
{
  g_autoptr (D2vJson) json = d2v_json_read (dir, "doc.json", NULL, error);

  return json != NULL;
}

static const struct
{
  const gchar *kind;
  gboolean (*read) (const gchar *dir, GError **error);
} readers[] = {
  { "tensors", read_tensors }, { "weights", read_weights },
  { "config", read_config },   { "vocab", read_vocab },
  { "audio", read_audio },     { "image", read_image },
  { "json", read_json },
};

static gboolean
read_case (const Row *row, const gchar *dir, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    if (strcmp (readers[i].kind, row->kind) == 0)
      return readers[i].read (dir, error);
  g_error ("no reader for %s", row->kind);
}

/* ------------------------------------------------------------- limits -- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* "VmHWM" or "VmRSS" of this process in bytes. */
static gsize
memory_of_process (const gchar *key)
{
  g_autofree gchar *status = NULL;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;
  const gchar *line = strstr (status, key);
  return line == NULL
             ? 0
             : (gsize) g_ascii_strtoull (line + strlen (key) + 1, NULL, 10)
                   * 1024;
}

/* From now on the peak is counted anew; FALSE where the kernel cannot. */
static gboolean
forget_peak (void)
{
  int fd = open ("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  gboolean done = fd >= 0 && write (fd, "5", 1) == 1;

  if (fd >= 0)
    close (fd);
  return done;
}

static gsize
bytes_of_files (const gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;
  gsize total = 0;

  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (dir, name, NULL);
      GStatBuf s;
      if (g_stat (path, &s) == 0 && S_ISREG (s.st_mode))
        total += (gsize) s.st_size;
    }
  return total;
}

/* -------------------------------------------------------------- cases -- */

static void
check_code (const Row *row, gboolean loaded, const GError *error)
{
  const gchar *found
      = loaded ? "OK" : d2v_error_code_name (error ? error->code : -1);

  if (!loaded)
    {
      g_assert_nonnull (error);
      g_assert_true (error->domain == D2V_ERROR);
      g_assert_true (g_str_has_prefix (error->message, found));
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_null (strchr (error->message, '\n'));
    }
  if (strcmp (row->code, "ANY") == 0
      || (strcmp (row->code, "FAIL") == 0 && !loaded))
    return;
  if (strcmp (row->code, found) != 0)
    g_test_message ("%s", loaded ? "it loaded" : error->message);
  g_assert_cmpstr (found, ==, row->code);
}

/* Of this thread, so that a busy machine does not count. */
static gint64
time_us_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
check_limits (const gchar *dir, gint64 time_us, gsize peak, gboolean counted)
{
  gsize n_bytes = bytes_of_files (dir);

  if (n_bytes <= SMALL)
    g_assert_cmpint (time_us, <=, MAX_US);
  if (counted)
    g_assert_cmpuint (peak, <=,
                      FREE_BYTES + (n_bytes <= SMALL ? 0 : 4 * n_bytes));
}

static void
test_case (gconstpointer data)
{
  const Row *row = data;
  g_autofree gchar *dir = g_build_filename (corpus, row->kind, row->name, NULL);
  g_autoptr (GError) error = NULL;

  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
  malloc_trim (0);
  gboolean counted = !SANITIZED && forget_peak ();
  gsize before = memory_of_process ("VmRSS:");
  gint64 begin = time_us_now ();
  gboolean loaded = read_case (row, dir, &error);
  gint64 time_us = time_us_now () - begin;
  gsize peak = memory_of_process ("VmHWM:");

  check_code (row, loaded, error);
  if (!loaded && !SANITIZED)
    check_limits (dir, time_us, peak > before ? peak - before : 0, counted);
}

static void
free_row (gpointer data)
{
  Row *row = data;

  g_free (row->kind);
  g_free (row->name);
  g_free (row->code);
  g_free (row);
}

static guint
add_cases (void)
{
  g_autofree gchar *path = g_build_filename (corpus, "table.tsv", NULL);
  g_autofree gchar *table = NULL;
  g_autoptr (GError) error = NULL;
  guint n = 0;

  if (!g_file_get_contents (path, &table, NULL, &error))
    g_error ("%s", error->message);
  g_auto (GStrv) lines = g_strsplit (table, "\n", -1);
  for (; lines[n] != NULL && *lines[n] != '\0'; n++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[n], "\t", -1);
      Row *row = g_new (Row, 1);
      g_assert_cmpuint (g_strv_length (fields), ==, 3);
      *row = (Row){ g_strdup (fields[0]), g_strdup (fields[1]),
                    g_strdup (fields[2]) };
      g_autofree gchar *test
          = g_strdup_printf ("/io/corpus/%s/%s", row->kind, row->name);
      g_test_add_data_func_full (test, row, test_case, free_row);
    }
  return n;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  corpus = argv[1];
  g_test_set_nonfatal_assertions (); /* every case says for itself */
  g_assert_cmpuint (add_cases (), >=, 500);
  return g_test_run ();
}
