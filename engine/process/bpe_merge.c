/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include "engine/base/alloc.h"

gboolean
d2v_bpe_merger_reserve (D2vBpeMerger *merger, gsize n)
{
  gpointer symbols = d2v_bpe_grow (merger->symbols, &merger->symbols_capacity,
                                   0, n, sizeof (D2vBpeSymbol));

  if (symbols)
    merger->symbols = symbols;
  /* One pair per symbol at first, and each of n - 1 merges makes two. */
  gpointer heap = d2v_bpe_grow (merger->heap, &merger->heap_capacity, 0, 3 * n,
                                sizeof (guint64));
  if (heap)
    merger->heap = heap;
  return symbols && heap;
}

void
d2v_bpe_merger_clear (D2vBpeMerger *merger)
{
  d2v_free (merger->symbols);
  d2v_free (merger->heap);
}

/* Ranks the pair that begins with symbol @i anew. In a fresh row the next
 * symbol has its id already, which is all that is asked of it. */
static guint32
rank_pair (const D2vTokenizer *tokenizer, D2vBpeSymbol *symbols, gsize n,
           guint32 i)
{
  guint32 j = symbols[i].next;

  symbols[i].rank = j == n ? D2V_BPE_NONE
                           : d2v_pair_map_get (&tokenizer->merges,
                                               symbols[i].id, symbols[j].id);
  return symbols[i].rank;
}

/* Symbol @i takes its neighbour in. */
static void
join (const D2vTokenizer *tokenizer, D2vBpeSymbol *symbols, gsize n, guint32 i)
{
  guint32 j = symbols[i].next;

  symbols[i].id = tokenizer->merged[symbols[i].rank];
  symbols[i].next = symbols[j].next;
  symbols[j].rank = D2V_BPE_NONE;
  if (symbols[i].next < n)
    symbols[symbols[i].next].previous = i;
}

/* ---------------------------------------------------------------- heap -- */

static void
sift_down (guint64 *heap, gsize n, gsize root)
{
  guint64 moved = heap[root];

  for (gsize child; (child = 2 * root + 1) < n; root = child)
    {
      if (child + 1 < n && heap[child + 1] < heap[child])
        child++;
      if (moved <= heap[child])
        break;
      heap[root] = heap[child];
    }
  heap[root] = moved;
}

static void
push (guint64 *heap, gsize *n, guint32 rank, guint32 symbol)
{
  guint64 key = (guint64) rank << 32 | symbol;
  gsize at = *n;

  if (rank == D2V_BPE_NONE)
    return;
  for (gsize parent; at > 0 && heap[parent = (at - 1) / 2] > key; at = parent)
    heap[at] = heap[parent];
  heap[at] = key;
  *n += 1;
}

/* Symbols in a row, each with the rank of its pair, which the heap gets. */
static gsize
line_up (const D2vTokenizer *tokenizer, D2vBpeSymbol *symbols, guint64 *heap,
         gsize n)
{
  gsize n_heap = 0;

  for (guint32 i = 0; i < n; i++)
    {
      symbols[i].previous = i - 1;
      symbols[i].next = i + 1;
      if (rank_pair (tokenizer, symbols, n, i) != D2V_BPE_NONE)
        heap[n_heap++] = (guint64) symbols[i].rank << 32 | i;
    }
  for (gsize root = n_heap / 2; root-- > 0;)
    sift_down (heap, n_heap, root);
  return n_heap;
}

/* The heap gives the lowest rank and of equal ones the leftmost. Pairs that
 * changed since they were pushed are left in it and passed over: their rank
 * is no longer that of their symbol. */
void
d2v_bpe_merge (const D2vTokenizer *tokenizer, D2vBpeMerger *merger, gsize n)
{
  D2vBpeSymbol *symbols = merger->symbols;
  guint64 *heap = merger->heap;
  gsize n_heap = line_up (tokenizer, symbols, heap, n);

  while (n_heap > 0)
    {
      guint32 i = (guint32) heap[0];
      gboolean stale = symbols[i].rank != heap[0] >> 32;

      heap[0] = heap[--n_heap];
      if (n_heap > 0)
        sift_down (heap, n_heap, 0);
      if (stale)
        continue;
      join (tokenizer, symbols, n, i);
      push (heap, &n_heap, rank_pair (tokenizer, symbols, n, i), i);
      if (i > 0)
        {
          guint32 before = symbols[i].previous;

          push (heap, &n_heap, rank_pair (tokenizer, symbols, n, before),
                before);
        }
    }
}
