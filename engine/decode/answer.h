/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* answer.h: question answering: start and end logits as spans of a context
 * (spec 8.5). Any thread. */
#pragma once

#include "engine/process/bpe.h"

/* The rows to run, each by itself: they differ in length. INPUT when either
 * text is empty, or when the question leaves no room for the context. */
D2vEncoding *d2v_answers_encode (const D2vTokenizer *tokenizer,
                                 const gchar *question, gssize question_length,
                                 const gchar *context, gssize context_length,
                                 const D2vAnswerParams *params, GError **error);

/* @encoding: as above. @starts, @ends: (n_tokens), the logits of its rows one
 * after the other. NO_MEMORY. */
D2vAnswers *d2v_answers_decode (const D2vTokenizer *tokenizer,
                                const gchar *context, gssize context_length,
                                const D2vEncoding *encoding,
                                const gfloat *starts, const gfloat *ends,
                                const D2vAnswerParams *params, GError **error);
