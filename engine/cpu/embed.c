/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <string.h>

/* y[i] = table[ids[i]]. An item is one id. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const gint64 *ids = call->in[0];
  const gfloat *table = call->in[1]; /* (V, C) */
  gsize n_rows = call->in_shape[1]->dim[0], n = call->in_shape[1]->dim[1];
  gfloat *y = call->out;

  for (gsize i = begin; i < end; i++)
    {
      g_assert (ids[i] >= 0 && (guint64) ids[i] < n_rows);
      memcpy (y + i * n, table + (gsize) ids[i] * n, n * sizeof (gfloat));
    }
}

const D2vKernel d2v_cpu_embed = { .n_items = n_items, .run = run };
/* For a table that no level packs. */
const D2vKernel d2v_cpu_gather = { .n_items = n_items, .run = run };
