/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* transcriber_private.h: how the transcriber's parts fit.
 *
 *   transcriber.c         the API: samples in, transcripts out, flushing
 *   transcriber_window.c  which samples make a window, and running it
 *   transcriber_words.c   frames of a window into transcripts
 *
 * Streams follow each other: drain and flush begin a new one. A window belongs
 * to one stream. Windows run one after the other on the device's worker and
 * are decoded in order. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/base/ref.h"
#include "engine/decode/ctc_stream.h"
#include "engine/session/live_level.h"
#include "engine/session/session.h"

#include <pthread.h>

/* Blanks after a word's last letter, beyond which it cannot go on. Live only:
 * the original knows no such rule. */
#define D2V_WORD_PAUSE_MS 400
#define D2V_N_TIMES 256 /* windows that the statistics look back */

typedef struct
{
  D2vJob job;
  D2vTranscriber *owner; /* a reference */
  D2vSession *session;   /* a reference */
  D2vBuffer samples;     /* of gfloat; live: normalised */
  guint64 stream;
  guint64 stream_samples; /* all of them; when last */
  guint64 first_frame;    /* of the stream: frame 0 of the window */
  guint64 keep_begin;     /* frames of the stream that it decides */
  guint64 keep_end;       /* as far as there are so many */
  guint n_joined;         /* other windows that were dropped into it */
  gboolean nonfinite;     /* not to be trusted */
  gboolean last;          /* of its stream */
  gboolean drop;          /* live and late */
  gboolean discard;       /* flushed */
  gboolean submitted;     /* the worker has it */
  gboolean running;
  volatile gint cancelled;
  gint64 submitted_us;
} D2vWindow;

/* Live: features of the frames that the next window sees again. */
typedef struct
{
  D2vSession *session; /* whose they are; a reference */
  guint64 stream;
  guint64 begin, end; /* frames of the stream */
  D2vBuffer rows;     /* (end - begin, width) of gfloat */
} D2vFeatureCache;

struct _D2vTranscriber
{
  D2vRefCount ref_count;
  D2vTranscriberParams params; /* defaults filled in */
  pthread_mutex_t lock;        /* for all below but the worker's part */
  pthread_cond_t changed;      /* results, windows or flushing */

  D2vSession *session; /* of the next window */
  gsize stride;        /* samples per frame */
  gsize field;         /* samples that a frame sees */
  guint rate;

  /* input of the current stream */
  D2vBuffer input; /* of gfloat: samples input_begin..n_pushed-1 */
  guint64 input_begin;
  guint64 n_pushed;
  guint64 n_levelled; /* live: normalised up to here */
  guint64 next_window;
  D2vLiveLevel level;
  D2vBuffer bad; /* of guint64: blocks with samples not finite */

  /* windows */
  GQueue windows;  /* of D2vWindow, submitted and not done */
  GQueue spare;    /* of D2vWindow, for reuse */
  guint n_in_work; /* of windows, without those discarded */
  guint64 stream;  /* counts streams */
  gboolean flushing;
  guint64 n_flushes; /* a call that began before the last one is over */
  GError *error;

  /* output */
  GQueue results; /* of D2vTranscript */
  D2vCtcStream *words;
  D2vSession *words_session; /* whose vocabulary; a reference */
  guint64 last_word_end;     /* frames */
  guint64 sentence_start;
  guint n_sentence_words;
  guint64 position; /* samples; last one told */
  guint revision;
  gchar *partial; /* last one told */
  gint64 partial_us;

  /* statistics */
  guint64 windows_in, windows_out, dropped_late, dropped_nonfinite,
      dropped_flushed;
  gint64 times_us[D2V_N_TIMES]; /* submit to result */
  gint64 compute_us[D2V_N_TIMES];
  guint64 audio_samples[D2V_N_TIMES];
  guint64 n_times;

  /* the worker's part: only while a window runs */
  D2vFeatureCache cache;
  D2vBuffer samples; /* input_values of a run */
  gint64 *ids;       /* n_frames_room of each */
  gfloat *probabilities;
  gsize n_frames_room;
};

/* Whole blocks of one stride that hold a frame. */
static inline gsize
d2v_blocks_of_frame (const D2vTranscriber *t)
{
  return (t->field + t->stride - 1) / t->stride;
}

static inline guint64
d2v_ms_to_frames (const D2vTranscriber *t, guint ms)
{
  return (guint64) ms * t->rate / 1000 / t->stride;
}

/* ---- transcriber.c; called with the lock held ---- */

/* The stream ends with an error, which pushing and pulling tell. */
void d2v_transcriber_no_memory (D2vTranscriber *t);

/* ---- transcriber_window.c; called with the lock held ---- */

/* Room for all the input there may be at a time, where that is known. */
gboolean d2v_windows_reserve (D2vTranscriber *t);

/* Submits every window that the input makes possible; with @drain those of
 * the tail too, the last of them marked. FALSE when none is left in work
 * whose end could finish the stream. */
void d2v_windows_submit (D2vTranscriber *t);
gboolean d2v_windows_drain (D2vTranscriber *t);
/* Samples that may be taken before a window must be submitted. */
gsize d2v_windows_room (const D2vTranscriber *t);
/* Gives up all windows. Those that no worker has begun go to @gone, to be
 * released by d2v_window_release() once the lock is not held any more. */
void d2v_windows_discard (D2vTranscriber *t, GQueue *gone);
/* Forgets the input: a new stream begins. */
void d2v_windows_reset (D2vTranscriber *t);
void d2v_window_release (D2vWindow *window);
void d2v_window_free (D2vWindow *window);

/* ---- transcriber_words.c; called with the lock held ---- */

/* Frames first..first+n-1 are decided. @right: frames heard after them, for
 * partial results. */
void d2v_words_accept (D2vTranscriber *t, D2vSession *session, guint64 first,
                       const gint64 *ids, const gfloat *probabilities, gsize n,
                       gsize right);
/* The next @n frames are lost, as the original's chunks lose some where they
 * meet: what is before and after them joins. */
void d2v_words_skip (D2vTranscriber *t, D2vSession *session, gsize n);
/* Frames begin..end-1 give no words. */
void d2v_words_drop (D2vTranscriber *t, guint64 begin, guint64 end,
                     const gchar *why);
/* Finishes what is pending and tells that the stream of @n_samples ended. */
void d2v_words_finish (D2vTranscriber *t, guint64 n_samples);
void d2v_words_reset (D2vTranscriber *t);
