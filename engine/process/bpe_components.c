/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/error.h"

/* Rule T3: what tokenizer.json may ask for. Whether its space and offset
 * options agree with tokenizer_config.json does not matter: the original
 * follows the latter. Truncation and padding are ignored as well. */

static gboolean
fail_unsupported (const D2vBpeLoader *loader, const gchar *key,
                  const gchar *expected, GError **error)
{
  return d2v_fail (error, D2V_ERROR_TOK_UNSUPPORTED,
                   d2v_json_name (loader->tokenizer_json),
                   "expected %s to be %s, found something else", key, expected);
}

static gboolean
has_type (const D2vJsonValue *component, const gchar *type)
{
  return g_strcmp0 (d2v_json_string (d2v_json_member (component, "type"), NULL),
                    type)
         == 0;
}

static gboolean
is_false (const D2vJsonValue *object, const gchar *key)
{
  const D2vJsonValue *value = d2v_json_member (object, key);

  return !value
         || (d2v_json_type (value) == D2V_JSON_BOOL && !d2v_json_bool (value));
}

static gboolean
is_empty (const D2vJsonValue *object, const gchar *key)
{
  const D2vJsonValue *value = d2v_json_member (object, key);
  gsize length = 0;

  return !value || (d2v_json_string (value, &length) && length == 0);
}

static gboolean
check_model (const D2vBpeLoader *loader, const D2vJsonValue *model,
             GError **error)
{
  static const gchar *const flags[]
      = { "byte_fallback", "ignore_merges", "fuse_unk" };
  static const gchar *const affixes[]
      = { "continuing_subword_prefix", "end_of_word_suffix" };
  const D2vJsonValue *unk = d2v_json_member (model, "unk_token");

  if (d2v_json_member (model, "type") && !has_type (model, "BPE"))
    return fail_unsupported (loader, "model.type", "BPE", error);
  if (d2v_json_member (model, "dropout"))
    return fail_unsupported (loader, "model.dropout", "null", error);
  if (unk && d2v_json_type (unk) != D2V_JSON_STRING)
    return fail_unsupported (loader, "model.unk_token", "a string", error);
  for (guint i = 0; i < G_N_ELEMENTS (affixes); i++)
    if (!is_empty (model, affixes[i]))
      return fail_unsupported (loader, affixes[i], "empty", error);
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    if (!is_false (model, flags[i]))
      return fail_unsupported (loader, flags[i], "false", error);
  return TRUE;
}

static gboolean
is_byte_level (const D2vJsonValue *component)
{
  const D2vJsonValue *use_regex = d2v_json_member (component, "use_regex");

  return has_type (component, "ByteLevel")
         && (!use_regex || d2v_json_bool (use_regex));
}

/* ["</s>", 2] */
static gboolean
check_pair (const D2vBpeLoader *loader, const D2vJsonValue *processor,
            const gchar *key, D2vSpecial special, GError **error)
{
  const D2vTokenizer *tokenizer = loader->tokenizer;
  const D2vJsonValue *pair = d2v_json_member (processor, key);
  const D2vJsonValue *id = d2v_json_element (pair, 1);
  const gchar *token = d2v_json_string (d2v_json_element (pair, 0), NULL);

  if (!token || d2v_json_type (id) != D2V_JSON_INTEGER)
    return fail_unsupported (loader, key, "a token and its id", error);
  if (d2v_json_integer (id) == tokenizer->specials[special]
      && strcmp (token, d2v_tokenizer_token (
                            tokenizer, tokenizer->specials[special], NULL))
             == 0)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_TOK_DISAGREE,
                   d2v_json_name (loader->tokenizer_json),
                   "expected %s of the post_processor to be the special token "
                   "%d, found %" G_GINT64_FORMAT,
                   key, tokenizer->specials[special], d2v_json_integer (id));
}

gboolean
d2v_bpe_check_components (const D2vBpeLoader *loader, GError **error)
{
  const D2vJsonValue *root;

  if (!loader->tokenizer_json)
    return TRUE;
  root = d2v_json_root (loader->tokenizer_json);
  if (!check_model (loader, d2v_json_member (root, "model"), error))
    return FALSE;
  if (d2v_json_member (root, "normalizer"))
    return fail_unsupported (loader, "normalizer", "null", error);
  if (!is_byte_level (d2v_json_member (root, "pre_tokenizer")))
    return fail_unsupported (loader, "pre_tokenizer", "ByteLevel", error);
  if (!is_byte_level (d2v_json_member (root, "decoder")))
    return fail_unsupported (loader, "decoder", "ByteLevel", error);
  if (!has_type (d2v_json_member (root, "post_processor"), "RobertaProcessing"))
    return fail_unsupported (loader, "post_processor", "RobertaProcessing",
                             error);
  return TRUE;
}

gboolean
d2v_bpe_check_template (const D2vBpeLoader *loader, GError **error)
{
  const D2vJsonValue *processor;

  if (!loader->tokenizer_json)
    return TRUE;
  processor = d2v_json_member (d2v_json_root (loader->tokenizer_json),
                               "post_processor");
  return check_pair (loader, processor, "sep", D2V_SPECIAL_SEP, error)
         && check_pair (loader, processor, "cls", D2V_SPECIAL_CLS, error);
}
