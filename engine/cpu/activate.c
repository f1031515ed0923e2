/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/activation.h"
#include "engine/cpu/cpu_private.h"

/* y = activation (x). An item is one number. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_size (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  D2vActivation activation = call->node->attributes.activation;
  const gfloat *x = call->in[0];
  gfloat *y = call->out;

  for (gsize i = begin; i < end; i++)
    y[i] = d2v_activation_value (activation, x[i]);
}

const D2vKernel d2v_cpu_activate = { .n_items = n_items, .run = run };
