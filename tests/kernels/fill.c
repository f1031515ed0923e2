/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <float.h>
#include <math.h>

/* splitmix64: small, and the same everywhere. */
static guint64
next (guint64 *state)
{
  guint64 z = *state += 0x9e3779b97f4a7c15u;

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 < x <= 1 */
static gdouble
uniform (guint64 *state)
{
  return ((next (state) >> 11) + 1) * 0x1p-53;
}

static gdouble
normal (guint64 *state)
{
  gdouble radius = sqrt (-2 * log (uniform (state)));

  return radius * cos (2 * M_PI * uniform (state));
}

static gdouble
hostile (guint64 *state, gsize i)
{
  switch (i % 11)
    {
    case 2:
      return NAN;
    case 5:
      return INFINITY;
    case 8:
      return -INFINITY;
    default:
      return normal (state);
    }
}

/* Where fast forms of exp, tanh and erf go wrong: at zero, where e^x leaves
 * the float range, and where x^2 and x^3 do. Farther out the original itself
 * overflows here and there. */
static gdouble
sweep (gsize i, gsize n)
{
  static const gdouble ends[]
      = { 0,  1e-45, 1e-38, 1e-20, 1e-6, 15,   20,   44,  44.5,
          87, 88,    89,    104,   1e4,  1e13, 1e20, 1e30 };
  gsize n_ends = 2 * G_N_ELEMENTS (ends);

  if (i < n_ends && n > n_ends)
    return i % 2 == 0 ? ends[i / 2] : -ends[i / 2];
  return -12 + 24 * (gdouble) i / n;
}

/* Row @row of a mask, key @s of @n. */
static gdouble
mask (D2vFill fill, gsize row, gsize s, gsize n)
{
  gsize n_counted = n - MIN (row * n / 3, n - 1);

  switch (fill)
    {
    case D2V_FILL_RAGGED:
      return s < n_counted;
    case D2V_FILL_LEFT:
      return s >= n - n_counted;
    case D2V_FILL_HOLES:
      return s % 3 == 1 ? 0 : s % 2 == 0 ? 1 : -0.5;
    default:
      return row != 0 && s < n_counted;
    }
}

/* A row is an entry of dim 0, a column a number of the last dim. */
static gdouble
number (const D2vCheckInput *input, const D2vShape *shape, gsize i,
        guint64 *state)
{
  gsize n = d2v_shape_size (shape), row = n / shape->dim[0];

  switch (input->fill)
    {
    case D2V_FILL_POSITIVE:
      return 0.5 + uniform (state);
    case D2V_FILL_OUTLIERS:
      return normal (state) * (i % d2v_shape_last (shape) % 7 == 3 ? 1000 : 1);
    case D2V_FILL_DENORMAL:
      return normal (state) * 1e-39;
    case D2V_FILL_HOSTILE:
      return hostile (state, i);
    case D2V_FILL_SWEEP:
      return sweep (i, n);
    case D2V_FILL_EQUAL:
      return 1;
    case D2V_FILL_WEIGHT:
      return normal (state) / sqrt (row);
    case D2V_FILL_RAGGED:
    case D2V_FILL_LEFT:
    case D2V_FILL_HOLES:
    case D2V_FILL_NONE_FIRST:
      return mask (input->fill, i / row, i % row, row);
    default:
      return normal (state);
    }
}

static gint64
integer (const D2vCheckInput *input, gsize i, guint64 *state)
{
  if (input->fill == D2V_FILL_FALLING)
    return (gint64) input->offset - (gint64) i;
  if (i < 2)
    return i == 0 ? 0 : (gint64) input->by - 1;
  return (gint64) (next (state) % (guint64) input->by);
}

gboolean
d2v_fill_is_integer (D2vFill fill)
{
  return fill == D2V_FILL_IDS || fill == D2V_FILL_FALLING;
}

void
d2v_fill (const D2vCheckInput *input, guint64 seed, gpointer data)
{
  guint rank = 0;
  while (rank < G_N_ELEMENTS (input->shape) && input->shape[rank] != 0)
    rank++;
  D2vShape shape = d2v_shape_from (rank, input->shape);
  gsize n = d2v_shape_size (&shape);
  gdouble by = input->by != 0 ? input->by : 1;

  for (gsize i = 0; i < n; i++)
    {
      if (d2v_fill_is_integer (input->fill))
        ((gint64 *) data)[i] = integer (input, i, &seed);
      else
        ((gfloat *) data)[i]
            = by * number (input, &shape, i, &seed) + input->offset;
    }
}
