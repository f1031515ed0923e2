/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/model/bind.h"

#include "engine/base/error.h"

#include <string.h>

#define MAX_LISTED 8

struct _D2vBinder
{
  const D2vConfig *config;
  D2vWeights *weights;
  const gchar *prefix;
  gboolean prefixed;  /* the file's trunk names have the prefix */
  GHashTable *used;   /* names as stored */
  GPtrArray *tensors; /* owned references */
  GPtrArray *sources; /* the same, of those that are not kept */
  GString *missing;
  guint n_missing;
  GError *error; /* the first that is not a missing tensor */
};

/* Whole-file decision: heads own top-level names that a bare file uses for
 * other things. */
static gboolean
file_has_prefix (D2vWeights *weights, const gchar *prefix)
{
  for (guint i = 0; i < d2v_weights_size (weights); i++)
    if (g_str_has_prefix (d2v_weights_name (weights, i), prefix))
      return TRUE;
  return FALSE;
}

D2vBinder *
d2v_binder_new (const D2vConfig *config, D2vWeights *weights,
                const gchar *prefix)
{
  D2vBinder *b = g_new0 (D2vBinder, 1);

  b->config = config;
  b->weights = weights;
  b->prefix = prefix;
  b->prefixed = file_has_prefix (weights, prefix);
  b->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  b->tensors
      = g_ptr_array_new_with_free_func ((GDestroyNotify) d2v_tensor_unref);
  b->sources
      = g_ptr_array_new_with_free_func ((GDestroyNotify) d2v_tensor_unref);
  b->missing = g_string_new (NULL);
  return b;
}

const D2vConfig *
d2v_bind_config (const D2vBinder *b)
{
  return b->config;
}

void
d2v_bind_fail (D2vBinder *b, D2vErrorCode code, const gchar *format, ...)
{
  if (b->error != NULL)
    return;

  va_list args;
  va_start (args, format);
  g_autofree gchar *reason = g_strdup_vprintf (format, args);
  va_end (args);
  d2v_fail (&b->error, code, d2v_weights_file (b->weights), "%s", reason);
}

static gchar *
replace_once (const gchar *text, const gchar *from, const gchar *to)
{
  const gchar *at = strstr (text, from);

  if (at == NULL)
    return NULL;
  return g_strdup_printf ("%.*s%s%s", (gint) (at - text), text, to,
                          at + strlen (from));
}

/* @name is freed; the result is it, or it with one replacement made. */
static gchar *
respell (gchar *name, const gchar *from, const gchar *to)
{
  gchar *other = replace_once (name, from, to);

  if (other == NULL)
    return name;
  g_free (name);
  return other;
}

/* psp_modules.<n>.1. -> psp_modules.blocks.<n>.conv. */
static gchar *
respell_psp (gchar *name)
{
  const gchar *at = strstr (name, "psp_modules.");
  gchar *end;

  if (at == NULL)
    return name;
  at += strlen ("psp_modules.");
  guint64 n = g_ascii_strtoull (at, &end, 10);
  if (end == at || !g_str_has_prefix (end, ".1."))
    return name;
  gchar *other = g_strdup_printf ("%.*sblocks.%" G_GUINT64_FORMAT ".conv.%s",
                                  (gint) (at - name), name, n, end + 3);
  g_free (name);
  return other;
}

/* The same tensor's other name: of old norms, and of the segmentation head
 * since release 5.9 (spec 6.4, 3 and 7). */
static gchar *
other_spelling (const gchar *name)
{
  gchar *other = g_strdup (name);

  other = respell (other, "LayerNorm.weight", "LayerNorm.gamma");
  other = respell (other, "LayerNorm.bias", "LayerNorm.beta");
  other = respell (other, ".conv.weight", ".convolution.weight");
  other = respell (other, ".bn.", ".normalization.");
  other = respell (other, "decode_head.bottleneck.",
                   "decode_head.psp_bottleneck.");
  return respell_psp (other);
}

static D2vTensor *
look_up (D2vBinder *b, const gchar *name, gchar **stored)
{
  D2vTensor *tensor = d2v_weights_get (b->weights, name);

  *stored = tensor != NULL ? g_strdup (name) : other_spelling (name);
  return tensor != NULL ? tensor : d2v_weights_get (b->weights, *stored);
}

static gchar *
full_name (const D2vBinder *b, const gchar *name)
{
  if (name[0] == '/')
    return g_strdup (name + 1);
  return g_strconcat (b->prefixed ? b->prefix : "", name, NULL);
}

static D2vTensor *
bind_name (D2vBinder *b, const D2vShape *shape, const gchar *name,
           GPtrArray *keep)
{
  g_autofree gchar *full = full_name (b, name);
  g_autofree gchar *stored = NULL;
  D2vTensor *tensor = look_up (b, full, &stored);

  if (tensor == NULL)
    return NULL;
  if (!d2v_shape_equal (&tensor->shape, shape))
    {
      g_autofree gchar *expected = d2v_shape_text (shape);
      g_autofree gchar *found = d2v_shape_text (&tensor->shape);
      d2v_bind_fail (b, D2V_ERROR_ARCH_SHAPE,
                     "%s: expected shape %s from config.json, found %s", stored,
                     expected, found);
    }
  else if (tensor->dtype != D2V_F32)
    d2v_bind_fail (b, D2V_ERROR_ARCH_SHAPE,
                   "%s: expected floating-point numbers, found %s", stored,
                   d2v_dtype_name (tensor->dtype));
  g_hash_table_add (b->used, g_strdup (stored));
  g_ptr_array_add (keep, d2v_tensor_ref (tensor));
  return tensor;
}

static D2vTensor *
bind_required (D2vBinder *b, const D2vShape *shape, const gchar *name,
               GPtrArray *keep)
{
  D2vTensor *tensor = bind_name (b, shape, name, keep);

  if (tensor == NULL)
    {
      g_autofree gchar *full = full_name (b, name);
      if (b->n_missing++ < MAX_LISTED)
        g_string_append_printf (b->missing, " %s", full);
    }
  return tensor;
}

D2vTensor *
d2v_bind (D2vBinder *b, D2vShape shape, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *name = g_strdup_vprintf (format, args);
  va_end (args);

  return bind_required (b, &shape, name, b->tensors);
}

D2vTensor *
d2v_bind_source (D2vBinder *b, D2vShape shape, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *name = g_strdup_vprintf (format, args);
  va_end (args);

  return bind_required (b, &shape, name, b->sources);
}

D2vTensor *
d2v_bind_optional (D2vBinder *b, D2vShape shape, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *name = g_strdup_vprintf (format, args);
  va_end (args);

  return bind_name (b, &shape, name, b->tensors);
}

gboolean
d2v_bind_exists (D2vBinder *b, const gchar *name)
{
  g_autofree gchar *full = full_name (b, name);
  g_autofree gchar *stored = NULL;

  return look_up (b, full, &stored) != NULL;
}

D2vTensor *
d2v_bind_own (D2vBinder *b, D2vTensor *made)
{
  if (made != NULL)
    g_ptr_array_add (b->tensors, made);
  return made;
}

/* Trunk tensors that a file may hold although nothing here reads them. */
static gboolean
may_ignore (const gchar *name)
{
  static const gchar *const endings[]
      = { "position_ids",        "relative_position_index",
          "num_batches_tracked", "masked_spec_embed",
          "mask_token",          "position_embeddings" };

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (name, endings[i]))
      return TRUE;
  return strstr (name, "pooler.") != NULL
         || strstr (name, "crossattention.") != NULL
         || strstr (name, "adapter.") != NULL
         || strstr (name, "distance_embedding") != NULL
         || strstr (name, "position_embeddings.") != NULL;
}

static void
check_unexpected (D2vBinder *b)
{
  for (guint i = 0; i < d2v_weights_size (b->weights); i++)
    {
      const gchar *name = d2v_weights_name (b->weights, i);

      /* In a head's file, top-level names belong to some head. In a bare one
       * heads are known by having no place in the trunk, so nothing can be
       * said of single top-level names there either. */
      gboolean trunk = b->prefixed ? g_str_has_prefix (name, b->prefix)
                                   : g_str_has_prefix (name, "encoder.");
      if (!trunk || g_hash_table_contains (b->used, name) || may_ignore (name))
        continue;
      g_autofree gchar *escaped = d2v_escape_name (name, -1);
      d2v_bind_fail (b, D2V_ERROR_ARCH_UNEXPECTED,
                     "%s has no place in the model that config.json describes",
                     escaped);
      return;
    }
}

GPtrArray *
d2v_bind_finish (D2vBinder *b, GError **error)
{
  GPtrArray *tensors = NULL;

  if (b->error == NULL && b->n_missing > 0)
    d2v_bind_fail (b, D2V_ERROR_ARCH_MISSING,
                   "%u tensors of the model are missing:%s%s", b->n_missing,
                   b->missing->str, b->n_missing > MAX_LISTED ? " ..." : "");
  if (b->error == NULL)
    check_unexpected (b);
  if (b->error == NULL)
    tensors = g_ptr_array_ref (b->tensors);
  else
    g_propagate_error (error, g_steal_pointer (&b->error));

  g_hash_table_unref (b->used);
  g_ptr_array_unref (b->tensors);
  g_ptr_array_unref (b->sources);
  g_string_free (b->missing, TRUE);
  g_free (b);
  return tensors;
}
