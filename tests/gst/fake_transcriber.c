/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/gst/fake_engine.h"

#include <math.h>
#include <string.h>

#define MAX_IN_WORK 2
#define NOT_FINITE (-1)

/* Frames that one window decides: their levels, heard beforehand. */
typedef struct
{
  guint64 generation; /* flushes make older ones void */
  D2vSession *session;
  GArray *levels; /* of gint; NOT_FINITE where that was heard */
  guint64 first;  /* frame of the stream */
  gboolean nonfinite;
  gboolean late;
  gboolean last;
  guint64 n_samples; /* of the stream, when last */
  gint64 submitted;
} Window;

struct _D2vTranscriber
{
  gint n_refs;
  D2vTranscriberParams params;
  guint frame;
  GThread *thread;

  GMutex lock; /* guards what follows */
  GCond cond;
  gboolean stopping;
  gboolean flushing;
  guint64 generation;
  D2vSession *session;
  GError *error;
  GQueue windows;
  GQueue results;
  guint n_in_work;

  /* the stream coming in */
  guint64 n_samples;
  guint64 n_submitted; /* frames */
  GArray *levels;      /* frames not submitted yet */

  /* the stream going out */
  gchar *word; /* prefix of the one that goes on */
  gint level;
  guint64 start, end; /* frames */
  guint64 sentence_start, sentence_end;
  guint n_words;
  guint n_windows; /* ever run, for fail_at */
  guint revision;
  D2vTranscriberStats stats;
  gint64 sum_us;
};

G_DEFINE_BOXED_TYPE (D2vTranscriber, d2v_transcriber, d2v_transcriber_ref,
                     d2v_transcriber_unref)

void
d2v_transcript_free (D2vTranscript *transcript)
{
  g_free (transcript->text);
  g_free (transcript);
}

static void
window_free (gpointer data)
{
  Window *window = data;

  d2v_session_unref (window->session);
  g_array_unref (window->levels);
  g_free (window);
}

static guint
frames (const D2vTranscriber *t, guint ms)
{
  return ms * 16 / t->frame;
}

static gboolean
is_live (const D2vTranscriber *t)
{
  return t->params.regime == D2V_REGIME_LIVE;
}

/* ------------------------------------------------------------- output -- */

static void
tell (D2vTranscriber *t, D2vTranscriptType type, const gchar *text,
      guint64 start, guint64 end)
{
  D2vTranscript *transcript = g_new0 (D2vTranscript, 1);

  transcript->type = type;
  transcript->text = g_strdup (text);
  transcript->start = start;
  transcript->end = end;
  transcript->confidence
      = type == D2V_TRANSCRIPT_WORD ? (t->level % 10 + 1) / 10.0f : 0;
  transcript->revision = type == D2V_TRANSCRIPT_PARTIAL ? ++t->revision : 0;
  g_queue_push_tail (&t->results, transcript);
  g_cond_broadcast (&t->cond);
}

static void
end_sentence (D2vTranscriber *t)
{
  if (t->n_words)
    tell (t, D2V_TRANSCRIPT_ENDPOINT, NULL, t->sentence_start * t->frame,
          t->sentence_end * t->frame);
  t->n_words = 0;
}

static gchar *
spell (D2vTranscriber *t)
{
  g_autofree gchar *text = g_strdup_printf ("%s%d", t->word, t->level);

  if (t->params.text_case == D2V_TEXT_CASE_LOWER
      || (t->params.text_case == D2V_TEXT_CASE_SENTENCE && t->n_words))
    return g_ascii_strdown (text, -1);
  if (t->params.text_case == D2V_TEXT_CASE_UPPER)
    return g_ascii_strup (text, -1);
  return g_steal_pointer (&text);
}

static void
end_word (D2vTranscriber *t)
{
  guint pause = frames (t, t->params.endpoint_silence_ms);
  guint longest = frames (t, t->params.endpoint_max_ms);
  g_autofree gchar *text = NULL;

  if (!t->word)
    return;
  if (t->n_words
      && (t->start >= t->sentence_end + pause
          || t->end > t->sentence_start + longest))
    end_sentence (t);
  text = spell (t);
  tell (t, D2V_TRANSCRIPT_WORD, text, t->start * t->frame, t->end * t->frame);
  if (t->n_words++ == 0)
    t->sentence_start = t->start;
  t->sentence_end = t->end;
  t->revision = 0;
  g_clear_pointer (&t->word, g_free);
}

static void
take_frame (D2vTranscriber *t, const gchar *prefix, guint64 frame, gint level)
{
  if (t->word && level == t->level && g_str_equal (t->word, prefix))
    {
      t->end = frame + 1;
      return;
    }
  end_word (t);
  if (level == 0)
    return;
  t->word = g_strdup (prefix);
  t->level = level;
  t->start = frame;
  t->end = frame + 1;
}

static void
conclude (D2vTranscriber *t, const Window *window)
{
  const FakeConfig *config = fake_session_config (window->session);
  guint64 end = window->first + window->levels->len;
  guint64 silent_from;

  if (window->nonfinite || window->late)
    {
      end_word (t);
      if (window->late)
        t->stats.dropped_late++;
      else
        t->stats.dropped_nonfinite++;
      tell (t, D2V_TRANSCRIPT_DROPPED, window->late ? "late" : "nonfinite",
            window->first * t->frame, end * t->frame);
    }
  else
    {
      t->stats.windows_out++;
      for (guint i = 0; i < window->levels->len; i++)
        take_frame (t, config->prefix, window->first + i,
                    g_array_index (window->levels, gint, i));
    }
  silent_from = t->word ? t->start : end;
  if (t->n_words
      && silent_from
             >= t->sentence_end + frames (t, t->params.endpoint_silence_ms))
    end_sentence (t);
  tell (t, D2V_TRANSCRIPT_POSITION, NULL, 0, silent_from * t->frame);
  if (t->word && t->params.partial_results && !window->last)
    {
      g_autofree gchar *text = spell (t);

      tell (t, D2V_TRANSCRIPT_PARTIAL, text, t->start * t->frame,
            t->end * t->frame);
    }
  if (!window->last)
    return;
  end_word (t);
  end_sentence (t);
  tell (t, D2V_TRANSCRIPT_POSITION, NULL, 0, window->n_samples);
  tell (t, D2V_TRANSCRIPT_DRAINED, NULL, 0, window->n_samples);
  t->revision = 0;
}

/* ------------------------------------------------------------- worker -- */

/* As long as a window takes, or until its result is not wanted any more. */
static void
compute (D2vTranscriber *t, const Window *window)
{
  guint ms = fake_session_config (window->session)->window_ms;
  gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  while (window->generation == t->generation && !t->stopping
         && g_get_monotonic_time () < until)
    g_cond_wait_until (&t->cond, &t->lock, until);
}

static void
run_window (D2vTranscriber *t, Window *window)
{
  const FakeConfig *config = fake_session_config (window->session);
  gint64 limit = (gint64) t->params.max_queued_windows * t->params.chunk_ms;
  gint64 took = g_get_monotonic_time () - window->submitted;

  window->late = is_live (t) && !window->last && took > limit * 1000;

  if ((gint) t->n_windows == config->lost_at)
    fake_session_tell (window->session, "the device was lost");
  if (!window->nonfinite && !window->late && window->levels->len
      && t->n_windows >= config->slow_after)
    {
      compute (t, window);
      fake_session_count_run (window->session, config->window_ms / 1000.0);
    }
  if (window->generation != t->generation || t->stopping)
    return;
  t->n_in_work--;
  took = g_get_monotonic_time () - window->submitted;
  t->stats.max_ms = MAX (t->stats.max_ms, took / 1000.0);
  t->sum_us += took;
  if (t->error)
    t->n_windows++;
  else if ((gint) t->n_windows++ == config->fail_at)
    fake_fail (&t->error, D2V_ERROR_FAILED, "-", "a window failed");
  else if (window->nonfinite && t->params.nonfinite == D2V_NONFINITE_ERROR)
    fake_fail (&t->error, D2V_ERROR_INPUT, "-", "not finite");
  else
    conclude (t, window);
  g_cond_broadcast (&t->cond);
}

static gpointer
work (gpointer data)
{
  D2vTranscriber *t = data;

  g_mutex_lock (&t->lock);
  while (!t->stopping)
    {
      Window *window = g_queue_pop_head (&t->windows);

      if (!window)
        {
          g_cond_wait (&t->cond, &t->lock);
          continue;
        }
      run_window (t, window);
      window_free (window);
    }
  g_mutex_unlock (&t->lock);
  return NULL;
}

/* ----------------------------------------------------------- lifetime -- */

static void
set_default (guint *value, guint other)
{
  if (*value == 0)
    *value = other;
  else if (*value == D2V_MS_NONE)
    *value = 0;
}

D2vTranscriber *
d2v_transcriber_new (D2vSession *session, const D2vTranscriberParams *params,
                     GError **error)
{
  D2vTranscriber *t = g_new0 (D2vTranscriber, 1);

  t->n_refs = 1;
  t->params = *params;
  set_default (&t->params.window_ms, 30000);
  set_default (&t->params.stride_ms, t->params.window_ms / 6);
  set_default (&t->params.chunk_ms, 400);
  set_default (&t->params.right_context_ms, 500);
  set_default (&t->params.endpoint_silence_ms, 500);
  set_default (&t->params.endpoint_max_ms, 12000);
  set_default (&t->params.max_queued_windows, 4);
  t->session = d2v_session_ref (session);
  t->frame = fake_session_config (session)->frame;
  t->levels = g_array_new (FALSE, FALSE, sizeof (gint));
  g_mutex_init (&t->lock);
  g_cond_init (&t->cond);
  t->thread = g_thread_new ("fake", work, t);
  if (2 * t->params.stride_ms < t->params.window_ms)
    return t;
  fake_fail (error, D2V_ERROR_USAGE, "-", "stride");
  d2v_transcriber_unref (t);
  return NULL;
}

D2vTranscriber *
d2v_transcriber_ref (D2vTranscriber *t)
{
  g_atomic_int_inc (&t->n_refs);
  return t;
}

void
d2v_transcriber_unref (D2vTranscriber *t)
{
  if (!g_atomic_int_dec_and_test (&t->n_refs))
    return;
  g_mutex_lock (&t->lock);
  t->stopping = TRUE;
  g_cond_broadcast (&t->cond);
  g_mutex_unlock (&t->lock);
  g_thread_join (t->thread);
  g_queue_clear_full (&t->windows, window_free);
  g_queue_clear_full (&t->results, (GDestroyNotify) d2v_transcript_free);
  g_clear_error (&t->error);
  d2v_session_unref (t->session);
  g_array_unref (t->levels);
  g_free (t->word);
  g_mutex_clear (&t->lock);
  g_cond_clear (&t->cond);
  g_free (t);
}

/* -------------------------------------------------------------- input -- */

static void
submit (D2vTranscriber *t, guint n_frames, gboolean last)
{
  Window *window = g_new0 (Window, 1);

  n_frames = MIN (n_frames, t->levels->len);
  window->generation = t->generation;
  window->session = d2v_session_ref (t->session);
  window->levels = g_array_new (FALSE, FALSE, sizeof (gint));
  g_array_append_vals (window->levels, t->levels->data, n_frames);
  g_array_remove_range (t->levels, 0, n_frames);
  window->first = t->n_submitted;
  for (guint i = 0; i < n_frames; i++)
    if (g_array_index (window->levels, gint, i) == NOT_FINITE)
      window->nonfinite = TRUE;
  window->last = last;
  window->n_samples = t->n_samples;
  window->submitted = g_get_monotonic_time ();
  t->n_submitted += n_frames;
  t->stats.windows_in++;
  t->n_in_work++;
  g_queue_push_tail (&t->windows, window);
  g_cond_broadcast (&t->cond);
}

static guint
step (const D2vTranscriber *t)
{
  return is_live (t)
             ? frames (t, t->params.chunk_ms)
             : frames (t, t->params.window_ms - 2 * t->params.stride_ms);
}

/* At least the frame that has begun, for it may yet prove not finite. */
static guint
look_ahead (const D2vTranscriber *t)
{
  guint ms = is_live (t) ? t->params.right_context_ms : t->params.stride_ms;

  return MAX (frames (t, ms), 1);
}

static gboolean
may_push (D2vTranscriber *t, GError **error)
{
  if (t->flushing)
    return fake_fail (error, D2V_ERROR_CANCELLED, "-", "flushing");
  if (t->error && error)
    *error = g_error_copy (t->error);
  return t->error == NULL;
}

static gboolean
wait_for_room (D2vTranscriber *t, GError **error)
{
  while (may_push (t, error))
    {
      if (is_live (t) || t->n_in_work < MAX_IN_WORK)
        return TRUE;
      g_cond_wait (&t->cond, &t->lock);
    }
  return FALSE;
}

static gboolean
push_sample (D2vTranscriber *t, gfloat sample, GError **error)
{
  gboolean first = t->n_samples++ % t->frame == 0;
  gint level = !isfinite (sample)      ? NOT_FINITE
               : fabsf (sample) > 1e6f ? 0
                                       : (gint) rintf (fabsf (sample) * 100);

  if (first)
    g_array_append_val (t->levels, level);
  else if (level == NOT_FINITE)
    g_array_index (t->levels, gint, t->levels->len - 1) = level;
  if (!first)
    return TRUE;
  if (t->levels->len < step (t) + look_ahead (t))
    return TRUE;
  if (!wait_for_room (t, error))
    return FALSE;
  submit (t, step (t), FALSE);
  return TRUE;
}

gboolean
d2v_transcriber_push (D2vTranscriber *t, const gfloat *samples, gsize n_samples,
                      GError **error)
{
  gboolean good;

  g_mutex_lock (&t->lock);
  good = may_push (t, error);
  for (gsize i = 0; i < n_samples && good; i++)
    good = push_sample (t, samples[i], error);
  g_mutex_unlock (&t->lock);
  return good;
}

static void
new_stream (D2vTranscriber *t)
{
  g_array_set_size (t->levels, 0);
  t->n_samples = t->n_submitted = 0;
}

void
d2v_transcriber_drain (D2vTranscriber *t)
{
  g_mutex_lock (&t->lock);
  if (!t->flushing)
    {
      submit (t, G_MAXUINT, TRUE);
      new_stream (t);
    }
  g_mutex_unlock (&t->lock);
}

void
d2v_transcriber_flush (D2vTranscriber *t, gboolean flushing)
{
  g_mutex_lock (&t->lock);
  t->flushing = flushing;
  if (flushing)
    {
      t->generation++;
      t->stats.dropped_flushed += t->n_in_work;
      t->n_in_work = 0;
      g_queue_clear_full (&t->windows, window_free);
      g_queue_clear_full (&t->results, (GDestroyNotify) d2v_transcript_free);
      g_clear_error (&t->error);
      g_clear_pointer (&t->word, g_free);
      t->n_words = 0;
      new_stream (t);
    }
  g_cond_broadcast (&t->cond);
  g_mutex_unlock (&t->lock);
}

gboolean
d2v_transcriber_set_session (D2vTranscriber *t, D2vSession *session,
                             GError **error)
{
  if (fake_session_config (session)->frame != t->frame)
    return fake_fail (error, D2V_ERROR_INPUT, "-", "another frame size");
  g_mutex_lock (&t->lock);
  d2v_session_unref (t->session);
  t->session = d2v_session_ref (session);
  g_mutex_unlock (&t->lock);
  return TRUE;
}

/* ------------------------------------------------------------- reading -- */

D2vTranscript *
d2v_transcriber_pull (D2vTranscriber *t, gint64 timeout_us, GError **error)
{
  gint64 until = g_get_monotonic_time () + timeout_us;
  D2vTranscript *transcript = NULL;
  gboolean waiting = timeout_us != 0;

  g_mutex_lock (&t->lock);
  for (;;)
    {
      if (t->flushing)
        {
          fake_fail (error, D2V_ERROR_CANCELLED, "-", "flushing");
          break;
        }
      transcript = g_queue_pop_head (&t->results);
      if (transcript)
        break;
      if (t->error && error)
        *error = g_error_copy (t->error);
      if (t->error || !waiting)
        break;
      if (timeout_us < 0)
        g_cond_wait (&t->cond, &t->lock);
      else
        waiting = g_cond_wait_until (&t->cond, &t->lock, until);
    }
  g_mutex_unlock (&t->lock);
  return transcript;
}

guint64
d2v_transcriber_latency (D2vTranscriber *t)
{
  return is_live (t) ? (guint64) (step (t) + look_ahead (t)) * t->frame : 0;
}

void
d2v_transcriber_stats (D2vTranscriber *t, D2vTranscriberStats *stats)
{
  g_mutex_lock (&t->lock);
  *stats = t->stats;
  stats->queue_depth = t->n_in_work;
  if (t->n_windows)
    stats->p50_ms = t->sum_us / 1000.0 / t->n_windows;
  stats->p95_ms = t->stats.max_ms;
  g_mutex_unlock (&t->lock);
}
