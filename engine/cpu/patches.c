/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

/* y[b][gy, gx][c, py, px] = x[b][c][gy * p + py][gx * p + px]. An item is one
 * patch. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *shape = call->in_shape[0]; /* (B, C, H, W) */
  gsize n_channels = shape->dim[1], h = shape->dim[2], w = shape->dim[3];
  gsize p = call->node->attributes.patch, grid_h = h / p, grid_w = w / p;

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / (grid_h * grid_w), i = item % (grid_h * grid_w);
      const gfloat *x = (const gfloat *) call->in[0]
                        + batch * n_channels * h * w + i / grid_w * p * w
                        + i % grid_w * p;
      gfloat *y = (gfloat *) call->out + item * n_channels * p * p;

      for (gsize c = 0; c < n_channels; c++)
        for (gsize py = 0; py < p; py++)
          for (gsize px = 0; px < p; px++)
            *y++ = x[(c * h + py) * w + px];
    }
}

const D2vKernel d2v_cpu_patches = { .n_items = n_items, .run = run };
