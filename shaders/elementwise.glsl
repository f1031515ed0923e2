/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* elementwise.glsl: one invocation for each number of the result. */
#include "types.glsl"

layout (local_size_x = 128) in;

/* Which item this invocation does; groups fill x first, then y. */
uint
item ()
{
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;

  return group * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
}
