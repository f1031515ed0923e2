/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tags.h: token classification: logits of every token as labelled tokens or
 * spans (spec 8.5). Any thread. */
#pragma once

#include "engine/process/bpe.h"

/* "none", "simple", "first", "average" or "max". */
gboolean d2v_tags_strategy_from_name (const gchar *name, D2vTagsStrategy *out);

/* The rows to run: one cut to the model's length, or with a stride all parts,
 * padded. INPUT for a stride that does not fit. */
D2vEncoding *d2v_tags_encode (const D2vTokenizer *tokenizer, const gchar *text,
                              gssize length, const D2vTagsParams *params,
                              GError **error);

/* @encoding: of @text alone, as above. @logits: (n_tokens, n_labels), one row
 * a token of @encoding, padding too. @labels: (n_labels), which outlive the
 * result. NO_MEMORY. */
D2vTags *d2v_tags_decode (const D2vTokenizer *tokenizer, const gchar *text,
                          gssize length, const D2vEncoding *encoding,
                          const gfloat *logits, gchar *const *labels,
                          gsize n_labels, const D2vTagsParams *params,
                          GError **error);
