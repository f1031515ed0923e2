/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* half.glsl: numbers stored in 16 bits. */
#extension GL_EXT_shader_16bit_storage : require

layout (buffer_reference, std430, buffer_reference_align = 2) buffer Halves
{
  float16_t v[];
};

/* The nearest of 16 bits. What is not a number stays that: somebody downstream
 * is to see it. */
float
rounded (float x)
{
  float inside = isnan (x) ? x : clamp (x, -65504.0, 65504.0);
  return unpackHalf2x16 (packHalf2x16 (vec2 (inside, 0.0))).x;
}
