/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/scores.h"

#include <math.h>

#include "engine/base/math.h"

/* In float and in NumPy's order, which keeps nearly all digits of a long sum:
 * where a score is as good as 1 it is then 1 as in the original, and what
 * depends on two scores being equal comes out the same. */
static gfloat
sum_pairwise (const gfloat *x, gsize n)
{
  gfloat lanes[8], sum = 0;
  gsize half = n / 2 - n / 2 % 8, i = 0;

  if (n > 128)
    return sum_pairwise (x, half) + sum_pairwise (x + half, n - half);
  if (n >= 8)
    {
      for (gsize k = 0; k < 8; k++)
        lanes[k] = x[k];
      for (i = 8; i + 8 <= n; i += 8)
        for (gsize k = 0; k < 8; k++)
          lanes[k] += x[i + k];
      sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
            + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
  for (; i < n; i++)
    sum += x[i];
  return sum;
}

/* Without the maximum taken off, logits above 88 overflow. */
void
d2v_softmax (const gfloat *logits, gfloat *out, gsize n)
{
  gfloat max = -INFINITY;

  for (gsize i = 0; i < n; i++)
    max = logits[i] > max ? logits[i] : max;
  for (gsize i = 0; i < n; i++)
    out[i] = expf (logits[i] - max);
  gfloat sum = sum_pairwise (out, n);
  for (gsize i = 0; i < n; i++)
    out[i] /= sum;
}

void
d2v_sigmoid_n (const gfloat *logits, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = 1.0f / (1.0f + expf (-logits[i]));
}

/* A total order even over NaN, so that neither the heap below nor its callers
 * depend on the numbers being sane. */
static gboolean
beats (const gfloat *scores, gsize a, gsize b)
{
  gboolean a_nan = isnan (scores[a]), b_nan = isnan (scores[b]);

  if (a_nan != b_nan)
    return b_nan;
  if (!a_nan && scores[a] != scores[b])
    return scores[a] > scores[b];
  return a < b;
}

gsize
d2v_argmax (const gfloat *scores, gsize n)
{
  gsize best = 0;

  g_assert (n > 0);
  for (gsize i = 1; i < n; i++)
    if (beats (scores, i, best))
      best = i;
  return best;
}

/* Restores the heap below @root: every parent loses against its children. */
static void
sift_down (const gfloat *scores, gsize *heap, gsize n, gsize root)
{
  gsize moved = heap[root];

  for (gsize child; (child = 2 * root + 1) < n; root = child)
    {
      if (child + 1 < n && beats (scores, heap[child], heap[child + 1]))
        child++;
      if (beats (scores, heap[child], moved))
        break;
      heap[root] = heap[child];
    }
  heap[root] = moved;
}

/* The heap holds the best so far with the worst of them on top, in @order
 * itself; taking the top off again and again then leaves it sorted. */
gsize
d2v_top_k (const gfloat *scores, gsize n, gsize top_k, gsize *order)
{
  gsize k = d2v_min (top_k, n);

  for (gsize i = 0; i < k; i++)
    order[i] = i;
  for (gsize root = k / 2; root-- > 0;)
    sift_down (scores, order, k, root);
  for (gsize i = k; i < n && k > 0; i++)
    if (beats (scores, i, order[0]))
      {
        order[0] = i;
        sift_down (scores, order, k, 0);
      }
  for (gsize left = k; left > 1; left--)
    {
      gsize worst = order[0];

      order[0] = order[left - 1];
      order[left - 1] = worst;
      sift_down (scores, order, left - 1, 0);
    }
  return k;
}
