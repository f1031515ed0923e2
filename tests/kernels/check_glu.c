/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const gfloat *x = call->in[0];
  gsize n = d2v_shape_last (&call->node->shape);

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    {
      gdouble a = x[i / n * 2 * n + i % n], b = x[i / n * 2 * n + n + i % n];
      y[i] = a * d2v_oracle_activation (D2V_ACTIVATION_SIGMOID, b);
      size[i] = fabs (y[i]) + 0.1 * fabs (a);
    }
}

static const D2vCheckCase cases[] = {
  { "one number", .in = { { { 1, 2 } } }, .out = { 1, 1 } },
  { "odd", .in = { { { 3, 5, 74 } } }, .out = { 3, 5, 37 } },
  { "wide", .in = { { { 3, 1536 } } }, .out = { 3, 768 } },
  { "steep", .in = { { { 3, 5, 74 }, .by = 30 } }, .out = { 3, 5, 37 } },
  { "very steep", .in = { { { 3, 5, 74 }, .by = 1e4 } }, .out = { 3, 5, 37 } },
  { "denormal", .in = { { { 3, 5, 74 }, D2V_FILL_DENORMAL } },
    .out = { 3, 5, 37 } },
  { "outlier channels", .in = { { { 3, 5, 74 }, D2V_FILL_OUTLIERS } },
    .out = { 3, 5, 37 } },
};

const D2vCheck d2v_check_glu = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 2e-6,
  .reason = "a sigmoid by a short polynomial in float",
};
