/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ctc.h: the best path of a CTC model as text, characters and words (spec
 * 8.2): runs of equal tokens collapse, blanks vanish, the word delimiter
 * separates.
 *
 * d2v_ctc_decode() takes all frames at once; D2vCtcStream (ctc_stream.h) takes
 * them as they come and finds the same words. Any thread. */
#pragma once

#include "engine/d2v.h"
#include "engine/io/vocab.h"

/* The greatest logit of each frame, the first one where several are equal.
 *
 * @logits: (n_frames, V), V > 0. @ids: (n_frames), may be NULL.
 * @probabilities: (n_frames), may be NULL: what softmax gives the chosen
 * token. NaN loses against every number. */
void d2v_ctc_best (const gfloat *logits, gsize n_frames, gsize V, gint64 *ids,
                   gfloat *probabilities);

typedef struct
{
  const gchar *text; /* of the vocabulary, which must outlive it */
  gsize start;       /* first frame */
  gsize end;         /* frame after the last */
} D2vCtcChar;

typedef struct
{
  const gchar *text; /* the vocabulary's case, also with do_lower_case */
  gsize start;
  gsize end;
  gfloat confidence; /* mean probability over the frames of its letters;
                      * 0 when no probabilities were given */
} D2vCtcWord;

typedef struct
{
  gchar *text;
  D2vCtcChar *chars; /* delimiters included, blanks not */
  gsize n_chars;
  D2vCtcWord *words;
  gsize n_words;
  gchar *word_text; /* what words[].text points into */
} D2vCtcResult;

/* @ids: (n_frames); an id without a token reads as the unknown token.
 * @probabilities: (n_frames), may be NULL. Fails with NO_MEMORY, and with
 * TOO_BIG when the text exceeds 256 MiB. */
D2vCtcResult *d2v_ctc_decode (const D2vVocab *vocab, const gint64 *ids,
                              const gfloat *probabilities, gsize n_frames,
                              GError **error);
/* The same from @logits: (n_frames, V); V > 0. */
D2vCtcResult *d2v_ctc_decode_logits (const D2vVocab *vocab,
                                     const gfloat *logits, gsize n_frames,
                                     gsize V, GError **error);
void d2v_ctc_result_free (D2vCtcResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vCtcResult, d2v_ctc_result_free)

/* ---- what one frame means; shared by both decoders ---- */

/* @id, or the unknown token's where the vocabulary has no such token (-1 when
 * it has no unknown token either). Equal results are one run. */
gint64 d2v_ctc_token (const D2vVocab *vocab, gint64 id);
/* Whether @token, of d2v_ctc_token(), is the blank. */
gboolean d2v_ctc_is_blank (const D2vVocab *vocab, gint64 token);
/* What @token reads as: the delimiter as its replacement. */
const gchar *d2v_ctc_text (const D2vVocab *vocab, gint64 token);
/* Whether it separates words: the delimiter, and any token that reads as its
 * replacement does. Never the blank. */
gboolean d2v_ctc_is_delimiter (const D2vVocab *vocab, gint64 token);
