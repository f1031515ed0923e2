/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as vocab.json, tokenizer_config.json, special_tokens_map.json and
 * added_tokens.json, with a byte FF between them; an empty part is a file that
 * is not there. */

#include "engine/io/vocab_private.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define N_PARTS 4
#define VOCAB_SIZE 64

typedef struct
{
  const gchar *text;
  gsize length;
} Part;

static void
split (const guint8 *data, gsize n_bytes, Part parts[N_PARTS])
{
  for (guint i = 0; i < N_PARTS && n_bytes > 0; i++)
    {
      const guint8 *mark
          = i + 1 < N_PARTS ? memchr (data, 0xff, n_bytes) : NULL;
      gsize n = mark != NULL ? (gsize) (mark - data) : n_bytes;
      parts[i] = (Part){ (const gchar *) data, n };
      data += mark != NULL ? n + 1 : n;
      n_bytes -= mark != NULL ? n + 1 : n;
    }
}

static D2vTokenMap *
read_map (const Part *part, gsize n_ids)
{
  g_autoptr (GError) error = NULL;
  D2vTokenMap *map
      = d2v_token_map_parse (part->text, part->length, "fuzz", n_ids, &error);

  fuzz_check (map != NULL, error);
  return map;
}

static D2vJson *
read_json (const Part *part)
{
  return d2v_json_parse (part->text, part->length, "fuzz", NULL, NULL);
}

static void
check_id (gint64 id, const D2vVocab *vocab)
{
  if (id < -1 || id >= (gint64) vocab->n_tokens)
    abort ();
}

static void
check_vocab (const D2vVocab *vocab)
{
  for (gsize i = 0; i < vocab->n_tokens; i++)
    if (!g_utf8_validate (vocab->tokens[i], -1, NULL))
      abort ();
  check_id (vocab->pad, vocab);
  check_id (vocab->unk, vocab);
  check_id (vocab->word_delimiter, vocab);
  if (vocab->pad < 0)
    abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  Part parts[N_PARTS] = { { NULL } };

  split (data, n_bytes, parts);
  g_autoptr (D2vTokenMap) tokens = read_map (&parts[0], VOCAB_SIZE);
  g_autoptr (D2vTokenMap) added = read_map (&parts[3], D2V_MAX_TOKENS);
  g_autoptr (D2vJson) config = read_json (&parts[1]);
  g_autoptr (D2vJson) special = read_json (&parts[2]);
  g_autoptr (GError) error = NULL;
  if (tokens == NULL)
    return 0;

  D2vVocabParts said = { .tokens = tokens,
                         .added = added,
                         .config = config,
                         .special_tokens_map = special,
                         .where = "fuzz" };
  g_autoptr (D2vVocab) vocab = d2v_vocab_from_parts (&said, &error);
  fuzz_check (vocab != NULL, error);
  if (vocab != NULL)
    check_vocab (vocab);
  return 0;
}
