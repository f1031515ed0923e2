#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j] = mean of x over rows floor (i H / S) .. ceil ((i + 1) H / S) - 1 and
 * columns likewise. Bins overlap where S does not divide H. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;
layout (constant_id = 1) const uint S = 1;

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint height; /* of x */
  uint width;
};

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint c = e % C, j = e / C % S, i = e / C / S % S, batch = e / C / S / S;
  uint top = i * height / S, bottom = ((i + 1) * height + S - 1) / S;
  uint left = j * width / S, right = ((j + 1) * width + S - 1) / S;
  float sum = 0.0;
  for (uint row = top; row < bottom; row++)
    {
      /* A sum a row: shorter sums lose less. */
      float line = 0.0;
      for (uint column = left; column < right; column++)
        line += x.v[((batch * height + row) * width + column) * C + c];
      sum += line;
    }
  y.v[e] = sum / float ((bottom - top) * (right - left));
}
