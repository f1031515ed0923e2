/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;

  for (gsize b = 0; b < in->dim[0]; b++)
    for (gsize i = 0; i < in->dim[1]; i++)
      for (gsize j = 0; j < in->dim[2]; j++)
        for (gsize k = 0; k < in->dim[3]; k++)
          {
            gsize n = out->dim[3], block = k / n;
            gsize row = 2 * i + block / 2, column = 2 * j + block % 2;
            y[((b * out->dim[1] + row) * out->dim[2] + column) * n + k % n]
                = d2v_at4 (call->in[0], in, b, i, j, k);
          }
}

static const D2vCheckCase cases[] = {
  { "one pixel", .in = { { { 1, 1, 1, 4 } } }, .out = { 1, 2, 2, 1 } },
  { "odd", .in = { { { 2, 3, 5, 28 } } }, .out = { 2, 6, 10, 7 } },
  { "one row", .in = { { { 2, 1, 5, 28 } } }, .out = { 2, 2, 10, 7 } },
  { "one column", .in = { { { 3, 5, 1, 28 } } }, .out = { 3, 10, 2, 7 } },
  { "hostile", .in = { { { 2, 3, 5, 28 }, D2V_FILL_HOSTILE } },
    .out = { 2, 6, 10, 7 } },
};

const D2vCheck d2v_check_shuffle2 = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
