/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/bilinear.h"
#include "engine/cpu/cpu_private.h"

#include <string.h>

/* The rows that stand for the class token, behind those of the grid. */
#define N_EXTRA 3

/* y = the table's first rows as an image of 2 from_w - 1 by 2 from_h - 1,
 * resized bilinearly to 2 grid_h - 1 by 2 grid_w - 1, then the last three rows.
 * Width before height is the original's slip (spec 4.2); it shows where the
 * model was trained on images that are not square. An item is one row. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static void
resize_row (const D2vCall *call, gsize item)
{
  const D2vAttributes *a = &call->node->attributes;
  gsize n = d2v_shape_last (&call->node->shape); /* heads */
  gsize from_rows = 2 * a->from_w - 1, from_columns = 2 * a->from_h - 1;
  gsize n_rows = 2 * a->grid_h - 1, n_columns = 2 * a->grid_w - 1;
  D2vTaps row = d2v_bilinear_taps (item / n_columns, from_rows, n_rows);
  D2vTaps column
      = d2v_bilinear_taps (item % n_columns, from_columns, n_columns);
  gfloat *y = (gfloat *) call->out + item * n;

  for (gsize head = 0; head < n; head++)
    y[head] = d2v_bilinear_value ((const gfloat *) call->in[0] + head, row,
                                  column, from_columns * n, n);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n = d2v_shape_last (&call->node->shape);
  gsize n_in = call->in_shape[0]->dim[0], n_out = n_items (call);

  for (gsize item = begin; item < end; item++)
    {
      if (item < n_out - N_EXTRA)
        resize_row (call, item);
      else
        memcpy ((gfloat *) call->out + item * n,
                (const gfloat *) call->in[0] + (item + n_in - n_out) * n,
                n * sizeof (gfloat));
    }
}

const D2vKernel d2v_cpu_relative_table = { .n_items = n_items, .run = run };
