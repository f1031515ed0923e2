/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/png.h"

#include "engine/base/alloc.h"

#include "tests/engine/golden.h"

#define FOLDER TESTS_DATA "/image/png"

static void
assert_same_image (const D2vImage *a, const D2vImage *b)
{
  g_assert_cmpuint (a->width, ==, b->width);
  g_assert_cmpuint (a->height, ==, b->height);
  g_assert_cmpmem (a->pixels, a->width * a->height * 3, b->pixels,
                   b->width * b->height * 3);
}

/* Each PNG lies beside the PPM that Pillow makes of it. */
static void
test_golden (void)
{
  g_autoptr (GDir) dir = g_dir_open (FOLDER, 0, NULL);
  const gchar *name;
  guint n = 0;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autoptr (GError) error = NULL;

      if (!g_str_has_suffix (name, ".png"))
        continue;
      g_autofree gchar *path = g_build_filename (FOLDER, name, NULL);
      g_autofree gchar *stem = g_strndup (path, strlen (path) - 4);
      g_autofree gchar *twin = g_strconcat (stem, ".ppm", NULL);
      g_autoptr (D2vImage) found = d2v_image_read (path, &error);
      g_assert_no_error (error);
      g_autoptr (D2vImage) expected = d2v_image_read (twin, &error);
      g_assert_no_error (error);
      g_test_message ("%s", name);
      assert_same_image (found, expected);
      n++;
    }
  g_assert_cmpuint (n, >=, 40);
}

static guint8 *
load (const gchar *name, gsize *n_bytes)
{
  g_autofree gchar *path = g_build_filename (FOLDER, name, NULL);
  gchar *contents = NULL;

  g_assert_true (g_file_get_contents (path, &contents, n_bytes, NULL));
  return (guint8 *) contents;
}

static D2vImage *
read_memory (const guint8 *data, gsize n_bytes, GError **error)
{
  g_autoptr (D2vFile) file = d2v_file_from_memory (data, n_bytes, "test.png");

  return d2v_png_read_file (file, error);
}

/* Every shorter file is refused; none is half a picture. */
static void
test_cut_off (void)
{
  gsize n_bytes;
  g_autofree guint8 *data = load ("rgba-16-interlaced.png", &n_bytes);

  for (gsize n = 0; n < n_bytes; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *copy = g_memdup2 (data, n);

      g_assert_null (read_memory (copy, n, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_PNG);
    }
}

/* A changed byte gives a picture or a PNG error, nothing else. */
static void
test_changed_byte (void)
{
  static const gchar *const names[]
      = { "rgba-16-interlaced.png", "palette-4.png", "orientation-6.png" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gsize n_bytes;
      g_autofree guint8 *data = load (names[i], &n_bytes);

      for (gsize at = 0; at < n_bytes; at++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (D2vImage) image = NULL;

          data[at] ^= 0x55;
          image = read_memory (data, n_bytes, &error);
          data[at] ^= 0x55;
          if (image == NULL)
            g_assert_error (error, D2V_ERROR, D2V_ERROR_PNG);
        }
    }
}

/* ---- files that lie ---- */

static guint32
crc (const guint8 *data, gsize n)
{
  guint32 value = 0xFFFFFFFFu;

  for (gsize i = 0; i < n; i++)
    {
      value ^= data[i];
      for (guint k = 0; k < 8; k++)
        value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
    }
  return ~value;
}

static void
put_u32 (guint8 *out, guint32 value)
{
  for (guint i = 0; i < 4; i++)
    out[i] = (guint8) (value >> (24 - 8 * i));
}

/* A small file whose header claims another size. */
static void
claim (guint32 width, guint32 height, gint code)
{
  g_autoptr (GError) error = NULL;
  gsize n_bytes;
  g_autofree guint8 *data = load ("rgb-8.png", &n_bytes);

  put_u32 (data + 16, width);
  put_u32 (data + 20, height);
  put_u32 (data + 29, crc (data + 12, 17));
  guint64 before = d2v_alloc_count ();
  g_assert_null (read_memory (data, n_bytes, &error));
  g_assert_error (error, D2V_ERROR, code);
  /* nothing was allocated for pixels that cannot be there */
  g_assert_cmpuint (d2v_alloc_count (), ==, before);
}

static void
test_claims (void)
{
  claim (0, 5, D2V_ERROR_PNG);
  claim (5, 0, D2V_ERROR_PNG);
  claim (16385, 1, D2V_ERROR_PNG);
  claim (1, 0x7FFFFFFF, D2V_ERROR_PNG);
  claim (0xFFFFFFFF, 0xFFFFFFFF, D2V_ERROR_PNG);
  claim (16384, 16384, D2V_ERROR_PNG);
  claim (4000, 4000, D2V_ERROR_PNG);
}

static void
test_no_memory (void)
{
  gsize n_bytes;
  g_autofree guint8 *data = load ("orientation-6.png", &n_bytes);

  /* the picture, a row, the picture upright */
  for (guint64 nth = 1; nth <= 3; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      g_assert_null (read_memory (data, n_bytes, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/png/golden", test_golden);
  g_test_add_func ("/process/png/cut-off", test_cut_off);
  g_test_add_func ("/process/png/changed-byte", test_changed_byte);
  g_test_add_func ("/process/png/claims", test_claims);
  g_test_add_func ("/process/png/no-memory", test_no_memory);
  return g_test_run ();
}
