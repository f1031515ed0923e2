/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <math.h>

/* The original's a. */
#define SHARPNESS -0.75

/* Four neighbours of a place on an axis and what each counts. */
typedef struct
{
  gsize from[4];
  gdouble weight[4];
} Taps;

/* Keys' kernel with a = SHARPNESS:
 *   (a + 2) d^3 - (a + 3) d^2 + 1        for d <= 1,
 *   a d^3 - 5a d^2 + 8a d - 4a           for 1 < d < 2. */
static gdouble
cubic (gdouble d)
{
  const gdouble a = SHARPNESS;

  d = fabs (d);
  if (d <= 1)
    return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* The place is not clamped at 0 as it is in the bilinear case; the taps'
 * indices are clamped to the borders instead. */
static Taps
taps_of (gsize i, gsize n_in, gsize n_out)
{
  gdouble s = (i + 0.5) * n_in / n_out - 0.5;
  gdouble first = floor (s) - 1;
  Taps taps;

  for (guint k = 0; k < 4; k++)
    {
      taps.from[k] = CLAMP (first + k, 0, (gdouble) n_in - 1);
      taps.weight[k] = cubic (s - (first + k));
    }
  return taps;
}

/* y[i][j] = the 4 x 4 pixels of x around ((i + 0.5) H / h - 0.5, (j + 0.5) W /
 * w - 0.5), weighted by the product of both kernels. An item is one pixel of
 * y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static gdouble
value_at (const gfloat *x, const Taps *rows, const Taps *columns, gsize line,
          gsize n)
{
  gdouble sum = 0;

  for (guint i = 0; i < 4; i++)
    for (guint j = 0; j < 4; j++)
      sum += rows->weight[i] * columns->weight[j]
             * x[rows->from[i] * line + columns->from[j] * n];
  return sum;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize n = in->dim[3], line = in->dim[2] * n, map = in->dim[1] * line;

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / (out->dim[1] * out->dim[2]);
      gsize i = item / out->dim[2] % out->dim[1], j = item % out->dim[2];
      Taps rows = taps_of (i, in->dim[1], out->dim[1]);
      Taps columns = taps_of (j, in->dim[2], out->dim[2]);
      const gfloat *x = (const gfloat *) call->in[0] + batch * map;
      gfloat *y = (gfloat *) call->out + item * n;

      for (gsize c = 0; c < n; c++)
        y[c] = value_at (x + c, &rows, &columns, line, n);
    }
}

const D2vKernel d2v_cpu_resize_bicubic = { .n_items = n_items, .run = run };
