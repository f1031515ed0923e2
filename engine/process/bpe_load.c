/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/error.h"

#define MAX_LINE_BYTES 4096
/* A joined token must be in the vocabulary, so two longer ones never are. */
#define MAX_JOIN_BYTES (2 * D2V_MAX_TOKEN_BYTES)

static gboolean
fail_memory (const gchar *file, GError **error)
{
  return d2v_fail (error, D2V_ERROR_NO_MEMORY, file,
                   "expected memory for the vocabulary, found none");
}

/* ----------------------------------------------------------- vocabulary -- */

/* The id of an entry, which must be new to the table. */
static gboolean
read_id (const D2vBpeLoader *loader, const D2vJsonValue *value,
         const gchar *name, const gchar *file, gint64 *id, GError **error)
{
  D2vJsonType type = d2v_json_type (value);

  if (type == D2V_JSON_OBJECT)
    return d2v_fail (error, D2V_ERROR_TOK_VOCAB, file,
                     "expected one vocabulary, found one for each language "
                     "(%s)",
                     name);
  *id = d2v_json_integer (value);
  if (type != D2V_JSON_INTEGER || *id < 0 || *id >= (gint64) loader->vocab_size)
    return d2v_fail (error, D2V_ERROR_TOK_VOCAB, file,
                     "expected an id from 0 to %" G_GSIZE_FORMAT
                     " for %s, found %s",
                     loader->vocab_size - 1, name,
                     type == D2V_JSON_INTEGER ? "another integer"
                                              : d2v_json_type_name (type));
  return TRUE;
}

static gboolean
add_entry (D2vBpeLoader *loader, const gchar *token, const D2vJsonValue *value,
           const gchar *file, GError **error)
{
  D2vTokenNames *names = &loader->tokenizer->names;
  g_autofree gchar *name = d2v_escape_name (token, -1);
  gsize length = strlen (token);
  gint64 id = 0;

  if (length > D2V_MAX_TOKEN_BYTES)
    return d2v_fail (error, D2V_ERROR_TOK_VOCAB, file,
                     "expected tokens of at most %d bytes, found one of "
                     "%" G_GSIZE_FORMAT,
                     D2V_MAX_TOKEN_BYTES, length);
  if (!read_id (loader, value, name, file, &id, error))
    return FALSE;
  if (d2v_token_names_get (names, (guint32) id, NULL))
    return d2v_fail (error, D2V_ERROR_TOK_VOCAB, file,
                     "expected each id once, found %" G_GINT64_FORMAT
                     " again for %s",
                     id, name);
  return d2v_token_names_add (names, token, length, (guint32) id)
         || fail_memory (file, error);
}

static gboolean
add_vocab (D2vBpeLoader *loader, const D2vJsonValue *vocab, const gchar *file,
           GError **error)
{
  D2vJsonIter iter = d2v_json_iter (vocab);
  const D2vJsonValue *value;
  const gchar *token;

  if (d2v_json_type (vocab) != D2V_JSON_OBJECT)
    return d2v_fail (error, D2V_ERROR_TOK_VOCAB, file,
                     "expected an object of tokens with ids, found %s",
                     d2v_json_type_name (d2v_json_type (vocab)));
  if (d2v_json_length (vocab) > D2V_MAX_TOKENS || d2v_json_length (vocab) == 0)
    return d2v_fail (error, D2V_ERROR_TOK_VOCAB, file,
                     "expected 1 to %d tokens, found %" G_GSIZE_FORMAT,
                     D2V_MAX_TOKENS, d2v_json_length (vocab));
  while (d2v_json_iter_next (&iter, &token, &value))
    if (!add_entry (loader, token, value, file, error))
      return FALSE;
  loader->tokenizer->n_vocab_ids = loader->tokenizer->names.n_ids;
  return TRUE;
}

/* Both files give a vocabulary: entry by entry the same (rule T5). */
static gboolean
compare_vocab (const D2vBpeLoader *loader, const D2vJsonValue *vocab,
               const gchar *file, GError **error)
{
  const D2vTokenNames *names = &loader->tokenizer->names;
  D2vJsonIter iter = d2v_json_iter (vocab);
  const D2vJsonValue *value;
  const gchar *token;

  if (d2v_json_type (vocab) != D2V_JSON_OBJECT
      || d2v_json_length (vocab) != names->n)
    return d2v_fail (error, D2V_ERROR_TOK_DISAGREE, file,
                     "expected the %" G_GSIZE_FORMAT
                     " tokens of tokenizer.json, found %" G_GSIZE_FORMAT,
                     names->n, d2v_json_length (vocab));
  while (d2v_json_iter_next (&iter, &token, &value))
    {
      guint32 id = d2v_token_names_find (names, token, strlen (token));
      g_autofree gchar *name = NULL;

      if (id != D2V_BPE_NONE && d2v_json_type (value) == D2V_JSON_INTEGER
          && d2v_json_integer (value) == id)
        continue;
      name = d2v_escape_name (token, -1);
      return d2v_fail (error, D2V_ERROR_TOK_DISAGREE, file,
                       "expected the ids of tokenizer.json, found another "
                       "for %s",
                       name);
    }
  return TRUE;
}

/* --------------------------------------------------------------- merges -- */

/* Merges as they come, rank by rank: taken, or compared with those that were
 * taken before. */
typedef struct
{
  D2vTokenizer *tokenizer;
  const gchar *file;
  gboolean compare;
  gsize rank;
  gsize capacity; /* of tokenizer->merged */
} Merges;

static gboolean
fail_merge (const Merges *merges, const gchar *reason, GError **error)
{
  return d2v_fail (
      error, merges->compare ? D2V_ERROR_TOK_DISAGREE : D2V_ERROR_TOK_MERGES,
      merges->file, "expected %s, found another merge %" G_GSIZE_FORMAT, reason,
      merges->rank);
}

static gboolean
store_merge (Merges *merges, guint32 a, guint32 b, guint32 join, GError **error)
{
  D2vTokenizer *tokenizer = merges->tokenizer;
  gpointer grown
      = d2v_bpe_grow (tokenizer->merged, &merges->capacity, merges->rank,
                      merges->rank + 1, sizeof (guint32));

  if (grown)
    tokenizer->merged = grown;
  if (!grown
      || !d2v_pair_map_add (&tokenizer->merges, a, b, (guint32) merges->rank))
    return fail_memory (merges->file, error);
  tokenizer->merged[merges->rank] = join;
  tokenizer->n_merges = ++merges->rank;
  return TRUE;
}

static gboolean
take_merge (Merges *merges, const gchar *a, gsize n_a, const gchar *b,
            gsize n_b, GError **error)
{
  const D2vTokenNames *names = &merges->tokenizer->names;
  gchar both[MAX_JOIN_BYTES];
  guint32 id_a, id_b, join, rank;

  if (n_a == 0 || n_b == 0 || n_a > D2V_MAX_TOKEN_BYTES
      || n_b > D2V_MAX_TOKEN_BYTES)
    return fail_merge (merges, "two parts of 1 to 1024 bytes", error);
  memcpy (both, a, n_a);
  memcpy (both + n_a, b, n_b);
  id_a = d2v_token_names_find (names, a, n_a);
  id_b = d2v_token_names_find (names, b, n_b);
  join = d2v_token_names_find (names, both, n_a + n_b);
  if (id_a == D2V_BPE_NONE || id_b == D2V_BPE_NONE || join == D2V_BPE_NONE)
    return fail_merge (merges, "parts and their join in the vocabulary", error);

  rank = d2v_pair_map_get (&merges->tokenizer->merges, id_a, id_b);
  if (merges->compare)
    return rank == merges->rank++
           || fail_merge (merges, "the merges of tokenizer.json", error);
  if (rank != D2V_BPE_NONE)
    return fail_merge (merges, "each merge once", error);
  if (merges->rank >= D2V_MAX_MERGES)
    return fail_merge (merges, "at most 4194304 merges", error);
  return store_merge (merges, id_a, id_b, join, error);
}

/* "a b" */
static gboolean
take_line (Merges *merges, const gchar *line, gsize length, GError **error)
{
  const gchar *space = memchr (line, ' ', length);
  gsize n_a = space ? (gsize) (space - line) : length;

  if (!space || length > MAX_LINE_BYTES
      || memchr (space + 1, ' ', length - n_a - 1))
    return fail_merge (merges, "two parts with one space between them", error);
  return take_merge (merges, line, n_a, space + 1, length - n_a - 1, error);
}

/* A pair ["a", "b"], or "a b" as tokenizers wrote before 0.20. */
static gboolean
take_element (Merges *merges, const D2vJsonValue *element, GError **error)
{
  const gchar *a, *b;
  gsize n_a, n_b;

  a = d2v_json_string (element, &n_a);
  if (a)
    return take_line (merges, a, n_a, error);
  a = d2v_json_string (d2v_json_element (element, 0), &n_a);
  b = d2v_json_string (d2v_json_element (element, 1), &n_b);
  if (!a || !b || d2v_json_length (element) != 2)
    return fail_merge (merges, "pairs of strings", error);
  return take_merge (merges, a, n_a, b, n_b, error);
}

static gboolean
take_json_merges (Merges *merges, const D2vJsonValue *array, GError **error)
{
  if (d2v_json_type (array) != D2V_JSON_ARRAY)
    return d2v_fail (error, D2V_ERROR_TOK_MERGES, merges->file,
                     "expected model.merges to be an array, found %s",
                     d2v_json_type_name (d2v_json_type (array)));
  for (gsize i = 0; i < d2v_json_length (array); i++)
    if (!take_element (merges, d2v_json_element (array, i), error))
      return FALSE;
  return TRUE;
}

/* merges.txt: one merge a line, after an optional line "#version: ...". */
static gboolean
take_text_merges (Merges *merges, GBytes *bytes, GError **error)
{
  gsize n, length;
  const gchar *text = g_bytes_get_data (bytes, &n);
  gsize at = 0;

  if (n >= 8 && memcmp (text, "#version", 8) == 0)
    {
      const gchar *end = memchr (text, '\n', n);

      at = end ? (gsize) (end - text) + 1 : n;
    }
  for (; at < n; at += length + 1)
    {
      const gchar *end = memchr (text + at, '\n', n - at);

      length = end ? (gsize) (end - text) - at : n - at;
      gboolean crlf = length > 0 && text[at + length - 1] == '\r';
      if (!take_line (merges, text + at, length - crlf, error))
        return FALSE;
    }
  return TRUE;
}

/* ---------------------------------------------------------------- bytes -- */

/* Ids that pieces begin from. A byte that the vocabulary lacks is dropped,
 * unless the model names a token for it. */
static gboolean
find_bytes (D2vBpeLoader *loader, const D2vJsonValue *model, GError **error)
{
  D2vTokenizer *tokenizer = loader->tokenizer;
  const gchar *unk
      = d2v_json_string (d2v_json_member (model, "unk_token"), NULL);
  guint32 unk_id = D2V_BPE_NONE;

  if (unk)
    {
      unk_id = d2v_token_names_find (&tokenizer->names, unk, strlen (unk));
      if (unk_id == D2V_BPE_NONE)
        return d2v_fail (error, D2V_ERROR_TOK_SPECIAL,
                         d2v_json_name (loader->tokenizer_json),
                         "expected model.unk_token in the vocabulary, found "
                         "it nowhere");
    }
  for (guint byte = 0; byte < 256; byte++)
    {
      gchar utf8[6];
      gint n = g_unichar_to_utf8 (d2v_bpe_byte_to_char ((guint8) byte), utf8);
      guint32 id = d2v_token_names_find (&tokenizer->names, utf8, (gsize) n);

      tokenizer->byte_ids[byte] = id != D2V_BPE_NONE ? id : unk_id;
    }
  return TRUE;
}

/* ----------------------------------------------------------- both files -- */

/* tokenizer.json first; vocab.json and merges.txt must then agree with it. */
gboolean
d2v_bpe_load_model (D2vBpeLoader *loader, GError **error)
{
  const D2vJsonValue *model = NULL;
  Merges merges = { .tokenizer = loader->tokenizer };

  if (loader->tokenizer_json)
    {
      merges.file = d2v_json_name (loader->tokenizer_json);
      model = d2v_json_member (d2v_json_root (loader->tokenizer_json), "model");
      if (!add_vocab (loader, d2v_json_member (model, "vocab"), merges.file,
                      error)
          || !take_json_merges (&merges, d2v_json_member (model, "merges"),
                                error))
        return FALSE;
    }
  if (loader->vocab)
    {
      const D2vJsonValue *root = d2v_json_root (loader->vocab);
      const gchar *file = d2v_json_name (loader->vocab);

      if (!(model ? compare_vocab (loader, root, file, error)
                  : add_vocab (loader, root, file, error)))
        return FALSE;
    }
  if (loader->files->merges)
    {
      merges = (Merges){ loader->tokenizer, loader->merges_name, model != NULL,
                         0, 0 };
      if (!take_text_merges (&merges, loader->files->merges, error))
        return FALSE;
      if (merges.rank != loader->tokenizer->n_merges)
        return fail_merge (&merges, "all merges of tokenizer.json", error);
    }
  return find_bytes (loader, model, error);
}
