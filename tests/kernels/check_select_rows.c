/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const gfloat *x = call->in[0], *mask = call->in[1], *row = call->in[2];
  gsize n = d2v_shape_last (&call->node->shape);

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    y[i] = mask[i / n] != 0 ? row[i % n] : x[i];
}

static const D2vCheckCase cases[] = {
  { "one number",
    .in = { { { 1, 1, 1 } }, { { 1, 1 }, D2V_FILL_EQUAL }, { { 1 } } },
    .out = { 1, 1, 1 } },
  { "ragged",
    .in = { { { 3, 13, 37 } }, { { 3, 13 }, D2V_FILL_RAGGED }, { { 37 } } },
    .out = { 3, 13, 37 } },
  { "holes, not just 1",
    .in = { { { 3, 13, 5 } }, { { 3, 13 }, D2V_FILL_HOLES }, { { 5 } } },
    .out = { 3, 13, 5 } },
  { "no row of one",
    .in = { { { 2, 13, 5 } }, { { 2, 13 }, D2V_FILL_NONE_FIRST }, { { 5 } } },
    .out = { 2, 13, 5 } },
  /* A mixture by products would leave NaN. */
  { "hostile",
    .in = { { { 3, 13, 5 }, D2V_FILL_HOSTILE },
            { { 3, 13 }, D2V_FILL_HOLES },
            { { 5 } } },
    .out = { 3, 13, 5 } },
};

const D2vCheck d2v_check_select_rows = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
