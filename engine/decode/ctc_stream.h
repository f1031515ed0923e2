/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ctc_stream.h: CTC frames in, words out as soon as they are certain.
 *
 * A word is finished when a word delimiter follows, when the speaker pauses,
 * when frames are missing, or at the end. Without pauses and gaps the words
 * are those of d2v_ctc_decode() (ctc.h) over all frames, however the frames
 * are cut. One thread at a time. */
#pragma once

#include "engine/io/vocab.h"

typedef enum
{
  D2V_CTC_WORD,    /* one finished word */
  D2V_CTC_ENDPOINT /* a pause: the words since the last one belong together */
} D2vCtcEventType;

typedef struct
{
  D2vCtcEventType type;
  const gchar *text; /* WORD; of the stream, until its next push or reset */
  /* WORD: its first frame and the frame after its last. ENDPOINT: the frame
   * after the last word and the frame after the one that made it a pause. */
  guint64 start;
  guint64 end;
  gfloat confidence; /* WORD: mean of its letters' probabilities by frame */
} D2vCtcEvent;

typedef struct _D2vCtcStream D2vCtcStream;

/* @vocab must outlive the stream. @pause_frames: that many frames in a row
 * of blanks and delimiters finish a word and, if there was a word since the
 * last one, are an ENDPOINT; 0: no such rule. */
D2vCtcStream *d2v_ctc_stream_new (const D2vVocab *vocab, guint pause_frames);
void d2v_ctc_stream_free (D2vCtcStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vCtcStream, d2v_ctc_stream_free)

/* Frames @first_frame.. of the stream, as d2v_ctc_best() gives them.
 * @first_frame must not lie before the frames pushed so far; if it lies
 * beyond, the frames between were lost: they end the word and break the run.
 * Events already taken are forgotten, others stay. */
void d2v_ctc_stream_push (D2vCtcStream *stream, guint64 first_frame,
                          const gint64 *ids, const gfloat *probabilities,
                          gsize n_frames);

/* The next @n_frames count, but nothing is known of them and nothing ends: what
 * comes after them joins what was before. */
void d2v_ctc_stream_skip (D2vCtcStream *stream, gsize n_frames);

/* The next event in order of time; FALSE when there is none. */
gboolean d2v_ctc_stream_next (D2vCtcStream *stream, D2vCtcEvent *event);

/* The unfinished word as it stands; FALSE when there is none. Its text lives
 * until the next push, flush or reset. */
gboolean d2v_ctc_stream_peek (const D2vCtcStream *stream, D2vCtcEvent *word);

/* Every word that begins before this frame has been an event: the start of
 * the unfinished word, else the frame expected next. */
guint64 d2v_ctc_stream_decided (const D2vCtcStream *stream);

/* Finishes the unfinished word. The frames that follow go on counting, but
 * begin a new run. */
void d2v_ctc_stream_flush (D2vCtcStream *stream);

/* As new: forgets everything, events included; frames begin anywhere. */
void d2v_ctc_stream_reset (D2vCtcStream *stream);
