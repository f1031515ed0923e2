/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = softmax (q k' * scale + bias) v for each head.
 *
 * A head's keys and values are laid out as panels once, then a few queries at
 * a time meet all of them, so the scores never leave the cache. An item is one
 * such block of queries; consecutive items share their head. */

#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/product.h"
#include "engine/cpu/x86/vecmath.h"

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

#define BLOCK_QUERIES (2 * TILE_ROWS)

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
} Head;

/* A thread's scratch. */
typedef struct
{
  gfloat *keys;    /* panels of k' (d, S) */
  gfloat *values;  /* panels of v (S, d) */
  gfloat *scores;  /* (BLOCK_QUERIES, score_step) */
  gfloat *row;     /* (score_step): one query's scores with their bias */
  gfloat *factors; /* (BLOCK_QUERIES): 1 / sum of the weights */
  gfloat *table;   /* the head's column of the table, backwards */
  gsize score_step;
  gsize size; /* of all */
} Scratch;

/* Distances between a query and a key, and scales that no model has, are the
 * plain kernel's work. */
static gboolean
is_plain (const D2vCall *call)
{
  return call->node->attributes.distance_mode != 0
         || !(call->node->attributes.scale > 0);
}

static gsize
n_blocks (const D2vCall *call)
{
  /* With a cache, a head's item also stores its new keys. */
  if (call->in_shape[CACHE] != NULL)
    return 1;
  return d2v_ceil_div (call->in_shape[QKV]->dim[1], BLOCK_QUERIES);
}

static gsize
n_items (const D2vCall *call)
{
  if (is_plain (call))
    return d2v_cpu_attention.n_items (call);
  return call->node->shape.dim[0] * call->node->attributes.n_heads
         * n_blocks (call);
}

/* Whole heads, unless there are so few that threads would go without. */
static gsize
grain (const D2vCall *call, guint n_threads)
{
  if (is_plain (call))
    return 1;
  gsize blocks = n_blocks (call), n_heads = n_items (call) / blocks;

  if (n_heads % n_threads == 0 || n_heads >= 4 * n_threads)
    return blocks;
  return d2v_max (n_heads * blocks / (2 * n_threads), 1);
}

/* --------------------------------------------------------------- memory -- */

static gsize
most_keys (const D2vCall *call)
{
  const D2vShape *cache = call->in_shape[CACHE];

  return cache != NULL ? cache->dim[2] : call->in_shape[QKV]->dim[1];
}

/* The next @n floats of @memory, which may be NULL while sizes are counted. */
static gfloat *
take (gfloat *memory, gsize n, gsize *taken)
{
  gfloat *piece = memory != NULL ? memory + *taken : NULL;

  *taken += d2v_align (n, LANES);
  return piece;
}

static Scratch
scratch_at (const D2vCall *call, gfloat *memory)
{
  gsize n_channels = d2v_shape_last (&call->node->shape);
  gsize d = n_channels / call->node->attributes.n_heads;
  gsize n_keys = d2v_align (most_keys (call), LANES);
  const D2vShape *table = call->in_shape[TABLE];
  Scratch s = { .score_step = n_keys + LANES };

  /* Tables and rows are read a whole vector at a time, past their ends. */
  s.keys = take (memory, panels_size (n_keys, d), &s.size);
  s.values = take (memory, panels_size (d, n_keys), &s.size);
  s.scores = take (memory, BLOCK_QUERIES * s.score_step, &s.size);
  s.row = take (memory, s.score_step, &s.size);
  s.factors = take (memory, BLOCK_QUERIES, &s.size);
  if (table != NULL)
    s.table = take (memory, table->dim[0] + LANES, &s.size);
  return s;
}

static gsize
scratch_bytes (const D2vCall *call)
{
  if (is_plain (call))
    return d2v_cpu_attention.scratch_bytes (call);
  return scratch_at (call, NULL).size * sizeof (gfloat);
}

/* ----------------------------------------------------------------- head -- */

/* Stores this head's new keys and values behind the old ones, and reads all of
 * them from there from now on. */
static void
use_cache (const D2vCall *call, Head *h, gsize batch)
{
  const D2vShape *shape = call->in_shape[CACHE]; /* (2, B, S_max, C) */
  gsize n_channels = shape->dim[3], sequence = shape->dim[2] * n_channels;
  gfloat *k = (gfloat *) call->in[CACHE] + batch * sequence + h->head * h->d;
  gfloat *v = k + shape->dim[1] * sequence;

  g_assert (h->n_keys <= shape->dim[2]);
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

/* @index counts heads over all sequences. */
static Head
head_of (const D2vCall *call, gsize index)
{
  const D2vAttributes *a = &call->node->attributes;
  const D2vShape *qkv = call->in_shape[QKV]; /* (B, T, 3C) */
  gsize batch = index / a->n_heads, n_channels = qkv->dim[2] / 3;
  Head h = { .a = a,
             .n_steps = qkv->dim[1],
             .head = index % a->n_heads,
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
  if (call->in[MASK] != NULL)
    h.mask = (const gfloat *) call->in[MASK]
             + batch * call->in_shape[MASK]->dim[1];
  if (call->in[TABLE] != NULL)
    {
      h.table = call->in[TABLE];
      h.n_rows = call->in_shape[TABLE]->dim[0];
    }
  return h;
}

static void
lay_out_keys (const Head *h, gfloat *panels)
{
  gsize n = d2v_align (h->n_keys, LANES);

  for (gsize first = 0; first < n; first += PANEL)
    LEVEL (transpose)
  (h->k + first * h->kv_step, h->kv_step, d2v_min (PANEL, h->n_keys - first),
   h->d, panels + first * h->d, panel_width (n, first));
}

static void
lay_out_values (const Head *h, gfloat *panels)
{
  for (gsize first = 0; first < h->d; first += PANEL)
    {
      gsize width = panel_width (h->d, first);
      gsize n = d2v_min (width, h->d - first);
      gfloat *to = panels + first * h->n_keys;

      for (gsize s = 0; s < h->n_keys; s++, to += width)
        {
          const gfloat *from = h->v + s * h->kv_step + first;

          if (n == PANEL)
            {
              v_store (to, v_load (from));
              v_store (to + LANES, v_load (from + LANES));
              continue;
            }
          memcpy (to, from, n * sizeof (gfloat));
          memset (to + n, 0, (width - n) * sizeof (gfloat));
        }
    }
}

/* -------------------------------------------------------------- softmax -- */

/* Powers of two instead of e: the factor goes into the scale and the bias. */
#define LOG2_E 1.44269504f

static gfloat
factor_of (const Head *h)
{
  return h->a->scale * LOG2_E;
}

/* Backwards, so that the keys of one grid row meet ascending entries. */
static void
lay_out_table (const Head *h, gfloat *table)
{
  for (gsize i = 0; i < h->n_rows; i++)
    table[i] = h->table[(h->n_rows - 1 - i) * h->n_heads + h->head] * LOG2_E;
}

/* x = score * factor + the relative position bias of query @t; see ops.h for
 * the table. In it, backwards, [0] is class to class, [1] patch to class and
 * [2] class to patch. */
static void
add_table (const Head *h, const Scratch *s, gsize t, const gfloat *scores,
           gfloat *x)
{
  gsize grid_h = h->a->grid_h, grid_w = h->a->grid_w, line = 2 * grid_w - 1;
  gfloat factor = factor_of (h);

  if (t == 0)
    {
      for (gsize i = 1; i < h->n_keys; i++)
        x[i] = scores[i] * factor + s->table[2];
      x[0] = scores[0] * factor + s->table[0];
      return;
    }

  gsize y = (t - 1) / grid_w, column = (t - 1) % grid_w;
  const gfloat *bias
      = s->table + 3 + (grid_h - 1 - y) * line + grid_w - 1 - column;

  x[0] = scores[0] * factor + s->table[1];
  /* The last vector of a grid row reaches into the next, which is then
   * written over. */
  for (gsize row = 0; row < grid_h; row++)
    for (gsize i = 0; i < grid_w; i += LANES)
      {
        gsize key = 1 + row * grid_w + i;
        v_store (x + key, v_load (scores + key) * factor
                              + v_load (bias + row * line + i));
      }
}

/* Keys that count for query @t come before this one. */
static gsize
limit_of (const Head *h, gsize t)
{
  return h->a->causal ? t + h->past + 1 : h->n_keys;
}

static gboolean
any_counts (const Head *h, gsize limit)
{
  for (gsize i = 0; i < limit; i++)
    if (h->mask == NULL || h->mask[i] != 0)
      return TRUE;
  return FALSE;
}

/* 2^(x * factor - the largest of them) into @weights; returns their sum.
 * @end: a multiple of LANES. With one rounding between x and the exponent,
 * and the largest rounded alike for all keys, the weights are as exact as
 * the scores. */
static gfloat
powers (const gfloat *x, gfloat factor, gfloat *weights, gsize end)
{
  Vf largest[2] = { v_set (-INFINITY), v_set (-INFINITY) };
  Vf sum[2] = { { 0 } };
  gsize i = 0;

  for (; i + 2 * LANES <= end; i += 2 * LANES)
    for (gsize j = 0; j < 2; j++)
      largest[j] = v_max (v_load (x + i + j * LANES), largest[j]);
  if (i < end)
    largest[0] = v_max (v_load (x + i), largest[0]);
  Vf top = v_set (factor * v_largest (v_max (largest[0], largest[1])));

  for (i = 0; i + 2 * LANES <= end; i += 2 * LANES)
    for (gsize j = 0; j < 2; j++)
      {
        Vf weight = v_power (v_load (x + i + j * LANES) * factor - top);
        v_store (weights + i + j * LANES, weight);
        sum[j] += weight;
      }
  if (i < end)
    {
      Vf weight = v_power (v_load (x + i) * factor - top);
      v_store (weights + i, weight);
      sum[0] += weight;
    }
  return v_sum (sum[0] + sum[1]);
}

/* The scores of query @t become weights, not yet divided by their sum, which
 * is returned. Those from @n_keys on are zero up to the next vector. */
static gfloat
weigh_keys (const Head *h, const Scratch *s, gsize t, gfloat *scores,
            gsize n_keys)
{
  gsize end = d2v_align (n_keys, LANES), limit = limit_of (h, t);
  gfloat *x = scores, factor = factor_of (h);

  if (h->mask != NULL && !any_counts (h, limit))
    {
      /* All the same, as in the original, where every score is then the same
       * lowest number. */
      for (gsize i = 0; i < end; i++)
        scores[i] = i < h->n_keys ? 1.0f : 0.0f;
      return h->n_keys;
    }
  if (h->table != NULL)
    {
      x = s->row;
      add_table (h, s, t, scores, x);
      factor = 1.0f;
    }
  if (h->mask != NULL)
    for (gsize i = 0; i < limit; i++)
      x[i] = h->mask[i] != 0 ? x[i] : -INFINITY;
  for (gsize i = limit; i < end; i++)
    x[i] = -INFINITY;
  return powers (x, factor, scores, end);
}

/* -------------------------------------------------------------- queries -- */

/* @out: of query @t. */
static void
one_block (const Head *h, const Scratch *s, gsize t, gsize n, gfloat *out,
           gsize out_step)
{
  /* A row without any key that counts needs all of them. */
  gsize n_keys = h->mask == NULL ? limit_of (h, t + n - 1) : h->n_keys;
  /* Whole panels, but for the last, which may be narrow. */
  gsize n_scores
      = d2v_min (d2v_align (n_keys, PANEL), d2v_align (h->n_keys, LANES));
  Rows queries = { .data = h->q + t * h->q_step,
                   .row_step = h->q_step,
                   .n_segments = 1,
                   .segment = h->d };
  Rows weights = { .data = s->scores,
                   .row_step = s->score_step,
                   .n_segments = 1,
                   .segment = n_keys };

  LEVEL (product)
  (&queries, n, s->keys, h->d, n_scores, NULL, s->scores, s->score_step);
  for (gsize i = 0; i < n; i++)
    s->factors[i]
        = 1.0f
          / weigh_keys (h, s, t + i, s->scores + i * s->score_step, n_keys);
  LEVEL (product)
  (&weights, n, s->values, h->n_keys, h->d, NULL, out, out_step);
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < h->d; j++)
      out[i * out_step + j] *= s->factors[i];
}

static void
run (const D2vCall *call, gsize begin, gsize end, guint thread)
{
  if (is_plain (call))
    {
      d2v_cpu_attention.run (call, begin, end, thread);
      return;
    }

  gsize blocks = n_blocks (call);
  gsize n_channels = d2v_shape_last (&call->node->shape);
  Scratch s = scratch_at (call, d2v_call_scratch (call, thread));
  Head h = { 0 };

  for (gsize item = begin; item < end; item++)
    {
      gsize index = item / blocks, block = item % blocks;

      if (item == begin || block == 0)
        {
          h = head_of (call, index);
          lay_out_keys (&h, s.keys);
          lay_out_values (&h, s.values);
          if (h.table != NULL)
            lay_out_table (&h, s.table);
        }

      gsize first = h.n_steps * block / blocks;
      gsize last = h.n_steps * (block + 1) / blocks;
      gfloat *out = (gfloat *) call->out
                    + index / h.n_heads * h.n_steps * n_channels + h.head * h.d;
      for (gsize t = first; t < last; t += BLOCK_QUERIES)
        one_block (&h, &s, t, d2v_min (BLOCK_QUERIES, last - t),
                   out + t * n_channels, n_channels);
    }
}

const D2vKernel LEVEL (attention) = {
  .n_items = n_items, .run = run, .grain = grain, .scratch_bytes = scratch_bytes
};
