#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j] = the four pixels of x around ((i + 0.5) H / h - 0.5, (j + 0.5) W / w
 * - 0.5), weighted by nearness. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"
#include "bilinear.glsl"

layout (constant_id = 0) const uint C = 1;

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint height; /* of x */
  uint width;
  uint out_height;
  uint out_width;
};

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint c = e % C, j = e / C % out_width, i = e / C / out_width % out_height;
  uint batch = e / C / out_width / out_height;
  y.v[e] = bilinear_value (x, batch * height * width * C + c,
                           bilinear_taps (i, height, out_height),
                           bilinear_taps (j, width, out_width), width * C, C);
}
