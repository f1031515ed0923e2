#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[b] = sum of the rows t of x[b] with mask[b][t] != 0 / their number; without
 * a mask every row counts. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;
layout (constant_id = 1) const bool HAS_MASK = false;

layout (push_constant) uniform Push
{
  Floats x;
  Floats mask;
  Result y;
  layout (offset = SIZES) uint n;
  uint n_steps;
};

void
main ()
{
  uint i = item ();

  if (i >= n)
    return;
  uint first = i / C * n_steps, n_rows = 0;
  float sum = 0.0;
  for (uint t = first; t < first + n_steps;)
    {
      /* Sums of sums lose less than one long sum. */
      float part = 0.0;
      for (uint end = min (t + 32, first + n_steps); t < end; t++)
        if (!HAS_MASK || mask.v[t] != 0.0)
          {
            part += x.v[t * C + i % C];
            n_rows++;
          }
      sum += part;
    }
  y.v[i] = sum / float (n_rows);
}
