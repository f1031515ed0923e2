/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

/* y[i][j] = the largest of x[2i][2j], x[2i][2j + 1], x[2i + 1][2j] and
 * x[2i + 1][2j + 1]; an odd last row or column is left out. An item is one
 * pixel of y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize w = in->dim[2], n = in->dim[3], line = w * n;

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / (out->dim[1] * out->dim[2]);
      gsize i = item / out->dim[2] % out->dim[1], j = item % out->dim[2];
      const gfloat *x = (const gfloat *) call->in[0]
                        + ((batch * in->dim[1] + 2 * i) * w + 2 * j) * n;
      gfloat *y = (gfloat *) call->out + item * n;

      for (gsize c = 0; c < n; c++, x++)
        y[c] = MAX (MAX (x[0], x[n]), MAX (x[line], x[line + n]));
    }
}

const D2vKernel d2v_cpu_max_pool2 = { .n_items = n_items, .run = run };
