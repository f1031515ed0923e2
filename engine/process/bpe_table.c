/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_table.h"

#include <string.h>

#include "engine/base/alloc.h"

static guint64
draw_seed (void)
{
  return (guint64) g_random_int () << 32 | g_random_int ();
}

gpointer
d2v_bpe_grow (gpointer array, gsize *capacity, gsize used, gsize wanted,
              gsize size)
{
  gsize grown = MAX (wanted, MAX (*capacity * 2, 64));

  if (wanted <= *capacity)
    return array;
  gpointer memory = d2v_malloc_n (grown, size);
  if (!memory)
    return NULL;
  if (used > 0)
    memcpy (memory, array, used * size);
  d2v_free (array);
  *capacity = grown;
  return memory;
}

/* --------------------------------------------------------------- pairs -- */

static void
insert_pair (D2vPairMap *map, const D2vPairEntry *entry)
{
  gsize i = d2v_pair_hash (map, entry->key);

  while (map->entries[i].value != D2V_BPE_NONE)
    i = (i + 1) & map->mask;
  map->entries[i] = *entry;
}

gboolean
d2v_pair_map_reserve (D2vPairMap *map, gsize n)
{
  D2vPairMap old = *map;
  gsize size = 16;

  while (size / 2 < n)
    size *= 2;
  if (old.entries && size <= old.mask + 1)
    return TRUE;
  map->entries = d2v_malloc_n (size, sizeof (D2vPairEntry));
  if (!map->entries)
    {
      *map = old;
      return FALSE;
    }
  map->mask = size - 1;
  map->seed = old.entries ? old.seed : draw_seed ();
  for (gsize i = 0; i < size; i++)
    map->entries[i] = (D2vPairEntry){ 0, D2V_BPE_NONE };
  for (gsize i = 0; old.entries && i <= old.mask; i++)
    if (old.entries[i].value != D2V_BPE_NONE)
      insert_pair (map, &old.entries[i]);
  d2v_free (old.entries);
  return TRUE;
}

gboolean
d2v_pair_map_add (D2vPairMap *map, guint32 a, guint32 b, guint32 value)
{
  D2vPairEntry entry = { (guint64) a << 32 | b, value };

  if (!d2v_pair_map_reserve (map, map->n + 1))
    return FALSE;
  insert_pair (map, &entry);
  map->n++;
  return TRUE;
}

void
d2v_pair_map_clear (D2vPairMap *map)
{
  d2v_free (map->entries);
  memset (map, 0, sizeof *map);
}

/* --------------------------------------------------------------- names -- */

/* Eight bytes at a time through the mixer of the pairs. */
static gsize
hash_text (guint64 seed, const gchar *text, gsize length)
{
  guint64 h = seed ^ length;

  for (gsize at = 0; at < length; at += 8)
    {
      guint64 word = 0;

      memcpy (&word, text + at, MIN (8, length - at));
      h = (h ^ word) * G_GUINT64_CONSTANT (0x9fb21c651e98df25);
      h ^= h >> 29;
    }
  h *= G_GUINT64_CONSTANT (0x9fb21c651e98df25);
  return h ^ h >> 32;
}

static void
insert_name (D2vTokenNames *names, guint32 id)
{
  const D2vTokenName *name = &names->names[id];
  gsize i = hash_text (names->seed, names->bytes + name->begin, name->length);

  for (i &= names->slot_mask; names->slots[i] != D2V_BPE_NONE;)
    i = (i + 1) & names->slot_mask;
  names->slots[i] = id;
}

static gboolean
grow_slots (D2vTokenNames *names)
{
  gsize size = names->slots ? (names->slot_mask + 1) * 2 : 64;
  guint32 *slots = d2v_malloc_n (size, sizeof (guint32));

  if (!slots)
    return FALSE;
  memset (slots, 0xff, size * sizeof (guint32));
  d2v_free (names->slots);
  names->slots = slots;
  names->slot_mask = size - 1;
  for (gsize id = 0; id < names->n_ids; id++)
    if (names->names[id].length != D2V_BPE_NONE)
      insert_name (names, (guint32) id);
  return TRUE;
}

static gboolean
grow_ids (D2vTokenNames *names, gsize n_ids)
{
  gpointer grown = d2v_bpe_grow (names->names, &names->capacity, names->n_ids,
                                 n_ids, sizeof (D2vTokenName));

  if (!grown)
    return FALSE;
  for (names->names = grown; names->n_ids < n_ids; names->n_ids++)
    names->names[names->n_ids] = (D2vTokenName){ 0, D2V_BPE_NONE };
  return TRUE;
}

static gboolean
grow_bytes (D2vTokenNames *names, gsize n_bytes)
{
  gpointer grown = d2v_bpe_grow (names->bytes, &names->bytes_capacity,
                                 names->n_bytes, n_bytes, 1);

  if (grown)
    names->bytes = grown;
  return grown != NULL;
}

gboolean
d2v_token_names_add (D2vTokenNames *names, const gchar *text, gsize length,
                     guint32 id)
{
  if (!names->seed)
    names->seed = draw_seed () | 1;
  if (!grow_ids (names, (gsize) id + 1)
      || !grow_bytes (names, names->n_bytes + length + 1))
    return FALSE;
  if ((names->n + 1) * 2 > (names->slots ? names->slot_mask + 1 : 0)
      && !grow_slots (names))
    return FALSE;
  memcpy (names->bytes + names->n_bytes, text, length);
  names->bytes[names->n_bytes + length] = '\0';
  names->names[id]
      = (D2vTokenName){ (guint32) names->n_bytes, (guint32) length };
  names->n_bytes += length + 1;
  insert_name (names, id);
  names->n++;
  return TRUE;
}

guint32
d2v_token_names_find (const D2vTokenNames *names, const gchar *text,
                      gsize length)
{
  if (names->n == 0)
    return D2V_BPE_NONE;
  for (gsize i = hash_text (names->seed, text, length);; i++)
    {
      guint32 id = names->slots[i & names->slot_mask];

      if (id == D2V_BPE_NONE)
        return id;
      if (names->names[id].length == length
          && memcmp (names->bytes + names->names[id].begin, text, length) == 0)
        return id;
    }
}

const gchar *
d2v_token_names_get (const D2vTokenNames *names, guint32 id, gsize *length)
{
  if (id >= names->n_ids || names->names[id].length == D2V_BPE_NONE)
    return NULL;
  if (length)
    *length = names->names[id].length;
  return names->bytes + names->names[id].begin;
}

void
d2v_token_names_clear (D2vTokenNames *names)
{
  d2v_free (names->names);
  d2v_free (names->bytes);
  d2v_free (names->slots);
  memset (names, 0, sizeof *names);
}
