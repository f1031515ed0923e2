/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j] = the four pixels of x around ((i + 0.5) H / h - 0.5, (j + 0.5) W / w
 * - 0.5), weighted by nearness. An item is one line of y. */

#include "engine/cpu/bilinear.h"
#include "engine/cpu/cpu_private.h"

#include "engine/cpu/x86/level.h"

static gsize
n_items (const D2vCall *call)
{
  return call->node->shape.dim[0] * call->node->shape.dim[1];
}

static void
one_line (const gfloat *low, const gfloat *high, gfloat weight, gsize n_in,
          gsize n_out, gsize n, gfloat *y)
{
  for (gsize j = 0; j < n_out; j++, y += n)
    {
      D2vTaps taps = d2v_bilinear_taps (j, n_in, n_out);
      const gfloat *a = low + taps.low * n, *b = low + taps.high * n;
      const gfloat *c = high + taps.low * n, *d = high + taps.high * n;
      gfloat right = taps.weight, left = 1 - taps.weight;

      for (gsize i = 0; i < n; i++)
        y[i] = (1 - weight) * (left * a[i] + right * b[i])
               + weight * (left * c[i] + right * d[i]);
    }
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize n = in->dim[3], line = in->dim[2] * n;

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / out->dim[1], i = item % out->dim[1];
      D2vTaps taps = d2v_bilinear_taps (i, in->dim[1], out->dim[1]);
      const gfloat *x
          = (const gfloat *) call->in[0] + batch * in->dim[1] * line;

      one_line (x + taps.low * line, x + taps.high * line, taps.weight,
                in->dim[2], out->dim[2], n,
                (gfloat *) call->out + item * out->dim[2] * n);
    }
}

const D2vKernel LEVEL (resize_bilinear) = { .n_items = n_items, .run = run };
