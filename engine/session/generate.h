/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* generate.h: a causal language model read token by token (spec 3.5): rows of
 * ids that grow, and the logits of what may follow them.
 *
 * Keys and values of what was read stay in a cache, so that a step costs the
 * same however long the text is. A model that is no decoder has seen all of the
 * prompt at once, in both directions, and of what follows each token only what
 * stood before it: so the original goes on with its cache, and so do we. */
#pragma once

#include "engine/session/session.h"

typedef struct
{
  const gint64 *ids;  /* (B, n) */
  const guint8 *mask; /* (B, n): 0 where a token is padding; NULL: none */
  gsize B, n;         /* both at least 1 */
  gsize max_tokens;   /* the prompt's and what may be appended */
  gboolean forward_positions; /* as a plain forward pass counts, from
                               * pad_token_id + 1 (spec 3.1); FALSE: from 0, as
                               * the original's generate() does */
  gboolean no_cache;          /* read all of the text again for each token */
} D2vDecoderParams;

/* One thread at a time. */
typedef struct _D2vDecoder D2vDecoder;

/* @session: of ForCausalLM. INPUT for ids that the model has not, NO_MEMORY. */
D2vDecoder *d2v_decoder_new (D2vSession *session,
                             const D2vDecoderParams *params, GError **error);
void d2v_decoder_free (D2vDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vDecoder, d2v_decoder_free)

/* How many tokens of a prompt and its continuation the model can tell apart by
 * position. */
gsize d2v_decoder_room (const D2vModel *model, gboolean forward_positions);

/* Logits after the last token, (B, V); borrowed until the next call. INPUT
 * when the position table has no room for the tokens. */
const gfloat *d2v_decoder_logits (D2vDecoder *decoder,
                                  GCancellable *cancellable, GError **error);
/* One more token a row, @next: (B). */
gboolean d2v_decoder_append (D2vDecoder *decoder, const gint64 *next,
                             GError **error);
