/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <string.h>

/* y[i] = mask[i] != 0 ? row : x[i]. An item is one row. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n = d2v_shape_last (&call->node->shape);
  const gfloat *x = call->in[0], *mask = call->in[1], *row = call->in[2];
  gfloat *y = call->out;

  for (gsize i = begin; i < end; i++)
    memcpy (y + i * n, mask[i] != 0 ? row : x + i * n, n * sizeof (gfloat));
}

const D2vKernel d2v_cpu_select_rows = { .n_items = n_items, .run = run };
