/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <math.h>

/* y = acc + softmax (weights)[index] * x. An item is one number. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_size (&call->node->shape);
}

/* softmax (weights)[index] = 1 / sum of e^(weights[i] - weights[index]) */
static gdouble
share (const gfloat *weights, gsize n, gsize index)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += exp ((gdouble) weights[i] - weights[index]);
  return 1 / sum;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const gfloat *acc = call->in[0], *x = call->in[1];
  gdouble scale = share (call->in[2], d2v_shape_size (call->in_shape[2]),
                         call->node->attributes.index);
  gfloat *y = call->out;

  for (gsize i = begin; i < end; i++)
    y[i] = (acc != NULL ? acc[i] : 0) + scale * x[i];
}

const D2vKernel d2v_cpu_scale_add = { .n_items = n_items, .run = run };
