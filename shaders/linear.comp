#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = residual + scale * activation (x W' + b): (M, K) times (N, K) gives
 * columns COLUMN.. of (M, STRIDE). */
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "weight.glsl"
#include "activation.glsl"

layout (constant_id = 11) const uint N = 1;
layout (constant_id = 12) const uint K = 1;
layout (constant_id = 13) const uint ACTIVATION = 0;
layout (constant_id = 14) const bool HAS_BIAS = false;
layout (constant_id = 15) const bool HAS_RESIDUAL = false;
layout (constant_id = 16) const bool HAS_SCALE = false;
layout (constant_id = 17) const uint STRIDE = 1;
layout (constant_id = 18) const uint COLUMN = 0;

layout (push_constant) uniform Push
{
  Floats x;
  Weights w;
  Floats b;
  Floats residual;
  Floats scale;
  Result y;
  layout (offset = SIZES) uint n_rows;
};

/* Where row @m of x begins. */
#define Row uint

Row
row_of (uint m)
{
  return m * K;
}

float
load_a (Row row, uint k)
{
  return factor (x, row + k);
}

#ifdef INT8
const uint ROW = 1 + (K + 3) / 4;

uint
load_words (uint n, uint word)
{
  return w.v[n * ROW + 1 + word];
}

float
scale_w (uint n)
{
  return uintBitsToFloat (w.v[n * ROW]);
}
#else
float
load_w (uint n, uint k)
{
  return float (w.v[n * K + k]);
}
#endif

void
store (uint m, uint n, float sum)
{
  uint column = COLUMN + n;

  if (HAS_BIAS)
    sum += b.v[n];
  sum = activate (ACTIVATION, sum);
  if (HAS_SCALE)
    sum *= scale.v[column];
  if (HAS_RESIDUAL)
    sum += residual.v[m * STRIDE + column];
  put (y, m * STRIDE + column, sum);
}

#include "product.glsl"

void
main ()
{
  multiply (n_rows);
}
