/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const gfloat *acc = call->in[0], *x = call->in[1], *weights = call->in[2];
  gsize index = call->node->attributes.index;
  gdouble largest = weights[0], sum = 0;

  for (gsize i = 0; i < call->in_shape[2]->dim[0]; i++)
    largest = fmax (largest, weights[i]);
  for (gsize i = 0; i < call->in_shape[2]->dim[0]; i++)
    sum += exp (weights[i] - largest);
  gdouble share = exp (weights[index] - largest) / sum;
  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    {
      y[i] = (acc != NULL ? acc[i] : 0) + share * x[i];
      size[i] = (acc != NULL ? fabs (acc[i]) : 0) + fabs (share * x[i]);
    }
}

/* clang-format off */
#define NO { { 0 } }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "first of one", .in = { NO, { { 1, 1, 1 } }, { { 1 } } },
    .out = { 1, 1, 1 } },
  { "first", .in = { NO, { { 2, 7, 19 } }, { { 13 } } }, .out = { 2, 7, 19 } },
  { "middle", .in = { { { 2, 7, 19 } }, { { 2, 7, 19 } }, { { 13 } } },
    .out = { 2, 7, 19 }, .a = { .index = 5 } },
  { "last", .in = { { { 2, 7, 19 } }, { { 2, 7, 19 } }, { { 13 } } },
    .out = { 2, 7, 19 }, .a = { .index = 12 } },
  { "steep",
    .in = { { { 2, 7, 19 } }, { { 2, 7, 19 } }, { { 13 }, .by = 300 } },
    .out = { 2, 7, 19 }, .a = { .index = 5 } },
  { "equal",
    .in = { { { 2, 7, 19 } },
            { { 2, 7, 19 } },
            { { 13 }, D2V_FILL_EQUAL, .by = 1000 } },
    .out = { 2, 7, 19 }, .a = { .index = 5 } },
};

const D2vCheck d2v_check_scale_add = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 1e-6,
  .reason = "a softmax of a few numbers and one sum in float",
};
