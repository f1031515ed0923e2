/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/image.h"

#include "engine/base/alloc.h"

#include "tests/engine/golden.h"

#include <glib/gstdio.h>

static const D2vImageProcessorConfig small = {
  .do_resize = TRUE,
  .do_rescale = TRUE,
  .do_normalize = TRUE,
  .size_h = 4,
  .size_w = 6,
  .resample = D2V_FILTER_BICUBIC,
  .rescale_factor = 1 / 255.0,
  .mean = { 0.5, 0.5, 0.5, 0.5 },
  .std = { 0.5, 0.5, 0.5, 0.5 },
};

static D2vImageView
packed_view (const guint8 *pixels, gsize width, gsize height, guint channels)
{
  return (D2vImageView){ .pixels = pixels,
                         .width = width,
                         .height = height,
                         .stride = width * channels,
                         .pixel_bytes = channels,
                         .n_channels = channels,
                         .offset = { 0, 1, 2, 3 } };
}

/* ---- the original's numbers, bit for bit ---- */

static gboolean
flag (const D2vJsonValue *config, const gchar *key)
{
  return d2v_json_bool (d2v_json_member (config, key));
}

static D2vImageProcessorConfig
read_config (const D2vJsonValue *config)
{
  D2vImageProcessorConfig out = {
    .do_resize = flag (config, "do_resize"),
    .do_center_crop = flag (config, "do_center_crop"),
    .do_rescale = flag (config, "do_rescale"),
    .do_normalize = flag (config, "do_normalize"),
    .size_h = golden_size (config, "size", 0),
    .size_w = golden_size (config, "size", 1),
    .crop_h = golden_size (config, "crop", 0),
    .crop_w = golden_size (config, "crop", 1),
    .resample = (gint) golden_integer (config, "resample"),
    .rescale_factor
    = d2v_json_number (d2v_json_member (config, "rescale_factor")),
  };

  for (guint c = 0; c < 3; c++)
    {
      out.mean[c]
          = (gfloat) d2v_json_number (golden_element (config, "image_mean", c));
      out.std[c]
          = (gfloat) d2v_json_number (golden_element (config, "image_std", c));
    }
  return out;
}

static void
check_golden (const D2vJsonValue *value)
{
  g_autoptr (GError) error = NULL;
  D2vImageProcessorConfig config
      = read_config (d2v_json_member (value, "config"));
  g_autoptr (D2vImageProcessor) p = d2v_image_processor_new (&config, 3);
  gsize in_width = golden_size (value, "in", 0);
  gsize in_height = golden_size (value, "in", 1);
  g_autofree guint8 *pixels = golden_pattern (value, in_width, in_height, 3);
  D2vImageView view = packed_view (pixels, in_width, in_height, 3);
  gsize width, height, n_expected;
  g_autofree guint8 *expected = golden_bytes (value, "expected", &n_expected);

  d2v_image_processor_output_size (p, in_width, in_height, &width, &height);
  g_assert_cmpuint (width, ==, golden_size (value, "out", 0));
  g_assert_cmpuint (height, ==, golden_size (value, "out", 1));
  g_autofree gfloat *out = g_new (gfloat, 3 * width * height);
  g_assert_true (d2v_image_processor_run (p, &view, out, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (out, 3 * width * height * sizeof *out, expected, n_expected);
}

static void
test_golden (void)
{
  golden_each ("image", "processor.json", check_golden);
}

/* ---- channels ---- */

static void
run (guint model_channels, guint view_channels, gfloat *out)
{
  g_autoptr (D2vImageProcessor) p
      = d2v_image_processor_new (&small, model_channels);
  g_autoptr (GError) error = NULL;
  guint8 pixels[9 * 8 * 4];

  /* channel c is a picture of its own */
  for (guint i = 0; i < 9 * 8; i++)
    for (guint c = 0; c < view_channels; c++)
      pixels[i * view_channels + c] = (guint8) (i * 3 + 60 * c);
  D2vImageView view = packed_view (pixels, 9, 8, view_channels);
  g_assert_true (d2v_image_processor_run (p, &view, out, &error));
  g_assert_no_error (error);
}

static void
test_channels (void)
{
  enum
  {
    PLANE = 4 * 6
  };
  gfloat rgb[3 * PLANE], rgba[3 * PLANE], grey[3 * PLANE],
      grey_alpha[3 * PLANE], one[PLANE], four[4 * PLANE];
  gsize n = PLANE * sizeof (gfloat);

  run (3, 3, rgb);
  run (3, 4, rgba);
  run (3, 1, grey);
  run (3, 2, grey_alpha);
  run (1, 1, one);
  run (4, 4, four);
  g_assert_cmpmem (rgba, 3 * n, rgb, 3 * n);
  g_assert_cmpmem (four, 3 * n, rgb, 3 * n);
  g_assert_cmpfloat (four[3 * PLANE], !=, four[2 * PLANE]);
  for (guint c = 0; c < 3; c++)
    {
      g_assert_cmpmem (grey + c * PLANE, n, rgb, n);
      g_assert_cmpmem (grey_alpha + c * PLANE, n, rgb, n);
    }
  g_assert_cmpmem (one, n, rgb, n);
}

static void
test_refuses (void)
{
  static const struct
  {
    guint model, channels;
    gsize width, height;
  } cases[] = {
    { 1, 3, 8, 8 }, { 4, 3, 8, 8 },     { 2, 1, 8, 8 },
    { 3, 5, 8, 8 }, { 3, 0, 8, 8 },     { 3, 3, 0, 8 },
    { 3, 3, 8, 0 }, { 3, 3, 16385, 1 }, { 3, 3, 1, G_MAXSIZE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (D2vImageProcessor) p
          = d2v_image_processor_new (&small, cases[i].model);
      g_autoptr (GError) error = NULL;
      guint8 pixels[1] = { 0 };
      gfloat out[1];
      D2vImageView view = packed_view (pixels, cases[i].width, cases[i].height,
                                       cases[i].channels);

      g_assert_false (d2v_image_processor_run (p, &view, out, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
    }
}

/* A change of size is taken up; the same size costs no memory. */
static void
test_sizes_change (void)
{
  g_autoptr (D2vImageProcessor) p = d2v_image_processor_new (&small, 3);
  g_autofree guint8 *pixels = g_malloc (40 * 40 * 3);
  gfloat first[3 * 4 * 6], again[3 * 4 * 6], other[3 * 4 * 6];

  for (guint i = 0; i < 40 * 40 * 3; i++)
    pixels[i] = (guint8) (i * 7);
  D2vImageView a = packed_view (pixels, 40, 40, 3);
  D2vImageView b = packed_view (pixels, 20, 30, 3);
  g_assert_true (d2v_image_processor_run (p, &a, first, NULL));
  guint64 n = d2v_alloc_count ();
  g_assert_true (d2v_image_processor_run (p, &a, again, NULL));
  g_assert_cmpuint (d2v_alloc_count (), ==, n);
  g_assert_cmpmem (first, sizeof first, again, sizeof again);
  g_assert_true (d2v_image_processor_run (p, &b, other, NULL));
  g_assert_true (d2v_image_processor_run (p, &a, again, NULL));
  g_assert_cmpmem (first, sizeof first, again, sizeof again);
  g_assert_true (memcmp (first, other, sizeof first) != 0);

  /* out of memory is an error each time, and no lasting one */
  for (guint64 nth = 1; nth <= 3; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      g_assert_false (
          d2v_image_processor_run (p, nth % 2 ? &b : &a, other, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
    }
  d2v_alloc_fail_at (0);
  g_assert_true (d2v_image_processor_run (p, &a, again, NULL));
  g_assert_cmpmem (first, sizeof first, again, sizeof again);
}

/* ---- batches ---- */

static void
test_batch (void)
{
  g_autoptr (D2vImageProcessor) p = d2v_image_processor_new (&small, 3);
  g_autoptr (GError) error = NULL;
  guint8 pixels[12 * 12 * 3];
  gfloat one[3 * 4 * 6];

  for (guint i = 0; i < sizeof pixels; i++)
    pixels[i] = (guint8) (i * 5);
  D2vImageView views[]
      = { packed_view (pixels, 12, 12, 3), packed_view (pixels, 7, 9, 3) };
  g_autoptr (D2vTensor) batch = d2v_image_processor_batch (p, views, 2, &error);
  g_assert_no_error (error);
  const gsize *shape = d2v_tensor_shape (batch);
  g_assert_cmpuint (d2v_tensor_rank (batch), ==, 4);
  g_assert_cmpuint (shape[0], ==, 2);
  g_assert_cmpuint (shape[1], ==, 3);
  g_assert_cmpuint (shape[2], ==, 4);
  g_assert_cmpuint (shape[3], ==, 6);
  for (guint i = 0; i < 2; i++)
    {
      const gfloat *row = d2v_tensor_data (batch);

      g_assert_true (d2v_image_processor_run (p, &views[i], one, NULL));
      g_assert_cmpmem (row + i * 3 * 4 * 6, sizeof one, one, sizeof one);
    }
}

static void
test_batch_refuses (void)
{
  D2vImageProcessorConfig config = small;
  guint8 pixels[12 * 12 * 3] = { 0 };
  D2vImageView views[]
      = { packed_view (pixels, 12, 12, 3), packed_view (pixels, 7, 9, 3) };

  config.do_resize = FALSE;
  for (gsize n = 0; n <= 2; n += 2)
    {
      g_autoptr (D2vImageProcessor) p = d2v_image_processor_new (&config, 3);
      g_autoptr (GError) error = NULL;

      g_assert_null (d2v_image_processor_batch (p, views, n, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
    }
}

/* ---- files ---- */

static void
test_unknown_format (void)
{
  static const gchar *const contents[]
      = { "GIF89a", "P3\n1 1\n255\n0 0 0\n", "", "P", "\x89PNG" };

  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *path = NULL;
      gint fd = g_file_open_tmp ("d2v-XXXXXX", &path, &error);

      g_assert_no_error (error);
      g_close (fd, NULL);
      g_assert_true (g_file_set_contents (path, contents[i], -1, NULL));
      g_assert_null (d2v_image_read (path, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_UNSUPPORTED);
      g_unlink (path);
    }

  g_autoptr (GError) error = NULL;
  g_assert_null (d2v_image_read ("/nonexistent/x.png", &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/image/golden", test_golden);
  g_test_add_func ("/process/image/channels", test_channels);
  g_test_add_func ("/process/image/refuses", test_refuses);
  g_test_add_func ("/process/image/sizes-change", test_sizes_change);
  g_test_add_func ("/process/image/batch", test_batch);
  g_test_add_func ("/process/image/batch-refuses", test_batch_refuses);
  g_test_add_func ("/process/image/unknown-format", test_unknown_format);
  return g_test_run ();
}
