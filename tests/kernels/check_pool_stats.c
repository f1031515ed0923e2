/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* An error of the mean or of a square, and what it makes of the root. */
static gdouble
deviation_size (gdouble deviation, gdouble mean)
{
  return deviation + fabs (mean);
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0];
  const gint64 *counts = call->in[1];

  for (gsize b = 0; b < in->dim[0]; b++)
    for (gsize c = 0; c < in->dim[2]; c++)
      {
        gsize n = counts != NULL ? (gsize) counts[b] : in->dim[1];
        gsize at = b * 2 * in->dim[2] + c;
        gdouble mean = 0, squares = 0;

        for (gsize t = 0; t < n; t++)
          mean += d2v_at3 (call->in[0], in, b, t, c) / (gdouble) n;
        for (gsize t = 0; t < n; t++)
          squares += pow (d2v_at3 (call->in[0], in, b, t, c) - mean, 2);
        y[at] = mean;
        y[at + in->dim[2]] = n == 1 ? NAN : sqrt (squares / (gdouble) (n - 1));
        size[at] = fabs (mean) + sqrt (squares);
        size[at + in->dim[2]] = deviation_size (y[at + in->dim[2]], mean);
      }
}

static const D2vCheckCase cases[] = {
  { "two rows", .in = { { { 1, 2, 7 } } }, .out = { 1, 14 } },
  { "one row has no deviation", .in = { { { 2, 1, 7 } } }, .out = { 2, 14 } },
  { "one channel", .in = { { { 2, 9, 1 } } }, .out = { 2, 2 } },
  { "odd", .in = { { { 3, 19, 37 } } }, .out = { 3, 74 } },
  { "equal rows", .in = { { { 1, 19, 37 }, D2V_FILL_EQUAL, .by = 3.3 } },
    .out = { 1, 74 } },
  { "far offset", .in = { { { 3, 200, 37 }, .offset = 1e4 } },
    .out = { 3, 74 } },
  { "counts",
    .in = { { { 3, 19, 37 } }, { { 3 }, D2V_FILL_FALLING, .offset = 19 } },
    .out = { 3, 74 } },
  { "small counts",
    .in = { { { 3, 19, 37 } }, { { 3 }, D2V_FILL_FALLING, .offset = 3 } },
    .out = { 3, 74 } },
};

const D2vCheck d2v_check_pool_stats = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 1e-6,
  .reason = "float sums of a few hundred rows around their mean; dividing by n "
            "instead of n - 1 is off by 1 / 2n",
};
