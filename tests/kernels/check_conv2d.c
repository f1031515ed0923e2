/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static gdouble
one_sum (const D2vCall *call, gsize b, gsize i, gsize j, gsize o, gdouble *size)
{
  const D2vShape *x = call->in_shape[0], *w = call->in_shape[1];
  gssize padding = (gssize) (w->dim[2] / 2);
  gdouble sum = call->in[2] != NULL ? ((const gfloat *) call->in[2])[o] : 0;

  *size = fabs (sum);
  for (gsize c = 0; c < x->dim[3]; c++)
    for (gsize ky = 0; ky < w->dim[2]; ky++)
      for (gsize kx = 0; kx < w->dim[3]; kx++)
        {
          gssize row = (gssize) (i + ky) - padding;
          gssize column = (gssize) (j + kx) - padding;
          if (row < 0 || row >= (gssize) x->dim[1] || column < 0
              || column >= (gssize) x->dim[2])
            continue;
          gdouble term = (gdouble) d2v_at4 (call->in[0], x, b, (gsize) row,
                                            (gsize) column, c)
                         * d2v_at4 (call->in[1], w, o, c, ky, kx);
          sum += term;
          *size += fabs (term);
        }
  return sum;
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *out = &call->node->shape;

  for (gsize at = 0; at < d2v_shape_size (out); at++)
    {
      gsize o = at % out->dim[3], j = at / out->dim[3] % out->dim[2];
      gsize i = at / out->dim[3] / out->dim[2] % out->dim[1];
      gsize b = at / out->dim[3] / out->dim[2] / out->dim[1];

      y[at] = one_sum (call, b, i, j, o, &size[at]);
      d2v_oracle_activate (call->node->attributes.activation, &y[at],
                           &size[at]);
    }
}

static gdouble
flop (const D2vCall *call)
{
  return 2.0 * d2v_shape_size (&call->node->shape)
         * d2v_shape_size (call->in_shape[1]) / call->in_shape[1]->dim[0];
}

/* clang-format off */

/* w (O, C, k, k), one bias (O). */
#define WEIGHT(o, c, k) { { o, c, k, k }, D2V_FILL_WEIGHT }
#define B(n) { { n } }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "one of everything", .in = { { { 1, 1, 1, 1 } }, WEIGHT (1, 1, 1) },
    .out = { 1, 1, 1, 1 } },
  { "kernel 1", .in = { { { 2, 5, 4, 7 } }, WEIGHT (11, 7, 1), B (11) },
    .out = { 2, 5, 4, 11 } },
  { "kernel 3", .in = { { { 2, 5, 4, 7 } }, WEIGHT (11, 7, 3), B (11) },
    .out = { 2, 5, 4, 11 } },
  { "kernel 5", .in = { { { 1, 7, 9, 3 } }, WEIGHT (5, 3, 5), B (5) },
    .out = { 1, 7, 9, 5 } },
  { "no bias", .in = { { { 2, 5, 4, 7 } }, WEIGHT (11, 7, 3) },
    .out = { 2, 5, 4, 11 } },
  { "kernel larger than the map",
    .in = { { { 1, 1, 2, 7 } }, WEIGHT (11, 7, 5), B (11) },
    .out = { 1, 1, 2, 11 } },
  { "one row", .in = { { { 1, 1, 19, 7 } }, WEIGHT (11, 7, 3), B (11) },
    .out = { 1, 1, 19, 11 } },
  { "one column", .in = { { { 1, 19, 1, 7 } }, WEIGHT (11, 7, 3), B (11) },
    .out = { 1, 19, 1, 11 } },
  { "relu", .in = { { { 1, 6, 7, 33 } }, WEIGHT (17, 33, 3), B (17) },
    .out = { 1, 6, 7, 17 }, .a = { .activation = D2V_ACTIVATION_RELU } },
  { "gelu", .in = { { { 1, 6, 7, 33 } }, WEIGHT (17, 33, 3), B (17) },
    .out = { 1, 6, 7, 17 }, .a = { .activation = D2V_ACTIVATION_GELU } },
  { "many channels",
    .in = { { { 1, 4, 4, 300 } }, WEIGHT (37, 300, 3), B (37) },
    .out = { 1, 4, 4, 37 }, .a = { .activation = D2V_ACTIVATION_RELU } },
  { "outlier channels",
    .in
    = { { { 1, 6, 7, 33 }, D2V_FILL_OUTLIERS }, WEIGHT (17, 33, 3), B (17) },
    .out = { 1, 6, 7, 17 } },
  { "huge",
    .in = { { { 1, 6, 7, 33 }, .by = 1e15 }, { { 17, 33, 3, 3 }, .by = 1e15 } },
    .out = { 1, 6, 7, 17 } },
  { "tiny",
    .in
    = { { { 1, 6, 7, 33 }, .by = 1e-15 }, { { 17, 33, 3, 3 }, .by = 1e-15 } },
    .out = { 1, 6, 7, 17 } },
  { "denormal",
    .in = { { { 1, 6, 7, 3 }, D2V_FILL_DENORMAL }, WEIGHT (17, 3, 3) },
    .out = { 1, 6, 7, 17 } },
  { "16 x 16, 256",
    .in = { { { 1, 16, 16, 256 } }, WEIGHT (256, 256, 3), B (256) },
    .out = { 1, 16, 16, 256 }, .a = { .activation = D2V_ACTIVATION_RELU },
    .for_timing = TRUE },
};

const D2vCheck d2v_check_conv2d = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 4e-6,
  .reason = "as for linear: float sums, beside the sum of the magnitudes",
  .flop = flop,
};
