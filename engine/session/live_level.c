/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/live_level.h"

#include <math.h>

/* The original's, under the root (spec 8.1). */
#define EPS 1e-7
/* Blocks after which an old level has lost 63 % of its weight: 5 s of 20 ms
 * for the loudness, 2 s for a constant offset. */
#define VARIANCE_BLOCKS 250.
#define MEAN_BLOCKS 100.

void
d2v_live_level_apply (D2vLiveLevel *level, const gfloat *x, gfloat *y, gsize n)
{
  gdouble sum = 0, squares = 0;

  if (n == 0)
    return;
  for (gsize i = 0; i < n; i++)
    sum += x[i];
  /* A plain mean at first, so that a constant offset is gone from the first
   * block on. */
  level->n_blocks++;
  gdouble weight = MAX (1. / level->n_blocks, 1. / MEAN_BLOCKS);
  level->mean += weight * (sum / n - level->mean);

  for (gsize i = 0; i < n; i++)
    squares += (x[i] - level->mean) * (x[i] - level->mean);
  gdouble variance = squares / n;
  gdouble falling
      = level->variance + (variance - level->variance) / VARIANCE_BLOCKS;
  level->variance = MAX (variance, falling);

  gdouble scale = 1 / sqrt (level->variance + EPS);
  for (gsize i = 0; i < n; i++)
    y[i] = (gfloat) ((x[i] - level->mean) * scale);
}
