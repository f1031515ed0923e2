/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two passes of a resize. Both are the same sum over inputs that lie a
 * step apart, made for RESIZE_LANES neighbours at once: in the vertical pass
 * the neighbours are pixels of a row, in the horizontal pass they are rows,
 * which resize_turn() has laid side by side. */

#include "engine/process/resize_private.h"

#include <string.h>

static inline guint8
round_sum (gint32 sum)
{
  sum >>= RESIZE_BITS;
  return (guint8) CLAMP (sum, 0, 255);
}

static inline gint32
weight (const ResizeWeights *w, guint k)
{
  return w->high[k] * (1 << RESIZE_LOW_BITS) + w->low[k];
}

void
resize_weigh_plain (const ResizeWeights *w, const guint8 *in, gsize step,
                    guint8 *out)
{
  gint32 sums[RESIZE_LANES];

  for (guint i = 0; i < RESIZE_LANES; i++)
    sums[i] = RESIZE_HALF;
  for (guint k = 0; k < w->n; k++, in += step)
    for (guint i = 0; i < RESIZE_LANES; i++)
      sums[i] += weight (w, k) * in[i];
  for (guint i = 0; i < RESIZE_LANES; i++)
    out[i] = round_sum (sums[i]);
}

/* Rows too narrow for lanes. */
static guint8
weigh_one (const ResizeWeights *w, const guint8 *in, gsize step)
{
  gint32 sum = RESIZE_HALF;

  for (guint k = 0; k < w->n; k++)
    sum += weight (w, k) * in[k * step];
  return round_sum (sum);
}

void
resize_turn (const guint8 *rows, gsize stride, gsize n_rows, gsize n_bytes,
             guint8 *columns)
{
  const guint8 *row[RESIZE_LANES];
  gsize i = 0;

  for (gsize r = 0; r < RESIZE_LANES; r++)
    row[r] = rows + MIN (r, n_rows - 1) * stride;
  for (; i + RESIZE_LANES <= n_bytes; i += RESIZE_LANES)
    resize_turn_tile (row, i, columns + i * RESIZE_LANES);
  for (; i < n_bytes; i++)
    for (guint r = 0; r < RESIZE_LANES; r++)
      columns[i * RESIZE_LANES + r] = row[r][i];
}

void
resize_turn_tile_plain (const guint8 *const *row, gsize at, guint8 *tile)
{
  for (guint i = 0; i < RESIZE_LANES; i++)
    for (guint r = 0; r < RESIZE_LANES; r++)
      tile[i * RESIZE_LANES + r] = row[r][at + i];
}

void
resize_horizontal (const ResizeAxis *axis, const guint8 *columns,
                   gsize pixel_bytes, guint8 *out, gsize n_rows)
{
  gsize step = pixel_bytes * RESIZE_LANES;

  for (gsize x = 0; x < axis->n_out; x++)
    {
      ResizeWeights w = resize_weights (axis, x);
      guint8 result[RESIZE_LANES];

      resize_weigh (&w, columns + axis->spans[x].first * step, step, result);
      for (gsize r = 0; r < n_rows; r++)
        out[r * axis->n_out + x] = result[r];
    }
}

void
resize_vertical (const ResizeAxis *axis, gsize y, const guint8 *plane,
                 gsize width, guint8 *out)
{
  ResizeWeights w = resize_weights (axis, y);
  const guint8 *in = plane + axis->spans[y].first * width;
  gsize x = 0;

  for (; x + RESIZE_LANES <= width; x += RESIZE_LANES)
    resize_weigh (&w, in + x, width, out + x);
  if (x == width)
    return;
  /* The last lanes once more, some for the second time. */
  if (width >= RESIZE_LANES)
    resize_weigh (&w, in + width - RESIZE_LANES, width,
                  out + width - RESIZE_LANES);
  else
    for (; x < width; x++)
      out[x] = weigh_one (&w, in + x, width);
}
