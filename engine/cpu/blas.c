/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* blas.c: LINEAR and CONV1D on OpenBLAS, for processors that have no vector
 * kernels of their own here.
 *
 * OpenBLAS's own threads spin between calls and serialise their callers, so it
 * is told to use none (which is a setting of the whole process), and our pool
 * shares the work out. It may sum in another order when a product has another
 * size: an item is therefore always the same piece of the product, whatever
 * the number of threads. The variables OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE
 * choose its kernels when it is loaded, before anything here can run; a wrong
 * one costs half the speed. */

#include "engine/base/math.h"
#include "engine/cpu/activation.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/rows.h"

#include <cblas.h>
#include <pthread.h>
#include <string.h>

/* One piece of a product. */
#define BLOCK_ROWS 64
#define BLOCK_COLUMNS 256

static void
set_one_thread (void)
{
  openblas_set_num_threads (1);
}

static void
use_one_thread (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, set_one_thread);
}

/* y (m, n) = x (m, k) w (n, k)' */
static void
multiply (const gfloat *x, gsize x_step, const gfloat *w, gsize m, gsize n,
          gsize k, gfloat *y, gsize y_step)
{
  use_one_thread ();
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (blasint) m,
               (blasint) n, (blasint) k, 1.0f, x, (blasint) x_step, w,
               (blasint) k, 0.0f, y, (blasint) y_step);
}

static gsize
one_by_one (const D2vCall *call, guint n_threads)
{
  return 1;
}

/* --------------------------------------------------------------- LINEAR -- */

enum
{
  X,
  W0
};

/* y = residual + scale * activation (x W' + b), W the stacked wi. An item is
 * BLOCK_COLUMNS columns of one weight for BLOCK_ROWS rows. */
typedef struct
{
  const gfloat *w, *bias;
  gsize column, n; /* of y, and how many */
} Columns;

static gsize
n_column_blocks (const D2vCall *call)
{
  gsize n = 0;

  for (guint slot = W0; slot < D2V_LINEAR_RESIDUAL; slot += 2)
    if (call->in_shape[slot] != NULL)
      n += d2v_ceil_div (call->in_shape[slot]->dim[0], BLOCK_COLUMNS);
  return n;
}

static Columns
columns_at (const D2vCall *call, gsize index)
{
  gsize k = d2v_shape_last (call->in_shape[X]), column = 0;

  for (guint slot = W0; slot < D2V_LINEAR_RESIDUAL; slot += 2)
    {
      if (call->in_shape[slot] == NULL)
        continue;
      gsize n = call->in_shape[slot]->dim[0];
      gsize here = d2v_ceil_div (n, BLOCK_COLUMNS);

      if (index < here)
        {
          const gfloat *bias = call->in[slot + 1];
          gsize first = index * BLOCK_COLUMNS;

          return (Columns){ .w = (const gfloat *) call->in[slot] + first * k,
                            .bias = bias != NULL ? bias + first : NULL,
                            .column = column + first,
                            .n = d2v_min (BLOCK_COLUMNS, n - first) };
        }
      index -= here;
      column += n;
    }
  g_assert_not_reached ();
}

static void
finish_row (const D2vCall *call, gsize row, const Columns *c)
{
  gsize n = d2v_shape_last (&call->node->shape);
  const gfloat *residual = call->in[D2V_LINEAR_RESIDUAL];
  const gfloat *scale = call->in[D2V_LINEAR_SCALE];
  gfloat *y = (gfloat *) call->out + row * n;

  for (gsize i = 0; i < c->n; i++)
    {
      gsize column = c->column + i;
      gdouble sum = y[column];

      sum = c->bias != NULL ? sum + c->bias[i] : sum;
      sum = d2v_activation_value (call->node->attributes.activation, sum);
      sum = scale != NULL ? sum * scale[column] : sum;
      sum = residual != NULL ? sum + residual[row * n + column] : sum;
      y[column] = sum;
    }
}

static gsize
linear_n_items (const D2vCall *call)
{
  gsize n_rows = d2v_shape_rows (&call->node->shape);

  return d2v_ceil_div (n_rows, BLOCK_ROWS) * n_column_blocks (call);
}

static void
linear_run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n_rows = d2v_shape_rows (&call->node->shape);
  gsize n = d2v_shape_last (&call->node->shape);
  gsize k = d2v_shape_last (call->in_shape[X]);

  for (gsize item = begin; item < end; item++)
    {
      gsize row = item / n_column_blocks (call) * BLOCK_ROWS;
      gsize m = d2v_min (BLOCK_ROWS, n_rows - row);
      Columns c = columns_at (call, item % n_column_blocks (call));

      multiply ((const gfloat *) call->in[X] + row * k, k, c.w, m, c.n, k,
                (gfloat *) call->out + row * n + c.column, n);
      for (gsize i = 0; i < m; i++)
        finish_row (call, row + i, &c);
    }
}

static const D2vKernel blas_linear
    = { .n_items = linear_n_items, .run = linear_run, .grain = one_by_one };

/* --------------------------------------------------------------- CONV1D -- */

enum
{
  W = 1,
  BIAS,
  GAIN,
  SHIFT
};

/* y[t][o] = sum of x[t * stride + k * dilation - padding][c] w[o][c][k] + b[o],
 * then norm and activation. What the kernel covers at each step is copied into
 * the rows of a matrix, in the order of the weight. An item is BLOCK_ROWS
 * steps of one sequence. */
typedef struct
{
  gsize n_in, n_out; /* steps */
  gsize c, o;        /* channels in and out */
  gsize kernel, groups, group_c, group_o;
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
                 .groups = a->tap_major ? 1 : a->groups };

  g.kernel = a->tap_major ? w->dim[1] / g.c : w->dim[2];
  g.group_c = g.c / g.groups;
  g.group_o = g.o / g.groups;
  return g;
}

static gsize
conv1d_n_items (const D2vCall *call)
{
  return call->in_shape[X]->dim[0]
         * d2v_ceil_div (call->node->shape.dim[1], BLOCK_ROWS);
}

static gsize
conv1d_scratch_bytes (const D2vCall *call)
{
  Geometry g = geometry_of (call);

  return g.o * sizeof (gdouble)
         + BLOCK_ROWS * g.kernel * g.group_c * sizeof (gfloat);
}

/* Row of step @t; @x: the sequence at the group's first channel. */
static void
copy_window (const D2vCall *call, const Geometry *g, const gfloat *x, gsize t,
             gfloat *row)
{
  const D2vAttributes *a = &call->node->attributes;
  gsize tap_step = a->tap_major ? g->group_c : 1;
  gsize channel_step = a->tap_major ? 1 : g->kernel;

  for (gsize k = 0; k < g->kernel; k++)
    {
      gsize padded = t * a->stride + k * a->dilation;
      gboolean inside = padded >= a->padding && padded - a->padding < g->n_in;
      const gfloat *from = inside ? x + (padded - a->padding) * g->c : NULL;

      for (gsize c = 0; c < g->group_c; c++)
        row[k * tap_step + c * channel_step] = inside ? from[c] : 0.0f;
    }
}

static void
finish_step (const D2vCall *call, const Geometry *g, gfloat *y, gdouble *row)
{
  const D2vAttributes *a = &call->node->attributes;
  const gfloat *bias = call->in[BIAS];

  for (gsize o = 0; o < g->o; o++)
    row[o] = bias != NULL ? y[o] + bias[o] : y[o];
  if (a->norm)
    d2v_row_norm (row, call->in[GAIN], call->in[SHIFT], g->o, a->eps);
  for (gsize o = 0; o < g->o; o++)
    y[o] = d2v_activation_value (a->activation, row[o]);
}

static void
conv1d_run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  Geometry g = geometry_of (call);
  gsize n_blocks = d2v_ceil_div (g.n_out, BLOCK_ROWS);
  gsize k = g.kernel * g.group_c;
  gdouble *row = d2v_call_scratch (call, thread); /* (O) */
  gfloat *windows = (gfloat *) (row + g.o);       /* (BLOCK_ROWS, K) */

  for (gsize item = begin; item < end; item++)
    {
      gsize batch = item / n_blocks, t = item % n_blocks * BLOCK_ROWS;
      gsize m = d2v_min (BLOCK_ROWS, g.n_out - t);
      const gfloat *x = (const gfloat *) call->in[X] + batch * g.n_in * g.c;
      gfloat *y = (gfloat *) call->out + (batch * g.n_out + t) * g.o;

      for (gsize i = 0; i < g.groups; i++)
        {
          for (gsize j = 0; j < m; j++)
            copy_window (call, &g, x + i * g.group_c, t + j, windows + j * k);
          multiply (windows, k,
                    (const gfloat *) call->in[W] + i * g.group_o * k, m,
                    g.group_o, k, y + i * g.group_o, g.o);
        }
      for (gsize j = 0; j < m; j++)
        finish_step (call, &g, y + j * g.o, row);
    }
}

static const D2vKernel blas_conv1d = { .n_items = conv1d_n_items,
                                       .run = conv1d_run,
                                       .grain = one_by_one,
                                       .scratch_bytes = conv1d_scratch_bytes };

const D2vKernel *const d2v_blas_kernels[D2V_N_OPS] = {
  [D2V_OP_LINEAR] = &blas_linear,
  [D2V_OP_CONV1D] = &blas_conv1d,
};
