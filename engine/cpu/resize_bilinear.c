/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/bilinear.h"
#include "engine/cpu/cpu_private.h"

/* y[i][j] = the four pixels of x around ((i + 0.5) H / h - 0.5, (j + 0.5) W / w
 * - 0.5), weighted by nearness. An item is one pixel of y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
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
      D2vTaps row = d2v_bilinear_taps (i, in->dim[1], out->dim[1]);
      D2vTaps column = d2v_bilinear_taps (j, in->dim[2], out->dim[2]);
      const gfloat *x = (const gfloat *) call->in[0] + batch * map;
      gfloat *y = (gfloat *) call->out + item * n;

      for (gsize c = 0; c < n; c++)
        y[c] = d2v_bilinear_value (x + c, row, column, line, n);
    }
}

const D2vKernel d2v_cpu_resize_bilinear = { .n_items = n_items, .run = run };
