/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/vocab_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"

#include <string.h>

#define MAX_ID (D2V_MAX_TOKENS - 1)

typedef struct
{
  const D2vVocabParts *parts;
  GHashTable *added;    /* content to id + 1; borrows */
  GHashTable *added_id; /* id to content; borrows */
  guint n_ids;          /* greatest id + 1 */
} Builder;

/* ------------------------------------------------------- added tokens -- */

static gboolean
fail_special (const Builder *b, const gchar *name, const gchar *reason,
              GError **error)
{
  g_autofree gchar *shown = d2v_escape_name (name, -1);

  return d2v_fail (error, D2V_ERROR_TOK_SPECIAL, b->parts->where, "%s: %s (T4)",
                   shown, reason);
}

/* The same token may be listed in two files, if they agree. */
static gboolean
add_token (Builder *b, const gchar *content, gsize id, GError **error)
{
  gpointer key = GSIZE_TO_POINTER (id);
  const gchar *other = g_hash_table_lookup (b->added_id, key);
  gsize known = GPOINTER_TO_SIZE (g_hash_table_lookup (b->added, content));

  if (*content == '\0')
    return fail_special (b, content,
                         "expected an added token that is not "
                         "empty",
                         error);
  if ((other != NULL && strcmp (other, content) != 0)
      || (known != 0 && known != id + 1))
    return fail_special (b, content,
                         "expected one id for each added token and one "
                         "token for each id",
                         error);
  g_hash_table_insert (b->added, (gpointer) content, GSIZE_TO_POINTER (id + 1));
  g_hash_table_insert (b->added_id, key, (gpointer) content);
  b->n_ids = MAX (b->n_ids, (guint) id + 1);
  return TRUE;
}

/* "32": { "content": "<s>", ... } */
static gboolean
add_described (Builder *b, const gchar *key, const D2vJsonValue *token,
               GError **error)
{
  const D2vJson *config = b->parts->config;
  const gchar *content = NULL;
  guint64 id;

  if (!g_ascii_string_to_unsigned (key, 10, 0, MAX_ID, &id, NULL))
    return fail_special (b, key, "expected an id within 0..1048575", error);
  if (!d2v_json_get_string (config, token, "content", D2V_MAX_TOKEN_BYTES,
                            &content, error))
    return FALSE;
  if (content == NULL)
    return fail_special (b, key, "expected an object with content", error);
  return add_token (b, content, (gsize) id, error);
}

static gboolean
add_tokens (Builder *b, GError **error)
{
  const D2vVocabParts *parts = b->parts;
  const D2vJsonValue *described = NULL, *token;
  const gchar *key;

  for (guint i = 0; parts->added != NULL && i < parts->added->n_entries; i++)
    if (!add_token (b, parts->added->entries[i].token,
                    parts->added->entries[i].id, error))
      return FALSE;
  if (parts->config == NULL)
    return TRUE;
  if (!d2v_json_get_object (parts->config, d2v_json_root (parts->config),
                            "added_tokens_decoder", &described, error))
    return FALSE;
  D2vJsonIter iter = d2v_json_iter (described);
  while (d2v_json_iter_next (&iter, &key, &token))
    if (!add_described (b, key, token, error))
      return FALSE;
  return TRUE;
}

/* Rule T4: inside the vocabulary an added token has the vocabulary's name. */
static gboolean
check_agreement (Builder *b, GError **error)
{
  const D2vTokenMap *tokens = b->parts->tokens;

  for (guint i = 0; i < tokens->n_entries; i++)
    {
      const D2vTokenEntry *entry = &tokens->entries[i];
      const gchar *content = g_hash_table_lookup (
          b->added_id, GSIZE_TO_POINTER ((gsize) entry->id));
      if (content != NULL && strcmp (content, entry->token) != 0)
        return fail_special (b, content,
                             "expected the vocabulary's token of the same id, "
                             "found another",
                             error);
      b->n_ids = MAX (b->n_ids, entry->id + 1);
    }
  return TRUE;
}

/* ----------------------------------------------------- special tokens -- */

/* The name may stand as it is or as the content of an object. */
static gboolean
name_in (const D2vJson *json, const gchar *key, const gchar **name,
         GError **error)
{
  const D2vJsonValue *root = d2v_json_root (json);
  const D2vJsonValue *value = d2v_json_member (root, key);

  if (d2v_json_type (value) != D2V_JSON_OBJECT)
    return d2v_json_get_string (json, root, key, D2V_MAX_TOKEN_BYTES, name,
                                error);
  return d2v_json_get_string (json, value, "content", D2V_MAX_TOKEN_BYTES, name,
                              error);
}

/* tokenizer_config.json, then special_tokens_map.json, then the default. */
static gboolean
special_name (const Builder *b, const gchar *key, const gchar *fallback,
              const gchar **name, GError **error)
{
  const D2vJson *sources[] = { b->parts->config, b->parts->special_tokens_map };

  *name = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (sources) && *name == NULL; i++)
    if (sources[i] != NULL && !name_in (sources[i], key, name, error))
      return FALSE;
  if (*name == NULL)
    *name = fallback;
  return TRUE;
}

static gboolean
find_special (const Builder *b, const gchar *key, const gchar *fallback,
              gint64 *id, GError **error)
{
  const gchar *name;

  if (!special_name (b, key, fallback, &name, error))
    return FALSE;
  *id = d2v_token_map_find (b->parts->tokens, name);
  if (*id < 0)
    *id = (gint64) GPOINTER_TO_SIZE (g_hash_table_lookup (b->added, name)) - 1;
  return TRUE;
}

static gboolean
find_specials (const Builder *b, D2vVocab *vocab, GError **error)
{
  const gchar *pad;

  if (!find_special (b, "pad_token", "<pad>", &vocab->pad, error)
      || !find_special (b, "unk_token", "<unk>", &vocab->unk, error)
      || !find_special (b, "word_delimiter_token", "|", &vocab->word_delimiter,
                        error)
      || !special_name (b, "pad_token", "<pad>", &pad, error))
    return FALSE;
  if (vocab->pad >= 0)
    return TRUE;
  g_autofree gchar *shown = d2v_escape_name (pad, -1);
  return d2v_fail (error, D2V_ERROR_TOK_SPECIAL, b->parts->where,
                   "pad_token: expected a token of vocab.json, found %s (T8)",
                   shown);
}

static gboolean
read_options (const Builder *b, D2vVocab *vocab, GError **error)
{
  const D2vJson *config = b->parts->config;
  const gchar *replacement = " ";

  if (config != NULL)
    {
      const D2vJsonValue *root = d2v_json_root (config);
      if (!d2v_json_get_string (config, root, "replace_word_delimiter_char",
                                D2V_MAX_TOKEN_BYTES, &replacement, error)
          || !d2v_json_get_bool (config, root, "do_lower_case",
                                 &vocab->do_lower_case, error)
          || !d2v_json_get_bool (config, root, "clean_up_tokenization_spaces",
                                 &vocab->clean_up_tokenization_spaces, error))
        return FALSE;
    }
  vocab->replace_word_delimiter_char = g_strdup (replacement);
  return TRUE;
}

/* ------------------------------------------------------------- tokens -- */

static gsize
text_bytes (const Builder *b)
{
  const D2vTokenMap *tokens = b->parts->tokens;
  GHashTableIter iter;
  gpointer content;
  gsize n = 1;

  for (guint i = 0; i < tokens->n_entries; i++)
    n += strlen (tokens->entries[i].token) + 1;
  g_hash_table_iter_init (&iter, b->added);
  while (g_hash_table_iter_next (&iter, &content, NULL))
    n += strlen (content) + 1;
  return n;
}

static gchar *
put (gchar **tokens, gsize id, const gchar *token, gchar *text)
{
  tokens[id] = text;
  return stpcpy (text, token) + 1;
}

/* Pointers and texts in one block: an id may be far beyond the others, and a
 * million empty strings of their own would be expensive. */
static gboolean
fill_tokens (const Builder *b, D2vVocab *vocab, GError **error)
{
  const D2vTokenMap *map = b->parts->tokens;
  gsize n_pointers = b->n_ids * sizeof (gchar *);
  GHashTableIter iter;
  gpointer id, content;

  vocab->n_tokens = b->n_ids;
  vocab->tokens = d2v_malloc (n_pointers + text_bytes (b));
  if (vocab->tokens == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, b->parts->where, "%u tokens",
                     b->n_ids);
  gchar *text = (gchar *) vocab->tokens + n_pointers;
  *text = '\0';
  for (guint i = 0; i < b->n_ids; i++)
    vocab->tokens[i] = text;
  text++;
  for (guint i = 0; i < map->n_entries; i++)
    text = put (vocab->tokens, map->entries[i].id, map->entries[i].token, text);
  g_hash_table_iter_init (&iter, b->added_id);
  while (g_hash_table_iter_next (&iter, &id, &content))
    text = put (vocab->tokens, GPOINTER_TO_SIZE (id), content, text);
  return TRUE;
}

/* ------------------------------------------------------------ reading -- */

D2vVocab *
d2v_vocab_from_parts (const D2vVocabParts *parts, GError **error)
{
  g_autoptr (D2vVocab) vocab = g_new0 (D2vVocab, 1);
  g_autoptr (GHashTable) added = g_hash_table_new (d2v_str_hash, g_str_equal);
  g_autoptr (GHashTable) added_id = g_hash_table_new (NULL, NULL);
  Builder b = { .parts = parts, .added = added, .added_id = added_id };

  if (parts->config != NULL
      && d2v_json_root_object (parts->config, error) == NULL)
    return NULL;
  if (!add_tokens (&b, error) || !check_agreement (&b, error)
      || !find_specials (&b, vocab, error) || !read_options (&b, vocab, error)
      || !fill_tokens (&b, vocab, error))
    return NULL;
  return g_steal_pointer (&vocab);
}

static gboolean
read_maps (const D2vDir *dir, gsize vocab_size, D2vTokenMap **tokens,
           D2vTokenMap **added, GError **error)
{
  if (!d2v_dir_has (dir, "vocab.json"))
    return d2v_fail (error, D2V_ERROR_TOK_MISSING, d2v_dir_path (dir),
                     "expected vocab.json");
  *tokens = d2v_token_map_read (dir, "vocab.json", vocab_size, error);
  if (*tokens == NULL)
    return FALSE;
  if (!d2v_dir_has (dir, "added_tokens.json"))
    return TRUE;
  *added = d2v_token_map_read (dir, "added_tokens.json", D2V_MAX_TOKENS, error);
  return *added != NULL;
}

D2vVocab *
d2v_vocab_read (const gchar *dir, gsize vocab_size, GError **error)
{
  g_autoptr (D2vDir) opened = d2v_dir_open (dir, error);
  g_autoptr (D2vTokenMap) tokens = NULL;
  g_autoptr (D2vTokenMap) added = NULL;
  g_autoptr (D2vJson) config = NULL;
  g_autoptr (D2vJson) special = NULL;

  if (opened == NULL
      || !read_maps (opened, d2v_min (vocab_size, D2V_MAX_TOKENS), &tokens,
                     &added, error)
      || !d2v_json_read_optional (dir, "tokenizer_config.json", NULL, &config,
                                  error)
      || !d2v_json_read_optional (dir, "special_tokens_map.json", NULL,
                                  &special, error))
    return NULL;
  D2vVocabParts parts = { .tokens = tokens,
                          .added = added,
                          .config = config,
                          .special_tokens_map = special,
                          .where = dir };
  return d2v_vocab_from_parts (&parts, error);
}

void
d2v_vocab_free (D2vVocab *vocab)
{
  if (vocab == NULL)
    return;
  d2v_free (vocab->tokens);
  g_free (vocab->replace_word_delimiter_char);
  g_free (vocab);
}
