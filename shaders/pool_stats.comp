#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mean = sum x / n, deviation = sqrt (sum (x - mean)^2 / (n - 1)) over the first
 * n = counts[b] rows; y[b] = means, deviations. One row has no deviation: NaN,
 * as in the original. An invocation does one channel of one sequence. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;
layout (constant_id = 1) const bool HAS_COUNTS = false;

layout (push_constant) uniform Push
{
  Floats x;
  Integers counts;
  Result y;
  layout (offset = SIZES) uint n; /* B * C */
  uint n_steps;
};

void
main ()
{
  uint i = item ();

  if (i >= n)
    return;
  uint batch = i / C, c = i % C;
  uint n_rows = HAS_COUNTS ? bounded (counts.v[batch], n_steps + 1) : n_steps;
  float mean = 0.0, left = 0.0, squares = 0.0;
  for (uint t = 0; t < n_rows; t++)
    mean += x.v[(batch * n_steps + t) * C + c];
  mean /= float (n_rows);
  for (uint t = 0; t < n_rows; t++)
    left += x.v[(batch * n_steps + t) * C + c] - mean;
  mean += left / float (n_rows);
  for (uint t = 0; t < n_rows; t++)
    {
      float d = x.v[(batch * n_steps + t) * C + c] - mean;
      squares += d * d;
    }
  y.v[batch * 2 * C + c] = mean;
  y.v[batch * 2 * C + C + c]
      = n_rows == 1 ? uintBitsToFloat (0x7fc00000u)
                    : sqrt (squares / (float (n_rows) - 1.0));
}
