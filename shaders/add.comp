#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = a + b, b repeated over the dims that it lacks. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (push_constant) uniform Push
{
  Floats a;
  Floats b;
  Result y;
  layout (offset = SIZES) uint n;
  uint n_b;
};

void
main ()
{
  uint i = item ();

  if (i < n)
    y.v[i] = a.v[i] + b.v[i % n_b];
}
