#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = x, where the result must lie in memory of its own. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

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

  if (i < n)
    y.v[i] = x.v[i];
}
