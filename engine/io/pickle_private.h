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
