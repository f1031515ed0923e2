/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/activation.h"
#include "engine/cpu/cpu_private.h"

/* y = a * sigmoid (b), a the first and b the second half of a row. An item is
 * one row. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n = d2v_shape_last (&call->node->shape);

  for (gsize row = begin; row < end; row++)
    {
      const gfloat *a = (const gfloat *) call->in[0] + row * 2 * n;
      const gfloat *b = a + n;
      gfloat *y = (gfloat *) call->out + row * n;

      for (gsize i = 0; i < n; i++)
        y[i] = a[i] * d2v_activation_value (D2V_ACTIVATION_SIGMOID, b[i]);
    }
}

const D2vKernel d2v_cpu_glu = { .n_items = n_items, .run = run };
