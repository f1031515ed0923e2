/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* generate.h: text generation without the model: which token follows, when to
 * stop, and the text so far (spec 3.5, 8.5). Objects belong to one thread at a
 * time. */
#pragma once

#include "engine/process/bpe.h"

/* ------------------------------------------------------------- sampling -- */

typedef struct _D2vSampler D2vSampler;

/* INPUT when a parameter is out of range, NO_MEMORY. */
D2vSampler *d2v_sampler_new (const D2vSamplerParams *params, gsize n_vocab,
                             GError **error);
void d2v_sampler_free (D2vSampler *sampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vSampler, d2v_sampler_free)

/* @logits: (n_vocab). The next token; equal logits: the first. Allocates
 * nothing. */
gint32 d2v_sampler_pick (D2vSampler *sampler, const gfloat *logits);

/* What it picks from when it samples: temperature, then top_k, then top_p, as
 * probabilities. (n_vocab), borrowed until the next call. */
const gfloat *d2v_sampler_probabilities (D2vSampler *sampler,
                                         const gfloat *logits);

/* ----------------------------------------------------------- generation -- */

/* Zeros are the defaults. */
typedef struct
{
  gsize max_new_tokens;   /* 20 */
  gsize max_length;       /* with the prompt; no other limit */
  const gint32 *stop_ids; /* (n_stop_ids); NULL: </s> */
  gsize n_stop_ids;
  D2vSamplerParams sampler;
} D2vGenerationParams;

/**
 * D2vGeneration:
 *
 * A prompt growing by a token a step:
 *
 *   while (!d2v_generation_is_done (g))
 *     {
 *       ids = d2v_generation_ids (g, &n);
 *       ... logits of the last position ...
 *       d2v_generation_step (g, logits);
 *     }
 */
typedef struct _D2vGeneration D2vGeneration;

/* @prompt: (n) ids as the tokenizer gives them: with the template, as the
 * original does, they end with </s>; without it the text goes on where it
 * ends. An empty prompt is <s>. INPUT or NO_MEMORY. */
D2vGeneration *d2v_generation_new (const D2vTokenizer *tokenizer,
                                   const gint32 *prompt, gsize n, gsize n_vocab,
                                   const D2vGenerationParams *params,
                                   GError **error);
void d2v_generation_free (D2vGeneration *generation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vGeneration, d2v_generation_free)

gboolean d2v_generation_is_done (const D2vGeneration *generation);
/* @logits: (n_vocab), of the last position. Takes one more token; not when
 * done. Its text is @text, as far as characters are whole: borrowed until the
 * next call, maybe empty, without special tokens. @text and @length may be
 * NULL. */
gint32 d2v_generation_step (D2vGeneration *generation, const gfloat *logits,
                            const gchar **text, gsize *length);
/* After the last step: U+FFFD when its text ended inside a character, else
 * nothing. Borrowed; @length may be NULL. */
const gchar *d2v_generation_rest (D2vGeneration *generation, gsize *length);
/* Prompt and all that came after, borrowed until the next step. */
const gint32 *d2v_generation_ids (const D2vGeneration *generation, gsize *n);
gsize d2v_generation_n_new (const D2vGeneration *generation);
/* @prompt_text, which may be NULL, followed by the new tokens as text without
 * special ones. @length may be NULL. Free with g_free(); NULL with
 * NO_MEMORY. */
gchar *d2v_generation_text (const D2vGeneration *generation,
                            const gchar *prompt_text, gssize prompt_length,
                            gsize *length, GError **error);
