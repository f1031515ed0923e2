/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* answer.h: question answering: start and end logits as spans of a context
 * (spec 8.5). Any thread. */
#pragma once

#include "engine/process/bpe.h"

/* Zeros are the defaults. */
typedef struct
{
  gsize max_seq_len; /* tokens of a part: at most 384, or the model's */
  gboolean has_doc_stride;
  gsize doc_stride;     /* tokens that parts share: max_seq_len / 2, <= 128 */
  gsize top_k;          /* 1 */
  gsize max_answer_len; /* in tokens: 15 */
  gboolean handle_impossible_answer; /* "" may be the answer */
  gboolean exact_tokens; /* align_to_words off: answers may begin and end
                          * inside of words */
} D2vAnswerParams;

typedef struct
{
  gchar *text;        /* of the context */
  gsize length;       /* in bytes; it may hold U+0000 */
  gdouble score;      /* sum over equal answers; may exceed 1 */
  guint32 start, end; /* code points of the context */
} D2vAnswer;

typedef struct
{
  D2vAnswer *items; /* best first; equal scores in the order found */
  gsize n_items;    /* may be fewer than top_k, and none */
} D2vAnswers;

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
void d2v_answers_free (D2vAnswers *answers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vAnswers, d2v_answers_free)
