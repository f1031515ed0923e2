/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/scores.h"

#include <math.h>

#include "engine/base/math.h"

/* Two passes: without the maximum taken off, logits above 88 overflow. The
 * sum is kept in double, because a vocabulary of 50265 small terms added one
 * after the other would lose the last three digits in float. */
void
d2v_softmax (const gfloat *logits, gfloat *out, gsize n)
{
  gfloat max = -INFINITY;
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    max = logits[i] > max ? logits[i] : max;
  for (gsize i = 0; i < n; i++)
    {
      out[i] = expf (logits[i] - max);
      sum += out[i];
    }
  for (gsize i = 0; i < n; i++)
    out[i] = (gfloat)(out[i] / sum);
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
