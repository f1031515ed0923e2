/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* types.glsl: what every shader shares.
 *
 * Arrays are reached by address. Addresses come first in the push constants,
 * sizes that may change with the input from byte SIZES on; everything else is
 * a specialisation constant. */
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_control_flow_attributes : enable

#define SIZES 80

layout (buffer_reference, std430, buffer_reference_align = 4) readonly buffer
    Floats
{
  float v[];
};

layout (buffer_reference, std430, buffer_reference_align = 4) writeonly buffer
    Result
{
  float v[];
};

layout (buffer_reference, std430, buffer_reference_align = 4) buffer Changed
{
  float v[];
};

/* 64-bit numbers of the host, low half first. */
layout (buffer_reference, std430, buffer_reference_align = 8) readonly buffer
    Integers
{
  uvec2 v[];
};

/* An input that no kernel may follow out of its array: what is not in
 * 0..limit - 1 becomes the nearest that is. */
uint
bounded (uvec2 number, uint limit)
{
  if ((number.y & 0x80000000u) != 0)
    return 0;
  return number.y != 0 ? limit - 1 : min (number.x, limit - 1);
}
