/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/subject.h"

#include "engine/base/math.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static D2vShape
shape_of (const gsize *dim)
{
  guint rank = 0;

  while (rank < 5 && dim[rank] != 0)
    rank++;
  return d2v_shape_from (rank, dim);
}

static gboolean
is_state (const D2vSubject *s, guint slot)
{
  return s->check->state_slot != 0 && slot == s->check->state_slot
         && s->inputs[slot].data != NULL;
}

static void
make_input (D2vSubject *s, guint slot, guint64 seed)
{
  const D2vCheckInput *input = &s->data->in[slot];
  gsize size
      = d2v_fill_is_integer (input->fill) ? sizeof (gint64) : sizeof (gfloat);

  s->shapes[slot] = shape_of (input->shape);
  s->inputs[slot]
      = d2v_guarded_new (d2v_shape_size (&s->shapes[slot]) * size, size);
  d2v_fill (input, seed * 1000003 + slot, s->inputs[slot].data);
  if (is_state (s, slot))
    s->first_state = g_memdup2 (s->inputs[slot].data, s->inputs[slot].n_bytes);
  else
    d2v_guarded_protect (&s->inputs[slot]);

  s->node.inputs[slot].id = (gint) slot;
  s->node.n_inputs = slot + 1;
  s->call.in_shape[slot] = &s->shapes[slot];
}

void
d2v_subject_init (D2vSubject *s, D2vOp op, const D2vCheck *check,
                  const D2vCheckCase *data, guint64 seed)
{
  *s = (D2vSubject){ .check = check, .data = data };
  s->node = (D2vNode){ .kind = D2V_VALUE_NODE,
                       .op = op,
                       .attributes = data->a,
                       .dtype = D2V_F32,
                       .shape = shape_of (data->out) };
  if (op == D2V_OP_RESHAPE)
    s->node.attributes.shape = s->node.shape;
  for (guint slot = 0; slot < D2V_MAX_INPUTS; slot++)
    {
      s->node.inputs[slot] = D2V_NONE;
      if (data->in[slot].shape[0] != 0)
        make_input (s, slot, seed);
    }
  s->out = d2v_guarded_new (d2v_shape_size (&s->node.shape) * sizeof (gfloat),
                            sizeof (gfloat));
  s->call.node = &s->node;
  s->call.out = s->out.data;
  for (guint slot = 0; slot < D2V_MAX_INPUTS; slot++)
    s->call.in[slot] = s->inputs[slot].data;
}

static void
unload (D2vSubject *s)
{
  for (guint slot = 0; slot < D2V_MAX_INPUTS; slot++)
    {
      d2v_guarded_free (&s->packed[slot]);
      s->call.in[slot] = s->inputs[slot].data;
    }
}

void
d2v_subject_clear (D2vSubject *s)
{
  unload (s);
  for (guint slot = 0; slot < D2V_MAX_INPUTS; slot++)
    d2v_guarded_free (&s->inputs[slot]);
  d2v_guarded_free (&s->out);
  g_clear_pointer (&s->first_state, g_free);
}

/* @s's call as a kernel sees it before there are any data. */
static D2vCall
call_without_data (const D2vSubject *s)
{
  D2vCall call = { .node = &s->node };

  memcpy (call.in_shape, s->call.in_shape, sizeof call.in_shape);
  return call;
}

/* The packed form replaces the plain one, so it must hold every bit of it. */
static gboolean
pack (D2vSubject *s, guint slot, gsize n_bytes)
{
  const D2vGuarded *plain = &s->inputs[slot];
  D2vCall call = call_without_data (s);
  D2vGuarded *packed = &s->packed[slot];

  *packed = d2v_guarded_new (n_bytes, 64);
  s->kernel->pack (&call, slot, (gfloat *) plain->data, packed->data, FALSE);
  d2v_guarded_protect (packed);
  s->call.in[slot] = packed->data;

  D2vGuarded again = d2v_guarded_new (plain->n_bytes, sizeof (gfloat));
  s->kernel->unpack (&call, slot, packed->data, (gfloat *) again.data);
  gboolean same = memcmp (again.data, plain->data, plain->n_bytes) == 0;
  D2vGuarded consuming = d2v_guarded_new (n_bytes, 64);
  s->kernel->pack (&call, slot, (gfloat *) again.data, consuming.data, TRUE);
  gboolean consumed = memcmp (consuming.data, packed->data, n_bytes) == 0;
  gboolean whole = d2v_guarded_is_whole (&again)
                   && d2v_guarded_is_whole (packed)
                   && d2v_guarded_is_whole (&consuming);
  d2v_guarded_free (&again);
  d2v_guarded_free (&consuming);
  if (!consumed)
    printf ("# slot %u: pack() makes something else when it may consume\n",
            slot);
  if (!same)
    printf ("# slot %u: unpack() does not give back what pack() got\n", slot);
  if (!whole)
    printf ("# slot %u: packing wrote outside its array\n", slot);
  return same && consumed && whole;
}

gboolean
d2v_subject_load (D2vSubject *s, const D2vKernel *kernel)
{
  D2vCall call = call_without_data (s);

  unload (s);
  s->kernel = kernel;
  for (guint slot = 0; kernel->pack_kind != NULL && slot < D2V_MAX_INPUTS;
       slot++)
    {
      if (s->inputs[slot].data == NULL || is_state (s, slot))
        continue;
      gsize n_bytes = kernel->packed_bytes (&call, slot);
      if (n_bytes != 0 && !pack (s, slot, n_bytes))
        return FALSE;
    }
  return TRUE;
}

static gdouble
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

typedef struct
{
  const D2vKernel *kernel;
  const D2vCall *call;
} Work;

static void
work (gpointer data, gsize begin, gsize end, guint thread)
{
  const Work *w = data;

  w->kernel->run (w->call, begin, end, thread);
}

static void
run_items (D2vSubject *s, D2vPool *pool)
{
  Work w = { s->kernel, &s->call };
  gsize n_items = s->kernel->n_items (&s->call);

  if (pool == NULL)
    for (gsize i = n_items; i > 0; i--)
      s->kernel->run (&s->call, i - 1, i, 1);
  else
    d2v_pool_run (pool, n_items,
                  s->kernel->grain != NULL
                      ? s->kernel->grain (&s->call, d2v_pool_n_threads (pool))
                      : 0,
                  work, &w);
}

static gboolean
arrays_are_whole (const D2vSubject *s)
{
  gboolean whole = d2v_guarded_is_whole (&s->out);

  for (guint slot = 0; slot < D2V_MAX_INPUTS; slot++)
    if (is_state (s, slot))
      whole = whole && d2v_guarded_is_whole (&s->inputs[slot]);
  if (!whole)
    printf ("# wrote outside the result or the state\n");
  return whole;
}

gboolean
d2v_subject_run (D2vSubject *s, D2vPool *pool)
{
  guint n_threads = pool != NULL ? d2v_pool_n_threads (pool) : 2;
  D2vCall call = call_without_data (s);
  D2vGuarded scratch = { 0 };

  if (s->kernel->scratch_bytes != NULL)
    s->call.scratch_bytes = d2v_align (s->kernel->scratch_bytes (&call), 64);
  else
    s->call.scratch_bytes = 0;
  if (s->call.scratch_bytes != 0)
    scratch = d2v_guarded_new (n_threads * s->call.scratch_bytes, 64);
  s->call.scratch = scratch.data;
  d2v_guarded_poison (&s->out);
  if (s->first_state != NULL)
    memcpy (s->inputs[s->check->state_slot].data, s->first_state,
            s->inputs[s->check->state_slot].n_bytes);

  gdouble start = now ();
  run_items (s, pool);
  s->seconds = now () - start;

  gboolean whole = scratch.map == NULL || d2v_guarded_is_whole (&scratch);
  if (!whole)
    printf ("# wrote outside its scratch memory\n");
  d2v_guarded_free (&scratch);
  return arrays_are_whole (s) && whole;
}

gsize
d2v_subject_n_out (const D2vSubject *s)
{
  return d2v_shape_size (&s->node.shape);
}

gsize
d2v_subject_n_state (const D2vSubject *s)
{
  return s->first_state == NULL
             ? 0
             : d2v_shape_size (&s->shapes[s->check->state_slot]);
}

const gfloat *
d2v_subject_out (const D2vSubject *s)
{
  return (const gfloat *) s->out.data;
}

const gfloat *
d2v_subject_state (const D2vSubject *s)
{
  return (const gfloat *) s->inputs[s->check->state_slot].data;
}
