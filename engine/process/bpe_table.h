/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bpe_table.h: the two tables a tokenizer looks things up in.
 *
 * Both hash with a seed drawn per table, so that a file cannot be made whose
 * entries all collide. They only grow; after that any thread may look up. */
#pragma once

#include <glib.h>

#define D2V_BPE_NONE G_MAXUINT32

/* @array, which holds @used items of @size bytes in memory of d2v_malloc(),
 * with room for at least @wanted > 0 of them, moved if need be and then at
 * least doubled. NULL, and the array as it was, when memory is short. */
gpointer d2v_bpe_grow (gpointer array, gsize *capacity, gsize used,
                       gsize wanted, gsize size);

/* Two numbers to one. No value may be D2V_BPE_NONE. */
typedef struct
{
  guint64 key;
  guint32 value; /* D2V_BPE_NONE: free */
} D2vPairEntry;

typedef struct
{
  D2vPairEntry *entries; /* mask + 1, at most half of them in use */
  gsize mask;
  gsize n;
  guint64 seed;
} D2vPairMap;

/* Room for @n pairs at once; FALSE when memory is short. A map of zeros is
 * empty and ready. */
gboolean d2v_pair_map_reserve (D2vPairMap *map, gsize n);
/* Adds a pair that is not there yet; FALSE when memory is short. */
gboolean d2v_pair_map_add (D2vPairMap *map, guint32 a, guint32 b,
                           guint32 value);
void d2v_pair_map_clear (D2vPairMap *map);

static inline gsize
d2v_pair_hash (const D2vPairMap *map, guint64 key)
{
  guint64 h = key ^ map->seed;

  h = (h ^ h >> 32) * G_GUINT64_CONSTANT (0x9fb21c651e98df25);
  h = (h ^ h >> 28) * G_GUINT64_CONSTANT (0x9fb21c651e98df25);
  return (h ^ h >> 29) & map->mask;
}

/* D2V_BPE_NONE when the pair is not there. */
static inline guint32
d2v_pair_map_get (const D2vPairMap *map, guint32 a, guint32 b)
{
  guint64 key = (guint64) a << 32 | b;

  if (map->n == 0)
    return D2V_BPE_NONE;
  for (gsize i = d2v_pair_hash (map, key);; i = (i + 1) & map->mask)
    {
      const D2vPairEntry *entry = &map->entries[i];

      if (entry->key == key || entry->value == D2V_BPE_NONE)
        return entry->value;
    }
}

/* Strings by id and ids by string. Ids may have gaps. */
typedef struct
{
  guint32 begin;  /* in bytes */
  guint32 length; /* D2V_BPE_NONE: a gap */
} D2vTokenName;

typedef struct
{
  D2vTokenName *names; /* n_ids */
  gsize n_ids, capacity;
  gsize n;      /* strings */
  gchar *bytes; /* the strings one after the other, each with a NUL */
  gsize n_bytes, bytes_capacity;
  guint32 *slots; /* slot_mask + 1 ids, D2V_BPE_NONE: free */
  gsize slot_mask;
  guint64 seed;
} D2vTokenNames;

/* Adds @text under @id, neither of which is there yet; FALSE when memory is
 * short. A table of zeros is empty and ready. */
gboolean d2v_token_names_add (D2vTokenNames *names, const gchar *text,
                              gsize length, guint32 id);
/* The id of @text, D2V_BPE_NONE when there is none. */
guint32 d2v_token_names_find (const D2vTokenNames *names, const gchar *text,
                              gsize length);
/* The string of @id, NUL-terminated, NULL when there is none. It may move when
 * another one is added. @length may be NULL. */
const gchar *d2v_token_names_get (const D2vTokenNames *names, guint32 id,
                                  gsize *length);
void d2v_token_names_clear (D2vTokenNames *names);
