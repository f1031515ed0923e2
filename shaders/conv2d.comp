#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j][o] = activation (sum of x[i + ky - k / 2][j + kx - k / 2][c]
 * w[o][ky][kx][c] + b[o]) over the taps inside x. */
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "weight.glsl"
#include "activation.glsl"

layout (constant_id = 11) const uint N = 1; /* output channels */
layout (constant_id = 12) const uint K = 1; /* taps * channels */
layout (constant_id = 13) const uint ACTIVATION = 0;
layout (constant_id = 14) const bool HAS_BIAS = false;
layout (constant_id = 15) const uint C = 1;
layout (constant_id = 16) const uint KERNEL = 1;

layout (push_constant) uniform Push
{
  Floats x; /* (B, height, width, C) */
  Weights w; /* (N, K) */
  Floats b;
  Result y; /* (B, height, width, N) */
  layout (offset = SIZES) uint n_pixels; /* B * height * width */
  uint height;
  uint width;
};

/* A pixel, and the first row of its map among all rows of x. */
struct Row
{
  uint first;
  uint i;
  uint j;
};

#define ROWS_DIVIDE
Row
row_of (uint m)
{
  uint line = m / width;

  return Row (line / height * height, line % height, m % width);
}

float
load_a (Row row, uint k)
{
  uint tap = k / C, c = k % C;
  /* Less than 0 wraps. */
  uint i = row.i + tap / KERNEL - KERNEL / 2;
  uint j = row.j + tap % KERNEL - KERNEL / 2;

  if (i >= height || j >= width)
    return 0.0;
  return factor (x, ((row.first + i) * width + j) * C + c);
}

float
load_w (uint n, uint k)
{
  return float (w.v[n * K + k]);
}

void
store (uint m, uint n, float sum)
{
  if (HAS_BIAS)
    sum += b.v[n];
  put (y, m * N + n, activate (ACTIVATION, sum));
}

#include "product.glsl"

void
main ()
{
  multiply (n_pixels);
}
