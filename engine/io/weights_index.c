/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/weights_index.h"

#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/io/json.h"
#include "engine/io/stored.h"

#include <string.h>

#define MAX_SHARD_NAME 128

struct _D2vWeightsIndex
{
  gchar *path;
  const gchar *suffix;  /* of every shard */
  GPtrArray *shards;    /* owned names */
  GHashTable *shard_of; /* shard's name to its number + 1; borrows */
  GHashTable *tensors;  /* owned tensor name to its shard's number + 1 */
};

static const D2vJsonLimits limits = { .code = D2V_ERROR_INDEX_JSON };

/* ^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$ without "..", so that it can only be a
 * file beside the index. */
static gboolean
is_shard_name (const gchar *name, gsize length)
{
  if (length < 1 || length > MAX_SHARD_NAME || !g_ascii_isalnum (name[0]))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i])
        && (name[i] == '\0' || strchr ("._-", name[i]) == NULL))
      return FALSE;
  return strstr (name, "..") == NULL;
}

static gboolean
check_shard_name (const D2vWeightsIndex *index, const gchar *name, gsize length,
                  GError **error)
{
  if (is_shard_name (name, length) && g_str_has_suffix (name, index->suffix))
    return TRUE;
  g_autofree gchar *shown = d2v_escape_name (name, (gssize) length);
  return d2v_fail (error, D2V_ERROR_INDEX_NAME, index->path,
                   "expected the name of a %s file beside it, letters, "
                   "digits, '.', '_' and '-' only, found %s (I2)",
                   index->suffix, shown);
}

/* From 1; 0 with an error. */
static guint
number_of_shard (D2vWeightsIndex *index, const gchar *name, GError **error)
{
  guint known = GPOINTER_TO_UINT (g_hash_table_lookup (index->shard_of, name));

  if (known != 0)
    return known;
  if (index->shards->len == D2V_MAX_SHARDS)
    {
      d2v_fail (error, D2V_ERROR_INDEX_LIMIT, index->path,
                "expected at most %d shards, found more (I5)", D2V_MAX_SHARDS);
      return 0;
    }
  gchar *kept = g_strdup (name);
  g_ptr_array_add (index->shards, kept);
  g_hash_table_insert (index->shard_of, kept,
                       GUINT_TO_POINTER (index->shards->len));
  return index->shards->len;
}

static gboolean
add_tensor (D2vWeightsIndex *index, const gchar *tensor,
            const D2vJsonValue *value, GError **error)
{
  gsize length;
  const gchar *shard = d2v_json_string (value, &length);

  if (!d2v_stored_check_name (tensor, strlen (tensor), index->path, error))
    return FALSE;
  if (shard == NULL)
    {
      g_autofree gchar *shown = d2v_escape_name (tensor, -1);
      return d2v_fail (error, D2V_ERROR_INDEX_ENTRY, index->path,
                       "%s: expected a shard's name, found %s (I1)", shown,
                       d2v_json_type_name (d2v_json_type (value)));
    }
  if (!check_shard_name (index, shard, length, error))
    return FALSE;
  guint number = number_of_shard (index, shard, error);
  if (number == 0)
    return FALSE;
  g_hash_table_insert (index->tensors, g_strdup (tensor),
                       GUINT_TO_POINTER (number));
  return TRUE;
}

static gboolean
add_all (D2vWeightsIndex *index, const D2vJsonValue *map, GError **error)
{
  D2vJsonIter iter = d2v_json_iter (map);
  const gchar *tensor;
  const D2vJsonValue *shard;
  gsize n = d2v_json_length (map);

  if (n < 1 || n > D2V_MAX_TENSORS)
    return d2v_fail (error, D2V_ERROR_INDEX_LIMIT, index->path,
                     "weight_map: expected 1..%d tensors, found "
                     "%" G_GSIZE_FORMAT " (I1)",
                     D2V_MAX_TENSORS, n);
  while (d2v_json_iter_next (&iter, &tensor, &shard))
    if (!add_tensor (index, tensor, shard, error))
      return FALSE;
  return TRUE;
}

/* `metadata` may say anything: sizes in it are often stale, so nothing is
 * believed. */
static gboolean
fill (D2vWeightsIndex *index, const D2vJsonValue *root, GError **error)
{
  const D2vJsonValue *map = d2v_json_member (root, "weight_map");
  D2vJsonIter iter = d2v_json_iter (root);
  const gchar *key;
  const D2vJsonValue *value;

  if (d2v_json_type (root) != D2V_JSON_OBJECT
      || d2v_json_type (map) != D2V_JSON_OBJECT)
    return d2v_fail (error, D2V_ERROR_INDEX_ENTRY, index->path,
                     "expected an object with the object weight_map (I1)");
  while (d2v_json_iter_next (&iter, &key, &value))
    if (strcmp (key, "metadata") != 0 && strcmp (key, "weight_map") != 0)
      {
        g_autofree gchar *shown = d2v_escape_name (key, -1);
        return d2v_fail (error, D2V_ERROR_INDEX_ENTRY, index->path,
                         "expected metadata and weight_map, found %s (I1)",
                         shown);
      }
  return add_all (index, map, error);
}

static D2vWeightsIndex *
index_from_json (const D2vJson *json, GError **error)
{
  g_autoptr (D2vWeightsIndex) index = g_new0 (D2vWeightsIndex, 1);

  index->path = g_strdup (d2v_json_name (json));
  index->suffix = g_str_has_suffix (index->path, ".bin.index.json")
                      ? ".bin"
                      : ".safetensors";
  index->shards = g_ptr_array_new_with_free_func (g_free);
  index->shard_of = g_hash_table_new (d2v_str_hash, g_str_equal);
  index->tensors
      = g_hash_table_new_full (d2v_str_hash, g_str_equal, g_free, NULL);
  if (!fill (index, d2v_json_root (json), error))
    return NULL;
  return g_steal_pointer (&index);
}

D2vWeightsIndex *
d2v_weights_index_parse (const gchar *text, gsize length, const gchar *name,
                         GError **error)
{
  g_autoptr (D2vJson) json
      = d2v_json_parse (text, length, name, &limits, error);

  return json != NULL ? index_from_json (json, error) : NULL;
}

D2vWeightsIndex *
d2v_weights_index_read (const D2vDir *dir, const gchar *name, GError **error)
{
  g_autoptr (D2vJson) json = d2v_json_read_at (dir, name, &limits, error);

  return json != NULL ? index_from_json (json, error) : NULL;
}

void
d2v_weights_index_free (D2vWeightsIndex *index)
{
  if (index == NULL)
    return;
  g_clear_pointer (&index->shard_of, g_hash_table_unref);
  g_clear_pointer (&index->tensors, g_hash_table_unref);
  g_clear_pointer (&index->shards, g_ptr_array_unref);
  g_free (index->path);
  g_free (index);
}

guint
d2v_weights_index_n_shards (const D2vWeightsIndex *index)
{
  return index->shards->len;
}

const gchar *
d2v_weights_index_shard (const D2vWeightsIndex *index, guint i)
{
  return g_ptr_array_index (index->shards, i);
}

guint
d2v_weights_index_n_tensors (const D2vWeightsIndex *index)
{
  return g_hash_table_size (index->tensors);
}

gboolean
d2v_weights_index_find (const D2vWeightsIndex *index, const gchar *tensor,
                        guint *shard)
{
  guint number
      = GPOINTER_TO_UINT (g_hash_table_lookup (index->tensors, tensor));

  *shard = number - 1;
  return number != 0;
}
