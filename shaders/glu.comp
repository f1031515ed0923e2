#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = a * sigmoid (b), a the first and b the second half of a row. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"
#include "activation.glsl"

layout (constant_id = 0) const uint C = 1; /* of y */

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
};

void
main ()
{
  uint i = item ();

  if (i >= n)
    return;
  uint a = i / C * 2 * C + i % C;
  y.v[i] = x.v[a] * sigmoid (x.v[a + C]);
}
