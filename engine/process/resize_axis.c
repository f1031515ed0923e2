/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Weights of one axis. Every double below is computed in Pillow's order:
 * another order changes the last of the weights' 22 bits. */

#include "engine/process/resize_private.h"

#include "engine/base/alloc.h"
#include "engine/base/math.h"

#include <math.h>

typedef gdouble (*FilterFunc) (gdouble x);

static gdouble
sinc (gdouble x)
{
  if (x == 0.0)
    return 1.0;
  x = x * G_PI;
  return sin (x) / x;
}

static gdouble
box (gdouble x)
{
  return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static gdouble
bilinear (gdouble x)
{
  x = fabs (x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

static gdouble
hamming (gdouble x)
{
  x = fabs (x);
  if (x == 0.0)
    return 1.0;
  if (x >= 1.0)
    return 0.0;
  x = x * G_PI;
  return sin (x) / x * (0.54f + 0.46f * cos (x));
}

/* Keys' cubic with a = -0.5; PyTorch's has -0.75. */
static gdouble
bicubic (gdouble x)
{
  const gdouble a = -0.5;

  x = fabs (x);
  if (x < 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0)
    return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

static gdouble
lanczos (gdouble x)
{
  return -3.0 <= x && x < 3.0 ? sinc (x) * sinc (x / 3) : 0.0;
}

static const struct
{
  FilterFunc weight;
  gdouble support;
} filters[D2V_N_FILTERS] = {
  [D2V_FILTER_LANCZOS] = { lanczos, 3.0 },
  [D2V_FILTER_BILINEAR] = { bilinear, 1.0 },
  [D2V_FILTER_BICUBIC] = { bicubic, 2.0 },
  [D2V_FILTER_BOX] = { box, 0.5 },
  [D2V_FILTER_HAMMING] = { hamming, 1.0 },
};

/* Pillow takes the nearest pixel by stepping through the input, so the
 * positions carry the steps' rounding. */
static void
init_nearest (ResizeAxis *axis)
{
  gdouble step = (gdouble) axis->n_in / (gdouble) axis->n_out;
  gdouble position = step * 0.5;

  for (gsize i = 0; i < axis->n_out; i++)
    {
      gsize first = d2v_min ((gsize) position, axis->n_in - 1);

      axis->spans[i] = (ResizeSpan){ (guint) first, 1, 0 };
      position += step;
    }
}

static void
set_weight (ResizeAxis *axis, gsize at, gdouble weight)
{
  gint32 fixed = (gint32) ((weight < 0 ? -0.5 : 0.5)
                           + weight * (gdouble) (1 << RESIZE_BITS));

  axis->low[at] = (gint16) (fixed & ((1 << RESIZE_LOW_BITS) - 1));
  axis->high[at] = (gint16) (fixed >> RESIZE_LOW_BITS);
}

/* The inputs within the filter's reach of output @i, and their weights, which
 * add up to one. @exact: room for as many weights as a span may have. */
static ResizeSpan
make_span (ResizeAxis *axis, D2vFilter filter, gsize i, gsize at,
           gdouble *exact)
{
  gdouble scale = (gdouble) axis->n_in / (gdouble) axis->n_out;
  gdouble stretch = scale < 1.0 ? 1.0 : scale;
  gdouble support = filters[filter].support * stretch;
  gdouble inverse = 1.0 / stretch;
  gdouble center = ((gdouble) i + 0.5) * scale;
  gint first = MAX ((gint) (center - support + 0.5), 0);
  gint end = MIN ((gint) (center + support + 0.5), (gint) axis->n_in);
  gint n = MAX (end - first, 0);
  gdouble sum = 0;

  for (gint k = 0; k < n; k++)
    {
      exact[k] = filters[filter].weight ((k + first - center + 0.5) * inverse);
      sum += exact[k];
    }
  for (gint k = 0; k < n; k++)
    set_weight (axis, at + k, sum != 0.0 ? exact[k] / sum : exact[k]);
  if (n % 2 != 0)
    set_weight (axis, at + n, 0);
  return (ResizeSpan){ (guint) first, (guint) n, at };
}

gboolean
resize_axis_init (ResizeAxis *axis, D2vFilter filter, gsize n_in, gsize n_out)
{
  *axis = (ResizeAxis){ .n_in = n_in, .n_out = n_out };
  axis->spans = d2v_malloc_n (n_out, sizeof *axis->spans);
  if (axis->spans == NULL)
    return FALSE;
  if (filter == D2V_FILTER_NEAREST)
    {
      init_nearest (axis);
      return TRUE;
    }

  gdouble stretch = MAX ((gdouble) n_in / (gdouble) n_out, 1.0);
  gsize longest = (gsize) ceil (filters[filter].support * stretch) * 2 + 2;
  gsize n_weights;
  if (!d2v_mul (n_out, longest, &n_weights))
    return FALSE;
  gdouble *exact = d2v_malloc_n (longest, sizeof *exact);
  axis->low = d2v_malloc_n (n_weights, sizeof *axis->low);
  axis->high = d2v_malloc_n (n_weights, sizeof *axis->high);
  gboolean ok = exact != NULL && axis->low != NULL && axis->high != NULL;

  for (gsize i = 0; ok && i < n_out; i++)
    axis->spans[i] = make_span (axis, filter, i, i * longest, exact);
  d2v_free (exact);
  return ok;
}

void
resize_axis_clear (ResizeAxis *axis)
{
  d2v_free (axis->spans);
  d2v_free (axis->low);
  d2v_free (axis->high);
}
