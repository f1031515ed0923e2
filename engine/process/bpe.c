/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/io/file.h"

#define MAX_LARGE_BYTES                                                        \
  (64 << 20) /* vocab.json, merges.txt, tokenizer.json                         \
              */
#define MAX_SMALL_BYTES (16 << 20)

/* -------------------------------------------------------------- opening -- */

static gboolean
parse (const D2vTokenizerFiles *files, GBytes *bytes, const gchar *name,
       D2vJson **json, GError **error)
{
  const D2vJsonLimits limits = D2V_JSON_TOKENIZER_LIMITS;
  g_autofree gchar *path = files->dir
                               ? g_build_filename (files->dir, name, NULL)
                               : g_strdup (name);
  gsize n;

  if (!bytes)
    return TRUE;
  const gchar *text = g_bytes_get_data (bytes, &n);
  *json = d2v_json_parse (text, n, path, &limits, error);
  return *json && d2v_json_root_object (*json, error);
}

static gboolean
parse_all (D2vBpeLoader *loader, GError **error)
{
  const D2vTokenizerFiles *f = loader->files;

  return parse (f, f->vocab, "vocab.json", &loader->vocab, error)
         && parse (f, f->tokenizer, "tokenizer.json", &loader->tokenizer_json,
                   error)
         && parse (f, f->tokenizer_config, "tokenizer_config.json",
                   &loader->config, error)
         && parse (f, f->special_tokens_map, "special_tokens_map.json",
                   &loader->map, error)
         && parse (f, f->added_tokens, "added_tokens.json", &loader->added,
                   error);
}

static gboolean
check_sources (const D2vTokenizerFiles *files, GError **error)
{
  if (files->tokenizer || (files->vocab && files->merges))
    return TRUE;
  return d2v_fail (error, D2V_ERROR_TOK_MISSING, files->dir,
                   "expected tokenizer.json, or vocab.json and merges.txt, "
                   "found %s",
                   files->vocab    ? "vocab.json alone"
                   : files->merges ? "merges.txt alone"
                                   : "neither");
}

D2vTokenizer *
d2v_tokenizer_new (const D2vTokenizerFiles *files, gsize vocab_size,
                   GError **error)
{
  g_autoptr (D2vTokenizer) tokenizer = g_new0 (D2vTokenizer, 1);
  D2vBpeLoader loader = { .tokenizer = tokenizer, .files = files };
  gboolean done;

  d2v_ref_init (&tokenizer->ref_count);
  loader.vocab_size
      = vocab_size > 0 ? MIN (vocab_size, D2V_MAX_TOKENS) : D2V_MAX_TOKENS;
  loader.merges_name = files->dir
                           ? g_build_filename (files->dir, "merges.txt", NULL)
                           : g_strdup ("merges.txt");
  done = check_sources (files, error) && parse_all (&loader, error)
         && d2v_bpe_check_components (&loader, error)
         && d2v_bpe_load_model (&loader, error)
         && d2v_bpe_load_special (&loader, error)
         && d2v_bpe_check_template (&loader, error);
  d2v_json_free (loader.vocab);
  d2v_json_free (loader.tokenizer_json);
  d2v_json_free (loader.config);
  d2v_json_free (loader.map);
  d2v_json_free (loader.added);
  g_free (loader.merges_name);
  return done ? g_steal_pointer (&tokenizer) : NULL;
}

/* TRUE with *bytes NULL when the file is not there. */
static gboolean
read_file (D2vDir *dir, const gchar *name, gsize max, GBytes **bytes,
           GError **error)
{
  g_autoptr (D2vFile) file = NULL;
  gchar *data;
  gsize n;

  if (!d2v_dir_has (dir, name))
    return TRUE;
  file = d2v_file_open (dir, name, error);
  data = file ? d2v_file_read_all (file, max, &n, error) : NULL;
  if (data)
    *bytes = g_bytes_new_with_free_func (data, n, d2v_free, data);
  return data != NULL;
}

D2vTokenizer *
d2v_tokenizer_open (const gchar *path, gsize vocab_size, GError **error)
{
  g_autoptr (D2vDir) dir = d2v_dir_open (path, error);
  g_autoptr (D2vTokenizer) tokenizer = NULL;
  D2vTokenizerFiles files = { .dir = path };

  if (dir && read_file (dir, "vocab.json", MAX_LARGE_BYTES, &files.vocab, error)
      && read_file (dir, "merges.txt", MAX_LARGE_BYTES, &files.merges, error)
      && read_file (dir, "tokenizer.json", MAX_LARGE_BYTES, &files.tokenizer,
                    error)
      && read_file (dir, "tokenizer_config.json", MAX_SMALL_BYTES,
                    &files.tokenizer_config, error)
      && read_file (dir, "special_tokens_map.json", MAX_SMALL_BYTES,
                    &files.special_tokens_map, error)
      && read_file (dir, "added_tokens.json", MAX_SMALL_BYTES,
                    &files.added_tokens, error))
    tokenizer = d2v_tokenizer_new (&files, vocab_size, error);
  g_clear_pointer (&files.vocab, g_bytes_unref);
  g_clear_pointer (&files.merges, g_bytes_unref);
  g_clear_pointer (&files.tokenizer, g_bytes_unref);
  g_clear_pointer (&files.tokenizer_config, g_bytes_unref);
  g_clear_pointer (&files.special_tokens_map, g_bytes_unref);
  g_clear_pointer (&files.added_tokens, g_bytes_unref);
  return g_steal_pointer (&tokenizer);
}

D2vTokenizer *
d2v_tokenizer_ref (D2vTokenizer *tokenizer)
{
  d2v_ref_inc (&tokenizer->ref_count);
  return tokenizer;
}

void
d2v_tokenizer_unref (D2vTokenizer *tokenizer)
{
  if (!tokenizer || !d2v_ref_dec (&tokenizer->ref_count))
    return;
  d2v_token_names_clear (&tokenizer->names);
  d2v_pair_map_clear (&tokenizer->merges);
  d2v_bpe_trie_clear (&tokenizer->tries[0]);
  d2v_bpe_trie_clear (&tokenizer->tries[1]);
  d2v_free (tokenizer->trims);
  d2v_free (tokenizer->merged);
  d2v_free (tokenizer->added);
  d2v_free (tokenizer->is_special);
  g_free (tokenizer);
}

/* --------------------------------------------------------------- tokens -- */

gint32
d2v_tokenizer_special (const D2vTokenizer *tokenizer, D2vSpecial special)
{
  return tokenizer->specials[special];
}

gsize
d2v_tokenizer_n_ids (const D2vTokenizer *tokenizer)
{
  return tokenizer->names.n_ids;
}

const gchar *
d2v_tokenizer_token (const D2vTokenizer *tokenizer, gint32 id, gsize *length)
{
  return id < 0 ? NULL
                : d2v_token_names_get (&tokenizer->names, (guint32) id, length);
}

gint32
d2v_tokenizer_lookup (const D2vTokenizer *tokenizer, const gchar *token,
                      gssize length)
{
  gsize n = length < 0 ? strlen (token) : (gsize) length;
  guint32 id = d2v_token_names_find (&tokenizer->names, token, n);

  return id == D2V_BPE_NONE ? -1 : (gint32) id;
}

gsize
d2v_tokenizer_model_max_length (const D2vTokenizer *tokenizer)
{
  return tokenizer->model_max_length;
}

gboolean
d2v_tokenizer_pads_left (const D2vTokenizer *tokenizer)
{
  return tokenizer->pads_left;
}
