/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* choice.h: multiple choice: one logit per choice as the best one and how sure
 * (spec 8.5). Any thread. */
#pragma once

#include "engine/process/bpe.h"

/* The rows to run, one a choice, padded to the longest: the pair of @prompt and
 * the choice, cut to the model's length. INPUT for no choices. */
D2vEncoding *d2v_choice_encode (const D2vTokenizer *tokenizer,
                                const gchar *prompt, gssize prompt_length,
                                const D2vString *choices, gsize n,
                                GError **error);

/* @logits: (n), 0 < n. NO_MEMORY. */
D2vChoice *d2v_choice_decode (const gfloat *logits, gsize n, GError **error);
