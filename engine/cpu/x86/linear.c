/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = residual + scale * activation (x W' + b), W the stacked wi, each packed
 * into panels by itself. An item is one panel's columns for one block of
 * rows. */

#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/product.h"

enum
{
  X,
  W0
};

/* Rows that are multiplied by a panel before the next panel's turn: few enough
 * to stay in the second-level cache beside it, many enough to make its
 * reading cheap. */
#define BLOCK_BYTES (384 * 1024)
#define FEWEST_BLOCK_ROWS (8 * TILE_ROWS)

static gsize
block_rows (const D2vCall *call)
{
  gsize row_bytes = d2v_shape_last (call->in_shape[X]) * sizeof (gfloat);
  gsize n_rows = d2v_shape_rows (&call->node->shape);
  gsize n = d2v_max (BLOCK_BYTES / row_bytes, FEWEST_BLOCK_ROWS);
  gsize n_blocks = d2v_ceil_div (n_rows, n);

  /* Equal blocks, of whole tiles. */
  n = d2v_ceil_div (n_rows, d2v_max (n_blocks, 1));
  return d2v_max (d2v_ceil_div (n, TILE_ROWS) * TILE_ROWS, TILE_ROWS);
}

static gboolean
is_weight (guint slot)
{
  return slot >= W0 && slot < D2V_LINEAR_RESIDUAL && (slot - W0) % 2 == 0;
}

static gsize
n_panels (const D2vCall *call)
{
  gsize n = 0;

  for (guint slot = W0; slot < D2V_LINEAR_RESIDUAL; slot += 2)
    if (call->in_shape[slot] != NULL)
      n += d2v_ceil_div (call->in_shape[slot]->dim[0], PANEL);
  return n;
}

static gsize
n_items (const D2vCall *call)
{
  gsize n_rows = d2v_shape_rows (&call->node->shape);

  return d2v_ceil_div (n_rows, block_rows (call)) * n_panels (call);
}

/* A few pieces for each thread, so that one that is held up loses little. With
 * few rows a panel is hardly read before it is done with, and a piece's first
 * panel comes from memory unannounced: then there are fewer pieces. */
static gsize
grain (const D2vCall *call, guint n_threads)
{
  gsize n = n_panels (call), n_blocks = n_items (call) / n;
  gsize n_pieces = n_blocks <= 2 ? 2 : 4;

  return d2v_max (n / (n_pieces * n_threads), 1);
}

/* Panel @index counted over the stacked weights. */
typedef struct
{
  const gfloat *panel, *bias;
  gsize column; /* of y */
  gsize n_columns;
} Panel;

static Panel
panel_at (const D2vCall *call, gsize index)
{
  gsize k = d2v_shape_last (call->in_shape[X]), column = 0;

  for (guint slot = W0; slot < D2V_LINEAR_RESIDUAL; slot += 2)
    {
      if (call->in_shape[slot] == NULL)
        continue;
      gsize n = call->in_shape[slot]->dim[0];
      gsize here = d2v_ceil_div (n, PANEL);

      if (index < here)
        {
          const gfloat *bias = call->in[slot + 1];
          gsize first = index * PANEL;

          return (Panel){ .panel = (const gfloat *) call->in[slot] + first * k,
                          .bias = bias != NULL ? bias + first : NULL,
                          .column = column + first,
                          .n_columns = d2v_min (PANEL, n - first) };
        }
      index -= here;
      column += n;
    }
  g_assert_not_reached ();
}

static void
one_panel (const D2vCall *call, gsize index, gsize first_row, gsize n_rows)
{
  gsize k = d2v_shape_last (call->in_shape[X]);
  gsize n = d2v_shape_last (&call->node->shape);
  const gfloat *residual = call->in[D2V_LINEAR_RESIDUAL];
  const gfloat *scale = call->in[D2V_LINEAR_SCALE];
  D2vActivation activation = call->node->attributes.activation;
  Panel p = panel_at (call, index);
  gsize y = first_row * n + p.column; /* offset in y and residual */
  Rows rows = { .data = (const gfloat *) call->in[X] + first_row * k,
                .row_step = k,
                .n_segments = 1,
                .segment = k };
  Finish finish = { .activation = activation,
                    .scale = scale != NULL ? scale + p.column : NULL,
                    .residual = residual != NULL ? residual + y : NULL,
                    .residual_step = n };
  gboolean finishes
      = activation != D2V_ACTIVATION_NONE || scale != NULL || residual != NULL;

  LEVEL (product_panel)
  (&rows, n_rows, p.panel, p.n_columns, p.bias, FALSE,
   finishes ? &finish : NULL, (gfloat *) call->out + y, n);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n_rows = d2v_shape_rows (&call->node->shape);
  gsize block = block_rows (call), n = n_panels (call);

  for (gsize item = begin; item < end; item++)
    {
      gsize first_row = item / n * block;

      one_panel (call, item % n, first_row,
                 d2v_min (block, n_rows - first_row));
    }
}

static gsize
packed_bytes (const D2vCall *call, guint slot)
{
  if (!is_weight (slot))
    return 0;
  const D2vShape *w = call->in_shape[slot]; /* (N, K) */
  return panels_size (w->dim[0], w->dim[1]) * sizeof (gfloat);
}

static Layout
layout_of (const D2vShape *w)
{
  return (Layout){ .n = w->dim[0],
                   .n_outer = 1,
                   .n_inner = w->dim[1],
                   .step = w->dim[1],
                   .inner_step = 1 };
}

static void
pack (const D2vCall *call, guint slot, gfloat *plain, gpointer packed,
      gboolean consume)
{
  Layout layout = layout_of (call->in_shape[slot]);

  LEVEL (pack_panels) (&layout, plain, packed, consume);
}

static void
unpack (const D2vCall *call, guint slot, gconstpointer packed, gfloat *plain)
{
  Layout layout = layout_of (call->in_shape[slot]);

  LEVEL (unpack_panels) (&layout, packed, plain);
}

const D2vKernel LEVEL (linear) = { .n_items = n_items,
                                   .run = run,
                                   .grain = grain,
                                   .pack_kind = LEVEL_NAME " linear",
                                   .packed_bytes = packed_bytes,
                                   .pack = pack,
                                   .unpack = unpack };
