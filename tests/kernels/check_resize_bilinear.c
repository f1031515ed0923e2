/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* As the specification has it: s on an axis, i0, i1 and the weight of i1. */
static gdouble
source (gsize o, gsize n_in, gsize n_out, gsize *i0, gsize *i1)
{
  long double s = fmaxl ((o + 0.5L) * n_in / n_out - 0.5L, 0);

  *i0 = (gsize) floorl (s);
  *i1 = MIN (*i0 + 1, n_in - 1);
  return s - *i0;
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;

  for (gsize at = 0; at < d2v_shape_size (out); at++)
    {
      gsize c = at % out->dim[3], j = at / out->dim[3] % out->dim[2];
      gsize i = at / out->dim[3] / out->dim[2] % out->dim[1];
      gsize b = at / out->dim[3] / out->dim[2] / out->dim[1];
      gsize row[2], column[2];
      gdouble down = source (i, in->dim[1], out->dim[1], &row[0], &row[1]);
      gdouble right
          = source (j, in->dim[2], out->dim[2], &column[0], &column[1]);

      y[at] = size[at] = 0;
      for (gsize k = 0; k < 4; k++)
        {
          gdouble term
              = (k / 2 == 1 ? down : 1 - down)
                * (k % 2 == 1 ? right : 1 - right)
                * d2v_at4 (call->in[0], in, b, row[k / 2], column[k % 2], c);
          y[at] += term;
          size[at] += fabs (term);
        }
    }
}

/* clang-format off */
#define TO(h, w) .a = { .size = h, .size_w = w }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "the same size", .in = { { { 2, 5, 7, 3 } } }, .out = { 2, 5, 7, 3 },
    TO (5, 7) },
  { "twice", .in = { { { 2, 5, 7, 3 } } }, .out = { 2, 10, 14, 3 },
    TO (10, 14) },
  { "four times", .in = { { { 1, 7, 7, 3 } } }, .out = { 1, 28, 28, 3 },
    TO (28, 28) },
  { "odd ratio", .in = { { { 2, 5, 7, 3 } } }, .out = { 2, 13, 9, 3 },
    TO (13, 9) },
  { "smaller, no antialias", .in = { { { 2, 31, 29, 3 } } },
    .out = { 2, 7, 6, 3 }, TO (7, 6) },
  { "one axis each way", .in = { { { 2, 12, 5, 3 } } }, .out = { 2, 5, 12, 3 },
    TO (5, 12) },
  { "from one pixel", .in = { { { 2, 1, 1, 3 } } }, .out = { 2, 6, 4, 3 },
    TO (6, 4) },
  { "from one row", .in = { { { 2, 1, 9, 3 } } }, .out = { 2, 6, 4, 3 },
    TO (6, 4) },
  { "to one pixel", .in = { { { 2, 6, 9, 3 } } }, .out = { 2, 1, 1, 3 },
    TO (1, 1) },
  { "far offset", .in = { { { 1, 6, 9, 3 }, .offset = 1e5 } },
    .out = { 1, 14, 14, 3 }, TO (14, 14) },
};

const D2vCheck d2v_check_resize_bilinear = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 2e-6,
  .reason = "weights and four products in float",
};
