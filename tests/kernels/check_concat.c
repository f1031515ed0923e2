/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  gsize n = d2v_shape_last (&call->node->shape);

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    {
      gsize column = i % n;
      guint slot = 0;

      while (column >= d2v_shape_last (call->in_shape[slot]))
        column -= d2v_shape_last (call->in_shape[slot++]);
      y[i] = ((const gfloat *)
                  call->in[slot])[i / n * d2v_shape_last (call->in_shape[slot])
                                  + column];
    }
}

static const D2vCheckCase cases[] = {
  { "one", .in = { { { 3, 5 } } }, .out = { 3, 5 } },
  { "two", .in = { { { 3, 5 } }, { { 3, 7 } } }, .out = { 3, 12 } },
  { "two numbers", .in = { { { 1 } }, { { 1 } } }, .out = { 2 } },
  { "maps",
    .in = { { { 2, 3, 4, 5 } }, { { 2, 3, 4, 1 } }, { { 2, 3, 4, 6 } } },
    .out = { 2, 3, 4, 12 } },
  { "nine",
    .in = { { { 2, 1 } },
            { { 2, 2 } },
            { { 2, 3 } },
            { { 2, 4 } },
            { { 2, 5 } },
            { { 2, 6 } },
            { { 2, 7 } },
            { { 2, 8 } },
            { { 2, 9 } } },
    .out = { 2, 45 } },
  { "hostile", .in = { { { 3, 5 }, D2V_FILL_HOSTILE }, { { 3, 7 } } },
    .out = { 3, 12 } },
};

const D2vCheck d2v_check_concat = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
