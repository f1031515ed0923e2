/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bilinear.glsl: where a resized image takes its numbers from. */

/* Entry = (1 - weight) * [low] + weight * [high]. */
struct Taps
{
  uint low, high;
  float weight;
};

/* Of entry @i of an axis resized from @n_in to @n_out: s = max ((i + 0.5) n_in
 * / n_out - 0.5, 0), as a fraction of integers so that nothing is lost. */
Taps
bilinear_taps (uint i, uint n_in, uint n_out)
{
  uint above = (2 * i + 1) * n_in;
  uint s = above > n_out ? above - n_out : 0; /* of 2 n_out */
  Taps taps;

  taps.low = min (s / (2 * n_out), n_in - 1);
  taps.high = min (taps.low + 1, n_in - 1);
  taps.weight = float (s - taps.low * 2 * n_out) / float (2 * n_out);
  return taps;
}

/* One number of an image of which x.v[@first] is the first; @w: from one row
 * to the next, @n: from one column to the next. */
float
bilinear_value (Floats x, uint first, Taps row, Taps column, uint w, uint n)
{
  uint low = first + row.low * w, high = first + row.high * w;
  uint left = column.low * n, right = column.high * n;
  float above = (1.0 - column.weight) * x.v[low + left]
                + column.weight * x.v[low + right];
  float below = (1.0 - column.weight) * x.v[high + left]
                + column.weight * x.v[high + right];

  return (1.0 - row.weight) * above + row.weight * below;
}
