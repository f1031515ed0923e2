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

gboolean
d2v_bpe_trie_add (D2vBpeTrie *trie, const gchar *text, gsize length,
                  guint32 token)
{
  guint32 node = 0;

  if (trie->n_nodes == 0 && !add_node (trie))
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
  d2v_free (trie->found);
  memset (trie, 0, sizeof *trie);
}

/* The longest string that begins at text[0]; *length becomes its bytes. */
static guint32
longest (const D2vBpeTrie *trie, const gchar *text, gsize n, gsize *length)
{
  guint32 node = 0, best = D2V_BPE_NONE;

  for (gsize i = 0; i < n; i++)
    {
      node = d2v_pair_map_get (&trie->edges, node, (guint8) text[i]);
      if (node == D2V_BPE_NONE)
        break;
      if (trie->found[node] != D2V_BPE_NONE)
        {
          best = trie->found[node];
          *length = i + 1;
        }
    }
  return best;
}

/* ------------------------------------------------------------- matching -- */

/* Finds the leftmost of the longest; they do not overlap. */
static gboolean
find (D2vBpeScan *scan, D2vBpeMatch *match)
{
  for (gsize at = scan->at; at < scan->end; at++)
    {
      gsize length = 0;

      if (!scan->trie->begins[(guint8) scan->text[at]])
        continue;
      guint32 i
          = longest (scan->trie, scan->text + at, scan->end - at, &length);
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
