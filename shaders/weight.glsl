/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* weight.glsl: products' weights, 32, 16 or 8 bits each. With HALF, a factor
 * that meets them is rounded to 16 bits as well, as the hardware that
 * multiplies such numbers wants it; sums stay float. With INT8, each row of
 * them is its scale and then words of four numbers, the last filled up with
 * zeros. */
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
layout (buffer_reference, std430, buffer_reference_align = 2) readonly buffer
    Weights
{
  float16_t v[];
};

/* What is not a number stays that: somebody downstream is to see it. */
float
factor (float x)
{
  float inside = isnan (x) ? x : clamp (x, -65504.0, 65504.0);
#ifdef COOPMAT
  return inside; /* rounded where it is stored */
#else
  return unpackHalf2x16 (packHalf2x16 (vec2 (inside, 0.0))).x;
#endif
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
factor (float x)
{
  return x;
}
#endif
