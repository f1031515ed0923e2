/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any settings of the image processor on any view of any pixels. The first
 * bytes are the settings, the rest the pixels; sizes are small, because what
 * is looked for is an index beyond them. */

#include "engine/process/image.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#define N_SETTINGS 16
#define MAX_SIDE 96

static D2vImageProcessorConfig
make_config (const guint8 *s)
{
  D2vImageProcessorConfig config = {
    .do_resize = s[0] & 1,
    .do_center_crop = s[0] >> 1 & 1,
    .do_rescale = s[0] >> 2 & 1,
    .do_normalize = s[0] >> 3 & 1,
    .size_h = 1 + s[1] % MAX_SIDE,
    .size_w = 1 + s[2] % MAX_SIDE,
    .crop_h = 1 + s[3] % MAX_SIDE,
    .crop_w = 1 + s[4] % MAX_SIDE,
    .resample = s[5] % D2V_N_FILTERS,
    .rescale_factor = 1 / 255.0,
  };

  for (guint c = 0; c < D2V_MAX_CHANNELS; c++)
    {
      config.mean[c] = 0.5f;
      config.std[c] = 0.25f;
    }
  return config;
}

/* A view whose last pixel ends the memory. */
static D2vImageView
make_view (const guint8 *s, const guint8 *pixels)
{
  D2vImageView view = {
    .pixels = pixels,
    .width = 1 + s[0] % MAX_SIDE,
    .height = 1 + s[1] % MAX_SIDE,
    .pixel_bytes = 1 + s[2] % 4,
    .n_channels = 1 + s[3] % 4,
  };

  view.stride = view.width * view.pixel_bytes + s[4] % 9;
  for (guint c = 0; c < D2V_MAX_CHANNELS; c++)
    view.offset[c] = (s[5] >> (2 * c) & 3) % view.pixel_bytes;
  return view;
}

/* As many bytes as @view needs, repeated out of @data. */
static guint8 *
make_pixels (const D2vImageView *view, const guint8 *data, size_t n_bytes)
{
  gsize n = (view->height - 1) * view->stride + view->width * view->pixel_bytes;
  guint8 *pixels = g_malloc (n);

  for (gsize i = 0; i < n; i++)
    pixels[i] = n_bytes > 0 ? data[i % n_bytes] : 0;
  return pixels;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  guint8 s[N_SETTINGS] = { 0 };
  gsize n_settings = MIN (n_bytes, N_SETTINGS), width, height;

  if (n_settings > 0)
    memcpy (s, data, n_settings);
  D2vImageProcessorConfig config = make_config (s);
  D2vImageView view = make_view (s + 6, NULL);
  g_autofree guint8 *pixels
      = make_pixels (&view, data + n_settings, n_bytes - n_settings);
  view.pixels = pixels;

  g_autoptr (GError) error = NULL;
  g_autoptr (D2vImageProcessor) processor
      = d2v_image_processor_new (&config, 1 + s[12] % 4);
  d2v_image_processor_output_size (processor, view.width, view.height, &width,
                                   &height);
  gsize n = (1 + s[12] % 4) * width * height;
  g_autofree gfloat *out = g_new (gfloat, n);
  gboolean ok = d2v_image_processor_run (processor, &view, out, &error);
  fuzz_check (ok, error);
  for (gsize i = 0; ok && i < n; i++)
    if (!isfinite (out[i]))
      abort ();
  return 0;
}
