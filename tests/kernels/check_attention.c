/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>
#include <string.h>

/* Slots of ATTENTION. */
enum
{
  QKV,
  MASK,
  TABLE,
  DISTANCE,
  CACHE,
  N_PAST
};

/* Which third of qkv, and which half of the cache less 1. */
enum
{
  Q,
  K,
  V
};

static gsize
past_of (const D2vCall *call)
{
  return call->in[N_PAST] != NULL ? *(const gint64 *) call->in[N_PAST] : 0;
}

/* Channel @i of @head of query, key or value number @s of sequence @b; older
 * keys and values come from the cache. */
static gdouble
entry (const D2vCall *call, guint what, gsize b, gsize s, gsize head, gsize i)
{
  gsize n = call->node->shape.dim[2];
  gsize channel = head * (n / call->node->attributes.n_heads) + i;
  gsize past = past_of (call);

  if (what != Q && s < past)
    return d2v_at4 (call->in[CACHE], call->in_shape[CACHE], what - 1, b, s,
                    channel);
  return d2v_at3 (call->in[QKV], call->in_shape[QKV], b,
                  what == Q ? s : s - past, what * n + channel);
}

/* The specification's index: the class token first, then the patches. */
static gsize
table_index (const D2vAttributes *a, gsize i, gsize j, gsize n_rows)
{
  if (i == 0 && j == 0)
    return n_rows - 1;
  if (i == 0)
    return n_rows - 3;
  if (j == 0)
    return n_rows - 2;
  gint yi = (gint) ((i - 1) / a->grid_w), xi = (gint) ((i - 1) % a->grid_w);
  gint yj = (gint) ((j - 1) / a->grid_w), xj = (gint) ((j - 1) % a->grid_w);
  return (gsize) ((yi - yj + (gint) a->grid_h - 1) * (2 * (gint) a->grid_w - 1)
                  + xi - xj + (gint) a->grid_w - 1);
}

static gdouble
score (const D2vCall *call, gsize b, gsize head, gsize t, gsize s,
       gdouble *size)
{
  const D2vAttributes *a = &call->node->attributes;
  gsize d = call->node->shape.dim[2] / a->n_heads;
  gdouble sum = 0;

  *size = 0;
  for (gsize i = 0; i < d; i++)
    {
      gdouble q = entry (call, Q, b, t, head, i);
      gdouble k = entry (call, K, b, s, head, i);
      gdouble far = 0;

      if (a->distance_mode != 0)
        far = ((const gfloat *) call->in[DISTANCE])
            [(t + past_of (call) - s + call->in_shape[DISTANCE]->dim[0] / 2) * d
             + i];
      gdouble term = q * k + q * far + (a->distance_mode == 2 ? k * far : 0);
      sum += term;
      *size += fabs (q * k) + fabs (q * far) + fabs (k * far);
    }
  sum *= a->scale;
  *size *= fabs (a->scale);
  if (call->in[TABLE] != NULL)
    {
      const D2vShape *shape = call->in_shape[TABLE];
      gdouble bias = ((const gfloat *) call->in[TABLE])
          [table_index (a, t, s, shape->dim[0]) * shape->dim[1] + head];
      sum += bias;
      *size += fabs (bias);
    }
  return sum;
}

static gboolean
counts (const D2vCall *call, gsize b, gsize t, gsize s)
{
  const gfloat *mask = call->in[MASK];

  if (mask != NULL && mask[b * call->in_shape[MASK]->dim[1] + s] == 0)
    return FALSE;
  return !call->node->attributes.causal || s <= t + past_of (call);
}

/* How much each of @n keys counts for query @t. An error of the scores is a
 * relative error of these, so the size of the largest score is returned. */
static gdouble
weights (const D2vCall *call, gsize b, gsize head, gsize t, gdouble *p, gsize n)
{
  gdouble largest = -INFINITY, largest_size = 0, sum = 0;

  for (gsize s = 0; s < n; s++)
    {
      gdouble size = 0;
      p[s] = -INFINITY;
      if (counts (call, b, t, s))
        p[s] = score (call, b, head, t, s, &size);
      largest = fmax (largest, p[s]);
      largest_size = fmax (largest_size, size);
    }
  if (largest == -INFINITY)
    for (gsize s = 0; s < n; s++)
      p[s] = largest = 0;
  for (gsize s = 0; s < n; s++)
    sum += exp (p[s] - largest);
  for (gsize s = 0; s < n; s++)
    p[s] = exp (p[s] - largest) / sum;
  return largest_size;
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vShape *out = &call->node->shape;
  gsize n_heads = call->node->attributes.n_heads, d = out->dim[2] / n_heads;
  gsize n_keys = past_of (call) + out->dim[1];
  g_autofree gdouble *p = g_new (gdouble, n_keys);

  for (gsize b = 0; b < out->dim[0]; b++)
    for (gsize t = 0; t < out->dim[1]; t++)
      for (gsize head = 0; head < n_heads; head++)
        {
          gdouble score_size = weights (call, b, head, t, p, n_keys);
          for (gsize i = 0; i < d; i++)
            {
              gsize at = (b * out->dim[1] + t) * out->dim[2] + head * d + i;
              y[at] = size[at] = 0;
              for (gsize s = 0; s < n_keys; s++)
                {
                  gdouble term = p[s] * entry (call, V, b, s, head, i);
                  y[at] += term;
                  size[at] += fabs (term);
                }
              size[at] *= 1 + 2 * score_size;
            }
        }
}

/* The cache as it should be: new keys and values behind the old ones. */
static void
state (const D2vCall *call, gfloat *cache)
{
  const D2vShape *shape = call->in_shape[CACHE];
  const D2vShape *qkv = call->in_shape[QKV];
  gsize n = shape->dim[3];

  for (gsize what = K; what <= V; what++)
    for (gsize b = 0; b < qkv->dim[0]; b++)
      for (gsize t = 0; t < qkv->dim[1]; t++)
        for (gsize c = 0; c < n; c++)
          cache[(((what - K) * shape->dim[1] + b) * shape->dim[2]
                 + past_of (call) + t)
                    * n
                + c]
              = d2v_at3 (call->in[QKV], qkv, b, t, what * n + c);
}

static gdouble
flop (const D2vCall *call)
{
  return 4.0 * d2v_shape_size (&call->node->shape)
         * (past_of (call) + call->node->shape.dim[1]);
}

/* clang-format off */
#define NO { { 0 } }
#define PAST(n) { { 1 }, D2V_FILL_FALLING, .offset = n }
/* @n heads of size @d; the odd ones get a scale that is no power of 2. */
#define HEADS(n, d) \
  .n_heads = n, .scale = d == 64 ? 0.125f : d == 16 ? 0.25f : 0.4f
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "one token", .in = { { { 1, 1, 12 } } }, .out = { 1, 1, 4 },
    .a = { HEADS (1, 4) } },
  { "one channel a head", .in = { { { 2, 5, 9 } } }, .out = { 2, 5, 3 },
    .a = { HEADS (3, 1) } },
  { "two heads of 8", .in = { { { 2, 7, 48 } } }, .out = { 2, 7, 16 },
    .a = { HEADS (2, 8) } },
  { "odd head", .in = { { { 1, 19, 63 } } }, .out = { 1, 19, 21 },
    .a = { HEADS (3, 7) } },
  { "heads of 33", .in = { { { 1, 17, 198 } } }, .out = { 1, 17, 66 },
    .a = { HEADS (2, 33) } },
  { "heads of 64", .in = { { { 1, 50, 384 } } }, .out = { 1, 50, 128 },
    .a = { HEADS (2, 64) } },
  { "12 heads", .in = { { { 1, 33, 576 } } }, .out = { 1, 33, 192 },
    .a = { HEADS (12, 16) } },
  { "200 steps", .in = { { { 1, 200, 96 } } }, .out = { 1, 200, 32 },
    .a = { HEADS (2, 16) } },
  { "steep scores", .in = { { { 2, 23, 96 }, .by = 8 } }, .out = { 2, 23, 32 },
    .a = { HEADS (2, 16) } },
  { "flat scores", .in = { { { 2, 23, 96 }, .by = 1e-4 } },
    .out = { 2, 23, 32 }, .a = { HEADS (2, 16) } },
  { "scores beyond e^88", .in = { { { 1, 23, 96 }, .by = 60 } },
    .out = { 1, 23, 32 }, .a = { HEADS (2, 16) } },
  { "all scores far below 0",
    .in = { { { 1, 9, 12 }, .by = 0.01, .offset = 20 } }, .out = { 1, 9, 4 },
    .a = { .n_heads = 1, .scale = -0.5 } },
  { "outlier channels",
    .in = { { { 1, 23, 96 }, D2V_FILL_OUTLIERS, .by = 0.01 } },
    .out = { 1, 23, 32 }, .a = { HEADS (2, 16) } },
  { "denormal", .in = { { { 1, 9, 48 }, D2V_FILL_DENORMAL } },
    .out = { 1, 9, 16 }, .a = { HEADS (2, 8) } },
  { "negative scale", .in = { { { 1, 9, 48 } } }, .out = { 1, 9, 16 },
    .a = { .n_heads = 2, .scale = -0.4 } },
  { "mask, ragged", .in = { { { 3, 21, 96 } }, { { 3, 21 }, D2V_FILL_RAGGED } },
    .out = { 3, 21, 32 }, .a = { HEADS (2, 16) } },
  { "mask, from the right",
    .in = { { { 3, 21, 96 } }, { { 3, 21 }, D2V_FILL_LEFT } },
    .out = { 3, 21, 32 }, .a = { HEADS (2, 16) } },
  { "mask with holes, not just 1",
    .in = { { { 3, 21, 96 } }, { { 3, 21 }, D2V_FILL_HOLES } },
    .out = { 3, 21, 32 }, .a = { HEADS (2, 16) } },
  { "no key counts",
    .in = { { { 3, 21, 96 } }, { { 3, 21 }, D2V_FILL_NONE_FIRST } },
    .out = { 3, 21, 32 }, .a = { HEADS (2, 16) } },
  { "mask, steep scores",
    .in = { { { 3, 21, 96 }, .by = 8 }, { { 3, 21 }, D2V_FILL_HOLES } },
    .out = { 3, 21, 32 }, .a = { HEADS (2, 16) } },
  { "mask, 200 steps",
    .in = { { { 2, 200, 96 } }, { { 2, 200 }, D2V_FILL_RAGGED } },
    .out = { 2, 200, 32 }, .a = { HEADS (2, 16) } },
  { "causal", .in = { { { 2, 19, 96 } } }, .out = { 2, 19, 32 },
    .a = { HEADS (2, 16), .causal = TRUE } },
  { "causal, 70 steps", .in = { { { 1, 70, 96 } } }, .out = { 1, 70, 32 },
    .a = { HEADS (2, 16), .causal = TRUE } },
  { "causal, ragged",
    .in = { { { 3, 19, 96 } }, { { 3, 19 }, D2V_FILL_RAGGED } },
    .out = { 3, 19, 32 }, .a = { HEADS (2, 16), .causal = TRUE } },
  /* The first queries have no key left. */
  { "causal, from the right",
    .in = { { { 3, 19, 96 } }, { { 3, 19 }, D2V_FILL_LEFT } },
    .out = { 3, 19, 32 }, .a = { HEADS (2, 16), .causal = TRUE } },
  { "causal, no key counts",
    .in = { { { 2, 19, 96 } }, { { 2, 19 }, D2V_FILL_NONE_FIRST } },
    .out = { 2, 19, 32 }, .a = { HEADS (2, 16), .causal = TRUE } },
  { "table 1 x 1", .in = { { { 1, 2, 24 } }, NO, { { 4, 2 } } },
    .out = { 1, 2, 8 }, .a = { HEADS (2, 4), .grid_h = 1, .grid_w = 1 } },
  { "table 2 x 3", .in = { { { 2, 7, 24 } }, NO, { { 18, 2 } } },
    .out = { 2, 7, 8 }, .a = { HEADS (2, 4), .grid_h = 2, .grid_w = 3 } },
  { "table 5 x 2", .in = { { { 2, 11, 24 } }, NO, { { 30, 2 } } },
    .out = { 2, 11, 8 }, .a = { HEADS (2, 4), .grid_h = 5, .grid_w = 2 } },
  { "table 14 x 14", .in = { { { 1, 197, 96 } }, NO, { { 732, 2 } } },
    .out = { 1, 197, 32 }, .a = { HEADS (2, 16), .grid_h = 14, .grid_w = 14 } },
  /* As long as half a minute of sound: what counts rounds of loops ends here.
   */
  { "1500 steps", .in = { { { 1, 1500, 192 } } }, .out = { 1, 1500, 64 },
    .a = { HEADS (1, 64) } },
  { "table 32 x 32", .in = { { { 1, 1025, 192 } }, NO, { { 3972, 1 } } },
    .out = { 1, 1025, 64 },
    .a = { HEADS (1, 64), .grid_h = 32, .grid_w = 32 } },
  { "distance, 512 steps",
    .in = { { { 1, 512, 192 } }, NO, NO, { { 1023, 64 } } },
    .out = { 1, 512, 64 }, .a = { HEADS (1, 64), .distance_mode = 2 } },
  { "table, steep", .in = { { { 1, 10, 24 } }, NO, { { 28, 2 }, .by = 50 } },
    .out = { 1, 10, 8 }, .a = { HEADS (2, 4), .grid_h = 3, .grid_w = 3 } },
  { "table and mask",
    .in = { { { 2, 10, 24 } }, { { 2, 10 }, D2V_FILL_RAGGED }, { { 28, 2 } } },
    .out = { 2, 10, 8 }, .a = { HEADS (2, 4), .grid_h = 3, .grid_w = 3 } },
  /* Below any number that is merely large in place of minus infinity. */
  { "table far below 0 and mask",
    .in = { { { 2, 10, 24 } },
            { { 2, 10 }, D2V_FILL_HOLES },
            { { 28, 2 }, .offset = -2e4 } },
    .out = { 2, 10, 8 }, .a = { HEADS (2, 4), .grid_h = 3, .grid_w = 3 } },
  { "distance q", .in = { { { 2, 13, 48 } }, NO, NO, { { 63, 8 } } },
    .out = { 2, 13, 16 }, .a = { HEADS (2, 8), .distance_mode = 1 } },
  { "distance q and k", .in = { { { 2, 13, 48 } }, NO, NO, { { 63, 8 } } },
    .out = { 2, 13, 16 }, .a = { HEADS (2, 8), .distance_mode = 2 } },
  { "distance, all of the table",
    .in = { { { 1, 32, 48 } }, NO, NO, { { 63, 8 } } }, .out = { 1, 32, 16 },
    .a = { HEADS (2, 8), .distance_mode = 2 } },
  { "distance, mask, causal",
    .in
    = { { { 3, 13, 48 } }, { { 3, 13 }, D2V_FILL_RAGGED }, NO, { { 63, 8 } } },
    .out = { 3, 13, 16 },
    .a = { HEADS (2, 8), .distance_mode = 1, .causal = TRUE } },
  { "cache, first step",
    .in = { { { 1, 1, 48 } }, NO, NO, NO, { { 2, 1, 20, 16 } }, PAST (0) },
    .out = { 1, 1, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, prompt",
    .in = { { { 2, 9, 48 } }, NO, NO, NO, { { 2, 2, 20, 16 } }, PAST (0) },
    .out = { 2, 9, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, one step",
    .in = { { { 2, 1, 48 } }, NO, NO, NO, { { 2, 2, 20, 16 } }, PAST (7) },
    .out = { 2, 1, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, several steps",
    .in = { { { 2, 5, 48 } }, NO, NO, NO, { { 2, 2, 20, 16 } }, PAST (7) },
    .out = { 2, 5, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, not causal",
    .in = { { { 2, 5, 48 } }, NO, NO, NO, { { 2, 2, 20, 16 } }, PAST (7) },
    .out = { 2, 5, 16 }, .a = { HEADS (2, 8) } },
  { "cache, full",
    .in = { { { 2, 5, 48 } }, NO, NO, NO, { { 2, 2, 20, 16 } }, PAST (15) },
    .out = { 2, 5, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, long",
    .in = { { { 1, 3, 96 } }, NO, NO, NO, { { 2, 1, 200, 32 } }, PAST (170) },
    .out = { 1, 3, 32 }, .a = { HEADS (2, 16), .causal = TRUE } },
  { "cache, mask as long as the cache",
    .in = { { { 3, 4, 48 } },
            { { 3, 20 }, D2V_FILL_LEFT },
            NO,
            NO,
            { { 2, 3, 20, 16 } },
            PAST (11) },
    .out = { 3, 4, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, mask as long as the keys",
    .in = { { { 3, 4, 48 } },
            { { 3, 15 }, D2V_FILL_RAGGED },
            NO,
            NO,
            { { 2, 3, 20, 16 } },
            PAST (11) },
    .out = { 3, 4, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, no key counts",
    .in = { { { 2, 4, 48 } },
            { { 2, 20 }, D2V_FILL_NONE_FIRST },
            NO,
            NO,
            { { 2, 2, 20, 16 } },
            PAST (11) },
    .out = { 2, 4, 16 }, .a = { HEADS (2, 8), .causal = TRUE } },
  { "cache, distance q",
    .in = { { { 2, 4, 48 } },
            NO,
            NO,
            { { 39, 8 } },
            { { 2, 2, 20, 16 } },
            PAST (11) },
    .out = { 2, 4, 16 },
    .a = { HEADS (2, 8), .causal = TRUE, .distance_mode = 1 } },
  { "cache, distance q and k",
    .in = { { { 2, 4, 48 } },
            NO,
            NO,
            { { 39, 8 } },
            { { 2, 2, 20, 16 } },
            PAST (16) },
    .out = { 2, 4, 16 },
    .a = { HEADS (2, 8), .causal = TRUE, .distance_mode = 2 } },
  { "text 128", .in = { { { 1, 128, 2304 } } }, .out = { 1, 128, 768 },
    .a = { HEADS (12, 64) }, .for_timing = TRUE },
  { "audio 10 s", .in = { { { 1, 499, 2304 } } }, .out = { 1, 499, 768 },
    .a = { HEADS (12, 64) }, .for_timing = TRUE },
  { "image 224", .in = { { { 1, 197, 2304 } }, NO, { { 732, 12 } } },
    .out = { 1, 197, 768 }, .a = { HEADS (12, 64), .grid_h = 14, .grid_w = 14 },
    .for_timing = TRUE },
  { "one token of 500",
    .in
    = { { { 1, 1, 2304 } }, NO, NO, NO, { { 2, 1, 512, 768 } }, PAST (499) },
    .out = { 1, 1, 768 }, .a = { HEADS (12, 64), .causal = TRUE },
    .for_timing = TRUE },
};

const D2vCheck d2v_check_attention = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 2e-6,
  .reason = "an error of a score is a relative error of its weight: float "
            "rounding of the largest score and of the sum over the values",
  .flop = flop,
  .state_slot = CACHE,
  .state = state,
};
