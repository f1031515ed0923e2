/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/resize_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

struct _D2vResize
{
  D2vFilter filter;
  ResizeAxis x, y;
  guint n_channels;
  guint8 *columns; /* (in_width, 4, RESIZE_LANES): one band, turned */
  guint8 *middle;  /* (n_channels, in_height, out_width), between the passes;
                    * NULL when there is only one */
};

static gboolean
has_width_pass (const D2vResize *resize)
{
  return resize->x.n_in != resize->x.n_out;
}

static gboolean
has_height_pass (const D2vResize *resize)
{
  return resize->y.n_in != resize->y.n_out;
}

static gboolean
reserve (D2vResize *resize)
{
  gsize n_bytes;

  if (has_width_pass (resize))
    {
      resize->columns
          = d2v_malloc_n (resize->x.n_in, D2V_MAX_CHANNELS * RESIZE_LANES);
      if (resize->columns == NULL)
        return FALSE;
    }
  if (!has_height_pass (resize))
    return TRUE;
  if (!d2v_mul (resize->y.n_in, resize->x.n_out, &n_bytes)
      || !d2v_mul (n_bytes, resize->n_channels, &n_bytes))
    return FALSE;
  resize->middle = d2v_malloc (n_bytes);
  return resize->middle != NULL;
}

D2vResize *
d2v_resize_new (D2vFilter filter, gsize in_width, gsize in_height,
                gsize out_width, gsize out_height, guint n_channels,
                GError **error)
{
  g_autoptr (D2vResize) resize = g_new0 (D2vResize, 1);

  g_assert (in_width > 0 && in_height > 0 && out_width > 0 && out_height > 0);
  g_assert (n_channels >= 1 && n_channels <= D2V_MAX_CHANNELS);
  resize->filter = filter;
  resize->n_channels = n_channels;
  if (resize_axis_init (&resize->x, filter, in_width, out_width)
      && resize_axis_init (&resize->y, filter, in_height, out_height)
      && (filter == D2V_FILTER_NEAREST || reserve (resize)))
    return g_steal_pointer (&resize);

  d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
            "expected memory to resize %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
            " pixels to %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT ", found none",
            in_width, in_height, out_width, out_height);
  return NULL;
}

void
d2v_resize_free (D2vResize *resize)
{
  if (resize == NULL)
    return;
  resize_axis_clear (&resize->x);
  resize_axis_clear (&resize->y);
  d2v_free (resize->columns);
  d2v_free (resize->middle);
  g_free (resize);
}

/* One row of one channel, out of its pixels. @out: (view->width). */
static void
copy_row (const D2vImageView *view, guint channel, gsize y, guint8 *out)
{
  const guint8 *in = view->pixels + y * view->stride + view->offset[channel];

  for (gsize x = 0; x < view->width; x++)
    out[x] = in[x * view->pixel_bytes];
}

/* One row of one channel. */
static void
pick_row (const ResizeSpan *spans, const guint8 *in, gsize pixel_bytes,
          gsize width, guint8 *out)
{
  for (gsize x = 0; x < width; x++)
    out[x] = in[spans[x].first * pixel_bytes];
}

static void
run_nearest (const D2vResize *resize, const D2vImageView *view, guint8 *planes)
{
  gsize width = resize->x.n_out, height = resize->y.n_out;

  for (gsize y = 0; y < height; y++)
    for (guint c = 0; c < resize->n_channels; c++)
      pick_row (resize->x.spans,
                view->pixels + resize->y.spans[y].first * view->stride
                    + view->offset[c],
                view->pixel_bytes, width, planes + (c * height + y) * width);
}

/* @planes: (n_channels, in_height, out_width). */
static void
run_width (const D2vResize *resize, const D2vImageView *view, guint8 *planes)
{
  gsize width = resize->x.n_out, height = resize->y.n_in;

  for (gsize y = 0; y < height; y += RESIZE_LANES)
    {
      gsize n_rows = d2v_min (RESIZE_LANES, height - y);

      resize_turn (view->pixels + y * view->stride, view->stride, n_rows,
                   view->width * view->pixel_bytes, resize->columns);
      for (guint c = 0; c < resize->n_channels; c++)
        resize_horizontal (
            &resize->x, resize->columns + view->offset[c] * RESIZE_LANES,
            view->pixel_bytes, planes + (c * height + y) * width, n_rows);
    }
}

/* The same without a change of width. */
static void
run_copy (const D2vResize *resize, const D2vImageView *view, guint8 *planes)
{
  for (guint c = 0; c < resize->n_channels; c++)
    for (gsize y = 0; y < view->height; y++, planes += view->width)
      copy_row (view, c, y, planes);
}

/* @middle: (n_channels, in_height, out_width). */
static void
run_height (const D2vResize *resize, const guint8 *middle, guint8 *planes)
{
  gsize width = resize->x.n_out;

  for (guint c = 0; c < resize->n_channels; c++)
    {
      for (gsize y = 0; y < resize->y.n_out; y++, planes += width)
        resize_vertical (&resize->y, y, middle, width, planes);
      middle += resize->y.n_in * width;
    }
}

void
d2v_resize_run (D2vResize *resize, const D2vImageView *view, guint8 *planes)
{
  g_assert (view->width == resize->x.n_in && view->height == resize->y.n_in);
  g_assert (view->n_channels == resize->n_channels);

  if (resize->filter == D2V_FILTER_NEAREST)
    {
      run_nearest (resize, view, planes);
      return;
    }
  guint8 *first = has_height_pass (resize) ? resize->middle : planes;

  if (has_width_pass (resize))
    run_width (resize, view, first);
  else
    run_copy (resize, view, first);
  if (has_height_pass (resize))
    run_height (resize, first, planes);
}
