/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/activation.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/rows.h"

/* Slots. */
enum
{
  X,
  W,
  BIAS,
  GAIN,
  SHIFT
};

typedef struct
{
  gsize n_in, n_out; /* steps */
  gsize c, o;        /* channels in and out */
  gsize kernel, stride, dilation, padding;
  gsize group_c, group_o; /* channels of one group */
  gsize w_c, w_k;         /* distance of channels and of taps in a weight */
} Geometry;

static Geometry
geometry_of (const D2vCall *call)
{
  const D2vAttributes *a = &call->node->attributes;
  const D2vShape *x = call->in_shape[X], *w = call->in_shape[W];
  Geometry g = { .n_in = x->dim[1],
                 .n_out = call->node->shape.dim[1],
                 .c = x->dim[2],
                 .o = w->dim[0],
                 .stride = a->stride,
                 .dilation = a->dilation,
                 .padding = a->padding };

  g.group_c = a->tap_major ? g.c : w->dim[1];
  g.group_o = a->tap_major ? g.o : g.o / a->groups;
  g.kernel = a->tap_major ? w->dim[1] / g.c : w->dim[2];
  g.w_c = a->tap_major ? 1 : g.kernel;
  g.w_k = a->tap_major ? g.c : 1;
  return g;
}

/* y[t][o] = sum of x[t * stride + k * dilation - padding][c] w[o][c][k] + b[o]
 * over the taps k that lie inside x and the channels c of o's group; then the
 * norm over the channels, if any; then the activation. An item is one step of
 * one sequence. */
static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static gsize
scratch_bytes (const D2vCall *call)
{
  return d2v_shape_last (&call->node->shape) * sizeof (gdouble);
}

/* @x: (T, C), @w: one output channel's weight. */
static gdouble
one_sum (const Geometry *g, const gfloat *x, const gfloat *w, gsize t,
         gsize first_c)
{
  gdouble sum = 0;

  for (gsize k = 0; k < g->kernel; k++)
    {
      gsize padded = t * g->stride + k * g->dilation;

      if (padded < g->padding || padded - g->padding >= g->n_in)
        continue;
      const gfloat *row = x + (padded - g->padding) * g->c + first_c;
      for (gsize c = 0; c < g->group_c; c++)
        sum += (gdouble) row[c] * w[c * g->w_c + k * g->w_k];
    }
  return sum;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vAttributes *a = &call->node->attributes;
  Geometry g = geometry_of (call);
  const gfloat *bias = call->in[BIAS];
  gdouble *row = d2v_call_scratch (call, thread); /* (O) */

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / g.n_out, t = item % g.n_out;
      const gfloat *x = (const gfloat *) call->in[X] + batch * g.n_in * g.c;
      gfloat *y = (gfloat *) call->out + item * g.o;

      for (gsize o = 0; o < g.o; o++)
        {
          const gfloat *w
              = (const gfloat *) call->in[W] + o * g.group_c * g.kernel;
          row[o] = one_sum (&g, x, w, t, o / g.group_o * g.group_c);
          row[o] = bias != NULL ? row[o] + bias[o] : row[o];
        }
      if (a->norm)
        d2v_row_norm (row, call->in[GAIN], call->in[SHIFT], g.o, a->eps);
      for (gsize o = 0; o < g.o; o++)
        y[o] = d2v_activation_value (a->activation, row[o]);
    }
}

const D2vKernel d2v_cpu_conv1d
    = { .n_items = n_items, .run = run, .scratch_bytes = scratch_bytes };
