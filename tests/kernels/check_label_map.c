/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* s on an axis: i0, i1 and the weight of i1, in float as the specification has
 * it (4.7). */
static gfloat
source (gsize o, gsize n_in, gsize n_out, gsize *i0, gsize *i1)
{
  gfloat scale = (gfloat) n_in / (gfloat) n_out;
  gfloat s = n_in == n_out ? (gfloat) o : scale * ((gfloat) o + 0.5f) - 0.5f;

  s = MAX (s, 0);
  *i0 = MIN ((gsize) s, n_in - 1);
  *i1 = MIN (*i0 + 1, n_in - 1);
  return s - (gfloat) *i0;
}

/* An infinite number does not count where its weight is 0. */
static gdouble
mix (gdouble weight, gdouble a, gdouble b)
{
  return weight == 0 ? a : (gfloat) ((1 - weight) * a + weight * b);
}

static gdouble
value (const D2vCall *call, gsize b, gsize i, gsize j, gsize c)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize row[2], column[2];
  gdouble down = source (i, in->dim[1], out->dim[1], &row[0], &row[1]);
  gdouble right = source (j, in->dim[2], out->dim[2], &column[0], &column[1]);
  gdouble line[2];

  for (guint k = 0; k < 2; k++)
    line[k] = mix (right, d2v_at4 (call->in[0], in, b, row[k], column[0], c),
                   d2v_at4 (call->in[0], in, b, row[k], column[1], c));
  return mix (down, line[0], line[1]);
}

/* A class is right or wrong: there is no rounding. */
static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;

  for (gsize at = 0; at < d2v_shape_size (out); at++)
    {
      gsize b = at / out->dim[2] / out->dim[1];
      gsize i = at / out->dim[2] % out->dim[1], j = at % out->dim[2];
      gdouble best = -INFINITY;

      y[at] = NAN;
      size[at] = 0;
      for (gsize c = 0; c < in->dim[3]; c++)
        {
          gdouble v = value (call, b, i, j, c);

          if (v > best)
            {
              best = v;
              y[at] = (gdouble) c;
            }
        }
    }
}

/* clang-format off */
#define TO(h, w) .a = { .size = h, .size_w = w }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "the same size", .in = { { { 2, 5, 7, 3 } } }, .out = { 2, 5, 7 },
    TO (5, 7) },
  { "one class", .in = { { { 2, 5, 7, 1 } } }, .out = { 2, 10, 14 },
    TO (10, 14) },
  { "two classes", .in = { { { 1, 7, 7, 2 } } }, .out = { 1, 28, 28 },
    TO (28, 28) },
  { "as many as lanes", .in = { { { 1, 7, 7, 16 } } }, .out = { 1, 28, 28 },
    TO (28, 28) },
  { "150 classes", .in = { { { 1, 8, 6, 150 } } }, .out = { 1, 31, 25 },
    TO (31, 25) },
  { "many classes", .in = { { { 1, 3, 3, 5001 } } }, .out = { 1, 7, 5 },
    TO (7, 5) },
  { "odd ratio", .in = { { { 2, 5, 7, 21 } } }, .out = { 2, 13, 9 },
    TO (13, 9) },
  { "smaller", .in = { { { 2, 31, 29, 21 } } }, .out = { 2, 7, 6 }, TO (7, 6) },
  { "one axis stays", .in = { { { 2, 12, 5, 21 } } }, .out = { 2, 12, 15 },
    TO (12, 15) },
  { "from one pixel", .in = { { { 2, 1, 1, 21 } } }, .out = { 2, 6, 4 },
    TO (6, 4) },
  { "to one pixel", .in = { { { 2, 6, 9, 21 } } }, .out = { 2, 1, 1 },
    TO (1, 1) },
  { "all equal", .in = { { { 1, 4, 4, 21 }, D2V_FILL_EQUAL } },
    .out = { 1, 9, 9 }, TO (9, 9) },
  { "not numbers", .in = { { { 2, 6, 9, 21 }, D2V_FILL_HOSTILE } },
    .out = { 2, 6, 9 }, TO (6, 9) },
  { "not numbers, larger", .in = { { { 2, 6, 9, 21 }, D2V_FILL_HOSTILE } },
    .out = { 2, 17, 13 }, TO (17, 13) },
  { "nothing is a number", .in = { { { 1, 3, 3, 21 }, .by = NAN } },
    .out = { 1, 5, 5 }, TO (5, 5) },
  { "far offset", .in = { { { 1, 6, 9, 21 }, .offset = 1e3 } },
    .out = { 1, 14, 14 }, TO (14, 14) },
};

const D2vCheck d2v_check_label_map = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 0,
  .reason = "a class is right or wrong",
};
