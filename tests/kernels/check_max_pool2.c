/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;

  for (gsize at = 0; at < d2v_shape_size (out); at++)
    {
      gsize c = at % out->dim[3], j = at / out->dim[3] % out->dim[2];
      gsize i = at / out->dim[3] / out->dim[2] % out->dim[1];
      gsize b = at / out->dim[3] / out->dim[2] / out->dim[1];

      y[at] = -INFINITY;
      for (gsize k = 0; k < 4; k++)
        y[at] = fmax (y[at], d2v_at4 (call->in[0], in, b, 2 * i + k / 2,
                                      2 * j + k % 2, c));
    }
}

static const D2vCheckCase cases[] = {
  { "one pixel", .in = { { { 1, 2, 2, 1 } } }, .out = { 1, 1, 1, 1 } },
  { "even", .in = { { { 2, 6, 4, 7 } } }, .out = { 2, 3, 2, 7 } },
  { "odd: last row and column left out", .in = { { { 2, 7, 5, 7 } } },
    .out = { 2, 3, 2, 7 } },
  { "all below 0", .in = { { { 2, 7, 5, 7 }, .offset = -100 } },
    .out = { 2, 3, 2, 7 } },
  { "three rows", .in = { { { 3, 3, 9, 37 } } }, .out = { 3, 1, 4, 37 } },
};

const D2vCheck d2v_check_max_pool2 = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
