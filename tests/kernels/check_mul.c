/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const gfloat *a = call->in[0], *b = call->in[1];
  gsize n_b = d2v_shape_size (call->in_shape[1]);

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    {
      y[i] = (gdouble) a[i] * b[i % n_b];
      size[i] = fabs (y[i]);
    }
}

static const D2vCheckCase cases[] = {
  { "same shape", .in = { { { 2, 5, 37 } }, { { 2, 5, 37 } } },
    .out = { 2, 5, 37 } },
  { "one number", .in = { { { 1 } }, { { 1 } } }, .out = { 1 } },
  { "row", .in = { { { 3, 7, 19 } }, { { 19 } } }, .out = { 3, 7, 19 } },
  { "row of one", .in = { { { 3, 7, 1 } }, { { 1 } } }, .out = { 3, 7, 1 } },
  { "two dims", .in = { { { 3, 7, 19 } }, { { 7, 19 } } },
    .out = { 3, 7, 19 } },
  { "wide", .in = { { { 3, 768 } }, { { 768 } } }, .out = { 3, 768 } },
  { "denormal result",
    .in = { { { 4, 33 }, .by = 1e-20 }, { { 33 }, .by = 1e-20 } },
    .out = { 4, 33 } },
  { "far apart", .in = { { { 4, 33 }, .by = 1e20 }, { { 33 }, .by = 1e-30 } },
    .out = { 4, 33 } },
  { "hostile", .in = { { { 4, 33 }, D2V_FILL_HOSTILE }, { { 33 } } },
    .out = { 4, 33 } },
  { "base, 10 s", .in = { { { 499, 768 } }, { { 499, 768 } } },
    .out = { 499, 768 }, .for_timing = TRUE },
};

const D2vCheck d2v_check_mul = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 0x1p-23,
  .reason = "one rounding",
};
