/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize at[4];

  /* Dims beyond the rank are 1. */
  for (gsize i = 0; i < d2v_shape_size (out); i++)
    {
      at[3] = i % out->dim[3];
      at[2] = i / out->dim[3] % out->dim[2];
      at[1] = i / out->dim[3] / out->dim[2] % out->dim[1];
      at[0] = i / out->dim[3] / out->dim[2] / out->dim[1];
      at[call->node->attributes.axis] += call->node->attributes.begin;
      y[i] = d2v_at4 (call->in[0], in, at[0], at[1], at[2], at[3]);
    }
}

static const D2vCheckCase cases[] = {
  { "all of one number", .in = { { { 1 } } }, .out = { 1 },
    .a = { .length = 1 } },
  { "all", .in = { { { 3, 5, 7 } } }, .out = { 3, 5, 7 },
    .a = { .axis = 1, .length = 5 } },
  { "first row", .in = { { { 3, 5, 7 } } }, .out = { 3, 1, 7 },
    .a = { .axis = 1, .length = 1 } },
  { "all but the first row", .in = { { { 3, 5, 7 } } }, .out = { 3, 4, 7 },
    .a = { .axis = 1, .begin = 1, .length = 4 } },
  { "last channel", .in = { { { 3, 5, 7 } } }, .out = { 3, 5, 1 },
    .a = { .axis = 2, .begin = 6, .length = 1 } },
  { "middle channels", .in = { { { 3, 5, 7 } } }, .out = { 3, 5, 3 },
    .a = { .axis = 2, .begin = 2, .length = 3 } },
  { "one sequence", .in = { { { 3, 5, 7 } } }, .out = { 1, 5, 7 },
    .a = { .axis = 0, .begin = 1, .length = 1 } },
  { "rows of a map", .in = { { { 2, 5, 4, 3 } } }, .out = { 2, 2, 4, 3 },
    .a = { .axis = 1, .begin = 3, .length = 2 } },
  { "columns of a map", .in = { { { 2, 5, 4, 3 } } }, .out = { 2, 5, 3, 3 },
    .a = { .axis = 2, .begin = 1, .length = 3 } },
  { "hostile", .in = { { { 3, 5, 7 }, D2V_FILL_HOSTILE } }, .out = { 3, 2, 7 },
    .a = { .axis = 1, .begin = 2, .length = 2 } },
};

const D2vCheck d2v_check_slice = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
