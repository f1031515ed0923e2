/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_fixtures.c: every golden model's configuration, weights and tensors
 * load. The path of tests/models is the last argument. */

#include "engine/base/error.h"
#include "engine/io/config.h"
#include "engine/io/weights.h"

static const gchar *models;

static void
load_tensors (const gchar *dir, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  g_autoptr (GError) error = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return;
  g_autoptr (D2vTensors) tensors = d2v_tensors_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (d2v_tensors_size (tensors), >, 0);
}

static void
load_model (const gchar *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vConfig) config = d2v_config_read (dir, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vWeights) weights = d2v_weights_open (dir, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (d2v_weights_size (weights), >, 0);
  load_tensors (dir, "inputs.safetensors");
  load_tensors (dir, "expected.safetensors");
}

static void
test_folder (gconstpointer data)
{
  g_autofree gchar *root = g_build_filename (models, data, NULL);
  g_autoptr (GDir) entries = g_dir_open (root, 0, NULL);
  const gchar *name;
  guint n = 0;

  g_assert_nonnull (entries);
  for (; (name = g_dir_read_name (entries)) != NULL; n++)
    {
      g_autofree gchar *dir = g_build_filename (root, name, NULL);
      g_test_message ("%s", name);
      load_model (dir);
    }
  g_assert_cmpuint (n, >=, 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  models = argv[1];
  g_test_add_data_func ("/io/fixtures/cases", "cases", test_folder);
  g_test_add_data_func ("/io/fixtures/files", "files", test_folder);
  return g_test_run ();
}
