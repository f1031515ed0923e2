/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = (x - mean) / sqrt (var + eps) * gain + shift, along the last axis. An
 * item is one row. */

#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/rows.h"

static gsize
n_items (const D2vCall *call)
{
  return d2v_shape_rows (&call->node->shape);
}

static gsize
grain (const D2vCall *call, guint n_threads)
{
  /* Below this many numbers, waking a thread costs more than it does. */
  gsize n = d2v_shape_last (&call->node->shape);

  return d2v_max (d2v_ceil_div (n_items (call), n_threads),
                  d2v_ceil_div (4096, d2v_max (n, 1)));
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n = d2v_shape_last (&call->node->shape);

  for (gsize row = begin; row < end; row++)
    LEVEL (norm_row)
  ((const gfloat *) call->in[0] + row * n, call->in[1], call->in[2],
   (gfloat *) call->out + row * n, n, call->node->attributes.eps);
}

const D2vKernel LEVEL (layer_norm)
    = { .n_items = n_items, .run = run, .grain = grain };
