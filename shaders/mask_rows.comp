#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i] = mask[i] == 0 ? 0 : x[i]. Not a product: what is masked may be NaN. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

layout (push_constant) uniform Push
{
  Floats x;
  Floats mask;
  Result y;
  layout (offset = SIZES) uint n;
};

void
main ()
{
  uint i = item ();

  if (i < n)
    y.v[i] = mask.v[i / C] == 0.0 ? 0.0 : x.v[i];
}
