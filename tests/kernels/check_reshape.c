/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    y[i] = ((const gfloat *) call->in[0])[i];
}

static const D2vCheckCase cases[] = {
  { "one number", .in = { { { 1, 1, 1 } } }, .out = { 1 } },
  { "flat", .in = { { { 3, 5, 7 } } }, .out = { 105 } },
  { "map", .in = { { { 2, 35, 3 } } }, .out = { 2, 5, 7, 3 } },
  { "hostile", .in = { { { 2, 35, 3 }, D2V_FILL_HOSTILE } }, .out = { 6, 35 } },
};

const D2vCheck d2v_check_reshape = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
