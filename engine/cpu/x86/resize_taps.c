/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y[o] = sum[o] + the sum over k = 0, 1, 2 of x_k resized to `size` at o + k -
 * 1, where that is inside; x_k is channel block k of x. An item is one pixel
 * of y: six rows of x, four of them the same two by two when it doubles. */

#include "engine/cpu/bilinear.h"
#include "engine/cpu/cpu_private.h"

#include "engine/cpu/x86/level.h"

static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

/* Every tap as two rows and their weights; one outside weighs nothing. */
typedef struct
{
  const gfloat *low[3], *high[3];
  gfloat left[3], right[3];
} Rows;

static void
find_rows (const gfloat *x, gsize o, gsize n_in, gsize n_out, gsize step,
           gsize n, Rows *rows)
{
  for (gsize k = 0; k < 3; k++)
    {
      gboolean inside = o + k >= 1 && o + k - 1 < n_out;
      D2vTaps taps = d2v_bilinear_taps (inside ? o + k - 1 : o, n_in, n_out);

      rows->low[k] = x + taps.low * step + k * n;
      rows->high[k] = x + taps.high * step + k * n;
      rows->left[k] = inside ? 1 - (gfloat) taps.weight : 0;
      rows->right[k] = inside ? (gfloat) taps.weight : 0;
    }
}

static inline Vf
add_taps (const Rows *r, Vf y, gsize c)
{
  for (gsize k = 0; k < 3; k++)
    y += r->left[k] * v_load (r->low[k] + c)
         + r->right[k] * v_load (r->high[k] + c);
  return y;
}

static void
one_pixel (const Rows *r, const gfloat *sum, gfloat *y, gsize n)
{
  gsize c = 0;

  for (; c + LANES <= n; c += LANES)
    v_store (y + c,
             add_taps (r, sum != NULL ? v_load (sum + c) : (Vf){ 0 }, c));
  for (; c < n; c++)
    {
      gfloat value = sum != NULL ? sum[c] : 0;
      for (gsize k = 0; k < 3; k++)
        value += r->left[k] * r->low[k][c] + r->right[k] * r->high[k][c];
      y[c] = value;
    }
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize axis = (gsize) call->node->attributes.axis;
  const D2vShape *out = &call->node->shape;
  gsize n_in = call->in_shape[0]->dim[axis], n_out = out->dim[axis];
  gsize inner = axis == 1 ? out->dim[2] : 1, n = out->dim[3];
  const gfloat *sum = call->in[1];

  for (gsize item = begin; item < end; item++)
    {
      gsize j = item % inner, o = item / inner % n_out;
      gsize outer = item / inner / n_out;
      const gfloat *x
          = (const gfloat *) call->in[0] + (outer * n_in * inner + j) * 3 * n;
      Rows rows;

      find_rows (x, o, n_in, n_out, inner * 3 * n, n, &rows);
      one_pixel (&rows, sum != NULL ? sum + item * n : NULL,
                 (gfloat *) call->out + item * n, n);
    }
}

const D2vKernel LEVEL (resize_taps) = { .n_items = n_items, .run = run };
