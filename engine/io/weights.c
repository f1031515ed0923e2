/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/weights.h"

#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"
#include "engine/io/safetensors.h"
#include "engine/io/torchbin.h"
#include "engine/io/weights_index.h"

#include <string.h>

#define INDEX_SUFFIX ".index.json"

/* In order of preference (rule I7): the first that is there is the one. */
static const gchar *const known_files[] = {
  "model.safetensors",
  "model.safetensors" INDEX_SUFFIX,
  "pytorch_model.bin",
  "pytorch_model.bin" INDEX_SUFFIX,
};

/* One file of the model: the only one, or a shard. */
typedef struct
{
  D2vFile *file;
  D2vSafetensors *safetensors; /* or */
  D2vTorchBin *bin;
  guint first; /* number of its first tensor in the model */
} Part;

struct _D2vWeights
{
  gchar *file;
  gchar *digest;
  GPtrArray *names;   /* owned */
  GHashTable *number; /* name to its place + 1; borrows */
  GArray *dtypes;     /* D2vDType as stored */
  D2vTensor **tensors;
};

/* -------------------------------------------------------------- parts -- */

static void
part_clear (gpointer data)
{
  Part *part = data;

  d2v_safetensors_close (part->safetensors);
  d2v_torchbin_close (part->bin);
  d2v_file_close (part->file);
}

static guint
part_size (const Part *part)
{
  return part->bin != NULL ? d2v_torchbin_size (part->bin)
                           : d2v_safetensors_size (part->safetensors);
}

static const D2vStored *
part_get (const Part *part, guint i)
{
  return part->bin != NULL ? d2v_torchbin_get (part->bin, i)
                           : d2v_safetensors_get (part->safetensors, i);
}

static const gchar *
part_digest (const Part *part)
{
  return part->bin != NULL ? d2v_torchbin_digest (part->bin)
                           : d2v_safetensors_digest (part->safetensors);
}

static gboolean
part_load (const Part *part, const gboolean *wanted, D2vLoad *load,
           D2vTensor **out, GError **error)
{
  return part->bin != NULL
             ? d2v_torchbin_load (part->bin, wanted, load, out, error)
             : d2v_safetensors_load (part->safetensors, wanted, load, out,
                                     error);
}

static gboolean
open_file (GArray *parts, const D2vDir *dir, const gchar *name,
           GCancellable *cancellable, GError **error)
{
  Part part = { .file = d2v_file_open (dir, name, error) };

  if (part.file == NULL)
    return FALSE;
  d2v_file_set_cancellable (part.file, cancellable);
  g_array_append_val (parts, part);
  return TRUE;
}

/* All files are open before the first is read, so that a set which is being
 * replaced is either the old or the new one, or noticed. */
static gboolean
open_files (GArray *parts, const D2vDir *dir, const gchar *name,
            const D2vWeightsIndex *index, GCancellable *cancellable,
            GError **error)
{
  guint64 total = 0;

  if (index == NULL)
    {
      if (!open_file (parts, dir, name, cancellable, error))
        return FALSE;
    }
  else
    for (guint i = 0; i < d2v_weights_index_n_shards (index); i++)
      if (!open_file (parts, dir, d2v_weights_index_shard (index, i),
                      cancellable, error))
        return FALSE;

  for (guint i = 0; i < parts->len; i++)
    {
      D2vFile *file = g_array_index (parts, Part, i).file;
      total += d2v_file_size (file); /* 256 files of less than 2^63 bytes */
      if (total > D2V_MAX_MODEL_BYTES)
        return d2v_fail (error, D2V_ERROR_TOO_BIG, d2v_file_path (file),
                         "expected at most %" G_GUINT64_FORMAT
                         " bytes of weights, found more",
                         D2V_MAX_MODEL_BYTES);
    }
  return TRUE;
}

static gboolean
read_headers (GArray *parts, gboolean are_bin, GError **error)
{
  for (guint i = 0; i < parts->len; i++)
    {
      Part *part = &g_array_index (parts, Part, i);
      if (are_bin)
        part->bin = d2v_torchbin_open (part->file, error);
      else
        part->safetensors = d2v_safetensors_open (part->file, error);
      if (part->bin == NULL && part->safetensors == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_unchanged (const GArray *parts, GError **error)
{
  for (guint i = 0; i < parts->len; i++)
    if (!d2v_file_check_unchanged (g_array_index (parts, Part, i).file, error))
      return FALSE;
  return TRUE;
}

/* -------------------------------------------------------------- names -- */

static gboolean
fail_name (const Part *part, D2vErrorCode code, const gchar *name,
           const gchar *reason, GError **error)
{
  g_autofree gchar *shown = d2v_escape_name (name, -1);

  return d2v_fail (error, code, d2v_file_path (part->file), "%s: %s", shown,
                   reason);
}

static gboolean
add_names (D2vWeights *weights, Part *part, GError **error)
{
  guint n = part_size (part);

  part->first = weights->names->len;
  for (guint i = 0; i < n; i++)
    {
      const D2vStored *stored = part_get (part, i);
      gchar *name = g_strdup (stored->name);
      g_ptr_array_add (weights->names, name);
      g_array_append_val (weights->dtypes, stored->dtype);
      if (!g_hash_table_insert (weights->number, name,
                                GUINT_TO_POINTER (weights->names->len)))
        return fail_name (part, D2V_ERROR_INDEX_MISMATCH, name,
                          "expected each tensor in one shard, found it in two "
                          "(I5)",
                          error);
      if (weights->names->len > D2V_MAX_TENSORS)
        return fail_name (part, D2V_ERROR_ST_LIMIT, name,
                          "expected at most 65536 tensors, found more (S9)",
                          error);
    }
  return TRUE;
}

static gboolean
check_against_index (const D2vWeights *weights, const GArray *parts,
                     const D2vWeightsIndex *index, GError **error)
{
  guint shard;

  for (guint p = 0; p < parts->len; p++)
    {
      const Part *part = &g_array_index (parts, Part, p);
      for (guint i = 0; i < part_size (part); i++)
        {
          const gchar *name = part_get (part, i)->name;
          if (!d2v_weights_index_find (index, name, &shard) || shard != p)
            return fail_name (part, D2V_ERROR_INDEX_MISMATCH, name,
                              "expected it where the index says, found it "
                              "in this shard (I5)",
                              error);
        }
    }
  if (weights->names->len == d2v_weights_index_n_tensors (index))
    return TRUE;
  return d2v_fail (error, D2V_ERROR_INDEX_MISMATCH, weights->file,
                   "expected %u tensors in the shards, found %u (I5)",
                   d2v_weights_index_n_tensors (index), weights->names->len);
}

static gboolean
collect_names (D2vWeights *weights, GArray *parts, const D2vWeightsIndex *index,
               GError **error)
{
  for (guint i = 0; i < parts->len; i++)
    if (!add_names (weights, &g_array_index (parts, Part, i), error))
      return FALSE;
  weights->tensors = g_new0 (D2vTensor *, weights->names->len);
  return index == NULL || check_against_index (weights, parts, index, error);
}

/* ------------------------------------------------------------ loading -- */

static gboolean *
choose (const D2vWeights *weights, const D2vWeightsParams *params)
{
  gboolean *wanted = g_new (gboolean, weights->names->len);

  for (guint i = 0; i < weights->names->len; i++)
    wanted[i] = params->wanted == NULL
                || params->wanted (g_ptr_array_index (weights->names, i),
                                   params->user_data);
  return wanted;
}

static gboolean
load_parts (D2vWeights *weights, const GArray *parts,
            const D2vWeightsParams *params, D2vLoad *load, GError **error)
{
  g_autofree gboolean *wanted = choose (weights, params);

  for (guint i = 0; i < parts->len; i++)
    {
      const Part *part = &g_array_index (parts, Part, i);
      if (!part_load (part, wanted + part->first, load,
                      weights->tensors + part->first, error))
        return FALSE;
    }
  return TRUE;
}

/* The headers say what the numbers mean, so a collision there is kept out of
 * reach; the numbers are too many for that. */
static gchar *
make_digest (const GArray *parts, guint64 data_hash)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < parts->len; i++)
    g_checksum_update (
        sum, (const guchar *) part_digest (&g_array_index (parts, Part, i)),
        -1);
  g_checksum_update (sum, (const guchar *) &data_hash, sizeof data_hash);
  return g_strdup (g_checksum_get_string (sum));
}

static gboolean
has_floats (const D2vWeights *weights)
{
  for (guint i = 0; i < weights->names->len; i++)
    if (weights->tensors[i] != NULL
        && d2v_tensor_dtype (weights->tensors[i]) == D2V_F32)
      return TRUE;
  return FALSE;
}

static gboolean
load_all (D2vWeights *weights, const GArray *parts,
          const D2vWeightsParams *params, GError **error)
{
  D2vLoad load = { .as_f32 = TRUE, .allow_nonfinite = params->allow_nonfinite };
  gboolean fine = d2v_load_init (&load, error)
                  && load_parts (weights, parts, params, &load, error)
                  && check_unchanged (parts, error);

  d2v_load_clear (&load);
  if (!fine)
    return FALSE;
  if (!load.any_nonzero && has_floats (weights))
    g_warning ("%s: every weight is zero", weights->file);
  weights->digest = make_digest (parts, load.hash);
  return TRUE;
}

/* ------------------------------------------------------------ choosing -- */

static const gchar *
find_file (const D2vDir *dir, GError **error)
{
  const gchar *found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (known_files); i++)
    if (d2v_dir_has (dir, known_files[i]))
      {
        if (found == NULL)
          found = known_files[i];
        else
          g_info ("%s: %s is used, %s is not looked at", d2v_dir_path (dir),
                  found, known_files[i]);
      }
  if (found == NULL)
    d2v_fail (error, D2V_ERROR_NOT_FOUND, d2v_dir_path (dir),
              "expected weights: %s, %s, %s or %s", known_files[0],
              known_files[1], known_files[2], known_files[3]);
  return found;
}

/* What a file is by its name; its contents are held to that. */
static gboolean
classify (const gchar *file, gboolean *is_index, gboolean *is_bin,
          GError **error)
{
  g_autofree gchar *stem = g_strdup (file);

  *is_index = g_str_has_suffix (file, INDEX_SUFFIX);
  if (*is_index)
    stem[strlen (stem) - strlen (INDEX_SUFFIX)] = '\0';
  *is_bin = g_str_has_suffix (stem, ".bin");
  return *is_bin || g_str_has_suffix (stem, ".safetensors")
         || d2v_fail (error, D2V_ERROR_UNSUPPORTED, file,
                      "expected a file named *.safetensors, *.bin, or one of "
                      "these with " INDEX_SUFFIX " after it");
}

static gboolean
fill (D2vWeights *weights, const D2vDir *dir, const D2vWeightsParams *params,
      GError **error)
{
  g_autoptr (GArray) parts = g_array_new (FALSE, TRUE, sizeof (Part));
  g_autoptr (D2vWeightsIndex) index = NULL;
  gboolean is_index, is_bin;

  g_array_set_clear_func (parts, part_clear);
  if (!classify (weights->file, &is_index, &is_bin, error))
    return FALSE;
  if (is_index
      && (index = d2v_weights_index_read (dir, weights->file, error)) == NULL)
    return FALSE;
  return open_files (parts, dir, weights->file, index, params->cancellable,
                     error)
         && read_headers (parts, is_bin, error)
         && collect_names (weights, parts, index, error)
         && load_all (weights, parts, params, error);
}

D2vWeights *
d2v_weights_open (const gchar *dir, const gchar *file,
                  const D2vWeightsParams *params, GError **error)
{
  const D2vWeightsParams defaults = { 0 };
  g_autoptr (D2vDir) opened = d2v_dir_open (dir, error);

  if (opened == NULL
      || (file == NULL && (file = find_file (opened, error)) == NULL))
    return NULL;

  g_autoptr (D2vWeights) weights = g_new0 (D2vWeights, 1);
  weights->file = g_strdup (file);
  weights->names = g_ptr_array_new_with_free_func (g_free);
  weights->number = g_hash_table_new (d2v_str_hash, g_str_equal);
  weights->dtypes = g_array_new (FALSE, FALSE, sizeof (D2vDType));
  if (!fill (weights, opened, params != NULL ? params : &defaults, error))
    return NULL;
  return g_steal_pointer (&weights);
}

void
d2v_weights_free (D2vWeights *weights)
{
  if (weights == NULL)
    return;
  for (guint i = 0; weights->tensors != NULL && i < weights->names->len; i++)
    d2v_tensor_unref (weights->tensors[i]);
  g_free (weights->tensors);
  g_hash_table_unref (weights->number);
  g_ptr_array_unref (weights->names);
  g_array_unref (weights->dtypes);
  g_free (weights->digest);
  g_free (weights->file);
  g_free (weights);
}

/* ------------------------------------------------------------- access -- */

/* -1 for a name that is not there. */
static gint
find (const D2vWeights *weights, const gchar *name)
{
  return (gint) GPOINTER_TO_UINT (g_hash_table_lookup (weights->number, name))
         - 1;
}

D2vTensor *
d2v_weights_get (const D2vWeights *weights, const gchar *name)
{
  gint i = find (weights, name);

  return i >= 0 ? weights->tensors[i] : NULL;
}

guint
d2v_weights_size (const D2vWeights *weights)
{
  return weights->names->len;
}

const gchar *
d2v_weights_name (const D2vWeights *weights, guint index)
{
  return index < weights->names->len ? g_ptr_array_index (weights->names, index)
                                     : NULL;
}

D2vTensor *
d2v_weights_steal (D2vWeights *weights, const gchar *name)
{
  gint i = find (weights, name);

  return i >= 0 ? g_steal_pointer (&weights->tensors[i]) : NULL;
}

D2vDType
d2v_weights_stored_dtype (const D2vWeights *weights, const gchar *name)
{
  gint i = find (weights, name);

  return i >= 0 ? g_array_index (weights->dtypes, D2vDType, i) : D2V_F32;
}

const gchar *
d2v_weights_file (const D2vWeights *weights)
{
  return weights->file;
}

const gchar *
d2v_weights_digest (const D2vWeights *weights)
{
  return weights->digest;
}
