/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <math.h>

/* mean = sum x / n, deviation = sqrt (sum (x - mean)^2 / (n - 1)) over the
 * first n = counts[b] rows; y[b] = means, deviations. One row has no deviation:
 * NaN, as in the original. An item is one channel of one sequence. */
static gsize
n_items (const D2vCall *call)
{
  return call->in_shape[0]->dim[0] * call->in_shape[0]->dim[2];
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n_steps = call->in_shape[0]->dim[1], n = call->in_shape[0]->dim[2];
  const gint64 *counts = call->in[1];

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / n, c = item % n;
      const gfloat *x = (const gfloat *) call->in[0] + batch * n_steps * n + c;
      gfloat *y = (gfloat *) call->out + batch * 2 * n + c;
      gsize n_rows = counts != NULL ? (gsize) counts[batch] : n_steps;
      gdouble mean = 0, squares = 0;

      g_assert (n_rows <= n_steps);
      for (gsize t = 0; t < n_rows; t++)
        mean += x[t * n];
      mean /= n_rows;
      for (gsize t = 0; t < n_rows; t++)
        squares += (x[t * n] - mean) * (x[t * n] - mean);
      y[0] = mean;
      y[n] = sqrt (squares / ((gdouble) n_rows - 1));
    }
}

const D2vKernel d2v_cpu_pool_stats = { .n_items = n_items, .run = run };
