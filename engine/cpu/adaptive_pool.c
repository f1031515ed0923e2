/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"

/* y[i][j] = mean of x over rows floor (i H / s) .. ceil ((i + 1) H / s) - 1
 * and columns likewise. Bins overlap where s does not divide H. An item is one
 * pixel of y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

/* Entries begin..end-1 of an axis. */
typedef struct
{
  gsize begin, end;
} Bin;

static Bin
bin_of (gsize i, gsize n, gsize size)
{
  return (Bin){ i * n / size, d2v_ceil_div ((i + 1) * n, size) };
}

/* @x: one channel of the first pixel of a map @w wide with @n channels. */
static gdouble
mean_of (const gfloat *x, Bin rows, Bin columns, gsize w, gsize n)
{
  gdouble sum = 0;

  for (gsize i = rows.begin; i < rows.end; i++)
    for (gsize j = columns.begin; j < columns.end; j++)
      sum += x[(i * w + j) * n];
  return sum / ((rows.end - rows.begin) * (columns.end - columns.begin));
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *in = call->in_shape[0]; /* (B, H, W, C) */
  gsize h = in->dim[1], w = in->dim[2], n = in->dim[3];
  gsize size = call->node->attributes.size;

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / (size * size);
      Bin rows = bin_of (item / size % size, h, size);
      Bin columns = bin_of (item % size, w, size);
      const gfloat *x = (const gfloat *) call->in[0] + batch * h * w * n;
      gfloat *y = (gfloat *) call->out + item * n;

      for (gsize c = 0; c < n; c++)
        y[c] = mean_of (x + c, rows, columns, w, n);
    }
}

const D2vKernel d2v_cpu_adaptive_pool = { .n_items = n_items, .run = run };
