/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/ctc_stream.h"

#include "engine/decode/ctc.h"

/* No run goes on: no token has this number (-1 is the missing unknown). */
#define NO_TOKEN (-2)

typedef struct
{
  D2vCtcEventType type;
  gsize text; /* offset in texts */
  guint64 start, end;
  gfloat confidence;
} Event;

/* Buffers grow to what the busiest push needs and are then kept. */
struct _D2vCtcStream
{
  const D2vVocab *vocab;
  guint pause_frames;

  GArray *events; /* Event; those before n_taken were handed out */
  guint n_taken;
  GString *texts; /* the events' texts, each closed by NUL */

  guint64 next_frame; /* expected next */
  gboolean begun;     /* FALSE: the first push says where frames begin */
  gint64 token;       /* of the last frame, or NO_TOKEN */
  gboolean silent;    /* that token is the blank or a delimiter */
  guint64 n_silent;   /* frames of silence in a row, up to here */
  gboolean open;      /* words since the last endpoint */
  guint64 last_end;   /* frame after the last letter */

  GString *letters; /* the unfinished word; empty: none */
  guint64 start;
  gdouble sum; /* of its letters' probabilities, frame by frame */
  guint64 n_letter_frames;
};

D2vCtcStream *
d2v_ctc_stream_new (const D2vVocab *vocab, guint pause_frames)
{
  D2vCtcStream *stream = g_new0 (D2vCtcStream, 1);

  stream->vocab = vocab;
  stream->pause_frames = pause_frames;
  stream->events = g_array_new (FALSE, FALSE, sizeof (Event));
  stream->texts = g_string_new (NULL);
  stream->letters = g_string_new (NULL);
  d2v_ctc_stream_reset (stream);
  return stream;
}

void
d2v_ctc_stream_free (D2vCtcStream *stream)
{
  if (stream == NULL)
    return;
  g_array_unref (stream->events);
  g_string_free (stream->texts, TRUE);
  g_string_free (stream->letters, TRUE);
  g_free (stream);
}

static void
forget_taken (D2vCtcStream *stream)
{
  if (stream->n_taken < stream->events->len)
    return; /* texts are shared: all or nothing */
  g_array_set_size (stream->events, 0);
  g_string_truncate (stream->texts, 0);
  stream->n_taken = 0;
}

static gfloat
confidence (const D2vCtcStream *stream)
{
  return (gfloat) (stream->sum / (gdouble) stream->n_letter_frames);
}

static void
finish_word (D2vCtcStream *stream)
{
  if (stream->letters->len == 0)
    return;
  Event event = { D2V_CTC_WORD, stream->texts->len, stream->start,
                  stream->last_end, confidence (stream) };

  /* The closing NUL too. */
  g_string_append_len (stream->texts, stream->letters->str,
                       (gssize) stream->letters->len + 1);
  g_array_append_val (stream->events, event);
  g_string_truncate (stream->letters, 0);
  stream->open = TRUE;
}

static void
mark_endpoint (D2vCtcStream *stream, guint64 frame)
{
  finish_word (stream);
  if (!stream->open)
    return;
  Event event = { D2V_CTC_ENDPOINT, 0, stream->last_end, frame + 1, 0 };

  g_array_append_val (stream->events, event);
  stream->open = FALSE;
}

static void
take_silence (D2vCtcStream *stream, guint64 frame)
{
  stream->n_silent++;
  if (stream->pause_frames > 0 && stream->n_silent == stream->pause_frames)
    mark_endpoint (stream, frame);
}

/* A frame of a letter; @begins: it is the first of its run. */
static void
take_letter (D2vCtcStream *stream, guint64 frame, gboolean begins,
             gfloat probability)
{
  if (stream->letters->len == 0)
    {
      stream->start = frame;
      stream->sum = 0;
      stream->n_letter_frames = 0;
    }
  if (begins)
    g_string_append (stream->letters,
                     d2v_ctc_text (stream->vocab, stream->token));
  stream->sum += probability;
  stream->n_letter_frames++;
  stream->last_end = frame + 1;
  stream->n_silent = 0;
}

static void
take_frame (D2vCtcStream *stream, guint64 frame, gint64 id, gfloat probability)
{
  gint64 token = d2v_ctc_token (stream->vocab, id);
  gboolean begins = token != stream->token;

  if (begins)
    {
      gboolean delimiter = d2v_ctc_is_delimiter (stream->vocab, token);

      stream->token = token;
      stream->silent = delimiter || d2v_ctc_is_blank (stream->vocab, token);
      if (delimiter)
        finish_word (stream);
    }
  if (stream->silent)
    take_silence (stream, frame);
  else
    take_letter (stream, frame, begins, probability);
}

/* Nothing before this point joins what comes after it. */
static void
cut (D2vCtcStream *stream)
{
  finish_word (stream);
  stream->token = NO_TOKEN;
  stream->n_silent = 0;
}

void
d2v_ctc_stream_push (D2vCtcStream *stream, guint64 first_frame,
                     const gint64 *ids, const gfloat *probabilities,
                     gsize n_frames)
{
  g_assert (!stream->begun || first_frame >= stream->next_frame);

  forget_taken (stream);
  if (stream->begun && first_frame > stream->next_frame)
    cut (stream);
  for (gsize i = 0; i < n_frames; i++)
    take_frame (stream, first_frame + i, ids[i], probabilities[i]);
  stream->next_frame = first_frame + n_frames;
  stream->begun = TRUE;
}

void
d2v_ctc_stream_skip (D2vCtcStream *stream, gsize n_frames)
{
  if (stream->begun)
    stream->next_frame += n_frames;
}

gboolean
d2v_ctc_stream_next (D2vCtcStream *stream, D2vCtcEvent *event)
{
  if (stream->n_taken == stream->events->len)
    return FALSE;
  const Event *e = &g_array_index (stream->events, Event, stream->n_taken++);

  *event = (D2vCtcEvent){
    .type = e->type,
    .text = e->type == D2V_CTC_WORD ? stream->texts->str + e->text : NULL,
    .start = e->start,
    .end = e->end,
    .confidence = e->confidence,
  };
  return TRUE;
}

gboolean
d2v_ctc_stream_peek (const D2vCtcStream *stream, D2vCtcEvent *word)
{
  if (stream->letters->len == 0)
    return FALSE;
  *word = (D2vCtcEvent){ D2V_CTC_WORD, stream->letters->str, stream->start,
                         stream->last_end, confidence (stream) };
  return TRUE;
}

guint64
d2v_ctc_stream_decided (const D2vCtcStream *stream)
{
  return stream->letters->len > 0 ? stream->start : stream->next_frame;
}

void
d2v_ctc_stream_flush (D2vCtcStream *stream)
{
  forget_taken (stream);
  cut (stream);
}

void
d2v_ctc_stream_reset (D2vCtcStream *stream)
{
  g_array_set_size (stream->events, 0);
  g_string_truncate (stream->texts, 0);
  g_string_truncate (stream->letters, 0);
  stream->n_taken = 0;
  stream->next_frame = 0;
  stream->begun = FALSE;
  stream->token = NO_TOKEN;
  stream->silent = FALSE;
  stream->n_silent = 0;
  stream->open = FALSE;
  stream->last_end = 0;
  stream->start = 0;
}
