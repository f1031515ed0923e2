/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vocab.h: the CTC vocabulary: vocab.json with tokenizer_config.json,
 * special_tokens_map.json and added_tokens.json (rules T1, T8; spec 8.2). */
#pragma once

#include "engine/d2v.h"

typedef struct
{
  gchar **tokens; /* by id, n_tokens of them; "" where no token has the id */
  gsize n_tokens; /* tokens beyond config's vocab_size are never emitted */
  gint64 pad;     /* the blank */
  gint64 unk;     /* -1 when there is none */
  gint64 word_delimiter;              /* -1 when there is none */
  gchar *replace_word_delimiter_char; /* usually " " */
  gboolean do_lower_case;
  gboolean clean_up_tokenization_spaces;
} D2vVocab;

D2vVocab *d2v_vocab_read (const gchar *dir, gsize vocab_size, GError **error);
void d2v_vocab_free (D2vVocab *vocab);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vVocab, d2v_vocab_free)
