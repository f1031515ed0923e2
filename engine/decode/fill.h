/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fill.h: fill-mask: the likeliest tokens for every <mask> (spec 8.5). Any
 * thread. */
#pragma once

#include "engine/process/bpe.h"

#define D2V_FILL_DEFAULT_TOP_K 5

typedef struct
{
  gsize top_k;           /* 0: five; more than there are: all */
  const gint32 *targets; /* (n_targets), the only candidates; NULL: any token;
                          * as d2v_fill_targets() gives them */
  gsize n_targets;
} D2vFillParams;

/* The ids of @n targets, each once and ascending: a string that the vocabulary
 * has, or else the first token of it as text; one without any is passed over.
 * Free with g_free(). NULL with INPUT when none is left. */
gint32 *d2v_fill_targets (const D2vTokenizer *tokenizer,
                          const D2vString *targets, gsize n, gsize *n_ids,
                          GError **error);

/* Where the <mask>s of @n ids are: their indices, *n_masks of them. Free with
 * g_free(). NULL with INPUT when there is none. */
gsize *d2v_fill_masks (const D2vTokenizer *tokenizer, const gint32 *ids,
                       gsize n, gsize *n_masks, GError **error);

/* @ids: (n), the input with its template. @logits: (n_masks, n_vocab), of
 * its masks in their order. INPUT when it has none, or a target lies beyond the
 * vocabulary; NO_MEMORY. */
D2vFills *d2v_fill_decode (const D2vTokenizer *tokenizer, const gint32 *ids,
                           gsize n, const gfloat *logits, gsize n_vocab,
                           const D2vFillParams *params, GError **error);
