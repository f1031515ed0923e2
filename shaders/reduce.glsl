/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce.glsl: sums over a workgroup, whatever the size of its subgroups. */
#extension GL_KHR_shader_subgroup_arithmetic : require

shared float partial_sums[GROUP];

/* The sum of @x over all invocations, to each of them. */
float
sum_over_group (float x)
{
  float sum = 0.0, mine = subgroupAdd (x);

  if (subgroupElect ())
    partial_sums[gl_SubgroupID] = mine;
  barrier ();
  for (uint i = 0; i < gl_NumSubgroups; i++)
    sum += partial_sums[i];
  /* Before the next sum overwrites this one's parts. */
  barrier ();
  return sum;
}
