/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images as files: which reader, and which way up. */

#include "engine/process/image.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/process/png.h"
#include "engine/process/ppm.h"

#include <string.h>

#define N_CHANNELS 3

D2vImage *
d2v_image_new (gsize width, gsize height, const gchar *file, GError **error)
{
  g_autoptr (D2vImage) image = NULL;

  if (width > D2V_MAX_IMAGE_SIDE || height > D2V_MAX_IMAGE_SIDE
      || width * height > D2V_MAX_IMAGE_PIXELS)
    {
      d2v_fail (error, D2V_ERROR_TOO_BIG, file,
                "expected at most %d pixels a side and %" G_GSIZE_FORMAT
                " in all, found %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT,
                D2V_MAX_IMAGE_SIDE, D2V_MAX_IMAGE_PIXELS, width, height);
      return NULL;
    }
  image = g_new0 (D2vImage, 1);
  image->width = width;
  image->height = height;
  image->pixels = d2v_malloc_n (width * height, N_CHANNELS);
  if (image->pixels == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, file,
                "expected memory for %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
                " pixels, found none",
                width, height);
      return NULL;
    }
  return g_steal_pointer (&image);
}

void
d2v_image_free (D2vImage *image)
{
  if (image == NULL)
    return;
  d2v_free (image->pixels);
  g_free (image);
}

D2vImageView
d2v_image_view (const D2vImage *image)
{
  return (D2vImageView){
    .pixels = image->pixels,
    .width = image->width,
    .height = image->height,
    .stride = image->width * N_CHANNELS,
    .pixel_bytes = N_CHANNELS,
    .n_channels = N_CHANNELS,
    .offset = { 0, 1, 2 },
  };
}

/* ---- orientation ---- */

/* EXIF's eight ways, as where the pixel (x, y) of the upright picture is
 * found in the file: first exchanged, then mirrored. */
static const struct
{
  gboolean exchange, mirror_x, mirror_y;
} ways[9] = {
  [2] = { .mirror_x = TRUE },
  [3] = { .mirror_x = TRUE, .mirror_y = TRUE },
  [4] = { .mirror_y = TRUE },
  [5] = { .exchange = TRUE },
  [6] = { .exchange = TRUE, .mirror_y = TRUE },
  [7] = { .exchange = TRUE, .mirror_x = TRUE, .mirror_y = TRUE },
  [8] = { .exchange = TRUE, .mirror_x = TRUE },
};

static void
copy_upright (const D2vImage *in, D2vImage *out, guint orientation)
{
  guint8 *to = out->pixels;

  for (gsize y = 0; y < out->height; y++)
    for (gsize x = 0; x < out->width; x++, to += N_CHANNELS)
      {
        gsize from_x = ways[orientation].exchange ? y : x;
        gsize from_y = ways[orientation].exchange ? x : y;

        if (ways[orientation].mirror_x)
          from_x = in->width - 1 - from_x;
        if (ways[orientation].mirror_y)
          from_y = in->height - 1 - from_y;
        memcpy (to, in->pixels + (from_y * in->width + from_x) * N_CHANNELS,
                N_CHANNELS);
      }
}

D2vImage *
d2v_image_orient (D2vImage *image, guint orientation, GError **error)
{
  if (orientation < 2 || orientation > 8)
    return image;
  g_autoptr (D2vImage) in = image;
  gboolean exchange = ways[orientation].exchange;
  g_autoptr (D2vImage) out
      = d2v_image_new (exchange ? in->height : in->width,
                       exchange ? in->width : in->height, NULL, error);

  if (out == NULL)
    return NULL;
  copy_upright (in, out, orientation);
  return g_steal_pointer (&out);
}

/* ---- files ---- */

static D2vImage *
read_any (D2vFile *file, GError **error)
{
  guint8 head[D2V_PNG_MAGIC_BYTES] = { 0 };
  gsize n = d2v_min (d2v_file_size (file), sizeof head);

  if (!d2v_file_read (file, 0, head, n, error))
    return NULL;
  if (d2v_png_is (head))
    return d2v_png_read_file (file, error);
  if (d2v_ppm_is (head))
    return d2v_ppm_read_file (file, error);
  d2v_fail (error, D2V_ERROR_UNSUPPORTED, d2v_file_path (file),
            "expected a PNG, a binary PPM or a binary PGM, found another "
            "format");
  return NULL;
}

D2vImage *
d2v_image_read (const gchar *path, GError **error)
{
  g_autoptr (D2vFile) file = d2v_file_open_path (path, error);
  g_autoptr (D2vImage) image = NULL;

  if (file == NULL)
    return NULL;
  image = read_any (file, error);
  if (image == NULL || !d2v_file_check_unchanged (file, error))
    return NULL;
  return g_steal_pointer (&image);
}
