/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/io/pickle.h"

/* All nodes of one pickle, freed at once: no recursion, however deep they are
 * nested. */
typedef struct _D2vPickleChunk D2vPickleChunk;
typedef struct
{
  D2vPickleChunk *chunks;
  gsize n_left; /* in the newest chunk */
  gsize n_bytes, max_bytes;
} D2vPickleArena;

struct _D2vPickle
{
  D2vPickleArena arena;
  D2vPickleNode *root;
  D2vPickleNode *dicts;
};

typedef struct
{
  D2vPickle *pickle;
  const guint8 *bytes;
  gsize length, position;
  gsize at; /* of the current opcode */
  const gchar *where;
  D2vPickleNode **stack; /* D2V_PICKLE_MAX_STACK */
  guint n_stack;
  guint *marks; /* D2V_PICKLE_MAX_MARKS heights of the stack */
  guint n_marks;
  GHashTable *memo; /* sparse: an index never sizes anything */
  guint n_nodes;
  gboolean stopped;
} D2vPickleMachine;

#define D2V_PICKLE_MAX_STACK 65536
#define D2V_PICKLE_MAX_MARKS 4096

/* pickle_ops.c: one opcode, whose byte has been taken. */
gboolean d2v_pickle_execute (D2vPickleMachine *m, guint8 opcode,
                             GError **error);

/* pickle_machine.c: errors name the current opcode's place. */
gboolean d2v_pickle_fail (D2vPickleMachine *m, D2vErrorCode code,
                          const gchar *expected, GError **error);
gboolean d2v_pickle_fail_structure (D2vPickleMachine *m, const gchar *expected,
                                    GError **error);
gboolean d2v_pickle_fail_limit (D2vPickleMachine *m, const gchar *expected,
                                GError **error);
/* The next @n bytes; NULL when there are fewer. */
const guint8 *d2v_pickle_take (D2vPickleMachine *m, gsize n, GError **error);
/* Zeroed, in the arena. */
D2vPickleNode *d2v_pickle_new_node (D2vPickleMachine *m, D2vPickleKind kind,
                                    GError **error);
/* Copies @items into the node. */
gboolean d2v_pickle_fill_items (D2vPickleMachine *m, D2vPickleNode *node,
                                D2vPickleNode *const *items, guint n,
                                GError **error);
gboolean d2v_pickle_append_item (D2vPickleMachine *m, D2vPickleNode *node,
                                 D2vPickleNode *item, GError **error);
gboolean d2v_pickle_push (D2vPickleMachine *m, D2vPickleNode *node,
                          GError **error);
/* Nothing below an open mark may be taken: the height of the latest. */
guint d2v_pickle_floor (const D2vPickleMachine *m);
/* The @n topmost, which stay in memory above the new top; NULL when there are
 * fewer. */
D2vPickleNode **d2v_pickle_pop (D2vPickleMachine *m, guint n, GError **error);
/* Everything above the latest mark, which is taken too. */
D2vPickleNode **d2v_pickle_pop_to_mark (D2vPickleMachine *m, guint *n,
                                        GError **error);

/* Zeroed; NULL when the ceiling is reached or memory is short. */
gpointer d2v_pickle_arena_take (D2vPickleArena *arena, gsize n_bytes);
void d2v_pickle_arena_clear (D2vPickleArena *arena);

/* The global of this module and name. */
gboolean d2v_pickle_find_global (const gchar *module, gsize n_module,
                                 const gchar *name, gsize n_name,
                                 D2vPickleGlobal *global, D2vDType *dtype);
/* *unique becomes whether no dict has a string key twice. FALSE when memory is
 * short. */
gboolean d2v_pickle_keys_are_unique (const D2vPickle *pickle, gboolean *unique);
