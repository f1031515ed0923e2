#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[i][j] = the 4 x 4 pixels of x around ((i + 0.5) H / h - 0.5, (j + 0.5) W /
 * w - 0.5), weighted by the product of both kernels. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

/* The original's a. */
const float A = -0.75;

layout (push_constant) uniform Push
{
  Floats x;
  Result y;
  layout (offset = SIZES) uint n;
  uint height; /* of x */
  uint width;
  uint out_height;
  uint out_width;
};

/* Keys' kernel (1 - d) (1 + d - (A + 2) d^2) for d <= 1, and
 * A (d - 1) (2 - d)^2 up to 2, as factors: nothing cancels. */
float
near (float d)
{
  return (1.0 - d) * (1.0 + d - (A + 2.0) * d * d);
}

/* The four weights around a place @f behind the second tap. */
vec4
weights_at (float f)
{
  float g = 1.0 - f;

  return vec4 (A * f * g * g, near (f), near (g), A * g * f * f);
}

/* (i + 0.5) n_in / n_out - 0.5 = first + 1 + f, from integers. */
int
first_tap (uint i, uint n_in, uint n_out, out float f)
{
  int s = int ((2 * i + 1) * n_in) - int (n_out), unit = int (2 * n_out);
  int whole = s >= 0 ? s / unit : -1; /* s > -unit */

  f = float (s - whole * unit) / float (unit);
  return whole - 1;
}

void
main ()
{
  uint e = item ();

  if (e >= n)
    return;
  uint c = e % C, j = e / C % out_width, i = e / C / out_width % out_height;
  uint batch = e / C / out_width / out_height;
  float row_f, column_f, sum = 0.0;
  int top = first_tap (i, height, out_height, row_f);
  int left = first_tap (j, width, out_width, column_f);
  vec4 row_weights = weights_at (row_f), weights = weights_at (column_f);
  for (int k = 0; k < 4; k++)
    {
      uint row = uint (clamp (top + k, 0, int (height) - 1));
      float line = 0.0;
      for (int l = 0; l < 4; l++)
        {
          uint column = uint (clamp (left + l, 0, int (width) - 1));
          line += weights[l]
                  * x.v[((batch * height + row) * width + column) * C + c];
        }
      sum += row_weights[k] * line;
    }
  y.v[e] = sum;
}
