/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

/* y = a * b, b repeated over the dims that it lacks. An item is one number. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_size (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const gfloat *a = call->in[0], *b = call->in[1];
  gsize n_b = d2v_shape_size (call->in_shape[1]);
  gfloat *y = call->out;

  for (gsize i = begin; i < end; i++)
    y[i] = a[i] * b[i % n_b];
}

const D2vKernel d2v_cpu_mul = { .n_items = n_items, .run = run };
