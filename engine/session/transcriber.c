/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/session/transcriber_private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Recorded windows being computed before pushing waits. */
#define MAX_IN_WORK 2

G_DEFINE_BOXED_TYPE (D2vTranscriber, d2v_transcriber, d2v_transcriber_ref,
                     d2v_transcriber_unref)

/* ----------------------------------------------------------- lifetime -- */

static void
set_default (guint *value, guint other)
{
  if (*value == 0)
    *value = other;
  else if (*value == D2V_MS_NONE)
    *value = 0;
}

static void
fill_defaults (D2vTranscriberParams *p)
{
  set_default (&p->window_ms, 30000);
  set_default (&p->stride_ms, p->window_ms / 6);
  set_default (&p->left_context_ms, 2400);
  set_default (&p->chunk_ms, 400);
  set_default (&p->right_context_ms, 500);
  set_default (&p->endpoint_silence_ms, 500);
  set_default (&p->endpoint_max_ms, 12000);
  set_default (&p->partial_interval_ms, 200);
  set_default (&p->max_queued_windows, 4);
}

static gboolean
check_session (D2vSession *session, GError **error)
{
  const D2vModel *model = d2v_session_model (session);

  if (model->config->modality != D2V_MODALITY_AUDIO
      || model->head != D2V_HEAD_CTC)
    {
      const gchar *element
          = d2v_head_element (model->config->modality, model->head);
      return d2v_fail (error, D2V_ERROR_ARCH_HEAD, model->dir,
                       "transcribing takes a speech model with the head "
                       "ForCTC, this one is %s: %s",
                       d2v_head_name (model->head),
                       element != NULL ? element
                                       : "no element runs it yet, the "
                                         "program d2v does");
    }
  if (model->vocab == NULL)
    return d2v_fail (error, D2V_ERROR_TOK_MISSING, model->dir,
                     "vocab.json is missing: there is no way to spell");
  return TRUE;
}

static gboolean
check_durations (const D2vTranscriber *t, GError **error)
{
  const D2vTranscriberParams *p = &t->params;
  guint64 window = d2v_ms_to_frames (t, p->window_ms);

  if (window * t->stride < t->field || p->window_ms > 600000)
    return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                     "window of %u ms: expected at least one frame, at most "
                     "600000 ms",
                     p->window_ms);
  if (2 * (guint64) p->stride_ms >= p->window_ms)
    return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                     "stride of %u ms on both sides leaves nothing of a "
                     "window of %u ms",
                     p->stride_ms, p->window_ms);
  if (d2v_ms_to_frames (t, p->chunk_ms) == 0 || p->chunk_ms > 600000
      || p->left_context_ms > 600000 || p->right_context_ms > 600000)
    return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                     "chunk of %u ms: expected one frame to 600000 ms",
                     p->chunk_ms);
  return TRUE;
}

D2vTranscriber *
d2v_transcriber_new (D2vSession *session, const D2vTranscriberParams *params,
                     GError **error)
{
  if (!check_session (session, error))
    return NULL;

  const D2vModel *model = d2v_session_model (session);
  D2vTranscriber *t = g_new0 (D2vTranscriber, 1);
  d2v_ref_init (&t->ref_count);
  if (params != NULL)
    t->params = *params;
  fill_defaults (&t->params);
  pthread_mutex_init (&t->lock, NULL);
  pthread_condattr_t clock;
  pthread_condattr_init (&clock);
  pthread_condattr_setclock (&clock, CLOCK_MONOTONIC);
  pthread_cond_init (&t->changed, &clock);
  pthread_condattr_destroy (&clock);
  t->session = d2v_session_ref (session);
  t->stride = d2v_config_frame_stride (model->config);
  t->field = d2v_config_receptive_field (model->config);
  t->rate = model->audio.sampling_rate;
  g_queue_init (&t->windows);
  g_queue_init (&t->spare);
  g_queue_init (&t->results);
  if (check_durations (t, error))
    return t;
  d2v_transcriber_unref (t);
  return NULL;
}

D2vTranscriber *
d2v_transcriber_ref (D2vTranscriber *t)
{
  d2v_ref_inc (&t->ref_count);
  return t;
}

/* Windows hold references, so none is in work here. */
void
d2v_transcriber_unref (D2vTranscriber *t)
{
  if (t == NULL || !d2v_ref_dec (&t->ref_count))
    return;
  g_queue_clear_full (&t->spare, (GDestroyNotify) d2v_window_free);
  g_queue_clear_full (&t->results, (GDestroyNotify) d2v_transcript_free);
  g_clear_pointer (&t->words, d2v_ctc_stream_free);
  d2v_session_unref (t->words_session);
  d2v_session_unref (t->session);
  d2v_session_unref (t->cache.session);
  d2v_buffer_clear (&t->cache.rows);
  d2v_buffer_clear (&t->samples);
  d2v_free (t->ids);
  d2v_free (t->probabilities);
  d2v_buffer_clear (&t->input);
  d2v_buffer_clear (&t->bad);
  g_free (t->partial);
  g_clear_error (&t->error);
  pthread_cond_destroy (&t->changed);
  pthread_mutex_destroy (&t->lock);
  g_free (t);
}

void
d2v_transcript_free (D2vTranscript *transcript)
{
  if (transcript == NULL)
    return;
  g_free (transcript->text);
  g_free (transcript);
}

/* --------------------------------------------------------------- input -- */

/* TRUE when a push that began after @n_flushes may go on: one that slept
 * through a whole flush must not put old sound into the new stream. Called
 * with the lock held. */
static gboolean
may_push (D2vTranscriber *t, guint64 n_flushes, GError **error)
{
  if (t->flushing || t->n_flushes != n_flushes)
    return d2v_fail (error, D2V_ERROR_CANCELLED, NULL, "flushing");
  if (t->error != NULL)
    {
      if (error != NULL)
        *error = g_error_copy (t->error);
      return FALSE;
    }
  return TRUE;
}

static gboolean
wait_for_room (D2vTranscriber *t, guint64 n_flushes, GError **error)
{
  while (may_push (t, n_flushes, error))
    {
      if (t->params.regime == D2V_REGIME_LIVE || t->n_in_work < MAX_IN_WORK)
        return TRUE;
      pthread_cond_wait (&t->changed, &t->lock);
    }
  return FALSE;
}

void
d2v_transcriber_no_memory (D2vTranscriber *t)
{
  if (t->error == NULL)
    d2v_fail (&t->error, D2V_ERROR_NO_MEMORY, NULL, "a window's sound");
  pthread_cond_broadcast (&t->changed);
}

/* Notes that @block has samples which are not finite. */
static gboolean
mark_bad (D2vTranscriber *t, guint64 block)
{
  const guint64 *blocks = t->bad.data;
  gsize n = t->bad.n_bytes / sizeof block;

  if (n > 0 && blocks[n - 1] == block)
    return TRUE;
  return d2v_buffer_append (&t->bad, &block, sizeof block);
}

/* Marks blocks of one frame's stride that hold samples which are not finite;
 * in their place a 0 goes in. */
static gboolean
append_samples (D2vTranscriber *t, const gfloat *samples, gsize n)
{
  gsize old = t->input.n_bytes;

  if (!d2v_windows_reserve (t)
      || !d2v_buffer_append (&t->input, samples, n * sizeof *samples))
    return FALSE;
  gfloat *data = (gfloat *) ((guint8 *) t->input.data + old);
  for (gsize i = 0; i < n; i++)
    if (!isfinite (data[i]))
      {
        if (!mark_bad (t, (t->n_pushed + i) / t->stride))
          return FALSE;
        data[i] = 0;
      }
  t->n_pushed += n;
  return TRUE;
}

static gboolean
push (D2vTranscriber *t, const gfloat *samples, gsize n, GError **error)
{
  guint64 n_flushes = t->n_flushes;

  while (n > 0)
    {
      if (!wait_for_room (t, n_flushes, error))
        return FALSE;
      gsize piece = MIN (n, d2v_windows_room (t));
      if (append_samples (t, samples, piece))
        d2v_windows_submit (t);
      else
        d2v_transcriber_no_memory (t);
      samples += piece;
      n -= piece;
    }
  return may_push (t, n_flushes, error);
}

gboolean
d2v_transcriber_push (D2vTranscriber *t, const gfloat *samples, gsize n,
                      GError **error)
{
  pthread_mutex_lock (&t->lock);
  gboolean ok = push (t, samples, n, error);
  pthread_mutex_unlock (&t->lock);
  return ok;
}

void
d2v_transcriber_drain (D2vTranscriber *t)
{
  pthread_mutex_lock (&t->lock);
  /* After an error there is no end to tell of; pulling says so. */
  if (!t->flushing && t->error == NULL)
    {
      guint64 n = t->n_pushed;

      if (!d2v_windows_drain (t) && t->error == NULL)
        d2v_words_finish (t, n);
      d2v_windows_reset (t);
    }
  pthread_mutex_unlock (&t->lock);
}

void
d2v_transcriber_flush (D2vTranscriber *t, gboolean flushing)
{
  GQueue gone = G_QUEUE_INIT;

  pthread_mutex_lock (&t->lock);
  t->flushing = flushing;
  if (flushing)
    {
      t->n_flushes++;
      d2v_windows_discard (t, &gone);
      g_queue_clear_full (&t->results, (GDestroyNotify) d2v_transcript_free);
      g_clear_error (&t->error);
      d2v_words_reset (t);
      d2v_windows_reset (t);
    }
  pthread_cond_broadcast (&t->changed);
  pthread_mutex_unlock (&t->lock);
  g_queue_clear_full (&gone, (GDestroyNotify) d2v_window_release);
}

/* -------------------------------------------------------------- output -- */

/* FALSE when the time is over. @until: monotonic, NULL: no end. */
static gboolean
wait_until (D2vTranscriber *t, const struct timespec *until)
{
  if (until == NULL)
    return pthread_cond_wait (&t->changed, &t->lock) == 0;
  return pthread_cond_timedwait (&t->changed, &t->lock, until) != ETIMEDOUT;
}

D2vTranscript *
d2v_transcriber_pull (D2vTranscriber *t, gint64 timeout_us, GError **error)
{
  D2vTranscript *transcript = NULL;
  struct timespec until;
  gboolean waiting = timeout_us != 0;

  clock_gettime (CLOCK_MONOTONIC, &until);
  if (timeout_us > 0)
    {
      gint64 ns = until.tv_nsec + timeout_us % G_USEC_PER_SEC * 1000;
      until.tv_sec += timeout_us / G_USEC_PER_SEC + ns / 1000000000;
      until.tv_nsec = ns % 1000000000;
    }

  pthread_mutex_lock (&t->lock);
  guint64 n_flushes = t->n_flushes;
  for (;;)
    {
      if (t->flushing || t->n_flushes != n_flushes)
        {
          d2v_fail (error, D2V_ERROR_CANCELLED, NULL, "flushing");
          break;
        }
      transcript = g_queue_pop_head (&t->results);
      if (transcript != NULL)
        break;
      if (t->error != NULL)
        {
          if (error != NULL)
            *error = g_error_copy (t->error);
          break;
        }
      if (!waiting)
        break;
      waiting = wait_until (t, timeout_us < 0 ? NULL : &until);
    }
  pthread_mutex_unlock (&t->lock);
  return transcript;
}

/* ---------------------------------------------------------- the rest -- */

gboolean
d2v_transcriber_set_session (D2vTranscriber *t, D2vSession *session,
                             GError **error)
{
  if (!check_session (session, error))
    return FALSE;

  const D2vModel *model = d2v_session_model (session);
  if (model->audio.sampling_rate != t->rate
      || d2v_config_frame_stride (model->config) != t->stride
      || d2v_config_receptive_field (model->config) != t->field)
    return d2v_fail (error, D2V_ERROR_INPUT, model->dir,
                     "expected %u Hz and frames of %" G_GSIZE_FORMAT
                     " samples every %" G_GSIZE_FORMAT
                     " as in the running model",
                     t->rate, t->field, t->stride);
  pthread_mutex_lock (&t->lock);
  D2vSession *old = t->session;
  t->session = d2v_session_ref (session);
  pthread_mutex_unlock (&t->lock);
  d2v_session_unref (old);
  return TRUE;
}

guint64
d2v_transcriber_latency (D2vTranscriber *t)
{
  const D2vTranscriberParams *p = &t->params;

  if (p->regime == D2V_REGIME_RECORDED)
    return 0;
  return (d2v_ms_to_frames (t, p->chunk_ms)
          + d2v_ms_to_frames (t, p->right_context_ms)
          + d2v_ms_to_frames (t, D2V_WORD_PAUSE_MS) + d2v_blocks_of_frame (t)
          - 1)
         * t->stride;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

static void
summarise_times (const D2vTranscriber *t, D2vTranscriberStats *stats)
{
  gint64 sorted[D2V_N_TIMES];
  guint n = (guint) MIN (t->n_times, D2V_N_TIMES);
  gdouble compute = 0, audio = 0;

  if (n == 0)
    return;
  memcpy (sorted, t->times_us, n * sizeof *sorted);
  qsort (sorted, n, sizeof *sorted, compare_times);
  stats->p50_ms = (gdouble) sorted[n / 2] / 1000;
  stats->p95_ms = (gdouble) sorted[MIN (n * 95 / 100, n - 1)] / 1000;
  stats->max_ms = (gdouble) sorted[n - 1] / 1000;
  for (guint i = 0; i < n; i++)
    {
      compute += (gdouble) t->compute_us[i] / G_USEC_PER_SEC;
      audio += (gdouble) t->audio_samples[i] / t->rate;
    }
  stats->rtf = audio > 0 ? compute / audio : 0;
}

void
d2v_transcriber_stats (D2vTranscriber *t, D2vTranscriberStats *stats)
{
  *stats = (D2vTranscriberStats){ 0 };
  pthread_mutex_lock (&t->lock);
  stats->windows_in = t->windows_in;
  stats->windows_out = t->windows_out;
  stats->dropped_late = t->dropped_late;
  stats->dropped_nonfinite = t->dropped_nonfinite;
  stats->dropped_flushed = t->dropped_flushed;
  stats->queue_depth = t->n_in_work;
  summarise_times (t, stats);
  pthread_mutex_unlock (&t->lock);
}
