#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[o] = sum[o] + the sum over k = 0, 1, 2 of x_k resized to `size` at o + k -
 * 1, where that is inside; x_k is channel block k of x. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"
#include "bilinear.glsl"

layout (constant_id = 0) const uint C = 1;
layout (constant_id = 1) const uint HAS_SUM = 0;

layout (push_constant) uniform Push
{
  Floats x;
  Floats sum;
  Result y;
  layout (offset = SIZES) uint n;
  uint n_in; /* of the axis */
  uint n_out;
  uint inner; /* pixels from one entry of the axis to the next */
};

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint c = e % C, pixel = e / C;
  uint j = pixel % inner, o = pixel / inner % n_out;
  uint outer = pixel / inner / n_out;
  float value = HAS_SUM != 0 ? sum.v[e] : 0.0;

  for (uint k = 0; k < 3; k++)
    {
      if (o + k < 1 || o + k - 1 >= n_out)
        continue;
      Taps taps = bilinear_taps (o + k - 1, n_in, n_out);
      uint low = (outer * n_in + taps.low) * inner + j;
      uint high = (outer * n_in + taps.high) * inner + j;
      value += (1.0 - taps.weight) * x.v[low * 3 * C + k * C + c]
               + taps.weight * x.v[high * 3 * C + k * C + c];
    }
  y.v[e] = value;
}
