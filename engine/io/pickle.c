/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pickle.c: one pickle from its first opcode to STOP. */

#include "engine/io/pickle_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#define MAX_BYTES ((gsize) 64 << 20)
#define MAX_OPERATIONS 4000000
#define MAX_NODE_BYTES ((gsize) 128 << 20)
/* So that a small file cannot ask for much: what any real one needs, and
 * more. */
#define FREE_NODE_BYTES ((gsize) 16 << 20)
#define NODE_BYTES_PER_BYTE 8

static gboolean
run (D2vPickleMachine *m, GError **error)
{
  for (guint n = 0; !m->stopped; n++)
    {
      m->at = m->position;
      if (n == MAX_OPERATIONS)
        return d2v_pickle_fail_limit (m, "at most 4000000 operations", error);
      const guint8 *opcode = d2v_pickle_take (m, 1, error);
      if (opcode == NULL)
        return FALSE;
      if (n == 0 && *opcode != 0x80)
        return d2v_pickle_fail (m, D2V_ERROR_PKL_OPCODE,
                                "protocol 2, once, at the beginning", error);
      if (!d2v_pickle_execute (m, *opcode, error))
        return FALSE;
    }
  return TRUE;
}

D2vPickle *
d2v_pickle_parse (gconstpointer bytes, gsize n_bytes, const gchar *where,
                  GError **error)
{
  D2vPickleMachine m = { .bytes = bytes, .length = n_bytes, .where = where };

  if (n_bytes > MAX_BYTES)
    {
      d2v_pickle_fail_limit (&m, "a pickle of at most 64 MiB", error);
      return NULL;
    }
  m.pickle = g_new0 (D2vPickle, 1);
  m.pickle->arena.max_bytes = d2v_min (
      MAX_NODE_BYTES, FREE_NODE_BYTES + NODE_BYTES_PER_BYTE * n_bytes);
  m.stack = d2v_malloc_n (D2V_PICKLE_MAX_STACK, sizeof *m.stack);
  m.marks = d2v_malloc_n (D2V_PICKLE_MAX_MARKS, sizeof *m.marks);
  m.memo = g_hash_table_new (NULL, NULL);
  gboolean fine
      = m.stack != NULL && m.marks != NULL
            ? run (&m, error)
            : d2v_fail (error, D2V_ERROR_NO_MEMORY, where, "for a stack");
  g_hash_table_unref (m.memo);
  d2v_free (m.stack);
  d2v_free (m.marks);
  if (!fine)
    g_clear_pointer (&m.pickle, d2v_pickle_free);
  return m.pickle;
}

void
d2v_pickle_free (D2vPickle *pickle)
{
  if (pickle == NULL)
    return;
  d2v_pickle_arena_clear (&pickle->arena);
  g_free (pickle);
}

const D2vPickleNode *
d2v_pickle_root (const D2vPickle *pickle)
{
  return pickle->root;
}
