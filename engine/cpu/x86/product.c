/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/x86/product.h"

#include "engine/base/alloc.h"
#include "engine/base/math.h"
#include "engine/cpu/x86/rows.h"

#define ALWAYS_INLINE static inline __attribute__ ((always_inline))
#define UNROLL _Pragma ("GCC unroll 16")
/* Over the sums of a tile, which are registers: unrolled without rest. */
#define EACH_SUM                                                               \
  UNROLL                                                                       \
  for (gsize i = 0; i < n_rows; i++)                                           \
    UNROLL                                                                     \
  for (gsize j = 0; j < n_vectors; j++)

/* ------------------------------------------------------------ a tile -- */

/* Row @i of a tile. Four registers hold pointers to every third row and the
 * rows between are reached by index, so that no pointer lives on the stack. */
#define ROW(i) (base[(i) / 3] + (i) % 3 * step)

/* One tile's work. While it is summed, part of the next panel is fetched into
 * the second-level cache: @n_lines lines (0, 1 or 2) from @fetch on at each
 * step. */
typedef struct
{
  const gfloat *a; /* of the tile's first row */
  const Rows *rows;
  const gfloat *panel;
  const gfloat *start; /* the sums begin with these, @start_step a row */
  gsize start_step;
  const gchar *fetch;
  guint n_lines;
  gfloat *out;
  gsize out_step;
} Tile;

#define LINE 64

/* @n_rows, @n_vectors and @n_lines are constants after inlining, so that @sum
 * lives in registers. */
ALWAYS_INLINE void
sum_tile (const gsize n_rows, const gsize n_vectors, const guint n_lines,
          const Tile *tile, Vf sum[TILE_ROWS][2])
{
  const Rows *rows = tile->rows;
  const gssize step = rows->row_step;
  const gchar *fetch = tile->fetch;

  for (gsize s = 0; s < rows->n_segments; s++)
    {
      const gfloat *a = tile->a + s * rows->segment_step;
      const gfloat *base[4] = { a, a + 3 * step, a + 6 * step, a + 9 * step };
      const gfloat *b = tile->panel + s * rows->panel_step * n_vectors * LANES;

      for (gsize k = 0; k < rows->segment; k++)
        {
          Vf column[2];

          UNROLL
          for (guint i = 0; i < n_lines; i++)
            __builtin_prefetch (fetch + i * LINE, 0, 2);
          fetch += n_lines * LINE;
          UNROLL
          for (gsize j = 0; j < n_vectors; j++)
            column[j] = v_load (b + j * LANES);
          UNROLL
          for (gsize i = 0; i < n_rows; i++)
            {
              Vf x = v_set (*ROW (i));
              UNROLL
              for (gsize j = 0; j < n_vectors; j++)
                sum[i][j] = v_fma (x, column[j], sum[i][j]);
            }
          b += n_vectors * LANES;
          UNROLL
          for (gsize i = 0; i < 4; i++)
            base[i]++;
          /* Keeps the compiler from giving each row a pointer of its own. */
          __asm__(""
                  : "+r"(base[0]), "+r"(base[1]), "+r"(base[2]), "+r"(base[3]));
        }
    }
}

ALWAYS_INLINE void
make_tile (const gsize n_rows, const gsize n_vectors, const Tile *tile)
{
  Vf sum[TILE_ROWS][2];

  EACH_SUM sum[i][j] = v_load (tile->start + i * tile->start_step + j * LANES);
  if (tile->n_lines == 0)
    sum_tile (n_rows, n_vectors, 0, tile, sum);
  else if (tile->n_lines == 1)
    sum_tile (n_rows, n_vectors, 1, tile, sum);
  else
    sum_tile (n_rows, n_vectors, 2, tile, sum);
  EACH_SUM v_store (tile->out + i * tile->out_step + j * LANES, sum[i][j]);
}

#define TILE(n_rows, n_vectors)                                                \
  static void tile_##n_rows##_##n_vectors (const Tile *tile)                   \
  {                                                                            \
    make_tile (n_rows, n_vectors, tile);                                       \
  }
#define TILES(n_rows) TILE (n_rows, 1) TILE (n_rows, 2)
#define NAMES(n_rows)                                                          \
  {                                                                            \
    tile_##n_rows##_1, tile_##n_rows##_2                                       \
  }

typedef void (*TileFunc) (const Tile *tile);

/* clang-format off */
TILES (1) TILES (2) TILES (3) TILES (4) TILES (5) TILES (6)
#if TILE_ROWS == 12
TILES (7) TILES (8) TILES (9) TILES (10) TILES (11) TILES (12)
#endif

/* By rows - 1 and vectors - 1. */
static const TileFunc tiles[TILE_ROWS][2] = {
  NAMES (1), NAMES (2), NAMES (3), NAMES (4), NAMES (5), NAMES (6),
#if TILE_ROWS == 12
  NAMES (7), NAMES (8), NAMES (9), NAMES (10), NAMES (11), NAMES (12),
#endif
};
/* clang-format on */

/* ---------------------------------------------------------- finishing -- */

/* y = residual + scale * x for @n numbers. */
ALWAYS_INLINE void
finish_numbers (const gfloat *x, const gfloat *scale, const gfloat *residual,
                gfloat *y, gsize n)
{
  for (gsize j = 0; j < n; j++)
    {
      gfloat number = scale != NULL ? scale[j] * x[j] : x[j];
      y[j] = residual != NULL ? residual[j] + number : number;
    }
}

/* The same for a row as wide as a panel, which is nearly every row. */
ALWAYS_INLINE void
finish_vectors (const gfloat *x, const gfloat *scale, const gfloat *residual,
                gfloat *y)
{
  for (gsize j = 0; j < PANEL; j += LANES)
    {
      Vf number = v_load (x + j);

      if (scale != NULL)
        number *= v_load (scale + j);
      if (residual != NULL)
        number += v_load (residual + j);
      v_store (y + j, number);
    }
}

/* From the tile x (n_rows, x_step), still in the first-level cache. */
static void
finish_tile (gfloat *x, gsize x_step, const Finish *finish, gsize first_row,
             gsize n_rows, gsize n_columns, gfloat *out, gsize out_step)
{
  const gfloat *scale = finish->scale, *residual = finish->residual;

  if (finish->activation != D2V_ACTIVATION_NONE)
    LEVEL (activate_row) (finish->activation, x, x, n_rows * x_step);
  if (residual != NULL)
    residual += first_row * finish->residual_step;
  for (gsize i = 0; i < n_rows; i++)
    {
      if (n_columns == PANEL)
        finish_vectors (x, scale, residual, out);
      else
        finish_numbers (x, scale, residual, out, n_columns);
      x += x_step;
      out += out_step;
      if (residual != NULL)
        residual += finish->residual_step;
    }
}

void
LEVEL (product_panel) (const Rows *rows, gsize n_rows, const gfloat *panel,
                       gsize n_columns, const gfloat *bias, gboolean adds,
                       const Finish *finish, gfloat *out, gsize out_step)
{
  const gsize n_vectors = n_columns <= LANES ? 1 : 2;
  const gsize width = n_vectors * LANES;
  const gboolean direct = finish == NULL && n_columns == width;
  const Finish nothing = { .activation = D2V_ACTIVATION_NONE };
  gfloat wide_bias[PANEL] __attribute__ ((aligned (64))) = { 0 };
  gfloat buffer[TILE_ROWS * PANEL] __attribute__ ((aligned (64)));
  /* Tiles of nearly equal height: a low one is slower per row. */
  const gsize n_tiles = d2v_ceil_div (n_rows, TILE_ROWS);
  /* The next panel has so many lines for each step; the first tiles fetch
   * them. */
  const gsize n_lines = width * sizeof (gfloat) / LINE;
  const gsize k = rows->n_segments * rows->segment;
  const gchar *next = (const gchar *) (panel + k * width);
  Tile tile = { .rows = rows, .panel = panel, .start = wide_bias };

  g_assert (!adds || n_columns == width);
  if (bias != NULL)
    memcpy (wide_bias, bias, n_columns * sizeof (gfloat));
  for (gsize i = 0; i < n_tiles; i++)
    {
      gsize row = n_rows * i / n_tiles;
      gsize n = n_rows * (i + 1) / n_tiles - row;
      gfloat *y = out + row * out_step;

      tile.a = rows->data + row * rows->row_step;
      tile.fetch = next + i * k * LINE;
      tile.n_lines = n_tiles == 1 ? n_lines : i < n_lines ? 1 : 0;
      if (adds)
        {
          tile.start = y;
          tile.start_step = out_step;
        }
      tile.out = direct ? y : buffer;
      tile.out_step = direct ? out_step : width;
      tiles[n - 1][n_vectors - 1](&tile);
      if (!direct)
        finish_tile (buffer, width, finish != NULL ? finish : &nothing, row, n,
                     n_columns, y, out_step);
    }
}

void
LEVEL (product) (const Rows *rows, gsize n_rows, const gfloat *panels, gsize k,
                 gsize n, const gfloat *bias, gfloat *out, gsize out_step)
{
  for (gsize column = 0; column < n; column += PANEL)
    LEVEL (product_panel)
  (rows, n_rows, panels + column * k, d2v_min (PANEL, n - column),
   bias != NULL ? bias + column : NULL, FALSE, NULL, out + column, out_step);
}

/* ------------------------------------------------------------ packing -- */

/* Numbers of a plain weight that are given back at a time. */
#define GIVE_BACK ((gsize) 1 << 20)

/* Panel by panel, so that both sides stay in cache: those of the panel that
 * begins at column @first. */
#define EACH_NUMBER(first, statement)                                          \
  {                                                                            \
    gsize width = panel_width (l->n, first);                                   \
    gsize n_columns = d2v_min (width, l->n - first);                           \
    gsize panel = first * l->n_outer * l->n_inner;                             \
                                                                               \
    for (gsize outer = 0; outer < l->n_outer; outer++)                         \
      for (gsize inner = 0; inner < l->n_inner; inner++, panel += width)       \
        for (gsize j = 0; j < n_columns; j++)                                  \
          {                                                                    \
            gsize plain = (first + j) * l->step + outer * l->outer_step        \
                          + inner * l->inner_step;                             \
            statement;                                                         \
          }                                                                    \
  }

static void
pack_panel (const Layout *l, gsize first, const gfloat *w, gfloat *panels)
{
  gsize k = l->n_outer * l->n_inner;
  gsize whole = panel_width (l->n, first);

  if (first + whole > l->n)
    memset (panels + first * k, 0, whole * k * sizeof *panels);
  EACH_NUMBER (first, panels[panel + j] = w[plain])
}

void
LEVEL (pack_panels) (const Layout *l, gfloat *w, gfloat *panels,
                     gboolean consume)
{
  gsize given = 0; /* columns */

  for (gsize first = 0; first < l->n; first += PANEL)
    {
      gsize done = d2v_min (first + PANEL, l->n);

      pack_panel (l, first, w, panels);
      if (consume && (done - given) * l->step >= GIVE_BACK)
        {
          d2v_give_back (w + given * l->step,
                         (done - given) * l->step * sizeof *w);
          given = done;
        }
    }
}

void
LEVEL (unpack_panels) (const Layout *l, const gfloat *panels, gfloat *w)
{
  for (gsize first = 0; first < l->n; first += PANEL)
    EACH_NUMBER (first, w[plain] = panels[panel + j])
}

/* ---------------------------------------------------------- transpose -- */

/* clang-format off */
#if LANES == 16
#define LOW_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_HALVES \
  8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#else
#define LOW_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#endif
/* clang-format on */

/* LANES vectors as a square: interleaving each with the one half a square
 * further on, log2 (LANES) times, is a transposition. */
static inline void
transpose_square (Vf v[LANES])
{
  for (gsize width = 1; width < LANES; width *= 2)
    {
      Vf next[LANES];

      UNROLL
      for (gsize i = 0; i < LANES / 2; i++)
        {
          Vf a = v[i], b = v[i + LANES / 2];
          next[2 * i] = __builtin_shufflevector (a, b, LOW_HALVES);
          next[2 * i + 1] = __builtin_shufflevector (a, b, HIGH_HALVES);
        }
      memcpy (v, next, sizeof next);
    }
}

void
LEVEL (transpose) (const gfloat *x, gsize x_step, gsize m, gsize n, gfloat *out,
                   gsize out_step)
{
  for (gsize i = 0; i < m; i += LANES)
    for (gsize j = 0; j < n; j += LANES)
      {
        gsize n_rows = d2v_min (LANES, m - i);
        gsize n_columns = d2v_min (LANES, n - j);
        Vf square[LANES] = { 0 };

        for (gsize r = 0; r < n_rows; r++)
          square[r] = n_columns == LANES
                          ? v_load (x + (i + r) * x_step + j)
                          : v_load_some (x + (i + r) * x_step + j, n_columns);
        transpose_square (square);
        for (gsize c = 0; c < n_columns; c++)
          v_store (out + (j + c) * out_step + i, square[c]);
      }
}
