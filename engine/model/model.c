/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/model/model.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/io/file.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define MAX_COMPANION ((gsize) 64 << 20)

G_DEFINE_BOXED_TYPE (D2vModel, d2v_model, d2v_model_ref, d2v_model_unref)

/* Opened models by what their files are, so that a second element finds the
 * first one's weights. Holds no references: the last unref takes it out. */
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *cache;

/* Which heads each family has. */
static gboolean
family_has (D2vModality modality, D2vHead head)
{
  switch (head)
    {
    case D2V_HEAD_MODEL:
      return TRUE;
    case D2V_HEAD_CTC:
    case D2V_HEAD_AUDIO_FRAME_CLASSIFICATION:
    case D2V_HEAD_XVECTOR:
      return modality == D2V_MODALITY_AUDIO;
    case D2V_HEAD_SEQUENCE_CLASSIFICATION:
      return modality != D2V_MODALITY_VISION;
    case D2V_HEAD_IMAGE_CLASSIFICATION:
    case D2V_HEAD_SEMANTIC_SEGMENTATION:
      return modality == D2V_MODALITY_VISION;
    default:
      return modality == D2V_MODALITY_TEXT;
    }
}

static const D2vFamily *
family_of (D2vModality modality)
{
  return modality == D2V_MODALITY_AUDIO  ? &d2v_family_audio
         : modality == D2V_MODALITY_TEXT ? &d2v_family_text
                                         : &d2v_family_vision;
}

/* @path into directory and, when it is a file, the file's name. */
static gboolean
split_path (const gchar *path, gchar **dir, gchar **file, GError **error)
{
  if (path == NULL || path[0] == '\0')
    return d2v_fail (error, D2V_ERROR_NOT_FOUND, NULL,
                     "no model is set; give a model directory");
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return d2v_fail (error, D2V_ERROR_NOT_FOUND, path,
                     "no such file or directory");
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    *dir = g_strdup (path);
  else if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      *dir = g_path_get_dirname (path);
      *file = g_path_get_basename (path);
    }
  else
    return d2v_fail (error, D2V_ERROR_NOT_A_FILE, path,
                     "expected a directory or a regular file");
  return TRUE;
}

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* Every file's identity: two directories are one model when nothing in them
 * could differ. */
static gchar *
make_cache_key (const gchar *dir, const gchar *file, const gchar *head,
                gboolean allow_nonfinite)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;

  if (entries == NULL)
    return NULL;
  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree gchar *full = g_build_filename (dir, name, NULL);
      GStatBuf s;

      if (g_stat (full, &s) == 0 && S_ISREG (s.st_mode))
        g_ptr_array_add (
            lines,
            g_strdup_printf ("%s:%ju:%ju:%jd:%jd.%09ld:%jd.%09ld", name,
                             (uintmax_t) s.st_dev, (uintmax_t) s.st_ino,
                             (intmax_t) s.st_size, (intmax_t) s.st_mtim.tv_sec,
                             s.st_mtim.tv_nsec,
                             /* Copying in place may put the other time back. */
                             (intmax_t) s.st_ctim.tv_sec, s.st_ctim.tv_nsec));
    }
  g_ptr_array_sort (lines, compare_lines);
  g_ptr_array_add (lines, g_strdup_printf ("%s/%s/%d", file ? file : "",
                                           head ? head : "", allow_nonfinite));
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (gchar **) lines->pdata);
}

static D2vModel *
find_cached (const gchar *key)
{
  D2vModel *model = NULL;

  pthread_mutex_lock (&cache_lock);
  if (cache != NULL && (model = g_hash_table_lookup (cache, key)) != NULL)
    d2v_ref_inc (&model->ref_count);
  pthread_mutex_unlock (&cache_lock);
  return model;
}

/* Another thread may have opened the same one meanwhile: then that one is
 * used and @model is dropped. */
static D2vModel *
add_to_cache (D2vModel *model, const gchar *key)
{
  pthread_mutex_lock (&cache_lock);
  if (cache == NULL)
    cache = g_hash_table_new (g_str_hash, g_str_equal);
  D2vModel *other = g_hash_table_lookup (cache, key);
  if (other != NULL)
    d2v_ref_inc (&other->ref_count);
  else
    {
      model->cache_key = g_strdup (key);
      g_hash_table_insert (cache, model->cache_key, model);
    }
  pthread_mutex_unlock (&cache_lock);
  if (other == NULL)
    return model;
  d2v_model_unref (model);
  return other;
}

static gboolean
choose_head (D2vModel *model, const gchar *asked, GError **error)
{
  const D2vConfig *c = model->config;

  if (!c->head_known)
    return d2v_fail (error, D2V_ERROR_CONFIG, "config.json",
                     "no architectures that say which class this is; name "
                     "the head");
  if (!family_has (c->modality, c->head))
    return d2v_fail (error, D2V_ERROR_ARCH_HEAD, "config.json",
                     "this family has no class %s", d2v_head_name (c->head));
  model->head = c->head;
  model->family = family_of (c->modality);
  return TRUE;
}

static gboolean
read_processors (D2vModel *model, GError **error)
{
  if (model->config->modality != D2V_MODALITY_AUDIO)
    return TRUE;
  if (!d2v_audio_processor_read (model->dir, &model->audio, error))
    return FALSE;
  if (model->head != D2V_HEAD_CTC)
    return TRUE;
  /* A CTC model without a vocabulary still runs; it cannot spell. */
  g_autofree gchar *path = g_build_filename (model->dir, "vocab.json", NULL);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  model->vocab = d2v_vocab_read (model->dir, model->config->vocab_size, error);
  return model->vocab != NULL;
}

/* Is the stored tensor @name a parameter of this class? Running means are
 * not, nor is what a bare model leaves of a head's file, nor the second name
 * of a tied weight. */
static gboolean
is_parameter (const D2vModel *model, const D2vWeights *weights,
              const gchar *name)
{
  gboolean tied = model->config->tie_word_embeddings;

  if (!d2v_dtype_is_float (d2v_weights_get (weights, name)->dtype)
      || g_str_has_suffix (name, ".running_mean")
      || g_str_has_suffix (name, ".running_var"))
    return FALSE;
  if (strcmp (name, "lm_head.decoder.bias") == 0)
    return d2v_weights_get (weights, "lm_head.bias") == NULL;
  if (strcmp (name, "lm_head.decoder.weight") == 0 && tied)
    return FALSE;
  return model->head != D2V_HEAD_MODEL || !model->prefixed
         || g_str_has_prefix (name, model->family->prefix);
}

static gboolean
has_prefix (const D2vWeights *weights, const gchar *prefix)
{
  for (guint i = 0; i < d2v_weights_size (weights); i++)
    if (g_str_has_prefix (d2v_weights_name (weights, i), prefix))
      return TRUE;
  return FALSE;
}

/* Weights as stored, counted before anything is folded or dropped. */
static void
describe_weights (D2vModel *model, const D2vWeights *weights)
{
  gsize largest = 0;

  model->weights_file = g_strdup (d2v_weights_file (weights));
  model->prefixed = has_prefix (weights, model->family->prefix);
  for (guint i = 0; i < d2v_weights_size (weights); i++)
    {
      const gchar *name = d2v_weights_name (weights, i);
      gsize n = d2v_tensor_n_elements (d2v_weights_get (weights, name));

      if (is_parameter (model, weights, name))
        model->n_parameters += n;
      if (n > largest)
        {
          largest = n;
          model->stored_dtype = d2v_weights_stored_dtype (weights, name);
        }
    }
}

/* Numbers alone do not make a model: with another number of heads, another
 * vocabulary or another front end the same ones give other answers. The
 * tokenizer's files are read later, by tasks, but from the same directory. */
static gchar *
make_digest (const D2vModel *model, const D2vWeights *weights, GError **error)
{
  static const gchar *const names[] = { "config.json",
                                        "preprocessor_config.json",
                                        "processor_config.json",
                                        "vocab.json",
                                        "merges.txt",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json" };
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (D2vDir) dir = d2v_dir_open (model->dir, error);

  if (dir == NULL)
    return NULL;
  g_checksum_update (sum, (const guchar *) d2v_weights_digest (weights), -1);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gsize n_bytes = 0;
      g_autoptr (D2vFile) file = d2v_file_open (dir, names[i], NULL);
      gchar *text = file != NULL ? d2v_file_read_all (file, MAX_COMPANION,
                                                      &n_bytes, NULL)
                                 : NULL;
      /* Name and size stand before the bytes, so that no two directories
       * give the same text. What cannot be read is as good as absent here;
       * who needs it says what is wrong with it. */
      g_autofree gchar *head = g_strdup_printf (
          "\n%s %d %" G_GSIZE_FORMAT "\n", names[i], text != NULL, n_bytes);

      g_checksum_update (sum, (const guchar *) head, -1);
      if (text != NULL)
        g_checksum_update (sum, (const guchar *) text, (gssize) n_bytes);
      d2v_free (text);
    }
  return g_strdup (g_checksum_get_string (sum));
}

static gboolean
read_weights (D2vModel *model, const gchar *file, const D2vModelParams *params,
              GError **error)
{
  D2vWeightsParams how = {
    .allow_nonfinite = params->allow_nonfinite_weights,
    .cancellable = params->cancellable,
  };
  g_autoptr (D2vWeights) weights
      = d2v_weights_open (model->dir, file, &how, error);

  if (weights == NULL)
    return FALSE;
  describe_weights (model, weights);
  model->digest = make_digest (model, weights, error);
  if (model->digest == NULL)
    return FALSE;
  D2vBinder *binder
      = d2v_binder_new (model->config, weights, model->family->prefix);
  model->weights = model->family->bind (binder, model->head);
  model->tensors = d2v_bind_finish (binder, error);
  if (model->tensors == NULL)
    return FALSE;
  return TRUE;
}

static D2vModel *
open_model (const gchar *dir, const gchar *file, const D2vModelParams *params,
            GError **error)
{
  g_autoptr (D2vModel) model = g_new0 (D2vModel, 1);

  d2v_ref_init (&model->ref_count);
  model->dir = g_strdup (dir);
  model->config = d2v_config_read (dir, params->head, error);
  if (model->config == NULL || !choose_head (model, params->head, error)
      || !read_processors (model, error)
      || (!params->no_weights && !read_weights (model, file, params, error)))
    return NULL;
  return g_steal_pointer (&model);
}

D2vModel *
d2v_model_open (const gchar *path, const D2vModelParams *params, GError **error)
{
  const D2vModelParams defaults = { NULL };
  g_autofree gchar *dir = NULL, *file = NULL, *key = NULL;

  if (params == NULL)
    params = &defaults;
  if (!split_path (path, &dir, &file, error))
    return NULL;
  if (!params->no_weights && !params->unshared)
    key = make_cache_key (dir, file, params->head,
                          params->allow_nonfinite_weights);
  D2vModel *model = key != NULL ? find_cached (key) : NULL;
  if (model != NULL)
    return model;
  model = open_model (dir, file, params, error);
  return model != NULL && key != NULL ? add_to_cache (model, key) : model;
}

D2vModel *
d2v_model_ref (D2vModel *model)
{
  d2v_ref_inc (&model->ref_count);
  return model;
}

static void
free_model (D2vModel *model)
{
  if (model->weights != NULL)
    model->family->free (model->weights);
  g_clear_pointer (&model->tensors, g_ptr_array_unref);
  g_clear_pointer (&model->config, d2v_config_free);
  g_clear_pointer (&model->vocab, d2v_vocab_free);
  g_free (model->dir);
  g_free (model->weights_file);
  g_free (model->digest);
  g_free (model->cache_key);
  g_free (model);
}

void
d2v_model_unref (D2vModel *model)
{
  if (model == NULL)
    return;
  /* Under the lock, so that nobody finds a model that is going away. */
  pthread_mutex_lock (&cache_lock);
  gboolean last = d2v_ref_dec (&model->ref_count);
  if (last && model->cache_key != NULL)
    g_hash_table_remove (cache, model->cache_key);
  pthread_mutex_unlock (&cache_lock);
  if (last)
    free_model (model);
}

D2vGraph *
d2v_model_record (const D2vModel *model, const D2vTensors *prepared,
                  const D2vRecordOptions *options)
{
  D2vGraph *graph = d2v_graph_new ();

  if (model->weights == NULL)
    d2v_graph_fail (graph, D2V_ERROR_USAGE,
                    "the model was opened without its weights");
  else
    model->family->record (graph, model->config, model->head, model->weights,
                           prepared, options);
  return graph;
}

const gchar *
d2v_model_path (const D2vModel *model)
{
  return model->dir;
}

D2vModality
d2v_model_modality (const D2vModel *model)
{
  return model->config->modality;
}

D2vHead
d2v_model_head (const D2vModel *model)
{
  return model->head;
}

guint
d2v_model_n_labels (const D2vModel *model)
{
  return (guint) model->config->num_labels;
}

const gchar *
d2v_model_label (const D2vModel *model, guint index)
{
  return index < model->config->num_labels ? model->config->id2label[index]
                                           : NULL;
}

guint
d2v_model_sampling_rate (const D2vModel *model)
{
  return model->config->modality == D2V_MODALITY_AUDIO
             ? model->audio.sampling_rate
             : 0;
}

void
d2v_model_image_size (const D2vModel *model, guint *n_channels, guint *height,
                      guint *width)
{
  const D2vConfig *config = model->config;
  gboolean sees = config->modality == D2V_MODALITY_VISION;

  *n_channels = sees ? (guint) config->num_channels : 0;
  *height = sees ? (guint) config->image_size_h : 0;
  *width = sees ? (guint) config->image_size_w : 0;
}
