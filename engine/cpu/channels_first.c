/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

/* y[b][c][i] = x[b][i][c], i a pixel. An item is one channel of one map. */
static gsize
n_items (const D2vCall *call)
{
  return call->node->shape.dim[0] * call->node->shape.dim[1];
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *shape = call->in_shape[0]; /* (B, H, W, C) */
  gsize n_pixels = shape->dim[1] * shape->dim[2], n = shape->dim[3];

  for (gsize item = begin; item < end; item++)
    {
      const gfloat *x
          = (const gfloat *) call->in[0] + item / n * n_pixels * n + item % n;
      gfloat *y = (gfloat *) call->out + item * n_pixels;

      for (gsize i = 0; i < n_pixels; i++)
        y[i] = x[i * n];
    }
}

const D2vKernel d2v_cpu_channels_first = { .n_items = n_items, .run = run };
