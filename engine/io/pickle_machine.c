/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pickle_machine.c: the stack, its marks and its nodes. */

#include "engine/io/pickle_private.h"

#include "engine/base/error.h"

#include <string.h>

#define MAX_NODES 2000000
#define MAX_DEPTH 64

/* ------------------------------------------------------------- errors -- */

gboolean
d2v_pickle_fail (D2vPickleMachine *m, D2vErrorCode code, const gchar *expected,
                 GError **error)
{
  return d2v_fail (error, code, m->where,
                   "expected %s at byte %" G_GSIZE_FORMAT " of the pickle (P)",
                   expected, m->at);
}

gboolean
d2v_pickle_fail_structure (D2vPickleMachine *m, const gchar *expected,
                           GError **error)
{
  return d2v_pickle_fail (m, D2V_ERROR_PKL_STRUCTURE, expected, error);
}

gboolean
d2v_pickle_fail_limit (D2vPickleMachine *m, const gchar *expected,
                       GError **error)
{
  return d2v_pickle_fail (m, D2V_ERROR_PKL_LIMIT, expected, error);
}

/* ----------------------------------------------------- bytes and nodes -- */

const guint8 *
d2v_pickle_take (D2vPickleMachine *m, gsize n, GError **error)
{
  if (n > m->length - m->position)
    {
      d2v_pickle_fail_structure (m, "an opcode with all of its argument",
                                 error);
      return NULL;
    }
  m->position += n;
  return m->bytes + m->position - n;
}

static gpointer
take_memory (D2vPickleMachine *m, gsize n_bytes, GError **error)
{
  gpointer memory = d2v_pickle_arena_take (&m->pickle->arena, n_bytes);

  if (memory == NULL)
    d2v_pickle_fail_limit (m, "nodes of fewer bytes, by the pickle's length",
                           error);
  return memory;
}

D2vPickleNode *
d2v_pickle_new_node (D2vPickleMachine *m, D2vPickleKind kind, GError **error)
{
  if (m->n_nodes == MAX_NODES)
    {
      d2v_pickle_fail_limit (m, "at most 2000000 nodes", error);
      return NULL;
    }
  m->n_nodes++;
  D2vPickleNode *node = take_memory (m, sizeof *node, error);
  if (node == NULL)
    return NULL;
  node->kind = kind;
  if (kind == D2V_PICKLE_DICT)
    {
      node->next_dict = m->pickle->dicts;
      m->pickle->dicts = node;
    }
  return node;
}

gboolean
d2v_pickle_push (D2vPickleMachine *m, D2vPickleNode *node, GError **error)
{
  if (m->n_stack == D2V_PICKLE_MAX_STACK)
    return d2v_pickle_fail_limit (m, "a stack of at most 65536 nodes", error);
  m->stack[m->n_stack++] = node;
  return TRUE;
}

guint
d2v_pickle_floor (const D2vPickleMachine *m)
{
  return m->n_marks > 0 ? m->marks[m->n_marks - 1] : 0;
}

D2vPickleNode **
d2v_pickle_pop (D2vPickleMachine *m, guint n, GError **error)
{
  if (m->n_stack - d2v_pickle_floor (m) < n)
    {
      d2v_pickle_fail_structure (m, "enough on the stack", error);
      return NULL;
    }
  m->n_stack -= n;
  return m->stack + m->n_stack;
}

D2vPickleNode **
d2v_pickle_pop_to_mark (D2vPickleMachine *m, guint *n, GError **error)
{
  if (m->n_marks == 0)
    {
      d2v_pickle_fail_structure (m, "a mark", error);
      return NULL;
    }
  guint begin = m->marks[--m->n_marks];
  *n = m->n_stack - begin;
  m->n_stack = begin;
  return m->stack + begin;
}

static gboolean
include_depth (D2vPickleMachine *m, D2vPickleNode *node,
               const D2vPickleNode *inner, GError **error)
{
  if (inner->depth >= MAX_DEPTH)
    return d2v_pickle_fail_limit (m, "nesting of at most 64", error);
  node->depth = MAX (node->depth, inner->depth + 1);
  return TRUE;
}

gboolean
d2v_pickle_fill_items (D2vPickleMachine *m, D2vPickleNode *node,
                       D2vPickleNode *const *items, guint n, GError **error)
{
  if (n == 0)
    return TRUE;
  node->items = take_memory (m, n * sizeof *items, error);
  if (node->items == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!include_depth (m, node, items[i], error))
      return FALSE;
  memcpy (node->items, items, n * sizeof *items);
  node->n = node->room = n;
  return TRUE;
}

gboolean
d2v_pickle_append_item (D2vPickleMachine *m, D2vPickleNode *node,
                        D2vPickleNode *item, GError **error)
{
  if (node->n == node->room)
    {
      guint room = MAX (4, 2 * node->room);
      D2vPickleNode **items = take_memory (m, room * sizeof *items, error);
      if (items == NULL)
        return FALSE;
      if (node->n > 0)
        memcpy (items, node->items, node->n * sizeof *items);
      node->items = items;
      node->room = room;
    }
  node->items[node->n++] = item;
  return include_depth (m, node, item, error);
}
