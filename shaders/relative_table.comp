#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = the table's first rows as an image of FROM_ROWS by FROM_COLUMNS, resized
 * bilinearly to n_rows by n_columns, then the last three rows. Which of height
 * and width is which in the original, the host knows. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"
#include "bilinear.glsl"

layout (constant_id = 0) const uint HEADS = 1;
layout (constant_id = 1) const uint FROM_ROWS = 1;
layout (constant_id = 2) const uint FROM_COLUMNS = 1;

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint n_rows;
  uint n_columns;
};

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint head = e % HEADS, place = e / HEADS, last = n_rows * n_columns;
  if (place >= last)
    y.v[e] = x.v[(FROM_ROWS * FROM_COLUMNS + place - last) * HEADS + head];
  else
    y.v[e] = bilinear_value (
        x, head, bilinear_taps (place / n_columns, FROM_ROWS, n_rows),
        bilinear_taps (place % n_columns, FROM_COLUMNS, n_columns),
        FROM_COLUMNS * HEADS, HEADS);
}
