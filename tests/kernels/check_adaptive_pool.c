/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gdouble s = (gdouble) call->node->attributes.size;

  for (gsize at = 0; at < d2v_shape_size (out); at++)
    {
      gsize c = at % out->dim[3], j = at / out->dim[3] % out->dim[2];
      gsize i = at / out->dim[3] / out->dim[2] % out->dim[1];
      gsize b = at / out->dim[3] / out->dim[2] / out->dim[1];
      gdouble sum = 0, magnitude = 0, n = 0;

      for (gsize row = (gsize) floor (i * in->dim[1] / s);
           row <= (gsize) ceil ((i + 1) * in->dim[1] / s) - 1; row++)
        for (gsize column = (gsize) floor (j * in->dim[2] / s);
             column <= (gsize) ceil ((j + 1) * in->dim[2] / s) - 1; column++)
          {
            sum += d2v_at4 (call->in[0], in, b, row, column, c);
            magnitude += fabs (d2v_at4 (call->in[0], in, b, row, column, c));
            n += 1;
          }
      y[at] = sum / n;
      size[at] = magnitude / n;
    }
}

static const D2vCheckCase cases[] = {
  { "to 1", .in = { { { 2, 14, 14, 7 } } }, .out = { 2, 1, 1, 7 },
    .a = { .size = 1 } },
  { "to 2, even", .in = { { { 2, 14, 14, 7 } } }, .out = { 2, 2, 2, 7 },
    .a = { .size = 2 } },
  { "to 3, bins overlap", .in = { { { 2, 14, 14, 7 } } }, .out = { 2, 3, 3, 7 },
    .a = { .size = 3 } },
  { "to 6, bins overlap", .in = { { { 2, 14, 14, 7 } } }, .out = { 2, 6, 6, 7 },
    .a = { .size = 6 } },
  { "to its own size", .in = { { { 1, 5, 5, 3 } } }, .out = { 1, 5, 5, 3 },
    .a = { .size = 5 } },
  { "to more", .in = { { { 1, 4, 4, 3 } } }, .out = { 1, 6, 6, 3 },
    .a = { .size = 6 } },
  { "from one pixel", .in = { { { 1, 1, 1, 3 } } }, .out = { 1, 3, 3, 3 },
    .a = { .size = 3 } },
  { "not square", .in = { { { 1, 7, 11, 3 } } }, .out = { 1, 3, 3, 3 },
    .a = { .size = 3 } },
  { "far offset", .in = { { { 1, 32, 32, 3 }, .offset = 1e4 } },
    .out = { 1, 6, 6, 3 }, .a = { .size = 6 } },
};

const D2vCheck d2v_check_adaptive_pool = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 1e-6,
  .reason = "a float sum of a few hundred pixels",
};
