/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pickle_nodes.c: where nodes live, what names they may have, and that no
 * dict has a key twice. */

#include "engine/io/pickle_private.h"

#include "engine/base/alloc.h"
#include "engine/base/math.h"

#include <string.h>

/* -------------------------------------------------------------- arena -- */

#define CHUNK ((gsize) 64 << 10)
#define ALIGNMENT 16

struct _D2vPickleChunk
{
  D2vPickleChunk *older;
  gsize n_bytes;
  guint8 *end; /* memory is handed out from here downwards */
};

static D2vPickleChunk *
add_chunk (D2vPickleArena *arena, gsize n_bytes)
{
  gsize size = d2v_max (CHUNK, n_bytes);

  if (size > arena->max_bytes - arena->n_bytes)
    return NULL;
  D2vPickleChunk *chunk = d2v_malloc0 (sizeof *chunk + ALIGNMENT + size);
  if (chunk == NULL)
    return NULL;
  gsize begin = d2v_align ((gsize) (chunk + 1), ALIGNMENT);
  chunk->end = (guint8 *) begin + size;
  chunk->older = arena->chunks;
  arena->chunks = chunk;
  arena->n_left = size;
  arena->n_bytes += size;
  return chunk;
}

gpointer
d2v_pickle_arena_take (D2vPickleArena *arena, gsize n_bytes)
{
  gsize rounded = d2v_align (n_bytes, ALIGNMENT); /* far below the top */

  if (rounded > arena->n_left && add_chunk (arena, rounded) == NULL)
    return NULL;
  gpointer memory = arena->chunks->end - arena->n_left;
  arena->n_left -= rounded;
  return memory;
}

void
d2v_pickle_arena_clear (D2vPickleArena *arena)
{
  while (arena->chunks != NULL)
    {
      D2vPickleChunk *chunk = arena->chunks;
      arena->chunks = chunk->older;
      d2v_free (chunk);
    }
}

/* ------------------------------------------------------------ globals -- */

/* Nothing else, no list to extend, no switch to turn it off. */
static const struct
{
  const gchar *module;
  const gchar *name;
  D2vPickleGlobal global;
  D2vDType dtype;
} globals[] = {
  { "collections", "OrderedDict", D2V_GLOBAL_ORDERED_DICT },
  { "torch._utils", "_rebuild_tensor_v2", D2V_GLOBAL_REBUILD_TENSOR },
  { "torch._utils", "_rebuild_parameter", D2V_GLOBAL_REBUILD_PARAMETER },
  { "torch", "FloatStorage", D2V_GLOBAL_STORAGE, D2V_F32 },
  { "torch", "HalfStorage", D2V_GLOBAL_STORAGE, D2V_F16 },
  { "torch", "BFloat16Storage", D2V_GLOBAL_STORAGE, D2V_BF16 },
  { "torch", "DoubleStorage", D2V_GLOBAL_STORAGE, D2V_F64 },
  { "torch", "LongStorage", D2V_GLOBAL_STORAGE, D2V_I64 },
  { "torch", "IntStorage", D2V_GLOBAL_STORAGE, D2V_I32 },
  { "torch", "ShortStorage", D2V_GLOBAL_STORAGE, D2V_I16 },
  { "torch", "CharStorage", D2V_GLOBAL_STORAGE, D2V_I8 },
  { "torch", "ByteStorage", D2V_GLOBAL_STORAGE, D2V_U8 },
  { "torch", "BoolStorage", D2V_GLOBAL_STORAGE, D2V_BOOL },
};

static gboolean
is_text (const gchar *bytes, gsize n, const gchar *text)
{
  return strlen (text) == n && memcmp (bytes, text, n) == 0;
}

gboolean
d2v_pickle_find_global (const gchar *module, gsize n_module, const gchar *name,
                        gsize n_name, D2vPickleGlobal *global, D2vDType *dtype)
{
  for (guint i = 0; i < G_N_ELEMENTS (globals); i++)
    if (is_text (module, n_module, globals[i].module)
        && is_text (name, n_name, globals[i].name))
      {
        *global = globals[i].global;
        *dtype = globals[i].dtype;
        return TRUE;
      }
  return FALSE;
}

gboolean
d2v_pickle_is_string (const D2vPickleNode *node, const gchar *text)
{
  return node->kind == D2V_PICKLE_STRING && is_text (node->text, node->n, text);
}

/* --------------------------------------------------------------- keys -- */

static gint
compare_keys (gconstpointer a, gconstpointer b, gpointer unused)
{
  const D2vPickleNode *x = *(D2vPickleNode *const *) a;
  const D2vPickleNode *y = *(D2vPickleNode *const *) b;

  if (x->n != y->n)
    return x->n < y->n ? -1 : 1;
  return x->n == 0 ? 0 : memcmp (x->text, y->text, x->n);
}

/* @keys has room for all of the dict's. */
static gboolean
dict_keys_are_unique (const D2vPickleNode *dict, const D2vPickleNode **keys)
{
  guint n = 0;

  for (guint i = 0; i < dict->n; i += 2)
    if (dict->items[i]->kind == D2V_PICKLE_STRING)
      keys[n++] = dict->items[i];
  g_qsort_with_data (keys, (gint) n, sizeof *keys, compare_keys, NULL);
  for (guint i = 1; i < n; i++)
    if (compare_keys (&keys[i - 1], &keys[i], NULL) == 0)
      return FALSE;
  return TRUE;
}

/* Sorted once at the end, so that no order of keys makes it slow. */
gboolean
d2v_pickle_keys_are_unique (const D2vPickle *pickle, gboolean *unique)
{
  guint most = 2;

  for (const D2vPickleNode *d = pickle->dicts; d != NULL; d = d->next_dict)
    most = MAX (most, d->n);
  const D2vPickleNode **keys = d2v_malloc_n (most / 2, sizeof *keys);
  if (keys == NULL)
    return FALSE;
  *unique = TRUE;
  for (const D2vPickleNode *d = pickle->dicts; d != NULL && *unique;
       d = d->next_dict)
    *unique = dict_keys_are_unique (d, keys);
  d2v_free (keys);
  return TRUE;
}
