/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/process/unicode.h"

/* ---------------------------------------------------------------- trie -- */

static gboolean
add_node (D2vBpeTrie *trie)
{
  gpointer grown = d2v_bpe_grow (trie->found, &trie->capacity, trie->n_nodes,
                                 trie->n_nodes + 1, sizeof (guint32));

  if (!grown)
    return FALSE;
  trie->found = grown;
  trie->found[trie->n_nodes++] = D2V_BPE_NONE;
  return TRUE;
}

static gboolean
add_back_node (D2vBpeTrie *trie, guint32 parent, guint8 byte, guint16 depth)
{
  gpointer grown = d2v_bpe_grow (trie->back, &trie->back_capacity, trie->n_back,
                                 trie->n_back + 1, sizeof *trie->back);

  if (!grown)
    return FALSE;
  trie->back = grown;
  trie->back[trie->n_back++] = (D2vBpeBackNode){
    .parent = parent, .found = D2V_BPE_NONE, .depth = depth, .byte = byte
  };
  return TRUE;
}

static gboolean
add_back (D2vBpeTrie *trie, const gchar *text, gsize length, guint32 token)
{
  guint32 node = 0;

  if (trie->n_back == 0 && !add_back_node (trie, 0, 0, 0))
    return FALSE;
  for (gsize i = length; i-- > 0;)
    {
      guint8 byte = (guint8) text[i];
      guint32 child = d2v_pair_map_get (&trie->back_edges, node, byte);

      if (child == D2V_BPE_NONE)
        {
          child = (guint32) trie->n_back;
          if (!add_back_node (trie, node, byte, (guint16) (length - i))
              || !d2v_pair_map_add (&trie->back_edges, node, byte, child))
            return FALSE;
        }
      node = child;
    }
  trie->back[node].found = token;
  trie->back[node].length = (guint16) length;
  return TRUE;
}

/* The node after @node when @byte stands before the text read so far. */
static guint32
step_back (const D2vBpeTrie *trie, guint32 node, guint8 byte)
{
  guint32 next;

  while ((next = d2v_pair_map_get (&trie->back_edges, node, byte))
             == D2V_BPE_NONE
         && node != 0)
    node = trie->back[node].fall;
  return next != D2V_BPE_NONE ? next : 0;
}

/* Those above it are finished. */
static void
finish_node (D2vBpeTrie *trie, guint32 id)
{
  D2vBpeBackNode *node = &trie->back[id];

  if (node->depth > 1)
    node->fall = step_back (trie, trie->back[node->parent].fall, node->byte);
  if (node->found == D2V_BPE_NONE)
    {
      node->found = trie->back[node->fall].found;
      node->length = trie->back[node->fall].length;
    }
}

/* Nodes level by level: sorted by depth, which counts up to the longest. */
gboolean
d2v_bpe_trie_finish (D2vBpeTrie *trie)
{
  gsize ends[D2V_MAX_TOKEN_BYTES + 2] = { 0 };
  guint32 *order = d2v_malloc_n (trie->n_back + 1, sizeof *order);

  if (!order)
    return FALSE;
  for (gsize i = 0; i < trie->n_back; i++)
    ends[trie->back[i].depth + 1]++;
  for (gsize d = 1; d < G_N_ELEMENTS (ends); d++)
    ends[d] += ends[d - 1];
  for (gsize i = 0; i < trie->n_back; i++)
    order[ends[trie->back[i].depth]++] = (guint32) i;
  for (gsize i = 0; i < trie->n_back; i++)
    finish_node (trie, order[i]);
  d2v_free (order);
  return TRUE;
}

gboolean
d2v_bpe_trie_add (D2vBpeTrie *trie, const gchar *text, gsize length,
                  guint32 token)
{
  guint32 node = 0;

  if (!add_back (trie, text, length, token)
      || (trie->n_nodes == 0 && !add_node (trie)))
    return FALSE;
  trie->begins[(guint8) text[0]] = TRUE;
  for (gsize i = 0; i < length; i++)
    {
      guint8 byte = (guint8) text[i];
      guint32 child = d2v_pair_map_get (&trie->edges, node, byte);

      if (child == D2V_BPE_NONE)
        {
          child = (guint32) trie->n_nodes;
          if (!add_node (trie)
              || !d2v_pair_map_add (&trie->edges, node, byte, child))
            return FALSE;
        }
      node = child;
    }
  trie->found[node] = token;
  return TRUE;
}

void
d2v_bpe_trie_clear (D2vBpeTrie *trie)
{
  d2v_pair_map_clear (&trie->edges);
  d2v_pair_map_clear (&trie->back_edges);
  d2v_free (trie->back);
  d2v_free (trie->found);
  memset (trie, 0, sizeof *trie);
}

/* ------------------------------------------------------------- matching -- */

/* By walking from @at. */
static guint32
walk (D2vBpeScan *scan, gsize at, gsize *length)
{
  const D2vBpeTrie *trie = scan->trie;
  guint32 node = 0, best = D2V_BPE_NONE;

  for (gsize i = at; i < scan->end; i++)
    {
      scan->n_steps++;
      node = d2v_pair_map_get (&trie->edges, node, (guint8) scan->text[i]);
      if (node == D2V_BPE_NONE)
        break;
      if (trie->found[node] != D2V_BPE_NONE)
        {
          best = trie->found[node];
          *length = i + 1 - at;
        }
    }
  return best;
}

/* Looks up the places from @at on. No string is too long to be read whole:
 * the walk begins so far behind the last place. */
static void
fill_block (D2vBpeScan *scan, gsize at)
{
  gsize end = MIN (at + D2V_BPE_BLOCK, scan->end);
  guint32 node = 0;

  for (gsize i = MIN (end + D2V_MAX_TOKEN_BYTES, scan->end); i-- > at;)
    {
      node = step_back (scan->trie, node, (guint8) scan->text[i]);
      if (i < end)
        scan->block[i - at] = node;
    }
  scan->block_begin = at;
  scan->block_end = end;
}

/* The longest string that begins at @at; *length becomes its bytes. */
static guint32
longest (D2vBpeScan *scan, gsize at, gsize *length)
{
  gboolean known = at >= scan->block_begin && at < scan->block_end;

  /* More steps than a text that happens to be so takes. */
  if (!known && scan->n_steps > 256 + 16 * (at - scan->begin))
    {
      fill_block (scan, at);
      known = TRUE;
    }
  if (!known)
    return walk (scan, at, length);
  const D2vBpeBackNode *node
      = &scan->trie->back[scan->block[at - scan->block_begin]];
  *length = node->length;
  return node->found;
}

/* Finds the leftmost of the longest; they do not overlap. */
static gboolean
find (D2vBpeScan *scan, D2vBpeMatch *match)
{
  for (gsize at = scan->at; at < scan->end; at++)
    {
      gsize length = 0;

      if (!scan->trie->begins[(guint8) scan->text[at]])
        continue;
      guint32 i = longest (scan, at, &length);
      if (i == D2V_BPE_NONE)
        continue;
      match->token = &scan->tokenizer->added[i];
      match->name_begin = at;
      match->name_end = scan->at = at + length;
      return TRUE;
    }
  return FALSE;
}

/* Neither neighbour is a word character; the segment's ends are none. */
static gboolean
stands_alone (const D2vBpeScan *scan, const D2vBpeMatch *match)
{
  gsize at = match->name_end;

  if (at < scan->end && (d2v_utf8_next_class (scan->text, &at) & D2V_CHAR_WORD))
    return FALSE;
  if (match->name_begin == scan->begin)
    return TRUE;
  at = d2v_utf8_before (scan->text, match->name_begin);
  return !(d2v_utf8_next_class (scan->text, &at) & D2V_CHAR_WORD);
}

static gboolean
is_space (const gchar *text, gsize at, gsize *next)
{
  *next = at;
  return (d2v_utf8_next_class (text, next) & D2V_CHAR_KIND) == D2V_CHAR_SPACE;
}

/* Where white space left of @at begins, not before the last match. */
static gsize
swallow_left (const D2vBpeScan *scan, gsize at)
{
  gsize next;

  while (at > scan->done)
    {
      gsize before = d2v_utf8_before (scan->text, at);

      if (!is_space (scan->text, before, &next))
        break;
      at = before;
    }
  return MAX (at, scan->done);
}

/* Where white space right of @at ends. The run is remembered, because added
 * tokens that are white space themselves may match inside it again and again,
 * and each would walk to its end. */
static gsize
swallow_right (D2vBpeScan *scan, gsize at)
{
  if (at < scan->space_begin || at > scan->space_end)
    {
      gsize next;

      scan->space_begin = scan->space_end = at;
      while (scan->space_end < scan->end
             && is_space (scan->text, scan->space_end, &next))
        scan->space_end = next;
    }
  return scan->space_end;
}

/* A match inside white space that the one before it swallowed is still a
 * match, and what lies behind it is text once more: as in the original. One
 * that swallows to the left there would begin behind its own end, where the
 * original breaks down; it is made empty. */
gboolean
d2v_bpe_scan_next (D2vBpeScan *scan, D2vBpeMatch *match)
{
  while (find (scan, match))
    {
      const D2vAddedToken *token = match->token;

      if (token->single_word && !stands_alone (scan, match))
        continue;
      match->begin = match->name_begin;
      match->end = match->name_end;
      if (token->rstrip)
        match->end = swallow_right (scan, match->end);
      if (token->lstrip)
        match->begin = MIN (swallow_left (scan, match->begin), match->end);
      scan->done = match->end;
      return TRUE;
    }
  return FALSE;
}
