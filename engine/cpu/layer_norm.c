/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"
#include "engine/cpu/rows.h"

/* y = (x - mean) / sqrt (var + eps) * gain + shift, along the last axis. An
 * item is one row. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static gsize
scratch_bytes (const D2vCall *call)
{
  return d2v_shape_last (&call->node->shape) * sizeof (gdouble);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n = d2v_shape_last (&call->node->shape);
  gdouble *row = d2v_call_scratch (call, thread);

  for (gsize r = begin; r < end; r++)
    {
      const gfloat *x = (const gfloat *) call->in[0] + r * n;
      gfloat *y = (gfloat *) call->out + r * n;

      for (gsize i = 0; i < n; i++)
        row[i] = x[i];
      d2v_row_norm (row, call->in[1], call->in[2], n,
                    call->node->attributes.eps);
      for (gsize i = 0; i < n; i++)
        y[i] = row[i];
    }
}

const D2vKernel d2v_cpu_layer_norm
    = { .n_items = n_items, .run = run, .scratch_bytes = scratch_bytes };
