#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = activation ((x - mean) / sqrt (var + eps) * gain + shift), along the
 * last axis. A workgroup does one row; y may be x. With HALF, y is stored in 16
 * bits, and is another.
 *
 * Two passes on purpose: E[x^2] - mean^2 loses every digit when the mean is
 * large beside the spread. The second pass also sums what the rounding of the
 * first left over. */
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "activation.glsl"
#ifdef HALF
#include "half.glsl"
#endif

#define GROUP 64
layout (local_size_x = GROUP) in;
#include "reduce.glsl"

layout (constant_id = 0) const uint N = 1;
layout (constant_id = 1) const float EPS = 0.0;
layout (constant_id = 2) const bool HAS_GAIN = false;
layout (constant_id = 3) const bool HAS_SHIFT = false;
layout (constant_id = 4) const uint ACTIVATION = 0;

layout (push_constant) uniform Push
{
  Changed x;
  Floats gain;
  Floats shift;
  Changed y;
  layout (offset = SIZES) uint n_rows;
};

void
main ()
{
  uint row = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint self = gl_LocalInvocationID.x, first = row * N;
  float sum = 0.0, left = 0.0, squares = 0.0;

  if (row >= n_rows)
    return; /* all of the group */
  for (uint i = self; i < N; i += GROUP)
    sum += x.v[first + i];
  float mean = sum_over_group (sum) / float (N);
  for (uint i = self; i < N; i += GROUP)
    {
      float d = x.v[first + i] - mean;
      left += d;
      squares += d * d;
    }
  left = sum_over_group (left) / float (N);
  mean += left;
  float variance = sum_over_group (squares) / float (N) - left * left;
  float spread = sqrt (variance + EPS);
  for (uint i = self; i < N; i += GROUP)
    {
      float v = (x.v[first + i] - mean) / spread;
      if (HAS_GAIN)
        v *= gain.v[i];
      if (HAS_SHIFT)
        v += shift.v[i];
      v = activate (ACTIVATION, v);
#ifdef HALF
      Halves (y).v[first + i] = float16_t (rounded (v));
#else
      y.v[first + i] = v;
#endif
    }
}
