#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[.., i, ..] = x[.., begin + i, ..]. Numbers of `length` entries of the axis,
 * and of all of it, lie together. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint n_together; /* of y */
  uint n_apart;    /* from one such piece of x to the next */
  uint first;
};

void
main ()
{
  uint i = item ();

  if (i < n)
    y.v[i] = x.v[i / n_together * n_apart + first + i % n_together];
}
