/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* transcriber_words.c: frames into words, sentences, partial results and the
 * position up to which all is decided. Called with the lock held. */

#include "engine/decode/ctc.h"
#include "engine/session/transcriber_private.h"

#include <string.h>

/* --------------------------------------------------------------- queue -- */

static void
tell (D2vTranscriber *t, const D2vTranscript *what)
{
  g_queue_push_tail (&t->results, g_memdup2 (what, sizeof *what));
  pthread_cond_broadcast (&t->changed);
}

static guint64
samples_of (const D2vTranscriber *t, guint64 frame)
{
  return frame * t->stride;
}

static void
tell_position (D2vTranscriber *t, guint64 samples)
{
  if (samples <= t->position)
    return;
  t->position = samples;
  tell (t, &(D2vTranscript){ .type = D2V_TRANSCRIPT_POSITION, .end = samples });
}

/* --------------------------------------------------------------- words -- */

static void
end_sentence (D2vTranscriber *t)
{
  if (t->n_sentence_words == 0)
    return;
  t->n_sentence_words = 0;
  tell (t, &(D2vTranscript){ .type = D2V_TRANSCRIPT_ENDPOINT,
                             .start = samples_of (t, t->sentence_start),
                             .end = samples_of (t, t->last_word_end) });
}

/* A pause before @start, or a sentence that grows too long with @end, ends the
 * one before. */
static void
end_sentence_before (D2vTranscriber *t, guint64 start, guint64 end)
{
  guint64 pause = d2v_ms_to_frames (t, t->params.endpoint_silence_ms);
  guint64 longest = d2v_ms_to_frames (t, t->params.endpoint_max_ms);

  if (t->n_sentence_words > 0
      && (start >= t->last_word_end + pause
          || end > t->sentence_start + longest))
    end_sentence (t);
}

static gchar *
first_upper (const gchar *text)
{
  const gchar *rest = g_utf8_next_char (text);
  g_autofree gchar *first = g_utf8_strup (text, rest - text);

  return g_strconcat (first, rest, NULL);
}

/* @first: of its sentence. */
static gchar *
spell (const D2vTranscriber *t, const gchar *text, gboolean first)
{
  const D2vVocab *vocab = d2v_session_model (t->words_session)->vocab;

  switch (t->params.text_case)
    {
    case D2V_TEXT_CASE_LOWER:
      return g_utf8_strdown (text, -1);
    case D2V_TEXT_CASE_UPPER:
      return g_utf8_strup (text, -1);
    case D2V_TEXT_CASE_SENTENCE:
      {
        g_autofree gchar *lower = g_utf8_strdown (text, -1);
        return first && lower[0] != '\0' ? first_upper (lower)
                                         : g_steal_pointer (&lower);
      }
    default:
      return vocab->do_lower_case ? g_utf8_strdown (text, -1) : g_strdup (text);
    }
}

static void
tell_word (D2vTranscriber *t, const D2vCtcEvent *word)
{
  if (word->confidence < t->params.word_confidence_threshold)
    return;
  end_sentence_before (t, word->start, word->end);
  if (t->n_sentence_words == 0)
    t->sentence_start = word->start;
  tell (t, &(D2vTranscript){ .type = D2V_TRANSCRIPT_WORD,
                             .text
                             = spell (t, word->text, t->n_sentence_words == 0),
                             .start = samples_of (t, word->start),
                             .end = samples_of (t, word->end),
                             .confidence = word->confidence });
  t->n_sentence_words++;
  t->last_word_end = word->end;
  t->revision = 0;
}

static void
tell_events (D2vTranscriber *t)
{
  D2vCtcEvent event;

  /* Its endpoints are not ours: a pause that ends a word is shorter than one
   * that ends a sentence. */
  while (d2v_ctc_stream_next (t->words, &event))
    if (event.type == D2V_CTC_WORD)
      tell_word (t, &event);
}

/* A hot swap changes the vocabulary: the pending word is spelt in the old
 * one. */
static void
use_vocabulary (D2vTranscriber *t, D2vSession *session)
{
  if (t->words_session == session)
    return;
  if (t->words != NULL)
    {
      d2v_ctc_stream_flush (t->words);
      tell_events (t);
      d2v_ctc_stream_free (t->words);
    }
  guint pause = t->params.regime == D2V_REGIME_LIVE
                    ? (guint) d2v_ms_to_frames (t, D2V_WORD_PAUSE_MS)
                    : 0;
  d2v_session_ref (session);
  d2v_session_unref (t->words_session);
  t->words_session = session;
  t->words = d2v_ctc_stream_new (d2v_session_model (session)->vocab, pause);
}

/* ------------------------------------------------------------- partial -- */

/* The unfinished word, and what the right context sounds like so far. */
static void
tell_partial (D2vTranscriber *t, const gint64 *ids, gsize n)
{
  const D2vVocab *vocab = d2v_session_model (t->words_session)->vocab;
  gint64 now = g_get_monotonic_time ();
  D2vCtcEvent pending;
  gboolean has_word = d2v_ctc_stream_peek (t->words, &pending);
  g_autoptr (D2vCtcResult) right = d2v_ctc_decode (vocab, ids, NULL, n, NULL);

  if (right == NULL)
    return;
  /* The next letters belong to the unfinished word unless a delimiter comes
   * first. */
  gboolean apart
      = right->n_chars > 0
        && strcmp (right->chars[0].text, vocab->replace_word_delimiter_char)
               == 0;
  g_autofree gchar *joined
      = g_strconcat (has_word ? pending.text : "", has_word && apart ? " " : "",
                     right->text, NULL);
  g_strstrip (joined);
  g_autofree gchar *text = spell (t, joined, t->n_sentence_words == 0);
  if (text[0] == '\0' || g_strcmp0 (text, t->partial) == 0
      || (t->partial_us != 0
          && now - t->partial_us < t->params.partial_interval_ms * 1000))
    return;
  guint64 decided = samples_of (t, d2v_ctc_stream_decided (t->words));
  g_free (t->partial);
  t->partial = g_strdup (text);
  t->partial_us = now;
  tell (t, &(D2vTranscript){ .type = D2V_TRANSCRIPT_PARTIAL,
                             .text = g_steal_pointer (&text),
                             .start = decided,
                             .end = decided,
                             .revision = ++t->revision });
}

/* ----------------------------------------------------------- the parts -- */

void
d2v_words_accept (D2vTranscriber *t, D2vSession *session, guint64 first,
                  const gint64 *ids, const gfloat *probabilities, gsize n,
                  gsize right)
{
  use_vocabulary (t, session);
  d2v_ctc_stream_push (t->words, first, ids, probabilities, n);
  tell_events (t);

  D2vCtcEvent pending;
  guint64 silent_from
      = d2v_ctc_stream_peek (t->words, &pending) ? pending.start : first + n;
  end_sentence_before (t, silent_from, silent_from);
  tell_position (t, samples_of (t, d2v_ctc_stream_decided (t->words)));
  if (t->params.partial_results)
    tell_partial (t, ids + n, right);
}

void
d2v_words_skip (D2vTranscriber *t, D2vSession *session, gsize n)
{
  use_vocabulary (t, session);
  d2v_ctc_stream_skip (t->words, n);
}

void
d2v_words_drop (D2vTranscriber *t, guint64 begin, guint64 end, const gchar *why)
{
  if (t->words != NULL)
    {
      d2v_ctc_stream_flush (t->words);
      tell_events (t);
    }
  tell (t, &(D2vTranscript){ .type = D2V_TRANSCRIPT_DROPPED,
                             .text = g_strdup (why),
                             .start = samples_of (t, begin),
                             .end = samples_of (t, end) });
  tell_position (t, samples_of (t, end));
}

void
d2v_words_finish (D2vTranscriber *t, guint64 n_samples)
{
  if (t->words != NULL)
    {
      d2v_ctc_stream_flush (t->words);
      tell_events (t);
    }
  end_sentence (t);
  tell_position (t, n_samples);
  tell (t,
        &(D2vTranscript){ .type = D2V_TRANSCRIPT_DRAINED, .end = n_samples });
  d2v_words_reset (t);
}

void
d2v_words_reset (D2vTranscriber *t)
{
  if (t->words != NULL)
    d2v_ctc_stream_reset (t->words);
  t->last_word_end = 0;
  t->n_sentence_words = 0;
  t->position = 0;
  t->revision = 0;
  t->partial_us = 0;
  g_clear_pointer (&t->partial, g_free);
}
