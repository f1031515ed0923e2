/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* token_map.h: a flat JSON object of token to id, as vocab.json and
 * added_tokens.json are (rule T1), read without a tree. */
#pragma once

#include "engine/io/file.h"

#define D2V_MAX_TOKENS (1 << 20)
#define D2V_MAX_TOKEN_BYTES 1024

typedef struct
{
  const gchar *token; /* valid UTF-8 */
  guint id;
} D2vTokenEntry;

typedef struct
{
  D2vTokenEntry *entries; /* in the order of the file */
  guint n_entries;
  GHashTable *by_token; /* token to its D2vTokenEntry; borrows both */
  gchar *text;          /* the file, which holds the tokens */
} D2vTokenMap;

/* Ids must be unique and lie in 0..@n_ids - 1. JSON for what is no JSON,
 * TOK_UNSUPPORTED for an object of objects, TOK_VOCAB for anything else. */
D2vTokenMap *d2v_token_map_read (const D2vDir *dir, const gchar *name,
                                 gsize n_ids, GError **error);
/* The same from memory, for tests and fuzzing. */
D2vTokenMap *d2v_token_map_parse (const gchar *text, gsize length,
                                  const gchar *name, gsize n_ids,
                                  GError **error);
void d2v_token_map_free (D2vTokenMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTokenMap, d2v_token_map_free)

/* -1 when there is no such token. */
gint64 d2v_token_map_find (const D2vTokenMap *map, const gchar *token);
