/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

/* y[b] = sum of the rows t of x[b] with mask[b][t] != 0 / their number; without
 * a mask every row counts. An item is one number of y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_size (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n_steps = call->in_shape[0]->dim[1], n = call->in_shape[0]->dim[2];
  gfloat *y = call->out;

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / n, c = item % n, n_rows = 0;
      const gfloat *x = (const gfloat *) call->in[0] + batch * n_steps * n + c;
      const gfloat *mask = call->in[1];
      gdouble sum = 0;

      for (gsize t = 0; t < n_steps; t++)
        if (mask == NULL || mask[batch * n_steps + t] != 0)
          {
            sum += x[t * n];
            n_rows++;
          }
      y[item] = sum / n_rows;
    }
}

const D2vKernel d2v_cpu_pool_mean = { .n_items = n_items, .run = run };
