/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <string.h>

/* y[b] = row, x[b][0], x[b][1], ... An item is one row of y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n_steps = call->node->shape.dim[1]; /* T + 1 */
  gsize n = call->node->shape.dim[2];
  const gfloat *x = call->in[0], *row = call->in[1];
  gfloat *y = call->out;

  for (gsize i = begin; i < end; i++)
    {
      gsize batch = i / n_steps, t = i % n_steps;
      const gfloat *from
          = t == 0 ? row : x + (batch * (n_steps - 1) + t - 1) * n;
      memcpy (y + i * n, from, n * sizeof (gfloat));
    }
}

const D2vKernel d2v_cpu_prepend = { .n_items = n_items, .run = run };
