/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ops that treat every number by itself: ADD, MUL, ACTIVATE and GLU. An item
 * is a chunk of numbers (GLU: a row), small enough for the first-level cache
 * and large enough to be worth handing out. */

#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/rows.h"
#include "engine/cpu/x86/vecmath.h"

#define CHUNK 4096

static gsize
n_chunks (const D2vCall *call)
{
  return d2v_ceil_div (d2v_shape_size (&call->node->shape), CHUNK);
}

/* ---------------------------------------------------------- ADD and MUL -- */

/* y = a + b or a * b, b repeated over the dims that it lacks: runs of numbers
 * that end with the chunk or with b. */
static inline __attribute__ ((always_inline)) void
combine (const D2vCall *call, gsize begin, gsize end, gboolean multiplies)
{
  gsize n_b = d2v_shape_size (call->in_shape[1]);

  for (gsize i = begin; i < end;)
    {
      const gfloat *a = (const gfloat *) call->in[0] + i;
      const gfloat *b = (const gfloat *) call->in[1] + i % n_b;
      gfloat *y = (gfloat *) call->out + i;
      gsize n = d2v_min (end - i, n_b - i % n_b);

      if (multiplies)
        for (gsize j = 0; j < n; j++)
          y[j] = a[j] * b[j];
      else
        for (gsize j = 0; j < n; j++)
          y[j] = a[j] + b[j];
      i += n;
    }
}

static void
run_add (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize size = d2v_shape_size (&call->node->shape);

  combine (call, begin * CHUNK, d2v_min (end * CHUNK, size), FALSE);
}

static void
run_mul (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize size = d2v_shape_size (&call->node->shape);

  combine (call, begin * CHUNK, d2v_min (end * CHUNK, size), TRUE);
}

const D2vKernel LEVEL (add) = { .n_items = n_chunks, .run = run_add };
const D2vKernel LEVEL (mul) = { .n_items = n_chunks, .run = run_mul };

/* ------------------------------------------------------------- ACTIVATE -- */

static void
run_activate (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize size = d2v_shape_size (&call->node->shape);
  gsize first = begin * CHUNK, last = d2v_min (end * CHUNK, size);

  LEVEL (activate_row)
  (call->node->attributes.activation, (const gfloat *) call->in[0] + first,
   (gfloat *) call->out + first, last - first);
}

const D2vKernel LEVEL (activate) = { .n_items = n_chunks, .run = run_activate };

/* ------------------------------------------------------------------ GLU -- */

static gsize
n_rows (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

/* y = a * sigmoid (b), a the first and b the second half of a row. */
static void
run_glu (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n = d2v_shape_last (&call->node->shape);

  for (gsize row = begin; row < end; row++)
    {
      const gfloat *a = (const gfloat *) call->in[0] + row * 2 * n;
      const gfloat *b = a + n;
      gfloat *y = (gfloat *) call->out + row * n;
      gsize i = 0;

      for (; i + LANES <= n; i += LANES)
        v_store (y + i, v_load (a + i) * v_sigmoid (v_load (b + i)));
      if (i < n)
        v_store_some (y + i,
                      v_load_some (a + i, n - i)
                          * v_sigmoid (v_load_some (b + i, n - i)),
                      n - i);
    }
}

const D2vKernel LEVEL (glu) = { .n_items = n_rows, .run = run_glu };
