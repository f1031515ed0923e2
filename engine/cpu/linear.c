/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/activation.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/rows.h"

/* Slots: x, then up to three pairs of weight and bias; see ops.h for the
 * rest. */
enum
{
  X,
  W0
};

/* y = residual + scale * activation (x W' + b), W the stacked wi. An item is
 * one row of x. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

/* Columns @first.. of one row: those of one weight. Returns their number. */
static gsize
columns (const D2vCall *call, guint slot, gsize row, gsize first)
{
  gsize n_in = d2v_shape_last (call->in_shape[X]);
  gsize n_out = d2v_shape_last (&call->node->shape);
  gsize n = call->in_shape[slot]->dim[0];
  const gfloat *x = (const gfloat *) call->in[X] + row * n_in; /* (K) */
  const gfloat *w = call->in[slot];                            /* (Ni, K) */
  const gfloat *b = call->in[slot + 1];                        /* (Ni) */
  const gfloat *residual = call->in[D2V_LINEAR_RESIDUAL];
  const gfloat *scale = call->in[D2V_LINEAR_SCALE];
  gfloat *y = (gfloat *) call->out + row * n_out;

  for (gsize i = 0; i < n; i++)
    {
      gsize column = first + i;
      gdouble sum = d2v_row_dot (x, w + i * n_in, n_in);

      sum = b != NULL ? sum + b[i] : sum;
      sum = d2v_activation_value (call->node->attributes.activation, sum);
      sum = scale != NULL ? sum * scale[column] : sum;
      sum = residual != NULL ? sum + residual[row * n_out + column] : sum;
      y[column] = sum;
    }
  return n;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  for (gsize row = begin; row < end; row++)
    {
      gsize first = 0;

      for (guint slot = W0; slot < D2V_LINEAR_RESIDUAL; slot += 2)
        if (call->in[slot] != NULL)
          first += columns (call, slot, row, first);
    }
}

const D2vKernel d2v_cpu_linear = { .n_items = n_items, .run = run };
