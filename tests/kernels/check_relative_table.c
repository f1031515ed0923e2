/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

static gdouble
source (gsize o, gsize n_in, gsize n_out, gsize *i0, gsize *i1)
{
  long double s = fmaxl ((o + 0.5L) * n_in / n_out - 0.5L, 0);

  *i0 = (gsize) floorl (s);
  *i1 = MIN (*i0 + 1, n_in - 1);
  return s - *i0;
}

/* Row @i, column @j, head @head of the table seen as an image. */
static gdouble
pixel (const D2vCall *call, gsize i, gsize j, gsize head)
{
  gsize n_columns = 2 * call->node->attributes.from_h - 1;

  return ((const gfloat *) call
              ->in[0])[(i * n_columns + j) * call->in_shape[0]->dim[1] + head];
}

static void
resize (const D2vCall *call, gsize i, gsize j, gsize head, gdouble *y,
        gdouble *size)
{
  const D2vAttributes *a = &call->node->attributes;
  gsize row[2], column[2];
  gdouble down
      = source (i, 2 * a->from_w - 1, 2 * a->grid_h - 1, &row[0], &row[1]);
  gdouble right = source (j, 2 * a->from_h - 1, 2 * a->grid_w - 1, &column[0],
                          &column[1]);

  *y = *size = 0;
  for (gsize k = 0; k < 4; k++)
    {
      gdouble term = (k / 2 == 1 ? down : 1 - down)
                     * (k % 2 == 1 ? right : 1 - right)
                     * pixel (call, row[k / 2], column[k % 2], head);
      *y += term;
      *size += fabs (term);
    }
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize n_columns = 2 * call->node->attributes.grid_w - 1;

  for (gsize row = 0; row < out->dim[0]; row++)
    for (gsize head = 0; head < out->dim[1]; head++)
      {
        gsize at = row * out->dim[1] + head;

        if (row + 3 < out->dim[0])
          resize (call, row / n_columns, row % n_columns, head, &y[at],
                  &size[at]);
        else
          {
            gsize from = in->dim[0] - (out->dim[0] - row);
            y[at] = ((const gfloat *) call->in[0])[from * in->dim[1] + head];
            size[at] = fabs (y[at]);
          }
      }
}

/* clang-format off */
#define FROM_TO(fh, fw, h, w) \
  .a = { .from_h = fh, .from_w = fw, .grid_h = h, .grid_w = w }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "the same grid", .in = { { { 28, 2 } } }, .out = { 28, 2 },
    FROM_TO (3, 3, 3, 3) },
  { "14 x 14", .in = { { { 732, 12 } } }, .out = { 732, 12 },
    FROM_TO (14, 14, 14, 14) },
  { "larger", .in = { { { 52, 3 } } }, .out = { 172, 3 },
    FROM_TO (4, 4, 7, 7) },
  { "smaller", .in = { { { 172, 3 } } }, .out = { 52, 3 },
    FROM_TO (7, 7, 4, 4) },
  { "square to wide", .in = { { { 52, 3 } } }, .out = { 36, 3 },
    FROM_TO (4, 4, 2, 6) },
  { "square to high", .in = { { { 52, 3 } } }, .out = { 36, 3 },
    FROM_TO (4, 4, 6, 2) },
  /* Width first: resized even at its own grid. */
  { "wide at its own grid", .in = { { { 36, 3 } } }, .out = { 36, 3 },
    FROM_TO (2, 6, 2, 6) },
  { "high to wide", .in = { { { 36, 3 } } }, .out = { 80, 3 },
    FROM_TO (6, 2, 4, 6) },
  { "from one patch", .in = { { { 4, 3 } } }, .out = { 28, 3 },
    FROM_TO (1, 1, 3, 3) },
  { "to one patch", .in = { { { 28, 3 } } }, .out = { 4, 3 },
    FROM_TO (3, 3, 1, 1) },
};

const D2vCheck d2v_check_relative_table = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 2e-6,
  .reason = "weights and four products in float",
};
