/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/cpu_private.h"
#include "engine/cpu/rows.h"

#include <string.h>

/* Slots. */
enum
{
  QKV,
  MASK,
  TABLE,
  DISTANCE,
  CACHE,
  N_PAST
};

/* One head of one sequence. */
typedef struct
{
  const D2vAttributes *a;
  gsize n_steps, n_keys, past; /* T, S = past + T, and S - T */
  gsize head, n_heads, d;
  const gfloat *q, *k, *v; /* of step 0 */
  gsize q_step, kv_step;   /* from one step to the next */
  const gfloat *mask;      /* (S), or NULL */
  const gfloat *table;     /* (n_rows, n_heads), or NULL */
  gsize n_rows;
  const gfloat *distance; /* (2P - 1, d), row of distance 0, or NULL */
} Head;

/* y = softmax (q k' * scale + bias) v for each head. An item is one head of
 * one sequence. */
static gsize
n_items (const D2vCall *call)
{
  return call->node->shape.dim[0] * call->node->attributes.n_heads;
}

static gsize
scratch_bytes (const D2vCall *call)
{
  const D2vShape *cache = call->in_shape[CACHE];
  gsize n_keys = cache != NULL ? cache->dim[2] : call->in_shape[QKV]->dim[1];

  return n_keys * sizeof (gdouble);
}

/* Stores this head's new keys and values behind the old ones, and reads all of
 * them from there from now on. */
static void
use_cache (const D2vCall *call, Head *h, gsize batch)
{
  const D2vShape *shape = call->in_shape[CACHE]; /* (2, B, S_max, C) */
  gsize n_channels = shape->dim[3];
  gsize sequence = shape->dim[2] * n_channels;
  gfloat *k = (gfloat *) call->in[CACHE] + batch * sequence + h->head * h->d;
  gfloat *v = k + shape->dim[1] * sequence;

  g_assert (h->past <= shape->dim[2] && h->n_steps <= shape->dim[2] - h->past);
  for (gsize t = 0; t < h->n_steps; t++)
    {
      gsize to = (h->past + t) * n_channels;
      memcpy (k + to, h->k + t * h->kv_step, h->d * sizeof (gfloat));
      memcpy (v + to, h->v + t * h->kv_step, h->d * sizeof (gfloat));
    }
  h->k = k;
  h->v = v;
  h->kv_step = n_channels;
}

static Head
head_of (const D2vCall *call, gsize item)
{
  const D2vAttributes *a = &call->node->attributes;
  const D2vShape *qkv = call->in_shape[QKV]; /* (B, T, 3C) */
  gsize batch = item / a->n_heads, n_channels = qkv->dim[2] / 3;
  Head h = { .a = a,
             .n_steps = qkv->dim[1],
             .head = item % a->n_heads,
             .n_heads = a->n_heads,
             .d = n_channels / a->n_heads,
             .q_step = 3 * n_channels,
             .kv_step = 3 * n_channels };

  h.q = (const gfloat *) call->in[QKV] + batch * h.n_steps * h.q_step
        + h.head * h.d;
  h.k = h.q + n_channels;
  h.v = h.k + n_channels;
  h.past = call->in[N_PAST] != NULL ? *(const gint64 *) call->in[N_PAST] : 0;
  h.n_keys = h.past + h.n_steps;
  if (call->in[CACHE] != NULL)
    use_cache (call, &h, batch);

  /* With a cache the mask may be as long as the cache. */
  if (call->in[MASK] != NULL)
    h.mask = (const gfloat *) call->in[MASK]
             + batch * call->in_shape[MASK]->dim[1];
  if (call->in[TABLE] != NULL)
    {
      h.table = call->in[TABLE];
      h.n_rows = call->in_shape[TABLE]->dim[0];
    }
  if (call->in[DISTANCE] != NULL)
    h.distance = (const gfloat *) call->in[DISTANCE]
                 + call->in_shape[DISTANCE]->dim[0] / 2 * h.d;
  return h;
}

static gboolean
counts (const Head *h, gsize t, gsize s)
{
  return (h->mask == NULL || h->mask[s] != 0)
         && (!h->a->causal || s <= t + h->past);
}

/* The row of the table for query @i and key @j; 0 is the class token. */
static gsize
table_row (const Head *h, gsize i, gsize j)
{
  gsize grid_h = h->a->grid_h, grid_w = h->a->grid_w;

  if (i == 0 || j == 0)
    return h->n_rows - (i == 0 && j == 0 ? 1 : i == 0 ? 3 : 2);
  gsize yi = (i - 1) / grid_w, xi = (i - 1) % grid_w;
  gsize yj = (j - 1) / grid_w, xj = (j - 1) % grid_w;
  return (yi + grid_h - 1 - yj) * (2 * grid_w - 1) + xi + grid_w - 1 - xj;
}

static gdouble
score (const Head *h, gsize t, gsize s)
{
  const gfloat *q = h->q + t * h->q_step, *k = h->k + s * h->kv_step;
  gdouble sum = d2v_row_dot (q, k, h->d);

  if (h->a->distance_mode != 0)
    {
      gssize steps = (gssize) (t + h->past) - (gssize) s;
      const gfloat *row = h->distance + steps * (gssize) h->d;
      sum += d2v_row_dot (q, row, h->d);
      if (h->a->distance_mode == 2)
        sum += d2v_row_dot (k, row, h->d);
    }
  sum *= h->a->scale;
  if (h->table != NULL)
    sum += h->table[table_row (h, t, s) * h->n_heads + h->head];
  return sum;
}

/* How much each key counts for query @t, into @weights (S). A key that does
 * not count has the lowest score and weighs 0 beside any other; when none
 * counts all have that score, so all weigh the same, as in the original. */
static void
weigh_keys (const Head *h, gsize t, gdouble *weights)
{
  for (gsize s = 0; s < h->n_keys; s++)
    weights[s] = counts (h, t, s) ? score (h, t, s) : -G_MAXDOUBLE;
  d2v_row_softmax (weights, h->n_keys);
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  gsize n_channels = d2v_shape_last (&call->node->shape);
  gdouble *weights = d2v_call_scratch (call, thread); /* (S) */

  for (gsize item = begin; item < end; item++)
    {
      Head h = head_of (call, item);
      gsize first_row = item / h.n_heads * h.n_steps;

      for (gsize t = 0; t < h.n_steps; t++)
        {
          gfloat *y = (gfloat *) call->out + (first_row + t) * n_channels
                      + h.head * h.d;

          weigh_keys (&h, t, weights);
          for (gsize i = 0; i < h.d; i++)
            {
              gdouble sum = 0;

              for (gsize s = 0; s < h.n_keys; s++)
                sum += weights[s] * h.v[s * h.kv_step + i];
              y[i] = sum;
            }
        }
    }
}

const D2vKernel d2v_cpu_attention
    = { .n_items = n_items, .run = run, .scratch_bytes = scratch_bytes };
