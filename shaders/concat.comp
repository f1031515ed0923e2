#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Columns first.. of y = x: one input of the concatenation. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint WIDTH = 1;  /* of x */
layout (constant_id = 1) const uint STRIDE = 1; /* of y */
layout (constant_id = 2) const uint COLUMN = 0;

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n; /* of x */
};

void
main ()
{
  uint i = item ();

  if (i < n)
    y.v[i / WIDTH * STRIDE + COLUMN + i % WIDTH] = x.v[i];
}
