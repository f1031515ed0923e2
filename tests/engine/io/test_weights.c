/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_weights.c: model directories of the corpus, whose path is the last
 * argument, under a system that fails and files that change. */

#include "engine/base/error.h"
#include "engine/io/file.h"
#include "engine/io/weights.h"
#include "engine/tensor/tensor.h"
#include "tests/engine/io/folder.h"
#include "tests/engine/io/pack.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const gchar *corpus;

static gchar *
folder_of (const gchar *name)
{
  return g_build_filename (corpus, "weights", name, NULL);
}

static D2vWeights *
open_case (const gchar *name, const D2vWeightsParams *params, GError **error)
{
  g_autofree gchar *dir = folder_of (name);

  return d2v_weights_open (dir, NULL, params, error);
}

static void
assert_same (const D2vWeights *a, const D2vWeights *b)
{
  g_assert_cmpuint (d2v_weights_size (a), ==, d2v_weights_size (b));
  for (guint i = 0; i < d2v_weights_size (a); i++)
    {
      const gchar *name = d2v_weights_name (a, i);
      const D2vTensor *x = d2v_weights_get (a, name);
      const D2vTensor *y = d2v_weights_get (b, name);
      g_assert_nonnull (x);
      g_assert_nonnull (y);
      g_assert_cmpint (x->dtype, ==, y->dtype);
      g_assert_true (d2v_shape_equal (&x->shape, &y->shape));
      g_assert_cmpmem (x->data, x->n_bytes, y->data, y->n_bytes);
    }
}

static void
test_both_formats (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vWeights) a = open_case ("Q6-pair-as-safetensors", NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vWeights) b = open_case ("Q6-pair-as-bin", NULL, &error);
  g_assert_no_error (error);

  g_assert_cmpuint (d2v_weights_size (a), ==, 8);
  assert_same (a, b);
  g_assert_cmpint (d2v_weights_stored_dtype (b, "b.weight"), ==, D2V_F16);
  g_assert_cmpint (d2v_weights_get (b, "b.weight")->dtype, ==, D2V_F32);
  g_assert_cmpint (d2v_weights_get (b, "d.ids")->dtype, ==, D2V_I64);
}

static void
test_aliases (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vWeights) weights = open_case ("Q-aliases", NULL, &error);

  g_assert_no_error (error);
  g_assert_true (d2v_weights_get (weights, "a")
                 == d2v_weights_get (weights, "b"));
  g_autoptr (D2vTensor) a = d2v_weights_steal (weights, "a");
  g_assert_null (d2v_weights_get (weights, "a"));
  g_assert_true (d2v_weights_get (weights, "b") == a);
  g_assert_null (d2v_weights_steal (weights, "a"));
  g_assert_null (d2v_weights_steal (weights, "nothing"));
}

static gboolean
only_b (const gchar *name, gpointer user_data)
{
  guint *asked = user_data;

  (*asked)++;
  return strcmp (name, "b") == 0;
}

static void
test_wanted (void)
{
  guint asked = 0;
  D2vWeightsParams params = { .wanted = only_b, .user_data = &asked };
  static const gchar *const cases[] = { "I-two-shards", "Q-two-views" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vWeights) weights = open_case (cases[i], &params, &error);
      g_assert_no_error (error);
      g_assert_nonnull (d2v_weights_get (weights, "b"));
      g_assert_null (d2v_weights_get (weights, "a"));
      g_assert_cmpstr (d2v_weights_name (weights, 0), ==, "a");
    }
  g_assert_cmpuint (asked, ==, 5);
}

static void
test_preference (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *dir = folder_of ("I-two-shards");
  g_autoptr (D2vWeights) single
      = open_case ("I6-single-file-before-index", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (d2v_weights_file (single), ==, "model.safetensors");
  g_autoptr (D2vWeights) shards = open_case ("I-two-shards", NULL, &error);
  g_assert_cmpstr (d2v_weights_file (shards), ==,
                   "model.safetensors.index.json");
  g_assert_cmpuint (d2v_weights_size (shards), ==, 3);

  g_autoptr (D2vWeights) one = d2v_weights_open (
      dir, "model-00001-of-00002.safetensors", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (d2v_weights_size (one), ==, 1);
  g_assert_null (d2v_weights_open (dir, "weights.pt", NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_UNSUPPORTED);
}

static void
test_digest (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vWeights) a = open_case ("I-two-shards", NULL, &error);
  g_autoptr (D2vWeights) b = open_case ("I4-shards-are-links", NULL, &error);
  g_autoptr (D2vWeights) c = open_case ("Q6-pair-as-bin", NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (strlen (d2v_weights_digest (a)), ==, 64);
  g_assert_cmpstr (d2v_weights_digest (a), ==, d2v_weights_digest (b));
  g_assert_cmpstr (d2v_weights_digest (a), !=, d2v_weights_digest (c));
}

/* One bit of one number, anywhere: another digest. */
static void
test_digest_sees_every_number (void)
{
  g_autofree gchar *dir = folder_of ("Q6-pair-as-safetensors");
  g_autofree gchar *from = g_build_filename (dir, "model.safetensors", NULL);
  g_autoptr (D2vWeights) whole = d2v_weights_open (dir, NULL, NULL, NULL);
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *bytes = NULL;
  gsize n;

  g_assert_true (g_file_get_contents (from, &bytes, &n, NULL));
  for (gsize i = n - 1; i > n - 4000; i -= 97)
    {
      g_autoptr (GError) error = NULL;
      bytes[i] ^= 1;
      folder_write (&folder, "model.safetensors", bytes, n);
      g_autoptr (D2vWeights) other
          = d2v_weights_open (folder.path, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (d2v_weights_digest (whole), !=,
                       d2v_weights_digest (other));
      bytes[i] ^= 1;
    }
}

static void
test_nonfinite_allowed (void)
{
  const D2vWeightsParams params = { .allow_nonfinite = TRUE };
  static const gchar *const cases[]
      = { "S18-nan-first", "S18-f64-beyond-f32", "Q6-nan" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vWeights) weights = open_case (cases[i], &params, &error);
      g_assert_no_error (error);
    }
}

static guint n_warnings;

static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                gpointer user_data)
{
  if ((level & G_LOG_LEVEL_WARNING) == 0)
    return g_log_writer_default (level, fields, n_fields, user_data);
  n_warnings++;
  return G_LOG_WRITER_HANDLED;
}

static void
test_zeros_warn (void)
{
  static const gchar header[]
      = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
  static const gchar zeros[8] = { [7] = '\x80' }; /* 0 and -0 */
  static const gchar others[8] = { [0] = 1 };     /* a denormal */
  const gchar *const data[] = { others, zeros };

  n_warnings = 0;
  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    {
      g_auto (Folder) folder = folder_new ();
      g_autoptr (GByteArray) bytes = pack_safetensors (header, data[i], 8);
      folder_write (&folder, "model.safetensors", bytes->data, bytes->len);
      g_autoptr (D2vWeights) weights
          = d2v_weights_open (folder.path, NULL, NULL, NULL);
      g_assert_nonnull (weights);
      g_assert_cmpuint (n_warnings, ==, i);
    }
}

/* ------------------------------------------------- a system that fails -- */

static const gchar *const flavours[]
    = { "Q6-pair-as-safetensors", "Q6-pair-as-bin", "I-two-shards",
        "I-two-bin-shards", "Q-transposed" };

static guint n_reads, fails_at;
static gint fails_with;

static gssize
failing_pread (int fd, gpointer buffer, gsize n_bytes, goffset offset)
{
  if (++n_reads == fails_at)
    {
      errno = fails_with;
      return -1;
    }
  return pread (fd, buffer, n_bytes, offset);
}

static gssize
short_pread (int fd, gpointer buffer, gsize n_bytes, goffset offset)
{
  return pread (fd, buffer, MIN (n_bytes, 1 + (gsize) offset % 13), offset);
}

static void
test_every_read_fails (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (flavours); i++)
    {
      g_autoptr (D2vWeights) right = open_case (flavours[i], NULL, NULL);
      gboolean loaded = FALSE;
      d2v_file_set_pread (failing_pread);
      for (guint nth = 1; !loaded; nth++)
        {
          g_autoptr (GError) error = NULL;
          fails_at = nth;
          n_reads = 0;
          fails_with = EIO;
          g_autoptr (D2vWeights) weights
              = open_case (flavours[i], NULL, &error);
          loaded = n_reads < nth;
          if (loaded)
            g_assert_no_error (error);
          else
            g_assert_error (error, D2V_ERROR, D2V_ERROR_READ);

          n_reads = 0;
          fails_with = EINTR;
          g_autoptr (D2vWeights) again = open_case (flavours[i], NULL, NULL);
          assert_same (right, again);
        }
      d2v_file_set_pread (short_pread);
      g_autoptr (D2vWeights) slow = open_case (flavours[i], NULL, NULL);
      assert_same (right, slow);
      d2v_file_set_pread (NULL);
    }
}

static void
test_every_allocation_fails (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (flavours); i++)
    {
      guint nth = 1;
      for (;; nth++)
        {
          g_autoptr (GError) error = NULL;
          guint64 before = d2v_alloc_count ();
          d2v_alloc_fail_at (nth);
          g_autoptr (D2vWeights) weights
              = open_case (flavours[i], NULL, &error);
          d2v_alloc_fail_at (0);
          if (weights != NULL)
            {
              g_assert_cmpuint (d2v_alloc_count () - before, <, nth);
              break;
            }
          /* An arena that cannot grow says LIMIT: it cannot tell. */
          if (!g_error_matches (error, D2V_ERROR, D2V_ERROR_PKL_LIMIT))
            g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
        }
      g_assert_cmpuint (nth, >, 5);
    }
}

/* ------------------------------------------------- files that change -- */

static gchar *changed_path;
static guint changes_at;

static gssize
changing_pread (int fd, gpointer buffer, gsize n_bytes, goffset offset)
{
  const struct timespec times[] = { { .tv_sec = 9 }, { .tv_sec = 9 } };

  if (++n_reads == changes_at)
    utimensat (AT_FDCWD, changed_path, times, 0);
  return pread (fd, buffer, n_bytes, offset);
}

static void
copy_into (const Folder *folder, const gchar *name)
{
  g_autofree gchar *dir = folder_of (name);
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *entry;

  while ((entry = g_dir_read_name (entries)) != NULL)
    {
      g_autofree gchar *from = g_build_filename (dir, entry, NULL);
      g_autofree gchar *bytes = NULL;
      gsize n;
      g_assert_true (g_file_get_contents (from, &bytes, &n, NULL));
      folder_write (folder, entry, bytes, n);
    }
}

/* Touched before each read in turn: of a set, also a shard already read. */
static void
test_changes_while_loading (void)
{
  static const struct
  {
    const gchar *folder, *file;
  } cases[] = {
    { "Q6-pair-as-safetensors", "model.safetensors" },
    { "Q6-pair-as-bin", "pytorch_model.bin" },
    { "I-two-shards", "model-00001-of-00002.safetensors" },
    { "I-two-shards", "model-00002-of-00002.safetensors" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Folder) folder = folder_new ();
      changed_path = g_build_filename (folder.path, cases[i].file, NULL);
      guint n_changed = 0;
      for (changes_at = 1;; changes_at++)
        {
          g_autoptr (GError) error = NULL;
          copy_into (&folder, cases[i].folder);
          d2v_file_set_pread (changing_pread);
          n_reads = 0;
          g_autoptr (D2vWeights) weights
              = d2v_weights_open (folder.path, NULL, NULL, &error);
          d2v_file_set_pread (NULL);
          if (n_reads < changes_at)
            break;
          /* Before the file was opened nothing has changed yet. */
          if (weights != NULL)
            continue;
          g_assert_error (error, D2V_ERROR, D2V_ERROR_FILE_CHANGED);
          n_changed++;
        }
      g_assert_cmpuint (n_changed, >=, 3);
      g_clear_pointer (&changed_path, g_free);
    }
}

static GCancellable *cancelled;

static gssize
cancelling_pread (int fd, gpointer buffer, gsize n_bytes, goffset offset)
{
  if (++n_reads == changes_at)
    g_cancellable_cancel (cancelled);
  return pread (fd, buffer, n_bytes, offset);
}

static void
test_cancel (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (flavours); i++)
    for (changes_at = 1;; changes_at++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (GCancellable) cancellable = g_cancellable_new ();
        D2vWeightsParams params = { .cancellable = cancellable };
        cancelled = cancellable;
        n_reads = 0;
        d2v_file_set_pread (cancelling_pread);
        g_autoptr (D2vWeights) weights
            = open_case (flavours[i], &params, &error);
        d2v_file_set_pread (NULL);
        if (weights != NULL) /* the last read was over */
          {
            g_assert_cmpuint (n_reads, <=, changes_at);
            break;
          }
        g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
        /* The index and a look at each shard are not worth stopping for. */
        g_assert_cmpuint (n_reads, <=, changes_at + 3);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  corpus = argv[1];
  g_log_set_writer_func (count_warnings, NULL, NULL);
  g_test_add_func ("/io/weights/Q6-both-formats", test_both_formats);
  g_test_add_func ("/io/weights/aliases", test_aliases);
  g_test_add_func ("/io/weights/wanted", test_wanted);
  g_test_add_func ("/io/weights/I6-I7-preference", test_preference);
  g_test_add_func ("/io/weights/digest", test_digest);
  g_test_add_func ("/io/weights/digest-sees-every-number",
                   test_digest_sees_every_number);
  g_test_add_func ("/io/weights/S18-allowed", test_nonfinite_allowed);
  g_test_add_func ("/io/weights/E7-zeros-warn", test_zeros_warn);
  g_test_add_func ("/io/weights/E8-every-read-fails", test_every_read_fails);
  g_test_add_func ("/io/weights/G1-every-allocation-fails",
                   test_every_allocation_fails);
  g_test_add_func ("/io/weights/E4-changes-while-loading",
                   test_changes_while_loading);
  g_test_add_func ("/io/weights/E9-cancel", test_cancel);
  return g_test_run ();
}
