/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* weight.glsl: products' weights, 32, 16 or 8 bits each. With HALF, a factor
 * that meets them is rounded to 16 bits as well, as the hardware that
 * multiplies such numbers wants it; sums stay float. With INT8, each row of
 * them is its scale and then words of four numbers, the last filled up with
 * zeros. */
#ifdef HALF
#include "half.glsl"
#define Weights Halves

/* What nothing but products reads is stored as they round it. */
layout (constant_id = 9) const bool HALF_X = false;
layout (constant_id = 10) const bool HALF_Y = false;

float
factor (Floats x, uint i)
{
  return HALF_X ? float (Halves (x).v[i]) : rounded (x.v[i]);
}

void
put (Result y, uint i, float sum)
{
  if (HALF_Y)
    Halves (y).v[i] = float16_t (rounded (sum));
  else
    y.v[i] = sum;
}
#else
#ifdef INT8
layout (buffer_reference, std430, buffer_reference_align = 4) readonly buffer
    Weights
{
  uint v[];
};
#else
#define Weights Floats
#endif

float
factor (Floats x, uint i)
{
  return x.v[i];
}

void
put (Result y, uint i, float sum)
{
  y.v[i] = sum;
}
#endif
