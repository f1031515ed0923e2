/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* interpolate.h: where a resized map of logits takes its numbers from. In
 * float, because the original does so and near ties between classes depend on
 * it; whoever computes such a map elsewhere keeps to these very operations. */
#pragma once

#include "engine/base/math.h"

/* Entry = weight[0] * [low] + weight[1] * [high]. */
typedef struct
{
  gsize low, high;
  gfloat weight[2];
} D2vFloatTaps;

/* Of entry @i of an axis resized from @n_in to @n_out: half-pixel centres
 * without antialias, clamped at 0. The same size is the identity. */
static inline D2vFloatTaps
d2v_float_taps (gsize i, gsize n_in, gsize n_out)
{
  gfloat scale = (gfloat) n_in / (gfloat) n_out;
  gfloat at = scale * ((gfloat) i + 0.5f) - 0.5f;
  D2vFloatTaps taps;

  if (n_in == n_out)
    return (D2vFloatTaps){ i, i, { 1, 0 } };
  at = at < 0 ? 0 : at;
  taps.low = d2v_min ((gsize) at, n_in - 1);
  taps.high = d2v_min (taps.low + 1, n_in - 1);
  taps.weight[1] = at - (gfloat) taps.low;
  taps.weight[0] = 1.0f - taps.weight[1];
  return taps;
}

/* What lies between two numbers; not 0 * infinity where nothing is. */
static inline gfloat
d2v_float_between (const gfloat weight[2], gfloat low, gfloat high)
{
  return weight[1] != 0 ? weight[0] * low + weight[1] * high : low;
}

/* The greater one stays, the first of equals; NaN never does. Masks instead of
 * branches: that is what becomes vectors. */
static inline void
d2v_take_greater (gfloat value, gint32 index, gfloat *best, gint32 *best_index)
{
  gint32 better = -(gint32) (value > *best);

  *best_index = (better & index) | (~better & *best_index);
  *best = value > *best ? value : *best;
}
