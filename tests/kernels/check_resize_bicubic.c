/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* The convolution kernel of cubic interpolation, a = -0.75, expanded. */
static gdouble
cubic (gdouble d)
{
  d = fabs (d);
  if (d <= 1)
    return 1.25 * d * d * d - 2.25 * d * d + 1;
  if (d < 2)
    return -0.75 * d * d * d + 3.75 * d * d - 6 * d + 3;
  return 0;
}

static gsize
inside (gssize i, gsize n)
{
  return i < 0 ? 0 : i >= (gssize) n ? n - 1 : (gsize) i;
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;

  for (gsize at = 0; at < d2v_shape_size (out); at++)
    {
      gsize c = at % out->dim[3], j = at / out->dim[3] % out->dim[2];
      gsize i = at / out->dim[3] / out->dim[2] % out->dim[1];
      gsize b = at / out->dim[3] / out->dim[2] / out->dim[1];
      gdouble sy = (i + 0.5) * in->dim[1] / out->dim[1] - 0.5;
      gdouble sx = (j + 0.5) * in->dim[2] / out->dim[2] - 0.5;

      y[at] = size[at] = 0;
      /* Far taps have weight 0. */
      for (gssize row = -3; row < (gssize) in->dim[1] + 3; row++)
        for (gssize column = -3; column < (gssize) in->dim[2] + 3; column++)
          {
            gdouble term
                = cubic (sy - row) * cubic (sx - column)
                  * d2v_at4 (call->in[0], in, b, inside (row, in->dim[1]),
                             inside (column, in->dim[2]), c);
            y[at] += term;
            size[at] += fabs (term);
          }
    }
}

/* clang-format off */
#define TO(h, w) .a = { .size = h, .size_w = w }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "the same size", .in = { { { 2, 5, 7, 3 } } }, .out = { 2, 5, 7, 3 },
    TO (5, 7) },
  { "twice", .in = { { { 2, 5, 7, 3 } } }, .out = { 2, 10, 14, 3 },
    TO (10, 14) },
  { "14 x 14 to 30 x 20", .in = { { { 1, 14, 14, 3 } } },
    .out = { 1, 30, 20, 3 }, TO (30, 20) },
  { "smaller, no antialias", .in = { { { 2, 31, 29, 3 } } },
    .out = { 2, 7, 6, 3 }, TO (7, 6) },
  { "one axis each way", .in = { { { 2, 12, 5, 3 } } }, .out = { 2, 5, 12, 3 },
    TO (5, 12) },
  { "from one pixel", .in = { { { 2, 1, 1, 3 } } }, .out = { 2, 6, 4, 3 },
    TO (6, 4) },
  { "from two pixels", .in = { { { 1, 2, 1, 3 } } }, .out = { 1, 9, 9, 3 },
    TO (9, 9) },
  { "to one pixel", .in = { { { 2, 6, 9, 3 } } }, .out = { 2, 1, 1, 3 },
    TO (1, 1) },
  { "far offset", .in = { { { 1, 6, 9, 3 }, .offset = 1e5 } },
    .out = { 1, 14, 14, 3 }, TO (14, 14) },
};

const D2vCheck d2v_check_resize_bicubic = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 2e-6,
  .reason = "weights and sixteen products in float",
};
