/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* Entry @o of an axis of @n_in numbers at @x, @step apart, resized to
 * @n_out. */
static gdouble
resized (const gfloat *x, gsize step, gsize o, gsize n_in, gsize n_out)
{
  long double s = fmaxl ((o + 0.5L) * n_in / n_out - 0.5L, 0);
  gsize low = (gsize) floorl (s), high = MIN (low + 1, n_in - 1);

  return (1 - (s - low)) * x[low * step] + (s - low) * x[high * step];
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gboolean rows = call->node->attributes.axis == 1;
  gsize n = out->dim[3], line = in->dim[2] * in->dim[3];

  for (gsize at = 0; at < d2v_shape_size (out); at++)
    {
      gsize c = at % n, j = at / n % out->dim[2];
      gsize i = at / n / out->dim[2] % out->dim[1];
      gsize b = at / n / out->dim[2] / out->dim[1];
      gsize o = rows ? i : j;
      gsize n_out = rows ? out->dim[1] : out->dim[2];
      const gfloat *x = (const gfloat *) call->in[0] + b * in->dim[1] * line;

      x += rows ? j * in->dim[3] : i * line;
      y[at] = call->in[1] != NULL ? ((const gfloat *) call->in[1])[at] : 0;
      size[at] = fabs (y[at]);
      for (gssize k = -1; k <= 1; k++)
        if ((gssize) o + k >= 0 && (gssize) o + k < (gssize) n_out)
          {
            gdouble term
                = resized (x + (gsize) (k + 1) * n + c,
                           rows ? line : in->dim[3], (gsize) ((gssize) o + k),
                           rows ? in->dim[1] : in->dim[2], n_out);
            y[at] += term;
            size[at] += fabs (term);
          }
    }
}

/* clang-format off */
#define ROWS(n) .a = { .axis = 1, .size = n }
#define COLUMNS(n) .a = { .axis = 2, .size = n }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "rows, twice", .in = { { { 2, 5, 7, 9 } } }, .out = { 2, 10, 7, 3 },
    ROWS (10) },
  { "columns, twice", .in = { { { 2, 5, 7, 9 } } }, .out = { 2, 5, 14, 3 },
    COLUMNS (14) },
  { "with a sum", .in = { { { 2, 5, 7, 9 } }, { { 2, 5, 14, 3 } } },
    .out = { 2, 5, 14, 3 }, COLUMNS (14) },
  { "wide, with a sum", .in = { { { 1, 4, 3, 201 } }, { { 1, 16, 3, 67 } } },
    .out = { 1, 16, 3, 67 }, ROWS (16) },
  { "eight times", .in = { { { 1, 2, 3, 48 } } }, .out = { 1, 2, 24, 16 },
    COLUMNS (24) },
  { "odd ratio", .in = { { { 2, 5, 7, 6 } } }, .out = { 2, 13, 7, 2 },
    ROWS (13) },
  { "the same size", .in = { { { 1, 5, 7, 6 } } }, .out = { 1, 5, 7, 2 },
    ROWS (5) },
  { "from one entry", .in = { { { 2, 1, 3, 6 } } }, .out = { 2, 4, 3, 2 },
    ROWS (4) },
  { "to one entry", .in = { { { 2, 3, 6, 6 } } }, .out = { 2, 3, 1, 2 },
    COLUMNS (1) },
};

const D2vCheck d2v_check_resize_taps = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 2e-6,
  .reason = "weights, six products and a sum in float",
};
