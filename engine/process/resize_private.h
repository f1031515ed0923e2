/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* resize_private.h: what the weights and the passes of a resize share. */
#pragma once

#include "engine/process/resize.h"

/* Fraction bits of a weight, and half a grey level. */
#define RESIZE_BITS 22
#define RESIZE_HALF (1 << (RESIZE_BITS - 1))

/* Weights are kept in two parts of 16 bits: high * 2^12 + low. */
#define RESIZE_LOW_BITS 12

/* Sums made at a time. */
#define RESIZE_LANES 16

/* Where one output pixel takes from: inputs first..first+n-1, with the weights
 * from at. */
typedef struct
{
  guint first;
  guint n;
  gsize at;
} ResizeSpan;

/* One axis, from n_in to n_out pixels. Nearest has no weights. */
typedef struct
{
  gsize n_in;
  gsize n_out;
  ResizeSpan *spans; /* (n_out) */
  gint16 *low;       /* an odd number of weights is followed by a zero */
  gint16 *high;
} ResizeAxis;

/* FALSE when memory is short; clear it in any case. */
gboolean resize_axis_init (ResizeAxis *axis, D2vFilter filter, gsize n_in,
                           gsize n_out);
void resize_axis_clear (ResizeAxis *axis);

/* The weights of one output pixel. */
typedef struct
{
  const gint16 *low;
  const gint16 *high;
  guint n;
} ResizeWeights;

static inline ResizeWeights
resize_weights (const ResizeAxis *axis, gsize i)
{
  ResizeSpan span = axis->spans[i];

  return (ResizeWeights){ axis->low + span.at, axis->high + span.at, span.n };
}

/* ---- the inner loops, and their faster twins ---- */

/* out[i] = clamp ((half + sum_k w[k] in[k * step + i]) >> bits),
 * i < RESIZE_LANES. */
void resize_weigh_plain (const ResizeWeights *w, const guint8 *in, gsize step,
                         guint8 *out);
/* tile[i][r] = row[r][at + i], i and r < RESIZE_LANES. */
void resize_turn_tile_plain (const guint8 *const *row, gsize at, guint8 *tile);

#ifdef __SSE2__
#define RESIZE_SSE2
void resize_weigh_sse2 (const ResizeWeights *w, const guint8 *in, gsize step,
                        guint8 *out);
void resize_turn_tile_sse2 (const guint8 *const *row, gsize at, guint8 *tile);
#define resize_weigh resize_weigh_sse2
#define resize_turn_tile resize_turn_tile_sse2
#else
#define resize_weigh resize_weigh_plain
#define resize_turn_tile resize_turn_tile_plain
#endif

/* ---- the passes ---- */

/* RESIZE_LANES rows of @n_bytes bytes, @stride apart, into
 * @columns: (n_bytes, RESIZE_LANES). Of the rows beyond @n_rows the last is
 * repeated. */
void resize_turn (const guint8 *rows, gsize stride, gsize n_rows, gsize n_bytes,
                  guint8 *columns);

/* One channel of @n_rows <= RESIZE_LANES rows.
 * @columns: (n_in, pixel_bytes, RESIZE_LANES), beginning with the channel.
 * @out: (n_rows, axis->n_out). */
void resize_horizontal (const ResizeAxis *axis, const guint8 *columns,
                        gsize pixel_bytes, guint8 *out, gsize n_rows);

/* Row @y of one channel. @plane: (axis->n_in, width). @out: (width). */
void resize_vertical (const ResizeAxis *axis, gsize y, const guint8 *plane,
                      gsize width, guint8 *out);
