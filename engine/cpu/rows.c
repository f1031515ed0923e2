/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/rows.h"

#include <math.h>

gdouble
d2v_row_dot (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (gdouble) a[i] * b[i];
  return sum;
}

/* Two passes on purpose: E[x^2] - mean^2 loses every digit when the mean is
 * large beside the spread, as it is for raw audio with an offset. */
void
d2v_row_norm (gdouble *x, const gfloat *gain, const gfloat *shift, gsize n,
              gdouble eps)
{
  gdouble mean = 0, variance = 0;

  for (gsize i = 0; i < n; i++)
    mean += x[i];
  mean /= n;
  for (gsize i = 0; i < n; i++)
    variance += (x[i] - mean) * (x[i] - mean);
  variance /= n;

  gdouble spread = sqrt (variance + eps);
  for (gsize i = 0; i < n; i++)
    {
      x[i] = (x[i] - mean) / spread;
      x[i] = gain != NULL ? x[i] * gain[i] : x[i];
      x[i] = shift != NULL ? x[i] + shift[i] : x[i];
    }
}

/* The largest x is taken off first, so that e^x cannot overflow. */
void
d2v_row_softmax (gdouble *x, gsize n)
{
  gdouble largest = x[0], sum = 0;

  for (gsize i = 1; i < n; i++)
    largest = fmax (largest, x[i]);
  for (gsize i = 0; i < n; i++)
    {
      x[i] = exp (x[i] - largest);
      sum += x[i];
    }
  for (gsize i = 0; i < n; i++)
    x[i] /= sum;
}
