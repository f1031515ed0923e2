#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[t][o] = activation (sum of x[t * stride + tap * dilation - padding][c]
 * w[o][tap][c] + b[o]) over the taps inside x and the channels of o's group.
 * A product in place: with neither padding nor groups, row t of the left
 * factor begins at x[t * stride] and overlaps the next. */
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "weight.glsl"
#include "activation.glsl"

layout (constant_id = 11) const uint N = 1; /* output channels of a group */
layout (constant_id = 12) const uint K = 1; /* taps * channels of a group */
layout (constant_id = 13) const uint ACTIVATION = 0;
layout (constant_id = 14) const bool HAS_BIAS = false;
layout (constant_id = 15) const uint STRIDE = 1;
layout (constant_id = 16) const uint DILATION = 1;
layout (constant_id = 17) const uint PADDING = 0;
layout (constant_id = 18) const uint GROUPS = 1;
layout (constant_id = 19) const uint C = 1; /* input channels of a group */

layout (push_constant) uniform Push
{
  Floats x; /* (B, n_in, GROUPS * C) */
  Weights w; /* (GROUPS * N, K) */
  Floats b;
  Result y; /* (B, n_out, GROUPS * N) */
  layout (offset = SIZES) uint n_rows; /* B * n_out */
  uint n_in;
  uint n_out;
};

/* The first row of x of a batch, and the step in it where the taps begin. */
struct Row
{
  uint first;
  uint step;
};

#define ROWS_DIVIDE
Row
row_of (uint m)
{
  return Row (m / n_out * n_in, m % n_out * STRIDE);
}

float
load_a (Row row, uint k)
{
  if (PADDING == 0 && GROUPS == 1 && DILATION == 1)
    return factor (x, (row.first + row.step) * C + k);

  uint at = row.step + k / C * DILATION;
  if (at < PADDING || at - PADDING >= n_in)
    return 0.0;
  return factor (x, (row.first + at - PADDING) * (GROUPS * C)
                    + gl_WorkGroupID.z * C + k % C);
}

float
load_w (uint n, uint k)
{
  return float (w.v[(gl_WorkGroupID.z * N + n) * K + k]);
}

void
store (uint m, uint n, float sum)
{
  uint o = gl_WorkGroupID.z * N + n;

  if (HAS_BIAS)
    sum += b.v[o];
  put (y, m * (GROUPS * N) + o, activate (ACTIVATION, sum));
}

#include "product.glsl"

void
main ()
{
  multiply (n_rows);
}
