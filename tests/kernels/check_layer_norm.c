/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const gfloat *x = call->in[0];
  gsize n = d2v_shape_last (&call->node->shape);

  for (gsize row = 0; row < d2v_shape_rows (&call->node->shape); row++)
    {
      for (gsize i = row * n; i < (row + 1) * n; i++)
        {
          y[i] = x[i];
          size[i] = fabs (x[i]);
        }
      d2v_oracle_norm (y + row * n, size + row * n, n, call->in[1], call->in[2],
                       call->node->attributes.eps);
    }
}

static const D2vCheckCase cases[] = {
  { "one row", .in = { { { 1, 768 } }, { { 768 } }, { { 768 } } },
    .out = { 1, 768 }, .a = { .eps = 1e-5 } },
  { "odd width", .in = { { { 5, 37 } }, { { 37 } }, { { 37 } } },
    .out = { 5, 37 }, .a = { .eps = 1e-5 } },
  { "no gain, no shift", .in = { { { 2, 3, 53 } } }, .out = { 2, 3, 53 },
    .a = { .eps = 1e-12 } },
  { "gain alone", .in = { { { 2, 3, 53 } }, { { 53 } } }, .out = { 2, 3, 53 },
    .a = { .eps = 1e-12 } },
  { "shift alone", .in = { { { 2, 3, 53 } }, { { 0 } }, { { 53 } } },
    .out = { 2, 3, 53 }, .a = { .eps = 1e-12 } },
  { "one channel", .in = { { { 7, 1 } }, { { 1 } }, { { 1 } } },
    .out = { 7, 1 }, .a = { .eps = 1e-5 } },
  { "two channels", .in = { { { 7, 2 } }, { { 2 } }, { { 2 } } },
    .out = { 7, 2 }, .a = { .eps = 1e-5 } },
  { "three channels", .in = { { { 7, 3 } }, { { 3 } }, { { 3 } } },
    .out = { 7, 3 }, .a = { .eps = 1e-5 } },
  { "rank 1", .in = { { { 45 } }, { { 45 } }, { { 45 } } }, .out = { 45 },
    .a = { .eps = 1e-5 } },
  /* Breaks one pass. */
  { "far offset",
    .in = { { { 2, 512 }, .offset = 4096 }, { { 512 } }, { { 512 } } },
    .out = { 2, 512 }, .a = { .eps = 1e-5 } },
  { "equal numbers",
    .in
    = { { { 2, 512 }, D2V_FILL_EQUAL, .by = 3.3 }, { { 512 } }, { { 512 } } },
    .out = { 2, 512 }, .a = { .eps = 1e-12 } },
  { "eps counts", .in = { { { 9, 64 }, .by = 1e-3 }, { { 64 } }, { { 64 } } },
    .out = { 9, 64 }, .a = { .eps = 1e-5 } },
  { "tiny", .in = { { { 9, 64 }, .by = 1e-15 }, { { 64 } }, { { 64 } } },
    .out = { 9, 64 }, .a = { .eps = 1e-12 } },
  { "denormal",
    .in = { { { 9, 64 }, D2V_FILL_DENORMAL }, { { 64 } }, { { 64 } } },
    .out = { 9, 64 }, .a = { .eps = 1e-12 } },
  { "huge", .in = { { { 9, 64 }, .by = 1e15 }, { { 64 } }, { { 64 } } },
    .out = { 9, 64 }, .a = { .eps = 1e-5 } },
  { "outlier channels",
    .in = { { { 20, 768 }, D2V_FILL_OUTLIERS }, { { 768 } }, { { 768 } } },
    .out = { 20, 768 }, .a = { .eps = 1e-5 } },
  { "200 rows", .in = { { { 200, 100 } }, { { 100 } }, { { 100 } } },
    .out = { 200, 100 }, .a = { .eps = 1e-5 } },
  { "base, 10 s", .in = { { { 499, 768 } }, { { 768 } }, { { 768 } } },
    .out = { 499, 768 }, .a = { .eps = 1e-5 }, .for_timing = TRUE },
};

const D2vCheck d2v_check_layer_norm = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 1e-6,
  .reason = "float sums of a row, beside the largest number of the row; one "
            "pass loses all digits where the mean is far from 0",
};
