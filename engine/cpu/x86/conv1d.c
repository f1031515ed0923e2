/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[t][o] = sum of x[t * stride + k * dilation - padding][c] w[o][c][k] + b[o];
 * then the norm over the channels, if any; then the activation.
 *
 * A matrix product without a copy: row t of the left side is what the kernel
 * covers at step t, and rows overlap. An item is one step; norm and activation
 * are done on a block of steps while it is in cache. */

#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/product.h"
#include "engine/cpu/x86/rows.h"

/* Slots. */
enum
{
  X,
  W,
  BIAS,
  GAIN,
  SHIFT
};

typedef struct
{
  gsize n_in, n_out; /* steps */
  gsize c, o;        /* channels in and out */
  gsize kernel, stride, dilation, padding;
  gsize groups, group_c, group_o; /* number, and channels of one group */
  gsize group_k;                  /* kernel * group_c */
} Geometry;

static Geometry
geometry_of (const D2vCall *call)
{
  const D2vAttributes *a = &call->node->attributes;
  const D2vShape *x = call->in_shape[X], *w = call->in_shape[W];
  Geometry g = { .n_in = x->dim[1],
                 .n_out = call->node->shape.dim[1],
                 .c = x->dim[2],
                 .o = w->dim[0],
                 .stride = a->stride,
                 .dilation = a->dilation,
                 .padding = a->padding,
                 .groups = a->tap_major ? 1 : a->groups };

  g.group_c = g.c / g.groups;
  g.group_o = g.o / g.groups;
  g.kernel = a->tap_major ? w->dim[1] / g.c : w->dim[2];
  g.group_k = g.kernel * g.group_c;
  return g;
}

/* Steps done together: their input and output stay in the second-level cache
 * beside a panel. */
#define BLOCK_BYTES (448 * 1024)

static gsize
block_steps (const Geometry *g)
{
  gsize step_bytes = (g->stride * g->c + g->o) * sizeof (gfloat);
  gsize n_tiles = BLOCK_BYTES / (step_bytes * TILE_ROWS);

  return CLAMP (n_tiles, 2, 16) * TILE_ROWS;
}

static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static gsize
grain (const D2vCall *call, guint n_threads)
{
  Geometry g = geometry_of (call);
  gsize n = n_items (call);
  gsize n_pieces = d2v_ceil_div (n, block_steps (&g));

  n_pieces = d2v_ceil_div (n_pieces, n_threads) * n_threads;
  return d2v_ceil_div (n, d2v_max (n_pieces, 1));
}

/* Input steps that @n output steps reach over. */
static gsize
reach (const Geometry *g, gsize n)
{
  return (n - 1) * g->stride + (g->kernel - 1) * g->dilation + 1;
}

/* Room for a block's input with its padding. */
static gsize
scratch_bytes (const D2vCall *call)
{
  Geometry g = geometry_of (call);

  return reach (&g, block_steps (&g)) * g.c * sizeof (gfloat);
}

/* Where the input of steps @t.. of one sequence begins: in x, or, when the
 * kernel reaches over an end of x, in a copy with zeros. */
static const gfloat *
input_of (const Geometry *g, const gfloat *x, gsize t, gsize n, gfloat *copy)
{
  gsize first = t * g->stride, n_steps = reach (g, n); /* padding included */

  if (first >= g->padding && first - g->padding + n_steps <= g->n_in)
    return x + (first - g->padding) * g->c;

  gsize begin = d2v_min (d2v_max (first, g->padding) - first, n_steps);
  gsize end = g->n_in + g->padding > first ? g->n_in + g->padding - first : 0;

  end = CLAMP (end, begin, n_steps);
  memset (copy, 0, begin * g->c * sizeof (gfloat));
  if (end > begin)
    memcpy (copy + begin * g->c, x + (first + begin - g->padding) * g->c,
            (end - begin) * g->c * sizeof (gfloat));
  memset (copy + end * g->c, 0, (n_steps - end) * g->c * sizeof (gfloat));
  return copy;
}

/* The taps lie one behind the other when there are neither gaps between them
 * nor other groups' channels. */
static Rows
rows_of (const Geometry *g, const gfloat *input)
{
  gboolean whole = g->dilation == 1 && g->groups == 1;

  return (Rows){ .data = input,
                 .row_step = g->stride * g->c,
                 .n_segments = whole ? 1 : g->kernel,
                 .segment = whole ? g->group_k : g->group_c,
                 .segment_step = g->dilation * g->c,
                 .panel_step = g->group_c };
}

static void
finish_rows (const D2vCall *call, gfloat *y, gsize n_rows, gsize n)
{
  const D2vAttributes *a = &call->node->attributes;

  for (gsize i = 0; i < n_rows; i++)
    {
      gfloat *row = y + i * n;

      if (a->norm)
        LEVEL (norm_row)
      (row, call->in[GAIN], call->in[SHIFT], row, n, a->eps);
      if (a->activation != D2V_ACTIVATION_NONE)
        LEVEL (activate_row) (a->activation, row, row, n);
    }
}

/* Steps t..t+n-1 of one sequence, at most a block. */
static void
one_block (const D2vCall *call, const Geometry *g, gsize batch, gsize t,
           gsize n, gfloat *copy)
{
  const gfloat *x = (const gfloat *) call->in[X] + batch * g->n_in * g->c;
  const gfloat *panels = call->in[W], *bias = call->in[BIAS];
  gfloat *y = (gfloat *) call->out + (batch * g->n_out + t) * g->o;
  Rows rows = rows_of (g, input_of (g, x, t, n, copy));

  for (gsize i = 0; i < g->groups; i++)
    {
      gsize first = i * g->group_o;

      LEVEL (product)
      (&rows, n, panels, g->group_k, g->group_o,
       bias != NULL ? bias + first : NULL, y + first, g->o);
      rows.data += g->group_c;
      panels += panels_size (g->group_o, g->group_k);
    }
  finish_rows (call, y, n, g->o);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  Geometry g = geometry_of (call);
  gsize block = block_steps (&g);
  gfloat *copy = d2v_call_scratch (call, thread);

  while (begin < end)
    {
      gsize batch = begin / g.n_out, t = begin % g.n_out;
      gsize n = d2v_min (end - begin, g.n_out - t);

      n = d2v_min (n, block);
      one_block (call, &g, batch, t, n, copy);
      begin += n;
    }
}

static gsize
packed_bytes (const D2vCall *call, guint slot)
{
  if (slot != W)
    return 0;
  Geometry g = geometry_of (call);
  return g.groups * panels_size (g.group_o, g.group_k) * sizeof (gfloat);
}

/* One group's weight. A panel's rows go tap by tap, channel by channel, as the
 * left side's numbers do. */
static Layout
layout_of (const D2vCall *call, const Geometry *g)
{
  gboolean tap_major = call->node->attributes.tap_major;

  return (Layout){ .n = g->group_o,
                   .n_outer = g->kernel,
                   .n_inner = g->group_c,
                   .step = g->group_k,
                   .outer_step = tap_major ? g->group_c : 1,
                   .inner_step = tap_major ? 1 : g->kernel };
}

static void
pack (const D2vCall *call, guint slot, gfloat *plain, gpointer packed,
      gboolean consume)
{
  Geometry g = geometry_of (call);
  Layout layout = layout_of (call, &g);

  for (gsize i = 0; i < g.groups; i++)
    LEVEL (pack_panels)
  (&layout, plain + i * g.group_o * g.group_k,
   (gfloat *) packed + i * panels_size (g.group_o, g.group_k), consume);
}

static void
unpack (const D2vCall *call, guint slot, gconstpointer packed, gfloat *plain)
{
  Geometry g = geometry_of (call);
  Layout layout = layout_of (call, &g);

  for (gsize i = 0; i < g.groups; i++)
    LEVEL (unpack_panels)
  (&layout, (const gfloat *) packed + i * panels_size (g.group_o, g.group_k),
   plain + i * g.group_o * g.group_k);
}

const D2vKernel LEVEL (conv1d) = { .n_items = n_items,
                                   .run = run,
                                   .grain = grain,
                                   .scratch_bytes = scratch_bytes,
                                   .pack_kind = LEVEL_NAME " conv1d",
                                   .packed_bytes = packed_bytes,
                                   .pack = pack,
                                   .unpack = unpack };
