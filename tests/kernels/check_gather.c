/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  gsize n = call->in_shape[1]->dim[1];
  const gint64 *rows = call->in[0];
  const gfloat *x = call->in[1];

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    y[i] = x[rows[i / n] * (gint64) n + (gint64) (i % n)];
}

static const D2vCheckCase cases[] = {
  { "one row", .in = { { { 1, 1 }, D2V_FILL_FALLING }, { { 1, 7 } } },
    .out = { 1, 1, 7 } },
  { "first and last",
    .in = { { { 1, 2 }, D2V_FILL_IDS, .by = 9 }, { { 9, 5 } } },
    .out = { 1, 2, 5 } },
  { "base", .in = { { { 1, 3 }, D2V_FILL_IDS, .by = 128 }, { { 128, 768 } } },
    .out = { 1, 3, 768 } },
  { "hostile rows",
    .in = { { { 1, 17 }, D2V_FILL_IDS, .by = 99 },
            { { 99, 37 }, D2V_FILL_HOSTILE } },
    .out = { 1, 17, 37 } },
};

const D2vCheck d2v_check_gather = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
