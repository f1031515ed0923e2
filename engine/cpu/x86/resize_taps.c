/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[o] = sum[o] + the sum over k = 0, 1, 2 of x_k resized to `size` at o + k -
 * 1, where that is inside; x_k is channel block k of x. An item is one pixel
 * of y. */

#include "engine/cpu/bilinear.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/level.h"

/* The two pixels of x that one tap lies between. */
typedef struct
{
  const gfloat *low, *high;
  gfloat low_weight, high_weight;
} Source;

static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static inline __attribute__ ((always_inline)) void
add_sources (const Source *source, const gsize n_sources, const gfloat *sum,
             gfloat *y, gsize n)
{
  for (gsize c = 0; c < n; c++)
    {
      gfloat value = sum != NULL ? sum[c] : 0;

      for (gsize k = 0; k < n_sources; k++)
        value += source[k].low_weight * source[k].low[c]
                 + source[k].high_weight * source[k].high[c];
      y[c] = value;
    }
}

/* The sources of entry @o; @x: its first entry along the resized axis, @step
 * from one entry to the next. Returns their number: those outside are left
 * out. */
static gsize
find_sources (const gfloat *x, gsize step, gsize o, gsize n_in, gsize n_out,
              gsize n, Source *source)
{
  gsize n_sources = 0;

  for (gsize k = 0; k < 3; k++)
    {
      if (o + k < 1 || o + k - 1 >= n_out)
        continue;
      D2vTaps taps = d2v_bilinear_taps (o + k - 1, n_in, n_out);
      source[n_sources++]
          = (Source){ x + taps.low * step + k * n, x + taps.high * step + k * n,
                      (gfloat) (1 - taps.weight), (gfloat) taps.weight };
    }
  return n_sources;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize axis = (gsize) call->node->attributes.axis;
  gsize n_in = call->in_shape[0]->dim[axis];
  gsize n_out = call->node->shape.dim[axis], n = call->node->shape.dim[3];
  gsize inner = axis == 1 ? call->node->shape.dim[2] : 1;

  for (gsize item = begin; item < end; item++)
    {
      gsize j = item % inner, o = item / inner % n_out;
      gsize first = item / inner / n_out * n_in * inner + j;
      const gfloat *x = (const gfloat *) call->in[0] + first * 3 * n;
      const gfloat *sum = call->in[1];
      gfloat *y = (gfloat *) call->out + item * n;
      Source source[3];
      gsize n_sources
          = find_sources (x, inner * 3 * n, o, n_in, n_out, n, source);

      sum = sum != NULL ? sum + item * n : NULL;
      if (n_sources == 3)
        add_sources (source, 3, sum, y, n);
      else if (n_sources == 2)
        add_sources (source, 2, sum, y, n);
      else
        add_sources (source, 1, sum, y, n);
    }
}

const D2vKernel LEVEL (resize_taps) = { .n_items = n_items, .run = run };
