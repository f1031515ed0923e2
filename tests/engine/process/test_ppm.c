/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/ppm.h"

#include "tests/engine/golden.h"

#include <glib/gstdio.h>

static D2vImage *
read_memory (gconstpointer data, gsize n_bytes, GError **error)
{
  g_autofree gpointer copy = g_memdup2 (data, n_bytes);
  g_autoptr (D2vFile) file = d2v_file_from_memory (copy, n_bytes, "test.ppm");

  return d2v_ppm_read_file (file, error);
}

static void
check_golden (const D2vJsonValue *value)
{
  g_autoptr (GError) error = NULL;
  gsize n_bytes, n_expected;
  g_autofree guint8 *data = golden_bytes (value, "file", &n_bytes);
  g_autofree guint8 *expected = golden_bytes (value, "expected", &n_expected);
  g_autoptr (D2vImage) image = read_memory (data, n_bytes, &error);

  g_test_message ("%s", golden_string (value, "name"));
  g_assert_no_error (error);
  g_assert_cmpuint (image->width, ==, golden_size (value, "size", 0));
  g_assert_cmpuint (image->height, ==, golden_size (value, "size", 1));
  g_assert_cmpmem (image->pixels, n_expected, expected, n_expected);
}

static void
test_golden (void)
{
  golden_each ("image", "ppm.json", check_golden);
}

static void
test_headers (void)
{
  static const gchar *const good[] = {
    "P5 2 1 255\nab",
    "P5\n# a comment\n2\t1 # another\r255 ab",
    "P5#first\n2 1\n255\nab",
    "P5 2 1 255\nab and more",
    "P5 2 1 255#no new line ends the number but this one\nab",
    "P5 0000002 1 255\vab",
  };
  static const gchar *const bad[] = {
    "P5",
    "P5 ",
    "P5 2",
    "P5 2 1",
    "P5 2 1 255",
    "P5 2 1 255\n",
    "P5 2 1 255\na", /* one pixel short */
    "P5 2 1 255ab",
    "P5 2 1 x\nab",
    "P5 -2 1 255\nab",
    "P5 0 1 255\nab",
    "P5 2 0 255\nab",
    "P5 2 1 0\nab",
    "P5 2 1 65536\nab",
    "P5 99999999999999999999 1 255\nab",
    "P5 16384 16384 255\nab",
    "P6 1 1 255\nab",
    "P5 1 1 65535\na",
    "P5 # endless",
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vImage) image
          = read_memory (good[i], strlen (good[i]), &error);

      g_assert_no_error (error);
      g_assert_cmpuint (image->width, ==, 2);
      g_assert_cmpmem (image->pixels, 6, "aaabbb", 6);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", bad[i]);
      g_assert_null (read_memory (bad[i], strlen (bad[i]), &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_PPM);
    }
}

/* The pixels are all there, but more than we take. */
static void
test_too_big (void)
{
  enum
  {
    WIDTH = 16385
  };
  g_autofree gchar *data = g_strnfill (WIDTH + 20, 'a');
  g_autoptr (GError) error = NULL;

  memcpy (data, "P5 16385 1 255\n", 15);
  g_assert_null (read_memory (data, WIDTH + 20, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
}

static void
test_value_beyond (void)
{
  g_autoptr (D2vImage) image = read_memory ("P5 2 1 100\n\x64\xc8", 13, NULL);

  g_assert_nonnull (image);
  g_assert_cmpuint (image->pixels[0], ==, 255);
  g_assert_cmpuint (image->pixels[3], ==, 255);
}

static void
check_written (guint max_value, const gchar *expected, gsize n_expected)
{
  const guint16 values[] = { 0, 7, 65, 1, 2, 254 };
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = NULL;
  g_autofree gchar *found = NULL;
  gsize n_found;

  g_close (g_file_open_tmp ("d2v-XXXXXX", &path, NULL), NULL);
  g_assert_true (d2v_pgm_write (path, values, 3, 2, max_value, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &found, &n_found, NULL));
  g_assert_cmpmem (found, n_found, expected, n_expected);
  g_unlink (path);
}

static void
test_write (void)
{
  check_written (254, "P5\n3 2\n255\n\0\7\x41\1\2\xfe", 17);
  check_written (300, "P5\n3 2\n65535\n\0\0\0\7\0\x41\0\1\0\2\0\xfe", 25);

  g_autoptr (GError) error = NULL;
  const guint16 value = 0;
  g_assert_false (
      d2v_pgm_write ("/nonexistent/x.pgm", &value, 1, 1, 1, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_WRITE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/ppm/golden", test_golden);
  g_test_add_func ("/process/ppm/headers", test_headers);
  g_test_add_func ("/process/ppm/too-big", test_too_big);
  g_test_add_func ("/process/ppm/value-beyond", test_value_beyond);
  g_test_add_func ("/process/ppm/write", test_write);
  return g_test_run ();
}
