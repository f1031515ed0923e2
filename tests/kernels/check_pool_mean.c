/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0];
  const gfloat *mask = call->in[1];

  for (gsize b = 0; b < in->dim[0]; b++)
    for (gsize c = 0; c < in->dim[2]; c++)
      {
        gdouble sum = 0, magnitude = 0, n = 0;
        for (gsize t = 0; t < in->dim[1]; t++)
          if (mask == NULL || mask[b * in->dim[1] + t] != 0)
            {
              sum += d2v_at3 (call->in[0], in, b, t, c);
              magnitude += fabs (d2v_at3 (call->in[0], in, b, t, c));
              n += 1;
            }
        y[b * in->dim[2] + c] = sum / n;
        size[b * in->dim[2] + c] = magnitude / n;
      }
}

static const D2vCheckCase cases[] = {
  { "one row", .in = { { { 1, 1, 7 } } }, .out = { 1, 7 } },
  { "one channel", .in = { { { 2, 9, 1 } } }, .out = { 2, 1 } },
  { "odd", .in = { { { 3, 19, 37 } } }, .out = { 3, 37 } },
  { "far offset", .in = { { { 3, 200, 37 }, .offset = 1e4 } },
    .out = { 3, 37 } },
  { "ragged", .in = { { { 3, 19, 37 } }, { { 3, 19 }, D2V_FILL_RAGGED } },
    .out = { 3, 37 } },
  { "holes, not just 1",
    .in = { { { 3, 19, 37 } }, { { 3, 19 }, D2V_FILL_HOLES } },
    .out = { 3, 37 } },
  /* No row is no mean: NaN, as in the original. */
  { "no row of one",
    .in = { { { 2, 19, 37 } }, { { 2, 19 }, D2V_FILL_NONE_FIRST } },
    .out = { 2, 37 } },
  { "hostile rows masked",
    .in
    = { { { 1, 19, 11 }, D2V_FILL_HOSTILE }, { { 1, 19 }, D2V_FILL_HOLES } },
    .out = { 1, 11 } },
};

const D2vCheck d2v_check_pool_mean = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 1e-6,
  .reason = "a float sum of a few hundred rows",
};
