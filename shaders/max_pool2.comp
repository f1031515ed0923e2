#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j] = the largest of the 2 x 2 pixels of x from [2i][2j] on; an odd last
 * row or column is left out. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

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
  uint h = height / 2, w = width / 2;

  if (e >= n)
    return;
  uint c = e % C, j = e / C % w, i = e / C / w % h, batch = e / C / w / h;
  uint at = ((batch * height + 2 * i) * width + 2 * j) * C + c;
  uint line = width * C;
  y.v[e] = max (max (x.v[at], x.v[at + C]),
                max (x.v[at + line], x.v[at + line + C]));
}
