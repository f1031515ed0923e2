/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/interpolate.h"
#include "engine/cpu/cpu_private.h"

#include <math.h>

/* Classes that are compared at a time, in registers. */
#define LANES 16

/* The pixels around one of y: rows above and below, columns left and right. */
typedef struct
{
  const gfloat *corner[2][2]; /* their class 0 */
  gfloat down[2], right[2];   /* weights */
} Corners;

static inline gfloat
value_of (const Corners *p, gsize c)
{
  gfloat above
      = d2v_float_between (p->right, p->corner[0][0][c], p->corner[0][1][c]);
  gfloat below
      = d2v_float_between (p->right, p->corner[1][0][c], p->corner[1][1][c]);

  return d2v_float_between (p->down, above, below);
}

/* The lowest of the greatest classes: lanes first, then among lanes. */
static gfloat
greatest (const Corners *p, gsize n)
{
  gfloat best[LANES], greatest_of_all = -INFINITY;
  gint32 best_class[LANES], its_class = 0;
  gsize c = 0;

  for (guint i = 0; i < LANES; i++)
    {
      best[i] = -INFINITY;
      best_class[i] = 0;
    }
  for (; c + LANES <= n; c += LANES)
    for (guint i = 0; i < LANES; i++)
      d2v_take_greater (value_of (p, c + i), (gint32) (c + i), &best[i],
                        &best_class[i]);
  for (guint i = 0; i < LANES; i++)
    if (best[i] > greatest_of_all
        || (best[i] == greatest_of_all && best_class[i] < its_class))
      {
        greatest_of_all = best[i];
        its_class = best_class[i];
      }
  for (; c < n; c++)
    d2v_take_greater (value_of (p, c), (gint32) c, &greatest_of_all,
                      &its_class);
  return greatest_of_all > -INFINITY ? (gfloat) its_class : NAN;
}

/* y[i][j] = the greatest class where x is interpolated for that pixel. An item
 * is one pixel of y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_size (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *in = call->in_shape[0], *out = &call->node->shape;
  gsize n = in->dim[3], line = in->dim[2] * n, map = in->dim[1] * line;

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / (out->dim[1] * out->dim[2]);
      gsize i = item / out->dim[2] % out->dim[1], j = item % out->dim[2];
      D2vFloatTaps row = d2v_float_taps (i, in->dim[1], out->dim[1]);
      D2vFloatTaps column = d2v_float_taps (j, in->dim[2], out->dim[2]);
      const gfloat *x = (const gfloat *) call->in[0] + batch * map;
      const gfloat *above = x + row.low * line, *below = x + row.high * line;
      const Corners corners
          = { { { above + column.low * n, above + column.high * n },
                { below + column.low * n, below + column.high * n } },
              { row.weight[0], row.weight[1] },
              { column.weight[0], column.weight[1] } };

      ((gfloat *) call->out)[item] = greatest (&corners, n);
    }
}

const D2vKernel d2v_cpu_label_map = { .n_items = n_items, .run = run };
