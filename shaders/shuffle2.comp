#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[2i + dy][2j + dx][c] = x[i][j][(2 dy + dx) C + c]. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1; /* of y */

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint height; /* of y */
  uint width;
};

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint c = e % C, j = e / C % width, i = e / C / width % height;
  uint batch = e / C / width / height;
  uint from = (batch * (height / 2) + i / 2) * (width / 2) + j / 2;
  y.v[e] = x.v[(4 * from + 2 * (i % 2) + j % 2) * C + c];
}
