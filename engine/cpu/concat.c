/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <string.h>

/* y = the rows of all inputs, end to end. An item is one row. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  for (gsize row = begin; row < end; row++)
    {
      gfloat *y
          = (gfloat *) call->out + row * d2v_shape_last (&call->node->shape);

      for (guint i = 0; i < call->node->n_inputs; i++)
        {
          if (call->in[i] == NULL)
            continue;
          gsize n = d2v_shape_last (call->in_shape[i]);
          memcpy (y, (const gfloat *) call->in[i] + row * n,
                  n * sizeof (gfloat));
          y += n;
        }
    }
}

const D2vKernel d2v_cpu_concat = { .n_items = n_items, .run = run };
