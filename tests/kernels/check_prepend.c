/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *out = &call->node->shape;
  gsize i = 0;

  for (gsize b = 0; b < out->dim[0]; b++)
    for (gsize t = 0; t < out->dim[1]; t++)
      for (gsize c = 0; c < out->dim[2]; c++)
        y[i++] = t == 0 ? ((const gfloat *) call->in[1])[c]
                        : d2v_at3 (call->in[0], call->in_shape[0], b, t - 1, c);
}

static const D2vCheckCase cases[] = {
  { "one of everything", .in = { { { 1, 1, 1 } }, { { 1 } } },
    .out = { 1, 2, 1 } },
  { "odd", .in = { { { 3, 5, 37 } }, { { 37 } } }, .out = { 3, 6, 37 } },
  { "image 224", .in = { { { 2, 196, 48 } }, { { 48 } } },
    .out = { 2, 197, 48 } },
  { "hostile", .in = { { { 3, 5, 7 }, D2V_FILL_HOSTILE }, { { 7 } } },
    .out = { 3, 6, 7 } },
};

const D2vCheck d2v_check_prepend = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
