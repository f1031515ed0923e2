/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* product.h: matrix products, the way every fast kernel here makes them.
 *
 * The right side is packed once into panels of PANEL columns, (K, PANEL) each;
 * a last panel of at most LANES columns is (K, LANES). The left side is read
 * where it lies. A tile of the result is summed over the whole of K in
 * registers, from k = 0 up, one fused multiply and add a step, so the bits of
 * an element depend on its row and its column alone: not on how many rows
 * there are, on the tile it falls into, or on the number of threads. */
#pragma once

#include "engine/cpu/x86/level.h"

/* The left side. The K numbers of a row come in segments: one for a plain
 * matrix, one for each tap of a convolution with gaps between its taps. Rows
 * may overlap. */
typedef struct
{
  const gfloat *data; /* of row 0 */
  gsize row_step;
  gsize n_segments, segment, segment_step; /* number, length, distance */
  gsize panel_step; /* rows of the panel from one segment to the next */
} Rows;

/* What happens to a sum on its way to memory: out = residual + scale *
 * activation (sum). Pointers are those of the first row and column; NULL for
 * none. */
typedef struct
{
  gint activation; /* D2vActivation */
  const gfloat *scale;
  const gfloat *residual;
  gsize residual_step;
} Finish;

/* Floats of the panels for @n columns. */
static inline gsize
panels_size (gsize n, gsize k)
{
  gsize rest = n % PANEL;

  return k * (n - rest + (rest == 0 ? 0 : rest <= LANES ? LANES : PANEL));
}

/* Columns that the panel beginning at column @first of @n is wide. */
static inline gsize
panel_width (gsize n, gsize first)
{
  return n - first <= LANES ? LANES : PANEL;
}

/* Where a plain weight's numbers are: that of column n and of k = outer *
 * n_inner + inner is at n * step + outer * outer_step + inner * inner_step. */
typedef struct
{
  gsize n, n_outer, n_inner;
  gsize step, outer_step, inner_step;
} Layout;

/* Columns beyond the last are zero. @consume: as D2vKernel's pack() says. */
void LEVEL (pack_panels) (const Layout *layout, gfloat *w, gfloat *panels,
                          gboolean consume);
/* The way back. */
void LEVEL (unpack_panels) (const Layout *layout, const gfloat *panels,
                            gfloat *w);

/* out (n_rows, n_columns) = @rows times one panel + bias (may be NULL), then
 * @finish (may be NULL). n_columns is at most the panel's width. @adds, for
 * whole panels only: what is in out takes the bias's place, so that a long sum
 * can be made in several passes, with the same bits. */
void LEVEL (product_panel) (const Rows *rows, gsize n_rows, const gfloat *panel,
                            gsize n_columns, const gfloat *bias, gboolean adds,
                            const Finish *finish, gfloat *out, gsize out_step);

/* The same over all @n columns of @panels of @k rows each. */
void LEVEL (product) (const Rows *rows, gsize n_rows, const gfloat *panels,
                      gsize k, gsize n, const gfloat *bias, gfloat *out,
                      gsize out_step);

/* out (n, m) = x (m, n)', for rows of x @x_step apart; out's rows are
 * @out_step apart and have room for m rounded up to LANES, zero beyond m. */
void LEVEL (transpose) (const gfloat *x, gsize x_step, gsize m, gsize n,
                        gfloat *out, gsize out_step);
