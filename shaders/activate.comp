#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = activation (x). */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"
#include "activation.glsl"

layout (constant_id = 0) const uint ACTIVATION = 0;

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
    y.v[i] = activate (ACTIVATION, x.v[i]);
}
