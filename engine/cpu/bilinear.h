/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bilinear.h: where a resized image takes its numbers from. */
#pragma once

#include "engine/base/math.h"

/* Entry = (1 - weight) * [low] + weight * [high]. */
typedef struct
{
  gsize low, high;
  gdouble weight;
} D2vTaps;

/* Of entry @i of an axis resized from @n_in to @n_out: s = max ((i + 0.5)
 * n_in / n_out - 0.5, 0), half-pixel centres without antialias. The same size
 * gives s = i exactly. */
static inline D2vTaps
d2v_bilinear_taps (gsize i, gsize n_in, gsize n_out)
{
  gdouble s = (i + 0.5) * n_in / n_out - 0.5;
  D2vTaps taps;

  s = s < 0 ? 0 : s;
  taps.low = d2v_min ((gsize) s, n_in - 1);
  taps.high = d2v_min (taps.low + 1, n_in - 1);
  taps.weight = s - taps.low;
  return taps;
}

/* One number of an image of which @x is the first; @w: from one row to the
 * next, @n: from one column to the next. */
static inline gdouble
d2v_bilinear_value (const gfloat *x, D2vTaps row, D2vTaps column, gsize w,
                    gsize n)
{
  const gfloat *low = x + row.low * w, *high = x + row.high * w;
  gsize left = column.low * n, right = column.high * n;
  gdouble above = (1 - column.weight) * low[left] + column.weight * low[right];
  gdouble below
      = (1 - column.weight) * high[left] + column.weight * high[right];

  return (1 - row.weight) * above + row.weight * below;
}
