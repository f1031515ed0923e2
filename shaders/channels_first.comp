#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[b][c][i] = x[b][i][c], i a pixel. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint n_pixels;
};

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint i = e % n_pixels, c = e / n_pixels % C, batch = e / n_pixels / C;
  y.v[e] = x.v[(batch * n_pixels + i) * C + c];
}
