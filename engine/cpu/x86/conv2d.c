/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j][o] = activation (sum of x[i + ky - k / 2][j + kx - k / 2][c]
 * w[o][c][ky][kx] + b[o]) over the taps that lie inside x.
 *
 * A matrix product without a copy and without padding: pixels whose taps lie
 * inside x to the same extent make one product over those taps alone. An item
 * is one line of one map. */

#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/product.h"

/* Slots. */
enum
{
  X,
  W,
  BIAS
};

typedef struct
{
  gsize height, width, c, o;
  gsize kernel, padding;
  gsize k; /* kernel * kernel * c */
} Geometry;

static Geometry
geometry_of (const D2vCall *call)
{
  const D2vShape *x = call->in_shape[X], *w = call->in_shape[W];

  /* Where taps reach nowhere, a map is as good as one column of pixels. */
  gboolean flat = w->dim[2] == 1;

  return (Geometry){ .height = flat ? x->dim[1] * x->dim[2] : x->dim[1],
                     .width = flat ? 1 : x->dim[2],
                     .c = x->dim[3],
                     .o = w->dim[0],
                     .kernel = w->dim[2],
                     .padding = w->dim[2] / 2,
                     .k = w->dim[2] * w->dim[2] * x->dim[3] };
}

/* Taps begin..end-1 of one axis. */
typedef struct
{
  gsize begin, end;
} Taps;

/* Those that lie inside when the output is entry @i of @n. */
static Taps
taps_at (const Geometry *g, gsize i, gsize n)
{
  return (Taps){ .begin = i < g->padding ? g->padding - i : 0,
                 .end = d2v_min (g->kernel, n + g->padding - i) };
}

/* Lines or columns @i.. of @n that have the same taps as @i. */
static gsize
n_alike (const Geometry *g, gsize i, gsize n)
{
  if (i < g->padding || i + g->padding >= n)
    return 1;
  return n - g->padding - i;
}

/* A rectangle of pixels with the same taps. */
typedef struct
{
  gsize line, n_lines, column, n_columns;
  Taps ky, kx;
} Region;

/* Longest sum made in one pass: a panel of it stays in the second-level
 * cache. */
#define PASS_LENGTH 4096

/* One panel and part of the taps: those of @ky and @kx. @x: the map, @y: its
 * result at the panel's first column. */
static void
one_pass (const Geometry *g, const Region *r, Taps ky, Taps kx, const gfloat *x,
          const gfloat *panel, gsize n_columns, const gfloat *bias,
          gboolean adds, const Finish *finish, gfloat *y)
{
  gsize width = panel_width (n_columns, 0);
  gsize line = g->width * g->c;
  gsize first_tap = ky.begin * g->kernel + kx.begin;
  Rows rows = { .n_segments = ky.end - ky.begin,
                .segment = (kx.end - kx.begin) * g->c,
                .segment_step = line,
                .panel_step = g->kernel * g->c };
  /* A narrow region is a product along its columns. */
  gboolean upright = r->n_columns < r->n_lines;
  gsize n_products = upright ? r->n_columns : r->n_lines;

  rows.row_step = upright ? line : g->c;
  for (gsize i = 0; i < n_products; i++)
    {
      gsize out_line = r->line + (upright ? 0 : i);
      gsize out_column = r->column + (upright ? i : 0);
      gsize in_line = out_line + ky.begin - g->padding;
      gsize in_column = out_column + kx.begin - g->padding;

      rows.data = x + in_line * line + in_column * g->c;
      LEVEL (product_panel)
      (&rows, upright ? r->n_lines : r->n_columns,
       panel + first_tap * g->c * width, n_columns, bias, adds, finish,
       y + (out_line * g->width + out_column) * g->o,
       upright ? g->width * g->o : g->o);
    }
}

/* All taps of one panel, in as many passes as its length asks for. */
static void
one_panel (const D2vCall *call, const Geometry *g, const Region *r,
           const gfloat *x, gsize first, gfloat *y)
{
  const gfloat *bias = call->in[BIAS];
  const gfloat *panel = (const gfloat *) call->in[W] + first * g->k;
  gsize n_columns = d2v_min (PANEL, g->o - first);
  gboolean whole = n_columns == panel_width (g->o, first);
  Finish finish = { .activation = call->node->attributes.activation };
  /* Lines of taps, or single taps, in one pass. */
  gsize n_y = g->k <= PASS_LENGTH || !whole ? g->kernel : 1;
  gsize n_x = n_y > 1 || g->kernel * g->c <= PASS_LENGTH ? g->kernel : 1;
  gboolean adds = FALSE;

  if (bias != NULL)
    bias += first;
  for (gsize ky = r->ky.begin; ky < r->ky.end; ky += n_y)
    for (gsize kx = r->kx.begin; kx < r->kx.end; kx += n_x)
      {
        Taps y_taps = { ky, d2v_min (ky + n_y, r->ky.end) };
        Taps x_taps = { kx, d2v_min (kx + n_x, r->kx.end) };
        gboolean last = y_taps.end == r->ky.end && x_taps.end == r->kx.end;
        gboolean finishes = last && finish.activation != D2V_ACTIVATION_NONE;

        one_pass (g, r, y_taps, x_taps, x, panel, n_columns, bias, adds,
                  finishes ? &finish : NULL, y + first);
        adds = TRUE;
      }
}

/* The largest region that begins at a pixel and ends before line @end. */
static Region
region_at (const Geometry *g, gsize line, gsize end, gsize column)
{
  return (Region){ .line = line,
                   .n_lines
                   = d2v_min (n_alike (g, line, g->height), end - line),
                   .column = column,
                   .n_columns = n_alike (g, column, g->width),
                   .ky = taps_at (g, line, g->height),
                   .kx = taps_at (g, column, g->width) };
}

/* Lines @line..end-1 of one map. */
static void
some_lines (const D2vCall *call, const Geometry *g, gsize batch, gsize line,
            gsize end)
{
  gsize n_pixels = g->height * g->width;
  const gfloat *x = (const gfloat *) call->in[X] + batch * n_pixels * g->c;
  gfloat *y = (gfloat *) call->out + batch * n_pixels * g->o;

  for (gsize first = 0; first < g->o; first += PANEL)
    for (gsize i = line, n_lines = 1; i < end; i += n_lines)
      for (gsize j = 0; j < g->width;)
        {
          Region region = region_at (g, i, end, j);
          one_panel (call, g, &region, x, first, y);
          n_lines = region.n_lines;
          j += region.n_columns;
        }
}

static gsize
n_items (const D2vCall *call)
{
  return call->in_shape[X]->dim[0] * geometry_of (call).height;
}

/* As many lines as stay in the second-level cache beside a panel. Where there
 * are edges, enough for the columns there to fill a tile. */
#define BLOCK_BYTES (384 * 1024)

static gsize
grain (const D2vCall *call, guint n_threads)
{
  Geometry g = geometry_of (call);
  gsize n = BLOCK_BYTES / (g.width * g.c * sizeof (gfloat));

  n = d2v_max (n, g.padding > 0 ? 4 : 1);
  return d2v_min (n, d2v_ceil_div (n_items (call), n_threads));
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  Geometry g = geometry_of (call);

  while (begin < end)
    {
      gsize batch = begin / g.height, line = begin % g.height;
      gsize n = d2v_min (end - begin, g.height - line);

      some_lines (call, &g, batch, line, line + n);
      begin += n;
    }
}

static gsize
packed_bytes (const D2vCall *call, guint slot)
{
  if (slot != W)
    return 0;
  Geometry g = geometry_of (call);
  return panels_size (g.o, g.k) * sizeof (gfloat);
}

/* A panel's rows go tap by tap, channel by channel. */
static Layout
layout_of (const Geometry *g)
{
  return (Layout){ .n = g->o,
                   .n_outer = g->kernel * g->kernel,
                   .n_inner = g->c,
                   .step = g->k,
                   .outer_step = 1,
                   .inner_step = g->kernel * g->kernel };
}

static void
pack (const D2vCall *call, guint slot, gfloat *plain, gpointer packed,
      gboolean consume)
{
  Geometry g = geometry_of (call);
  Layout layout = layout_of (&g);

  LEVEL (pack_panels) (&layout, plain, packed, consume);
}

static void
unpack (const D2vCall *call, guint slot, gconstpointer packed, gfloat *plain)
{
  Geometry g = geometry_of (call);
  Layout layout = layout_of (&g);

  LEVEL (unpack_panels) (&layout, packed, plain);
}

const D2vKernel LEVEL (conv2d) = { .n_items = n_items,
                                   .run = run,
                                   .grain = grain,
                                   .pack_kind = LEVEL_NAME " conv2d",
                                   .packed_bytes = packed_bytes,
                                   .pack = pack,
                                   .unpack = unpack };
