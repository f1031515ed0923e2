#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = acc + softmax (weights)[index] * x. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"
#include "activation.glsl"

layout (constant_id = 0) const bool HAS_SUM = false;
layout (constant_id = 1) const uint N_WEIGHTS = 1;
layout (constant_id = 2) const uint INDEX = 0;

layout (push_constant) uniform Push
{
  Floats acc;
  Floats x;
  Floats weights;
  Result y;
  layout (offset = SIZES) uint n;
};

/* softmax (weights)[INDEX], the largest weight taken off first. */
float
share ()
{
  float largest = weights.v[0], sum = 0.0;

  for (uint i = 1; i < N_WEIGHTS; i++)
    largest = max (largest, weights.v[i]);
  for (uint i = 0; i < N_WEIGHTS; i++)
    sum += exp_exact (weights.v[i] - largest);
  return exp_exact (weights.v[INDEX] - largest) / sum;
}

void
main ()
{
  uint i = item ();

  if (i < n)
    y.v[i] = (HAS_SUM ? acc.v[i] : 0.0) + share () * x.v[i];
}
