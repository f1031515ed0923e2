/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <string.h>

/* y[2i + dy][2j + dx][c] = x[i][j][(2 dy + dx) C + c]. An item is one pixel of
 * y. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *shape = &call->node->shape; /* (B, 2H, 2W, C) */
  gsize h = shape->dim[1], w = shape->dim[2], n = shape->dim[3];

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / (h * w), i = item / w % h, j = item % w;
      gsize from = (batch * h / 2 + i / 2) * (w / 2) + j / 2;
      gsize block = 2 * (i % 2) + j % 2;

      memcpy ((gfloat *) call->out + item * n,
              (const gfloat *) call->in[0] + (4 * from + block) * n,
              n * sizeof (gfloat));
    }
}

const D2vKernel d2v_cpu_shuffle2 = { .n_items = n_items, .run = run };
