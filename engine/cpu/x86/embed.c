/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i] = table[ids[i]]. An item is one id.
 *
 * A language model's head multiplies by the table that its input is looked up
 * in. So the table is read here in the layout that LINEAR packs it to, or both
 * forms of the largest weight would stay in memory. */

#include "engine/cpu/cpu_private.h"

#include "engine/cpu/x86/product.h"

extern const D2vKernel LEVEL (linear);

static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const gint64 *ids = call->in[0];
  gsize n_rows = call->in_shape[1]->dim[0], n = call->in_shape[1]->dim[1];

  for (gsize i = begin; i < end; i++)
    {
      g_assert (ids[i] >= 0 && (guint64) ids[i] < n_rows);
      gsize id = (gsize) ids[i], column = id % PANEL;
      gsize width = panel_width (n_rows, id - column);
      const gfloat *panel
          = (const gfloat *) call->in[1] + (id - column) * n + column;
      gfloat *y = (gfloat *) call->out + i * n;

      for (gsize k = 0; k < n; k++)
        y[k] = panel[k * width];
    }
}

/* A table stands in the slot of LINEAR's first weight, (V, C) like it. */
static gsize
packed_bytes (const D2vCall *call, guint slot)
{
  return LEVEL (linear).packed_bytes (call, slot);
}

static void
pack (const D2vCall *call, guint slot, gfloat *plain, gpointer packed,
      gboolean consume)
{
  LEVEL (linear).pack (call, slot, plain, packed, consume);
}

static void
unpack (const D2vCall *call, guint slot, gconstpointer packed, gfloat *plain)
{
  LEVEL (linear).unpack (call, slot, packed, plain);
}

const D2vKernel LEVEL (embed) = { .n_items = n_items,
                                  .run = run,
                                  .pack_kind = LEVEL_NAME " linear",
                                  .packed_bytes = packed_bytes,
                                  .pack = pack,
                                  .unpack = unpack };
