/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/process/unicode.h"

/* Bytes of all added tokens together: what their trie may cost. */
#define MAX_ADDED_BYTES (1 << 20)
/* Longer sequences than this are no limit; the original writes 1e30 for
 * "none". */
#define NO_MAX_LENGTH 1e15

static const struct
{
  const gchar *key, *content;
} specials[D2V_N_SPECIALS] = {
  [D2V_SPECIAL_BOS] = { "bos_token", "<s>" },
  [D2V_SPECIAL_EOS] = { "eos_token", "</s>" },
  [D2V_SPECIAL_UNK] = { "unk_token", "<unk>" },
  [D2V_SPECIAL_SEP] = { "sep_token", "</s>" },
  [D2V_SPECIAL_PAD] = { "pad_token", "<pad>" },
  [D2V_SPECIAL_CLS] = { "cls_token", "<s>" },
  [D2V_SPECIAL_MASK] = { "mask_token", "<mask>" },
};

/* A token as files name it: a string, or an object with flags. */
typedef struct
{
  const gchar *content;
  gboolean has_flags;
  D2vAddedToken flags; /* without id */
} Named;

typedef struct
{
  D2vBpeLoader *loader;
  D2vTokenizer *tokenizer;
  Named named[D2V_N_SPECIALS];
  D2vTokenNames special; /* strings that are special by name */
  D2vPairMap seen;       /* (id, 0) -> index in tokenizer->added */
  gsize n_bytes;
} Builder;

/* --------------------------------------------------------------- values -- */

/* NULL for a file that is not there. */
static const D2vJsonValue *
root_of (const D2vJson *json)
{
  return json ? d2v_json_root (json) : NULL;
}

/* The flags of @object; absent ones are off, normalized is what special is
 * not. */
static gboolean
read_flags (const D2vJson *json, const D2vJsonValue *object, gboolean special,
            D2vAddedToken *flags, GError **error)
{
  *flags = (D2vAddedToken){ .special = special };
  if (!d2v_json_get_bool (json, object, "lstrip", &flags->lstrip, error)
      || !d2v_json_get_bool (json, object, "rstrip", &flags->rstrip, error)
      || !d2v_json_get_bool (json, object, "single_word", &flags->single_word,
                             error)
      || !d2v_json_get_bool (json, object, "special", &flags->special, error))
    return FALSE;
  flags->normalized = !flags->special;
  return d2v_json_get_bool (json, object, "normalized", &flags->normalized,
                            error);
}

static gboolean
fail_memory (const gchar *file, GError **error)
{
  return d2v_fail (error, D2V_ERROR_NO_MEMORY, file,
                   "expected memory for the added tokens, found none");
}

static gboolean
is_special (const Builder *builder, const gchar *content)
{
  return d2v_token_names_find (&builder->special, content, strlen (content))
         != D2V_BPE_NONE;
}

static gboolean
mark_special (Builder *builder, const gchar *content, GError **error)
{
  return is_special (builder, content)
         || d2v_token_names_add (&builder->special, content, strlen (content),
                                 (guint32) builder->special.n)
         || fail_memory (NULL, error);
}

static gboolean
fail_special (const gchar *file, const gchar *content, const gchar *expected,
              GError **error)
{
  g_autofree gchar *name = d2v_escape_name (content ? content : "", -1);

  return d2v_fail (error, D2V_ERROR_TOK_SPECIAL, file,
                   "expected %s, found otherwise for %s", expected, name);
}

/* A name is a string or an object with "content"; absent leaves *named. */
static gboolean
read_named (const D2vJson *json, const D2vJsonValue *value, const gchar *key,
            Named *named, GError **error)
{
  D2vJsonType type = d2v_json_type (value);
  gsize length;

  if (type == D2V_JSON_NULL)
    return TRUE;
  named->has_flags = type == D2V_JSON_OBJECT;
  if (named->has_flags && !read_flags (json, value, TRUE, &named->flags, error))
    return FALSE;
  named->content = d2v_json_string (
      named->has_flags ? d2v_json_member (value, "content") : value, &length);
  if (!named->content || length == 0 || length > D2V_MAX_TOKEN_BYTES
      || strlen (named->content) != length)
    return fail_special (d2v_json_name (json), key,
                         "a token of 1 to 1024 bytes", error);
  return TRUE;
}

/* tokenizer_config.json first, then special_tokens_map.json, then the class's
 * own. Flags may come from the second when the first has the name alone. */
static gboolean
read_special (Builder *builder, D2vSpecial special, GError **error)
{
  const D2vJson *config = builder->loader->config;
  const D2vJson *map = builder->loader->map;
  const gchar *key = specials[special].key;
  Named first = { 0 }, second = { 0 };

  if (!read_named (config, d2v_json_member (root_of (config), key), key, &first,
                   error)
      || !read_named (map, d2v_json_member (root_of (map), key), key, &second,
                      error))
    return FALSE;
  if (!first.content)
    first = second;
  if (!first.content)
    first.content = specials[special].content;
  if (!first.has_flags && second.has_flags
      && strcmp (first.content, second.content) == 0)
    first = second;
  if (!first.has_flags)
    /* No file says: as the class does it in the files of its time. */
    first.flags = (D2vAddedToken){ .special = TRUE,
                                   .lstrip = special == D2V_SPECIAL_MASK };
  first.flags.special = TRUE;
  builder->named[special] = first;
  return mark_special (builder, first.content, error);
}

/* --------------------------------------------------------------- adding -- */

/* The id that @content gets: the file's, which must be its own, or one that
 * it has in the vocabulary, or the next free one. */
static gboolean
settle_id (const Builder *builder, const gchar *content, const gchar *file,
           guint32 *id, GError **error)
{
  const D2vTokenNames *names = &builder->tokenizer->names;
  guint32 own = d2v_token_names_find (names, content, strlen (content));

  if (*id == D2V_BPE_NONE)
    *id = own != D2V_BPE_NONE ? own : (guint32) names->n_ids;
  if (*id >= D2V_MAX_TOKENS)
    return fail_special (file, content, "an id below 1048576", error);
  if (own != D2V_BPE_NONE ? own != *id
                          : d2v_token_names_get (names, *id, NULL) != NULL)
    return fail_special (file, content,
                         "an id that names this token alone, as in the "
                         "vocabulary",
                         error);
  return TRUE;
}

static gboolean
store_added (Builder *builder, const gchar *content, gsize length,
             const D2vAddedToken *token)
{
  D2vTokenizer *tokenizer = builder->tokenizer;
  gpointer grown = d2v_bpe_grow (tokenizer->added, &tokenizer->added_capacity,
                                 tokenizer->n_added, tokenizer->n_added + 1,
                                 sizeof (D2vAddedToken));
  guint32 index = (guint32) tokenizer->n_added;

  if (!grown)
    return FALSE;
  tokenizer->added = grown;
  tokenizer->added[tokenizer->n_added++] = *token;
  return (d2v_token_names_get (&tokenizer->names, token->id, NULL)
          || d2v_token_names_add (&tokenizer->names, content, length,
                                  token->id))
         && d2v_pair_map_add (&builder->seen, token->id, 0, index)
         && d2v_bpe_trie_add (&tokenizer->tries[token->normalized], content,
                              length, index);
}

/* @token: flags, and an id or D2V_BPE_NONE. */
static gboolean
add_token (Builder *builder, const gchar *content, D2vAddedToken token,
           const gchar *file, GError **error)
{
  gsize length = strlen (content);

  if (length == 0 || length > D2V_MAX_TOKEN_BYTES)
    return fail_special (file, content, "tokens of 1 to 1024 bytes", error);
  builder->n_bytes += length;
  if (builder->n_bytes > MAX_ADDED_BYTES)
    return fail_special (file, content, "at most 1 MiB of added tokens", error);
  if (!settle_id (builder, content, file, &token.id, error))
    return FALSE;
  if (d2v_pair_map_get (&builder->seen, token.id, 0) != D2V_BPE_NONE)
    return fail_special (file, content, "each added token once", error);
  if (is_special (builder, content))
    token.special = TRUE;
  return store_added (builder, content, length, &token)
         || fail_memory (file, error);
}

static gboolean
is_added (const Builder *builder, const gchar *content)
{
  guint32 id = d2v_token_names_find (&builder->tokenizer->names, content,
                                     strlen (content));

  return id != D2V_BPE_NONE
         && d2v_pair_map_get (&builder->seen, id, 0) != D2V_BPE_NONE;
}

/* ----------------------------------------------------- the three sources -- */

/* {"id": 0, "content": "<s>", ...}; @id when the file has it elsewhere. */
static gboolean
add_object (Builder *builder, const D2vJson *json, const D2vJsonValue *object,
            gint64 id, GError **error)
{
  const gchar *file = d2v_json_name (json), *content = NULL;
  D2vAddedToken token;

  if (d2v_json_type (object) != D2V_JSON_OBJECT)
    return fail_special (file, "added_tokens", "objects", error);
  if (!d2v_json_get_string (json, object, "content", D2V_MAX_TOKEN_BYTES,
                            &content, error)
      || !d2v_json_get_integer (json, object, "id", 0, D2V_MAX_TOKENS - 1, &id,
                                error)
      || !read_flags (json, object, FALSE, &token, error))
    return FALSE;
  if (!content || id < 0)
    return fail_special (file, "added_tokens", "content and id", error);
  token.id = (guint32) id;
  return add_token (builder, content, token, file, error);
}

static gboolean
add_from_tokenizer (Builder *builder, const D2vJson *json, GError **error)
{
  const D2vJsonValue *list = NULL;

  if (!d2v_json_get_array (json, d2v_json_root (json), "added_tokens", &list,
                           error))
    return FALSE;
  for (gsize i = 0; i < d2v_json_length (list); i++)
    if (!add_object (builder, json, d2v_json_element (list, i), -1, error))
      return FALSE;
  return TRUE;
}

/* tokenizer_config.json's {"0": {"content": "<s>", ...}, ...} */
static gboolean
add_from_config (Builder *builder, const D2vJson *json, GError **error)
{
  const D2vJsonValue *list = NULL, *object;
  const gchar *key;

  if (!d2v_json_get_object (json, d2v_json_root (json), "added_tokens_decoder",
                            &list, error))
    return FALSE;
  D2vJsonIter iter = d2v_json_iter (list);
  while (d2v_json_iter_next (&iter, &key, &object))
    {
      guint64 id;

      if (!g_ascii_string_to_unsigned (key, 10, 0, D2V_MAX_TOKENS - 1, &id,
                                       NULL))
        return fail_special (d2v_json_name (json), key,
                             "ids below 1048576 as keys", error);
      if (!add_object (builder, json, object, (gint64) id, error))
        return FALSE;
    }
  return TRUE;
}

/* added_tokens.json's {"<mask>": 50264, ...}. It has no flags: those of the
 * special tokens come from where they are named. */
static gboolean
add_from_map (Builder *builder, const D2vJson *json, GError **error)
{
  const D2vJsonValue *root = d2v_json_root (json), *value;
  D2vJsonIter iter = d2v_json_iter (root);
  const gchar *content;

  while (d2v_json_iter_next (&iter, &content, &value))
    {
      D2vAddedToken token = { .special = is_special (builder, content) };
      gint64 id = d2v_json_integer (value);

      if (d2v_json_type (value) != D2V_JSON_INTEGER || id < 0
          || id >= D2V_MAX_TOKENS)
        return fail_special (d2v_json_name (json), content,
                             "an id below 1048576", error);
      token.normalized = !token.special;
      for (guint i = 0; i < D2V_N_SPECIALS; i++)
        if (strcmp (builder->named[i].content, content) == 0)
          token = builder->named[i].flags;
      token.id = (guint32) id;
      if (!add_token (builder, content, token, d2v_json_name (json), error))
        return FALSE;
    }
  return TRUE;
}

/* The special tokens that no list has. */
static gboolean
add_named (Builder *builder, const Named *named, const gchar *file,
           GError **error)
{
  D2vAddedToken token = named->flags;

  token.id = D2V_BPE_NONE;
  return is_added (builder, named->content)
         || add_token (builder, named->content, token, file, error);
}

/* "additional_special_tokens": names in an array, or by name in an object. */
static gboolean
take_more (Builder *builder, const D2vJson *json, const gchar *key,
           gboolean add, GError **error)
{
  const D2vJsonValue *list = d2v_json_member (root_of (json), key);
  D2vJsonIter iter = d2v_json_iter (list);
  gboolean is_array = d2v_json_type (list) == D2V_JSON_ARRAY;
  const D2vJsonValue *value;
  const gchar *name;

  for (gsize i = 0; i < d2v_json_length (list); i++)
    {
      Named named = { .flags = { .special = TRUE } };

      if (is_array)
        value = d2v_json_element (list, i);
      else if (!d2v_json_iter_next (&iter, &name, &value))
        break;
      if (!read_named (json, value, key, &named, error))
        return FALSE;
      if (!named.content)
        continue;
      named.flags.special = TRUE;
      if (!add)
        {
          if (!mark_special (builder, named.content, error))
            return FALSE;
        }
      else if (!add_named (builder, &named, d2v_json_name (json), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
take_all_more (Builder *builder, gboolean add, GError **error)
{
  static const gchar *const keys[]
      = { "additional_special_tokens", "extra_special_tokens" };
  const D2vJson *files[] = { builder->loader->config, builder->loader->map };

  for (guint f = 0; f < G_N_ELEMENTS (files); f++)
    for (guint k = 0; k < G_N_ELEMENTS (keys); k++)
      if (!take_more (builder, files[f], keys[k], add, error))
        return FALSE;
  return TRUE;
}

static gboolean
finish_tries (Builder *builder, GError **error)
{
  gboolean done = TRUE;

  for (guint i = 0; done && i < G_N_ELEMENTS (builder->tokenizer->tries); i++)
    done = d2v_bpe_trie_finish (&builder->tokenizer->tries[i]);
  return done || fail_memory ("added tokens", error);
}

static gboolean
add_all (Builder *builder, GError **error)
{
  const D2vBpeLoader *loader = builder->loader;
  const D2vJson *config = loader->config;
  gboolean done = TRUE;

  if (loader->tokenizer_json)
    done = add_from_tokenizer (builder, loader->tokenizer_json, error);
  else if (d2v_json_member (root_of (config), "added_tokens_decoder"))
    done = add_from_config (builder, config, error);
  else if (loader->added)
    done = add_from_map (builder, loader->added, error);
  for (guint i = 0; done && i < D2V_N_SPECIALS; i++)
    done = add_named (builder, &builder->named[i], "special tokens", error);
  return done && take_all_more (builder, TRUE, error)
         && finish_tries (builder, error);
}

/* -------------------------------------------------------- configuration -- */

static gboolean
read_side (const D2vJson *config, const gchar *key, gboolean *left,
           GError **error)
{
  const gchar *side = "right";

  if (!d2v_json_get_string (config, root_of (config), key, 16, &side, error))
    return FALSE;
  *left = strcmp (side, "left") == 0;
  if (!*left && strcmp (side, "right") != 0)
    return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (config),
                     "expected %s to be left or right, found something else",
                     key);
  return TRUE;
}

static gboolean
read_config (D2vBpeLoader *loader, GError **error)
{
  D2vTokenizer *tokenizer = loader->tokenizer;
  const D2vJson *config = loader->config;
  const D2vJsonValue *root = root_of (config);
  gdouble max_length = G_MAXDOUBLE;
  gboolean split_special = FALSE;

  tokenizer->trim_offsets = TRUE;
  tokenizer->model_max_length = G_MAXSIZE;
  if (!config)
    return TRUE;
  if (!d2v_json_get_bool (config, root, "add_prefix_space",
                          &tokenizer->add_prefix_space, error)
      || !d2v_json_get_bool (config, root, "trim_offsets",
                             &tokenizer->trim_offsets, error)
      || !d2v_json_get_bool (config, root, "split_special_tokens",
                             &split_special, error)
      || !d2v_json_get_number (config, root, "model_max_length", 1, G_MAXDOUBLE,
                               &max_length, error)
      || !read_side (config, "padding_side", &tokenizer->pads_left, error)
      || !read_side (config, "truncation_side", &tokenizer->truncates_left,
                     error))
    return FALSE;
  if (max_length < NO_MAX_LENGTH)
    tokenizer->model_max_length = (gsize) max_length;
  if (split_special)
    return d2v_fail (error, D2V_ERROR_TOK_UNSUPPORTED, d2v_json_name (config),
                     "expected split_special_tokens to be false, found true");
  return TRUE;
}

/* ---------------------------------------------------------------- by id -- */

static gboolean
is_trimmed (gunichar c)
{
  return c == d2v_bpe_byte_to_char (' ')
         || (d2v_char_class (c) & D2V_CHAR_KIND) == D2V_CHAR_SPACE;
}

static D2vBpeTrim
measure (const gchar *token, gsize length)
{
  D2vBpeTrim trim = { 0 };
  gboolean leading = TRUE;

  for (gsize at = 0; at < length; trim.n_chars++)
    {
      gboolean trimmed = is_trimmed (d2v_utf8_next (token, &at));

      leading = leading && trimmed;
      trim.lead += leading;
      trim.trail = trimmed ? trim.trail + 1 : 0;
    }
  return trim;
}

static gboolean
fill_tables (D2vTokenizer *tokenizer)
{
  gsize n = tokenizer->names.n_ids;

  tokenizer->trims = d2v_malloc_n (n, sizeof (D2vBpeTrim));
  tokenizer->is_special = d2v_malloc0 (n);
  if (!tokenizer->trims || !tokenizer->is_special)
    return FALSE;
  for (gsize id = 0; id < n; id++)
    {
      gsize length = 0;
      const gchar *token
          = d2v_token_names_get (&tokenizer->names, (guint32) id, &length);

      tokenizer->trims[id] = measure (token, length);
    }
  for (gsize i = 0; i < tokenizer->n_added; i++)
    tokenizer->is_special[tokenizer->added[i].id] = tokenizer->added[i].special;
  return TRUE;
}

gboolean
d2v_bpe_load_special (D2vBpeLoader *loader, GError **error)
{
  D2vTokenizer *tokenizer = loader->tokenizer;
  Builder builder = { .loader = loader, .tokenizer = tokenizer };
  gboolean done = read_config (loader, error);

  for (guint i = 0; done && i < D2V_N_SPECIALS; i++)
    done = read_special (&builder, i, error);
  done = done && take_all_more (&builder, FALSE, error)
         && add_all (&builder, error);
  for (guint i = 0; done && i < D2V_N_SPECIALS; i++)
    tokenizer->specials[i]
        = d2v_tokenizer_lookup (tokenizer, builder.named[i].content, -1);
  if (done && !fill_tables (tokenizer))
    done = fail_memory (NULL, error);
  d2v_token_names_clear (&builder.special);
  d2v_pair_map_clear (&builder.seen);
  return done;
}
