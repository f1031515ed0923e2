/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/activation.h"
#include "engine/cpu/cpu_private.h"

/* One map and one output channel's weight. */
typedef struct
{
  const gfloat *x; /* (H, W, C) */
  const gfloat *w; /* (C, k, k) */
  gsize height, width, c, kernel;
} Window;

/* y[i][j][o] = activation (sum of x[i + ky - k / 2][j + kx - k / 2][c]
 * w[o][c][ky][kx] + b[o]) over the taps that lie inside x. An item is one
 * pixel. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static gdouble
one_sum (const Window *p, gsize i, gsize j)
{
  gsize k = p->kernel, padding = k / 2;
  gdouble sum = 0;

  for (gsize ky = 0; ky < k; ky++)
    for (gsize kx = 0; kx < k; kx++)
      {
        gsize y = i + ky - padding, x = j + kx - padding;

        if (y >= p->height || x >= p->width) /* less than 0 wraps */
          continue;
        const gfloat *pixel = p->x + (y * p->width + x) * p->c;
        for (gsize c = 0; c < p->c; c++)
          sum += (gdouble) pixel[c] * p->w[(c * k + ky) * k + kx];
      }
  return sum;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vShape *x = call->in_shape[0], *w = call->in_shape[1];
  const gfloat *bias = call->in[2];
  gsize n_out = w->dim[0], n_pixels = x->dim[1] * x->dim[2];
  Window p = {
    .height = x->dim[1], .width = x->dim[2], .c = x->dim[3], .kernel = w->dim[2]
  };

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / n_pixels, pixel = item % n_pixels;
      gfloat *y = (gfloat *) call->out + item * n_out;

      p.x = (const gfloat *) call->in[0] + batch * n_pixels * p.c;
      p.w = call->in[1];
      for (gsize o = 0; o < n_out; o++, p.w += p.c * p.kernel * p.kernel)
        {
          gdouble sum = one_sum (&p, pixel / p.width, pixel % p.width);
          sum = bias != NULL ? sum + bias[o] : sum;
          y[o] = d2v_activation_value (call->node->attributes.activation, sum);
        }
    }
}

const D2vKernel d2v_cpu_conv2d = { .n_items = n_items, .run = run };
