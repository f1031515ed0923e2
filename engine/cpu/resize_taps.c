/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/bilinear.h"
#include "engine/cpu/cpu_private.h"

/* y[o] = sum[o] + the sum over k = 0, 1, 2 of x_k resized to `size` at o + k -
 * 1, where that is inside; x_k is channel block k of x. An item is one pixel
 * of y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

/* Pixels from one entry of the resized axis to the next. */
static gsize
inner_of (const D2vCall *call)
{
  return call->node->attributes.axis == 1 ? call->node->shape.dim[2] : 1;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize axis = (gsize) call->node->attributes.axis;
  gsize n_in = call->in_shape[0]->dim[axis],
        n_out = call->node->shape.dim[axis];
  gsize inner = inner_of (call), n = call->node->shape.dim[3];
  const gfloat *x = call->in[0], *sum = call->in[1];

  for (gsize item = begin; item < end; item++)
    {
      gsize j = item % inner, o = item / inner % n_out;
      gsize outer = item / inner / n_out;
      gfloat *y = (gfloat *) call->out + item * n;

      for (gsize c = 0; c < n; c++)
        {
          gdouble value = sum != NULL ? sum[item * n + c] : 0;

          for (gsize k = 0; k < 3; k++)
            {
              if (o + k < 1 || o + k - 1 >= n_out)
                continue;
              D2vTaps taps = d2v_bilinear_taps (o + k - 1, n_in, n_out);
              gsize at = k * n + c;
              gsize low = (outer * n_in + taps.low) * inner + j;
              gsize high = (outer * n_in + taps.high) * inner + j;
              value += (1 - taps.weight) * x[low * 3 * n + at]
                       + taps.weight * x[high * 3 * n + at];
            }
          y[c] = (gfloat) value;
        }
    }
}

const D2vKernel d2v_cpu_resize_taps = { .n_items = n_items, .run = run };
