/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/speaker.h"

#include <math.h>

/* Of torch.nn.functional.cosine_similarity: a vector of zeros is like none. */
#define LEAST_NORM 1e-8

static gdouble
dot (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (gdouble) a[i] * b[i];
  return sum;
}

static gdouble
norm (const gfloat *a, gsize n)
{
  gdouble length = sqrt (dot (a, a, n));

  return length < LEAST_NORM ? LEAST_NORM : length;
}

gfloat
d2v_cosine_similarity (const gfloat *a, const gfloat *b, gsize n)
{
  return (gfloat) (dot (a, b, n) / (norm (a, n) * norm (b, n)));
}
