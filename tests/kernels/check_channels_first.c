/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *out = &call->node->shape; /* (B, C, H, W) */
  gsize at = 0;

  for (gsize b = 0; b < out->dim[0]; b++)
    for (gsize c = 0; c < out->dim[1]; c++)
      for (gsize i = 0; i < out->dim[2]; i++)
        for (gsize j = 0; j < out->dim[3]; j++)
          y[at++] = d2v_at4 (call->in[0], call->in_shape[0], b, i, j, c);
}

static const D2vCheckCase cases[] = {
  { "one number", .in = { { { 1, 1, 1, 1 } } }, .out = { 1, 1, 1, 1 } },
  { "odd", .in = { { { 2, 3, 5, 7 } } }, .out = { 2, 7, 3, 5 } },
  { "one channel", .in = { { { 2, 3, 5, 1 } } }, .out = { 2, 1, 3, 5 } },
  { "150 classes", .in = { { { 1, 8, 8, 150 } } }, .out = { 1, 150, 8, 8 } },
  { "hostile", .in = { { { 2, 3, 5, 7 }, D2V_FILL_HOSTILE } },
    .out = { 2, 7, 3, 5 } },
};

const D2vCheck d2v_check_channels_first = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
