/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  gsize n = call->in_shape[1]->dim[1];
  const gint64 *ids = call->in[0];
  const gfloat *table = call->in[1];

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    y[i] = table[ids[i / n] * (gint64) n + (gint64) (i % n)];
}

static const D2vCheckCase cases[] = {
  { "one id", .in = { { { 1, 1 }, D2V_FILL_FALLING }, { { 1, 1 } } },
    .out = { 1, 1, 1 } },
  { "first and last id",
    .in = { { { 1, 2 }, D2V_FILL_IDS, .by = 9 }, { { 9, 5 } } },
    .out = { 1, 2, 5 } },
  { "odd width",
    .in = { { { 3, 17 }, D2V_FILL_IDS, .by = 99 }, { { 99, 37 } } },
    .out = { 3, 17, 37 } },
  { "base", .in = { { { 2, 128 }, D2V_FILL_IDS, .by = 514 }, { { 514, 768 } } },
    .out = { 2, 128, 768 } },
  { "hostile rows",
    .in = { { { 3, 17 }, D2V_FILL_IDS, .by = 99 },
            { { 99, 37 }, D2V_FILL_HOSTILE } },
    .out = { 3, 17, 37 } },
};

const D2vCheck d2v_check_embed = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
