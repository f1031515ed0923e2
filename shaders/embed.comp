#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i] = table[ids[i]], of EMBED and GATHER. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

layout (push_constant) uniform Push
{
  Integers ids;
  Floats table; /* (V, C) */
  Result y;
  layout (offset = SIZES) uint n;
  uint n_rows; /* V */
};

void
main ()
{
  uint i = item ();

  if (i < n)
    y.v[i] = table.v[bounded (ids.v[i / C], n_rows) * C + i % C];
}
