/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config_text.c: the keys of data2vec-text, with the original's defaults. */

#include "engine/io/config_private.h"

static void
set_defaults (D2vConfig *c)
{
  c->vocab_size = 30522;
  c->layer_norm_eps = 1e-12f;
  c->pad_token_id = 1;
  c->bos_token_id = 0;
  c->eos_token_id = 2;
  c->max_position_embeddings = 512;
  c->type_vocab_size = 2;
  c->tie_word_embeddings = TRUE;
}

/* The padding id is a row of the word table and, one above it, the first row
 * of the position table that a token uses. */
static void
read_padding (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gsize pad = (gsize) c->pad_token_id;

  d2v_read_size (r, TRUE, "pad_token_id", 0, c->vocab_size - 1, &pad);
  c->pad_token_id = (gint64) pad;
  d2v_require (r, pad < c->vocab_size && pad + 1 < c->max_position_embeddings,
               "pad_token_id: expected less than vocab_size %" G_GSIZE_FORMAT
               " and max_position_embeddings %" G_GSIZE_FORMAT
               " - 1, found %" G_GSIZE_FORMAT,
               c->vocab_size, c->max_position_embeddings, pad);
}

void
d2v_config_read_text (D2vConfigReader *r)
{
  static const gchar *const positions[]
      = { [D2V_POSITION_ABSOLUTE] = "absolute",
          [D2V_POSITION_RELATIVE_KEY] = "relative_key",
          [D2V_POSITION_RELATIVE_KEY_QUERY] = "relative_key_query",
          NULL };
  D2vConfig *c = r->config;
  guint position = D2V_POSITION_ABSOLUTE;

  set_defaults (c);
  d2v_read_size (r, TRUE, "vocab_size", 2, 1 << 20, &c->vocab_size);
  d2v_read_size (r, TRUE, "max_position_embeddings", 8, 65536,
                 &c->max_position_embeddings);
  d2v_read_size (r, TRUE, "type_vocab_size", 1, 16, &c->type_vocab_size);
  read_padding (r);
  d2v_read_choice (r, TRUE, "position_embedding_type", positions, 3, &position);
  c->position_embedding_type = position;
  d2v_read_bool (r, "is_decoder", &c->is_decoder);
  d2v_read_bool (r, "add_cross_attention", &c->add_cross_attention);
  d2v_read_bool (r, "tie_word_embeddings", &c->tie_word_embeddings);
  d2v_require (r, c->is_decoder || !c->add_cross_attention,
               "add_cross_attention: expected false, for is_decoder is false, "
               "found true");
}
