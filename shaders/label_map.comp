#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j] = the greatest class where x is interpolated for that pixel, the
 * lowest of several; NaN never wins, and is the result where nothing does. The
 * same operations in the same order as
 * on the CPU, none of them contracted: near ties depend on it. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

layout (push_constant) uniform Push
{
  Floats x; /* (B, height, width, C) */
  Result y;
  layout (offset = SIZES) uint n;
  uint height;
  uint width;
  uint out_height;
  uint out_width;
  float down; /* height / out_height, divided by the host */
  float right;
};

/* Rounds of the loop at a time, see product.glsl. */
const uint STEP = 8;

/* Entry = weight0 * [low] + weight1 * [high]. */
struct Taps
{
  uint low, high;
  float weight0, weight1;
};

Taps
taps_of (uint i, uint n_in, uint n_out, float scale)
{
  precise float at = scale * (float (i) + 0.5);
  at = at - 0.5;
  at = at < 0.0 ? 0.0 : at;
  uint low = min (uint (at), n_in - 1);
  precise float weight1 = at - float (low);
  precise float weight0 = 1.0 - weight1;

  if (n_in == n_out)
    return Taps (i, i, 1.0, 0.0);
  return Taps (low, min (low + 1, n_in - 1), weight0, weight1);
}

/* Not 0 * infinity where nothing is between two pixels. */
float
between (Taps taps, float low, float high)
{
  precise float a = taps.weight0 * low;
  precise float b = taps.weight1 * high;
  precise float sum = a + b;

  return taps.weight1 != 0.0 ? sum : low;
}

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint i = e / out_width % out_height, j = e % out_width;
  uint map = e / out_width / out_height * height;
  Taps row = taps_of (i, height, out_height, down);
  Taps column = taps_of (j, width, out_width, right);
  uint above = (map + row.low) * width, below = (map + row.high) * width;
  uint corner[4] = { (above + column.low) * C, (above + column.high) * C,
                     (below + column.low) * C, (below + column.high) * C };
  float best = uintBitsToFloat (0xff800000u); /* minus infinity */
  float best_class = uintBitsToFloat (0x7fc00000u); /* NaN */

  for (uint first = 0; first < C; first += STEP)
    [[unroll]] for (uint u = 0; u < STEP; u++)
      if (first + u < C)
        {
          uint c = first + u;
          float over
              = between (column, x.v[corner[0] + c], x.v[corner[1] + c]);
          float under
              = between (column, x.v[corner[2] + c], x.v[corner[3] + c]);
          float value = between (row, over, under);

          if (value > best)
            {
              best = value;
              best_class = float (c);
            }
        }
  y.v[e] = best_class;
}
