#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[b] = row, x[b][0], x[b][1], ... */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

layout (push_constant) uniform Push
{
  Floats x;
  Floats row;
  Result y;
  layout (offset = SIZES) uint n;
  uint n_steps; /* of y */
};

void
main ()
{
  uint i = item ();

  if (i >= n)
    return;
  uint c = i % C, t = i / C % n_steps, batch = i / C / n_steps;
  y.v[i] = t == 0 ? row.v[c] : x.v[(batch * (n_steps - 1) + t - 1) * C + c];
}
