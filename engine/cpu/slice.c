/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"

#include <string.h>

/* y[.., i, ..] = x[.., begin + i, ..]. An item is what lies together: `length`
 * entries of the axis with all dims behind it. */
static gsize
n_items (const D2vCall *call)
{
  gsize n = 1;

  for (gint i = 0; i < call->node->attributes.axis; i++)
    n *= call->node->shape.dim[i];
  return n;
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  const D2vAttributes *a = &call->node->attributes;
  const D2vShape *shape = call->in_shape[0];
  gsize entry = sizeof (gfloat);

  for (guint i = a->axis + 1; i < shape->rank; i++)
    entry *= shape->dim[i];
  for (gsize item = begin; item < end; item++)
    memcpy ((guint8 *) call->out + item * a->length * entry,
            (const guint8 *) call->in[0]
                + (item * shape->dim[a->axis] + a->begin) * entry,
            a->length * entry);
}

const D2vKernel d2v_cpu_slice = { .n_items = n_items, .run = run };
