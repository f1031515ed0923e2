/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize p = call->node->attributes.patch, grid_w = in->dim[3] / p;

  for (gsize i = 0; i < d2v_shape_size (out); i++)
    {
      gsize b = i / out->dim[2] / out->dim[1],
            patch = i / out->dim[2] % out->dim[1];
      gsize inside = i % out->dim[2];
      gsize c = inside / (p * p), dy = inside / p % p, dx = inside % p;

      y[i] = d2v_at4 (call->in[0], in, b, c, patch / grid_w * p + dy,
                      patch % grid_w * p + dx);
    }
}

static const D2vCheckCase cases[] = {
  { "patch of one pixel", .in = { { { 2, 3, 4, 5 } } }, .out = { 2, 20, 3 },
    .a = { .patch = 1 } },
  { "one patch", .in = { { { 1, 3, 8, 8 } } }, .out = { 1, 1, 192 },
    .a = { .patch = 8 } },
  { "wide", .in = { { { 2, 3, 8, 20 } } }, .out = { 2, 10, 48 },
    .a = { .patch = 4 } },
  { "high", .in = { { { 2, 3, 20, 8 } } }, .out = { 2, 10, 48 },
    .a = { .patch = 4 } },
  { "surplus pixels", .in = { { { 2, 3, 11, 23 } } }, .out = { 2, 10, 48 },
    .a = { .patch = 4 } },
  { "one channel, odd patch", .in = { { { 1, 1, 17, 11 } } },
    .out = { 1, 6, 25 }, .a = { .patch = 5 } },
  { "hostile", .in = { { { 1, 3, 9, 9 }, D2V_FILL_HOSTILE } },
    .out = { 1, 9, 27 }, .a = { .patch = 3 } },
};

const D2vCheck d2v_check_patches = {
  D2V_CASES (cases),
  .oracle = oracle,
  /* Only moves numbers: the same bits. */
  .tolerance = 0,
};
