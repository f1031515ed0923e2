/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/pooling.h"

#include <math.h>
#include <string.h>

#define LEAST_LENGTH 1e-12

/* Columns summed at a time: row after row, as they lie in memory. */
#define LANES 16

gboolean
d2v_pooling_from_name (const gchar *name, D2vPooling *out)
{
  static const struct
  {
    const gchar *name;
    D2vPooling pooling;
  } names[] = {
    { "mean", D2V_POOLING_MEAN },
    { "cls", D2V_POOLING_FIRST },
    { "first", D2V_POOLING_FIRST },
    { "max", D2V_POOLING_MAX },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (name, names[i].name) == 0)
      {
        *out = names[i].pooling;
        return TRUE;
      }
  return FALSE;
}

/* Columns @begin..begin+n-1, n <= LANES. */
static void
mean_columns (const gfloat *rows, gsize n_rows, gsize width, gsize begin,
              gsize n, gfloat *out)
{
  gdouble sums[LANES] = { 0 };

  for (gsize r = 0; r < n_rows; r++)
    for (gsize i = 0; i < n; i++)
      sums[i] += rows[r * width + begin + i];
  for (gsize i = 0; i < n; i++)
    out[begin + i] = (gfloat) (sums[i] / (gdouble) n_rows);
}

static void
max_rows (const gfloat *rows, gsize n_rows, gsize width, gfloat *out)
{
  memcpy (out, rows, width * sizeof *out);
  for (gsize r = 1; r < n_rows; r++)
    for (gsize i = 0; i < width; i++)
      {
        gfloat x = rows[r * width + i];

        if (x > out[i] || isnan (x))
          out[i] = x;
      }
}

void
d2v_pool_rows (D2vPooling pooling, const gfloat *rows, gsize n_rows,
               gsize width, gfloat *out)
{
  g_assert (n_rows > 0);
  switch (pooling)
    {
    case D2V_POOLING_MEAN:
      for (gsize i = 0; i < width; i += LANES)
        mean_columns (rows, n_rows, width, i, MIN (LANES, width - i), out);
      return;
    case D2V_POOLING_FIRST:
      memcpy (out, rows, width * sizeof *out);
      return;
    case D2V_POOLING_MAX:
      max_rows (rows, n_rows, width, out);
      return;
    }
  g_assert_not_reached ();
}

void
d2v_normalize_length (gfloat *x, gsize n)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (gdouble) x[i] * x[i];
  gdouble length = sqrt (sum);
  length = length < LEAST_LENGTH ? LEAST_LENGTH : length;
  for (gsize i = 0; i < n; i++)
    x[i] = (gfloat) (x[i] / length);
}
