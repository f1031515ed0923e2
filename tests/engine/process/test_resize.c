/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/resize_private.h"

#include "engine/base/alloc.h"

#include "tests/engine/golden.h"

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

static guint8 *
resize (D2vFilter filter, const D2vImageView *view, gsize width, gsize height)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vResize) r
      = d2v_resize_new (filter, view->width, view->height, width, height,
                        view->n_channels, &error);
  guint8 *planes = g_new (guint8, view->n_channels * width * height);

  g_assert_no_error (error);
  d2v_resize_run (r, view, planes);
  return planes;
}

/* ---- Pillow's bytes ---- */

static void
check_golden (const D2vJsonValue *value)
{
  D2vFilter filter = (D2vFilter) golden_integer (value, "filter");
  gsize in_width = golden_size (value, "in", 0);
  gsize in_height = golden_size (value, "in", 1);
  gsize width = golden_size (value, "out", 0);
  gsize height = golden_size (value, "out", 1);
  guint channels = (guint) golden_integer (value, "channels");
  gsize n_expected;
  g_autofree guint8 *pixels
      = golden_pattern (value, in_width, in_height, channels);
  g_autofree guint8 *expected = golden_bytes (value, "expected", &n_expected);
  D2vImageView view = packed_view (pixels, in_width, in_height, channels);
  g_autofree guint8 *found = resize (filter, &view, width, height);

  g_test_message ("filter %d, %zux%zu to %zux%zu", filter, in_width, in_height,
                  width, height);
  g_assert_cmpmem (found, channels * width * height, expected, n_expected);
}

static void
test_golden (void)
{
  golden_each ("image", "resize.json", check_golden);
}

/* ---- the faster twins ---- */

static void
fill_random (GRand *rand, guint8 *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (guint8) g_rand_int_range (rand, 0, 256);
}

static void
test_twins_weigh (void)
{
  GRand *rand = g_rand_new_with_seed (3);
  guint8 in[70 * 40], plain[RESIZE_LANES], fast[RESIZE_LANES];
  gint16 low[66], high[66];

  for (guint round = 0; round < 2000; round++)
    {
      gsize step = (gsize) g_rand_int_range (rand, RESIZE_LANES, 40);
      guint n = (guint) g_rand_int_range (rand, 0, 65);

      fill_random (rand, in, sizeof in);
      for (guint k = 0; k < n; k++)
        {
          low[k] = (gint16) g_rand_int_range (rand, 0, 1 << RESIZE_LOW_BITS);
          high[k] = (gint16) g_rand_int_range (rand, -60, 80);
        }
      low[n] = high[n] = 0;
      ResizeWeights w = { low, high, n };
      resize_weigh_plain (&w, in, step, plain);
      resize_weigh (&w, in, step, fast);
      g_assert_cmpmem (plain, sizeof plain, fast, sizeof fast);
    }
  g_rand_free (rand);
}

static void
test_twins_turn (void)
{
  GRand *rand = g_rand_new_with_seed (4);
  guint8 in[RESIZE_LANES][50], plain[256], fast[256];
  const guint8 *row[RESIZE_LANES];

  fill_random (rand, in[0], sizeof in);
  for (guint r = 0; r < RESIZE_LANES; r++)
    row[r] = in[r];
  for (gsize at = 0; at <= 50 - RESIZE_LANES; at++)
    {
      resize_turn_tile_plain (row, at, plain);
      resize_turn_tile (row, at, fast);
      g_assert_cmpmem (plain, sizeof plain, fast, sizeof fast);
    }
  g_rand_free (rand);
}

/* ---- pixels where they lie ---- */

/* BGRx with a gap after each row, at an odd address: the same as RGB. */
static void
test_layouts (void)
{
  enum
  {
    W = 21,
    H = 19,
    STRIDE = W * 4 + 7
  };
  GRand *rand = g_rand_new_with_seed (5);
  guint8 rgb[H * W * 3], memory[H * STRIDE + 1];
  guint8 *bgrx = memory + 1;

  fill_random (rand, rgb, sizeof rgb);
  fill_random (rand, memory, sizeof memory);
  for (guint i = 0; i < W * H; i++)
    for (guint c = 0; c < 3; c++)
      bgrx[i / W * STRIDE + i % W * 4 + 2 - c] = rgb[3 * i + c];
  D2vImageView plain = packed_view (rgb, W, H, 3);
  D2vImageView odd = { .pixels = bgrx,
                       .width = W,
                       .height = H,
                       .stride = STRIDE,
                       .pixel_bytes = 4,
                       .n_channels = 3,
                       .offset = { 2, 1, 0 } };

  for (guint filter = 0; filter < D2V_N_FILTERS; filter++)
    {
      static const gsize sizes[][2]
          = { { 9, 11 }, { W, 11 }, { 9, H }, { W, H }, { 50, 60 } };

      for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
        {
          gsize n = 3 * sizes[i][0] * sizes[i][1];
          g_autofree guint8 *a
              = resize (filter, &plain, sizes[i][0], sizes[i][1]);
          g_autofree guint8 *b
              = resize (filter, &odd, sizes[i][0], sizes[i][1]);
          g_assert_cmpmem (a, n, b, n);
        }
    }
  g_rand_free (rand);
}

/* Bytes of the memory beyond the last row are never read: the last rows of a
 * frame may end a page. */
static void
test_exact_memory (void)
{
  enum
  {
    W = 17,
    H = 18
  };
  guint8 *pixels = g_malloc0 (W * H * 3); /* a sanitizer guards its end */
  D2vImageView view = packed_view (pixels, W, H, 3);

  for (guint filter = 0; filter < D2V_N_FILTERS; filter++)
    {
      g_autofree guint8 *small = resize (filter, &view, 5, 4);
      g_autofree guint8 *large = resize (filter, &view, 33, 35);
      g_assert_cmpuint (small[0] | large[0], ==, 0);
    }
  g_free (pixels);
}

static void
test_flat_stays_flat (void)
{
  guint8 pixels[30 * 20];

  memset (pixels, 201, sizeof pixels);
  D2vImageView view = packed_view (pixels, 30, 20, 1);
  for (guint filter = 0; filter < D2V_N_FILTERS; filter++)
    {
      g_autofree guint8 *out = resize (filter, &view, 13, 47);
      for (guint i = 0; i < 13 * 47; i++)
        g_assert_cmpuint (out[i], ==, 201);
    }
}

static void
test_no_memory (void)
{
  guint64 before = d2v_alloc_count ();
  g_autoptr (D2vResize) all
      = d2v_resize_new (D2V_FILTER_BICUBIC, 40, 30, 14, 14, 3, NULL);
  guint64 n = d2v_alloc_count () - before;

  g_assert_nonnull (all);
  for (guint64 i = 1; i <= n; i++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (i);
      g_assert_null (
          d2v_resize_new (D2V_FILTER_BICUBIC, 40, 30, 14, 14, 3, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/resize/golden", test_golden);
  g_test_add_func ("/process/resize/twins-weigh", test_twins_weigh);
  g_test_add_func ("/process/resize/twins-turn", test_twins_turn);
  g_test_add_func ("/process/resize/layouts", test_layouts);
  g_test_add_func ("/process/resize/exact-memory", test_exact_memory);
  g_test_add_func ("/process/resize/flat-stays-flat", test_flat_stays_flat);
  g_test_add_func ("/process/resize/no-memory", test_no_memory);
  return g_test_run ();
}
