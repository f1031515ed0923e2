/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/image.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/tensor/tensor.h"

#include <string.h>

#define N_LEVELS 256

/* How one axis of the resized image lies in the cropped one. */
typedef struct
{
  gsize from;  /* first pixel taken */
  gsize to;    /* where it goes; those before it are black */
  gsize n;     /* pixels taken */
  gsize n_out; /* pixels there are */
} Crop;

struct _D2vImageProcessor
{
  D2vImageProcessorConfig config;
  guint n_channels;
  gfloat levels[D2V_MAX_CHANNELS][N_LEVELS]; /* what a byte becomes */

  /* Of the last size: */
  D2vResize *resize;
  gsize in_width, in_height;
  gsize width, height; /* resized */
  guint8 *planes;      /* (n_channels, height, width) */
};

/* The original rescales in double and rounds to float, then normalises in
 * float; one byte has 256 outcomes. */
static void
make_levels (const D2vImageProcessorConfig *config, guint channel,
             gfloat *levels)
{
  for (guint i = 0; i < N_LEVELS; i++)
    {
      gfloat value = config->do_rescale
                         ? (gfloat) ((gdouble) i * config->rescale_factor)
                         : (gfloat) i;

      if (config->do_normalize)
        value = (value - config->mean[channel]) / config->std[channel];
      levels[i] = value;
    }
}

D2vImageProcessor *
d2v_image_processor_new (const D2vImageProcessorConfig *config,
                         guint n_channels)
{
  D2vImageProcessor *processor = g_new0 (D2vImageProcessor, 1);

  g_assert (n_channels >= 1 && n_channels <= D2V_MAX_CHANNELS);
  processor->config = *config;
  processor->n_channels = n_channels;
  for (guint c = 0; c < n_channels; c++)
    make_levels (config, c, processor->levels[c]);
  return processor;
}

void
d2v_image_processor_free (D2vImageProcessor *processor)
{
  if (processor == NULL)
    return;
  d2v_resize_free (processor->resize);
  d2v_free (processor->planes);
  g_free (processor);
}

static void
resized_size (const D2vImageProcessorConfig *config, gsize *width,
              gsize *height)
{
  if (!config->do_resize)
    return;
  *width = config->size_w;
  *height = config->size_h;
}

void
d2v_image_processor_output_size (const D2vImageProcessor *processor,
                                 gsize in_width, gsize in_height,
                                 gsize *out_width, gsize *out_height)
{
  const D2vImageProcessorConfig *config = &processor->config;

  *out_width = in_width;
  *out_height = in_height;
  resized_size (config, out_width, out_height);
  if (config->do_center_crop)
    {
      *out_width = config->crop_w;
      *out_height = config->crop_h;
    }
}

/* Odd differences: a smaller crop begins at the lower half, padding before
 * the image is the greater half. */
static Crop
center_crop (gsize n_in, gsize n_out)
{
  if (n_in >= n_out)
    return (Crop){ (n_in - n_out) / 2, 0, n_out, n_out };
  return (Crop){ 0, d2v_ceil_div (n_out - n_in, 2), n_in, n_out };
}

/* ---- sizes ---- */

static gboolean
check_size (const D2vImageView *view, GError **error)
{
  if (view->width >= 1 && view->width <= D2V_MAX_IMAGE_SIDE && view->height >= 1
      && view->height <= D2V_MAX_IMAGE_SIDE)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                   "expected an image of 1..%d pixels a side, found "
                   "%" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT,
                   D2V_MAX_IMAGE_SIDE, view->width, view->height);
}

static void
forget_size (D2vImageProcessor *processor)
{
  g_clear_pointer (&processor->resize, d2v_resize_free);
  g_clear_pointer (&processor->planes, d2v_free);
}

static gboolean
prepare_size (D2vImageProcessor *processor, gsize width, gsize height,
              GError **error)
{
  gsize n_bytes;

  if (processor->resize != NULL && processor->in_width == width
      && processor->in_height == height)
    return TRUE;
  forget_size (processor);
  processor->in_width = processor->width = width;
  processor->in_height = processor->height = height;
  resized_size (&processor->config, &processor->width, &processor->height);
  if (d2v_mul (processor->width, processor->height, &n_bytes)
      && d2v_mul (n_bytes, processor->n_channels, &n_bytes))
    processor->planes = d2v_malloc (n_bytes);
  if (processor->planes == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "expected memory for %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
                     " pixels, found none",
                     processor->width, processor->height);
  processor->resize = d2v_resize_new (
      (D2vFilter) processor->config.resample, width, height, processor->width,
      processor->height, processor->n_channels, error);
  return processor->resize != NULL;
}

/* ---- channels ---- */

/* @view as the model's channels; see image.h for what fits. */
static gboolean
fit_channels (const D2vImageProcessor *processor, const D2vImageView *view,
              D2vImageView *fitted, GError **error)
{
  *fitted = *view;
  fitted->n_channels = processor->n_channels;
  if (view->n_channels == processor->n_channels)
    return TRUE;
  if (processor->n_channels != 3 || view->n_channels < 1
      || view->n_channels > D2V_MAX_CHANNELS)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected an image of %u channels, found %u",
                     processor->n_channels, view->n_channels);
  if (view->n_channels < 3)
    fitted->offset[1] = fitted->offset[2] = fitted->offset[0];
  return TRUE;
}

/* ---- values ---- */

/* One row: black, @crop->n pixels from @in (NULL: none), black. */
static void
fill_row (const gfloat *levels, const Crop *crop, const guint8 *in, gfloat *out)
{
  gsize to = in != NULL ? crop->to : crop->n_out;
  gsize end = in != NULL ? crop->to + crop->n : crop->n_out;

  for (gsize x = 0; x < to; x++)
    out[x] = levels[0];
  for (gsize x = to; x < end; x++)
    out[x] = levels[in[crop->from + x - to]];
  for (gsize x = end; x < crop->n_out; x++)
    out[x] = levels[0];
}

/* @plane: (height, width). @out: (rows->n_out, columns->n_out). */
static void
fill_plane (const D2vImageProcessor *processor, guint channel,
            const Crop *columns, const Crop *rows, const guint8 *plane,
            gfloat *out)
{
  for (gsize y = 0; y < rows->n_out; y++, out += columns->n_out)
    {
      gboolean inside = y >= rows->to && y < rows->to + rows->n;

      fill_row (processor->levels[channel], columns,
                inside ? plane + (rows->from + y - rows->to) * processor->width
                       : NULL,
                out);
    }
}

gboolean
d2v_image_processor_run (D2vImageProcessor *processor, const D2vImageView *view,
                         gfloat *out, GError **error)
{
  D2vImageView fitted;
  gsize width, height;

  if (!check_size (view, error)
      || !fit_channels (processor, view, &fitted, error)
      || !prepare_size (processor, view->width, view->height, error))
    return FALSE;
  d2v_resize_run (processor->resize, &fitted, processor->planes);

  d2v_image_processor_output_size (processor, view->width, view->height, &width,
                                   &height);
  Crop columns = center_crop (processor->width, width);
  Crop rows = center_crop (processor->height, height);
  gsize n_pixels = processor->width * processor->height;
  for (guint c = 0; c < processor->n_channels; c++)
    fill_plane (processor, c, &columns, &rows, processor->planes + c * n_pixels,
                out + c * width * height);
  return TRUE;
}

/* ---- batches ---- */

static gboolean
check_equal_sizes (const D2vImageProcessor *processor,
                   const D2vImageView *views, gsize n_views, gsize *width,
                   gsize *height, GError **error)
{
  if (n_views == 0)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected at least one image, found none");
  d2v_image_processor_output_size (processor, views[0].width, views[0].height,
                                   width, height);
  for (gsize i = 1; i < n_views; i++)
    {
      gsize w, h;

      d2v_image_processor_output_size (processor, views[i].width,
                                       views[i].height, &w, &h);
      if (w != *width || h != *height)
        return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                         "expected images of one size, found %" G_GSIZE_FORMAT
                         "x%" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT
                         "x%" G_GSIZE_FORMAT,
                         *width, *height, w, h);
    }
  return TRUE;
}

D2vTensor *
d2v_image_processor_batch (D2vImageProcessor *processor,
                           const D2vImageView *views, gsize n_views,
                           GError **error)
{
  gsize width, height;

  if (!check_equal_sizes (processor, views, n_views, &width, &height, error)
      || !check_size (&views[0], error))
    return NULL;

  D2vShape shape = d2v_shape (n_views, processor->n_channels, height, width);
  g_autoptr (D2vTensor) batch = d2v_tensor_new_empty (D2V_F32, &shape);
  if (batch == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "expected memory for %" G_GSIZE_FORMAT
                " images of %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
                " pixels, found none",
                n_views, width, height);
      return NULL;
    }
  gfloat *out = batch->data;
  for (gsize i = 0; i < n_views; i++)
    {
      if (!d2v_image_processor_run (processor, &views[i], out, error))
        return NULL;
      out += processor->n_channels * height * width;
    }
  return g_steal_pointer (&batch);
}
