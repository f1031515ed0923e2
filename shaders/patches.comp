#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[b][gy, gx][c, py, px] = x[b][c][gy * P + py][gx * P + px]. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;
layout (constant_id = 1) const uint P = 1;

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint height;
  uint width;
};

void
main ()
{
  uint i = item ();

  if (i >= n)
    return;
  uint px = i % P, py = i / P % P, c = i / (P * P) % C;
  uint patch_index = i / (P * P * C);
  uint grid_w = width / P, grid_h = height / P;
  uint gx = patch_index % grid_w, gy = patch_index / grid_w % grid_h;
  uint batch = patch_index / (grid_w * grid_h);
  y.v[i] = x.v[((batch * C + c) * height + gy * P + py) * width + gx * P + px];
}
