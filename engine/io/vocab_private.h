/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/io/json.h"
#include "engine/io/token_map.h"
#include "engine/io/vocab.h"

/* What the files say, each already read; all but `tokens` may be NULL. */
typedef struct
{
  const D2vTokenMap *tokens;         /* vocab.json */
  const D2vTokenMap *added;          /* added_tokens.json */
  const D2vJson *config;             /* tokenizer_config.json */
  const D2vJson *special_tokens_map; /* special_tokens_map.json */
  const gchar *where;                /* the directory, for messages */
} D2vVocabParts;

D2vVocab *d2v_vocab_from_parts (const D2vVocabParts *parts, GError **error);
