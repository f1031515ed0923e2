/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* transcriber_window.c: which samples make a window, and what happens to it on
 * the worker. */

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/decode/ctc.h"
#include "engine/process/audio.h"
#include "engine/session/transcriber_private.h"

#include <math.h>
#include <string.h>

/* Live: how many times max_queued_windows a burst may put into the queue. */
#define MAX_BURST 16
/* Live: lengths of the growing left context that have a plan at the start. */
#define MAX_FILLS 48
/* Live: windows that have memory before there are so many. */
#define MAX_RESERVED 4

/* ------------------------------------------------------------- lengths -- */

/* Live: lengths in frames. */
typedef struct
{
  guint64 left, chunk, right;
} Context;

static Context
context (const D2vTranscriber *t)
{
  return (Context){ d2v_ms_to_frames (t, t->params.left_context_ms),
                    d2v_ms_to_frames (t, t->params.chunk_ms),
                    d2v_ms_to_frames (t, t->params.right_context_ms) };
}

/* Samples that the input or a window of it may hold; recorded: 0, they are as
 * long as there is sound. */
static gsize
most_samples (const D2vTranscriber *t)
{
  Context c = context (t);

  if (t->params.regime == D2V_REGIME_RECORDED)
    return 0;
  return (gsize) (c.left + c.chunk + c.right - 1 + d2v_blocks_of_frame (t))
         * t->stride;
}

/* ------------------------------------------------------------- windows -- */

static D2vWindow *
new_window (D2vTranscriber *t)
{
  D2vWindow *window = g_queue_pop_head (&t->spare);

  if (window == NULL)
    window = g_new0 (D2vWindow, 1);
  return window;
}

void
d2v_window_free (D2vWindow *window)
{
  d2v_buffer_clear (&window->samples);
  g_free (window);
}

/* For a window that is not in the queue any more; without the lock, for it
 * may be the last to hold its model. */
void
d2v_window_release (D2vWindow *window)
{
  d2v_session_unref (window->session);
  d2v_transcriber_unref (window->owner);
  d2v_window_free (window);
}

/* Keeps the memory of its samples for the next one. */
static void
recycle_window (D2vTranscriber *t, D2vWindow *window)
{
  D2vBuffer samples = window->samples;

  samples.n_bytes = 0;
  *window = (D2vWindow){ .samples = samples };
  g_queue_push_tail (&t->spare, window);
}

/* ---------------------------------------------------------- submitting -- */

static void run_window (D2vJob *job);

/* Live: a burst of sound may wait, being slow may not. */
static gboolean
is_late (const D2vTranscriber *t, const D2vWindow *window, gint64 now)
{
  gint64 limit = (gint64) t->params.max_queued_windows * t->params.chunk_ms;

  return t->params.regime == D2V_REGIME_LIVE && !window->last
         && now - window->submitted_us > limit * 1000;
}

/* A dropped window takes the next one in, so that however much sound comes
 * at once, there are few of them. */
static gboolean
join (D2vTranscriber *t, D2vWindow *window, D2vWindow *next)
{
  if (window->stream != next->stream || window->nonfinite != next->nonfinite
      || window->keep_end != next->keep_begin || next->last
      || (next->submitted
          && !d2v_worker_withdraw (d2v_session_worker (next->session),
                                   &next->job)))
    return FALSE;
  window->keep_end = next->keep_end;
  window->n_joined += 1 + next->n_joined;
  g_queue_remove (&t->windows, next);
  t->n_in_work--;
  d2v_session_unref (next->session);
  d2v_transcriber_unref (t); /* not the last: somebody called us */
  recycle_window (t, next);
  return TRUE;
}

static gboolean
is_waiting (const D2vWindow *window)
{
  return !window->running && !window->drop && !window->discard;
}

static guint64
count_waiting (const D2vTranscriber *t)
{
  guint64 n = 0;

  for (const GList *l = t->windows.head; l != NULL; l = l->next)
    n += (guint64) is_waiting (l->data);
  return n;
}

/* The time of a window that has waited too long is over, the newest one's is
 * not; and however fast sound comes, so many are kept at most. */
static void
drop_late (D2vTranscriber *t, gint64 now)
{
  guint64 most = (guint64) t->params.max_queued_windows * MAX_BURST;
  guint64 n = count_waiting (t);
  D2vWindow *dropped = NULL; /* the one before, if nobody has begun it */

  for (GList *l = t->windows.head, *next; l != NULL; l = next)
    {
      D2vWindow *window = l->data;

      next = l->next;
      if (is_waiting (window) && !window->last)
        {
          if (n <= most && !is_late (t, window, now))
            return;
          window->drop = TRUE;
          d2v_buffer_clear (&window->samples); /* nobody will compute it */
          n--;
        }
      if (window->running || window->discard || !window->drop)
        dropped = NULL;
      else if (dropped == NULL || !join (t, dropped, window))
        dropped = window;
    }
}

static gboolean
has_bad_block (const D2vTranscriber *t, guint64 begin, guint64 end)
{
  const guint64 *blocks = t->bad.data;

  for (gsize i = 0; i < t->bad.n_bytes / sizeof *blocks; i++)
    if (blocks[i] * t->stride < end && (blocks[i] + 1) * t->stride > begin)
      return TRUE;
  return FALSE;
}

/* Windows of one transcriber run one at a time and in order. A worker keeps
 * the order of those that it has. After a hot swap to another device the
 * windows for that one stay here until the last window before them is done:
 * were they to wait on the worker, two transcribers that swap in opposite
 * directions could make two workers wait for each other. */
static void
hand_over (D2vTranscriber *t)
{
  D2vWorker *worker = NULL;

  for (GList *l = t->windows.head; l != NULL; l = l->next)
    {
      D2vWindow *window = l->data;
      D2vWorker *its = d2v_session_worker (window->session);

      if (worker != NULL && its != worker)
        return;
      worker = its;
      if (!window->submitted)
        d2v_worker_submit (its, &window->job);
      window->submitted = TRUE;
    }
}

void
d2v_windows_discard (D2vTranscriber *t, GQueue *gone)
{
  for (GList *l = t->windows.head, *next; l != NULL; l = next)
    {
      D2vWindow *window = l->data;

      next = l->next;
      if (!window->discard)
        t->dropped_flushed += 1 + window->n_joined;
      window->discard = TRUE;
      g_atomic_int_set (&window->cancelled, 1);
      if (window->submitted
          && !d2v_worker_withdraw (d2v_session_worker (window->session),
                                   &window->job))
        continue;
      g_queue_unlink (&t->windows, l);
      g_queue_push_tail_link (gone, l);
    }
  t->n_in_work = 0;
}

/* A window with all the memory that it will need, for later. */
static gboolean
reserve_window (D2vTranscriber *t)
{
  D2vWindow *window = g_new0 (D2vWindow, 1);

  g_queue_push_tail (&t->spare, window);
  return d2v_buffer_reserve (&window->samples,
                             most_samples (t) * sizeof (gfloat));
}

gboolean
d2v_windows_reserve (D2vTranscriber *t)
{
  gsize most = most_samples (t), n_blocks = most / t->stride + 1;

  if (t->input.room >= most * sizeof (gfloat))
    return TRUE;
  for (guint i = 0; i < MIN (t->params.max_queued_windows, MAX_RESERVED); i++)
    if (!reserve_window (t))
      return FALSE;
  return d2v_buffer_reserve (&t->bad, n_blocks * sizeof (guint64))
         && d2v_buffer_reserve (&t->input, most * sizeof (gfloat));
}

/* Samples begin..end-1 of the stream into @window. */
static gboolean
copy_samples (D2vTranscriber *t, D2vWindow *window, guint64 begin, guint64 end)
{
  gsize n_bytes = (gsize) (end - begin) * sizeof (gfloat);

  /* At once as much as any window needs, so that its reuse needs no more. */
  return d2v_buffer_reserve (&window->samples,
                             most_samples (t) * sizeof (gfloat))
         && d2v_buffer_append (&window->samples,
                               (const gfloat *) t->input.data
                                   + (begin - t->input_begin),
                               n_bytes);
}

/* Submits samples begin..end-1 of the stream as a window that decides frames
 * keep_begin..keep_end-1. */
static void
submit (D2vTranscriber *t, guint64 begin, guint64 end, guint64 keep_begin,
        guint64 keep_end)
{
  D2vWindow *window = new_window (t);
  gboolean live = t->params.regime == D2V_REGIME_LIVE;
  gint64 now = g_get_monotonic_time ();

  if (!copy_samples (t, window, begin, end))
    {
      recycle_window (t, window);
      d2v_transcriber_no_memory (t);
      return;
    }
  window->owner = d2v_transcriber_ref (t);
  window->session = d2v_session_ref (t->session);
  window->stream = t->stream;
  window->first_frame = begin / t->stride;
  window->keep_begin = keep_begin;
  window->keep_end = keep_end;
  window->nonfinite = has_bad_block (t, begin, end);
  window->submitted_us = now;
  window->job.run = run_window;
  window->job.live = live;
  window->job.deadline_us
      = live ? now + (gint64) t->params.chunk_ms * 1000 : G_MAXINT64;
  g_queue_push_tail (&t->windows, window);
  t->n_in_work++;
  t->windows_in++;
  if (live)
    drop_late (t, now);
  hand_over (t);
}

/* Input before @begin is not needed any more. */
static void
forget_input (D2vTranscriber *t, guint64 begin)
{
  if (begin <= t->input_begin)
    return;
  gsize n = (gsize) (MIN (begin, t->n_pushed) - t->input_begin);
  d2v_buffer_remove_front (&t->input, n * sizeof (gfloat));
  t->input_begin += n;

  const guint64 *blocks = t->bad.data;
  gsize n_bad = t->bad.n_bytes / sizeof *blocks, n_over = 0;
  while (n_over < n_bad && (blocks[n_over] + 1) * t->stride <= t->input_begin)
    n_over++;
  d2v_buffer_remove_front (&t->bad, n_over * sizeof *blocks);
}

void
d2v_windows_reset (D2vTranscriber *t)
{
  t->input.n_bytes = 0;
  t->bad.n_bytes = 0;
  t->input_begin = 0;
  t->n_pushed = 0;
  t->n_levelled = 0;
  t->next_window = 0;
  t->level = (D2vLiveLevel){ 0 };
  t->stream++;
}

/* ------------------------------------------------------------ recorded -- */

/* The original's chunks with strides (spec 8.5), lengths in samples. */
typedef struct
{
  guint64 length, stride, step;
} Chunking;

static guint64
round_to_frames (const D2vTranscriber *t, guint ms)
{
  return (guint64) rint ((gdouble) ms * t->rate / 1000 / (gdouble) t->stride)
         * t->stride;
}

static Chunking
chunking (const D2vTranscriber *t)
{
  guint64 length = MAX (round_to_frames (t, t->params.window_ms), t->stride);
  guint64 stride = round_to_frames (t, t->params.stride_ms);

  if (2 * stride >= length) /* after rounding */
    stride = (length / t->stride - 1) / 2 * t->stride;
  return (Chunking){ length, stride, length - 2 * stride };
}

static void
submit_recorded (D2vTranscriber *t, const Chunking *c, gboolean last)
{
  guint64 begin = t->next_window * c->step;
  guint64 end = MIN (begin + c->length, t->n_pushed);
  gdouble n = (gdouble) (end - begin);
  gdouble total = rint (n / (gdouble) t->stride);
  gdouble left
      = t->next_window == 0 ? 0 : rint ((gdouble) c->stride / n * total);
  gdouble right = last ? 0 : rint ((gdouble) c->stride / n * total);
  guint64 first = begin / t->stride;

  submit (t, begin, end, first + (guint64) left,
          first + (guint64) MAX (total - right, left));
  t->next_window++;
  forget_input (t, t->next_window * c->step);
}

/* Whether a window is the last one is known when a sample follows it. */
static gboolean
recorded_is_ready (const D2vTranscriber *t, const Chunking *c)
{
  return t->n_pushed > t->next_window * c->step + c->length;
}

static void
drain_recorded (D2vTranscriber *t)
{
  Chunking c = chunking (t);
  gboolean last = FALSE;

  while (!last && t->n_pushed > t->next_window * c.step)
    {
      guint64 begin = t->next_window * c.step;

      last = begin + c.length >= t->n_pushed;
      /* A tail inside the left stride was heard already. In one below a frame
       * the original's convolution fails. It is longer than two strides, so
       * the window before has no frame beyond those that it decided. */
      if (t->n_pushed - begin < t->field
          || (t->next_window > 0 && t->n_pushed - begin <= c.stride))
        return;
      submit_recorded (t, &c, last);
    }
}

/* ---------------------------------------------------------------- live -- */

/* Samples that must have come for frame @end - 1, in whole blocks. */
static guint64
live_needs (const D2vTranscriber *t, guint64 end)
{
  return (end - 1 + d2v_blocks_of_frame (t)) * t->stride;
}

/* Normalises what has come, block by block; @all: the last, partial one too. */
static void
level_input (D2vTranscriber *t, gboolean all)
{
  gboolean normalise = d2v_session_model (t->session)->audio.do_normalize;

  while (t->n_levelled < t->n_pushed
         && (all || t->n_pushed - t->n_levelled >= t->stride))
    {
      gsize n = (gsize) MIN (t->n_pushed - t->n_levelled, t->stride);
      gfloat *x = (gfloat *) t->input.data + (t->n_levelled - t->input_begin);

      if (normalise)
        d2v_live_level_apply (&t->level, x, x, n);
      t->n_levelled += n;
    }
}

/* The window that decides chunk next_window, or all that is left of a stream
 * of @n_frames. */
static gboolean
submit_live (D2vTranscriber *t, const Context *c, guint64 n_frames)
{
  guint64 keep = t->next_window * c->chunk;
  guint64 begin = keep > c->left ? keep - c->left : 0;
  guint64 end = keep + c->chunk + c->right;
  gboolean last = n_frames <= end;

  end = MIN (end, n_frames);
  submit (t, begin * t->stride, (end - 1) * t->stride + t->field, keep,
          last ? end : keep + c->chunk);
  t->next_window++;
  keep = t->next_window * c->chunk;
  forget_input (t, (keep > c->left ? keep - c->left : 0) * t->stride);
  return last;
}

static gboolean
live_is_ready (const D2vTranscriber *t, const Context *c)
{
  return t->n_pushed
         >= live_needs (t, (t->next_window + 1) * c->chunk + c->right);
}

static void
drain_live (D2vTranscriber *t)
{
  Context c = context (t);
  const D2vConfig *config = d2v_session_model (t->session)->config;
  guint64 n_frames = d2v_config_n_frames (config, t->n_pushed);
  gboolean last = FALSE;

  level_input (t, TRUE);
  while (!last && t->next_window * c.chunk < n_frames)
    last = submit_live (t, &c, n_frames);
}

/* ------------------------------------------------------ either of them -- */

gsize
d2v_windows_room (const D2vTranscriber *t)
{
  guint64 needed;

  if (t->params.regime == D2V_REGIME_RECORDED)
    {
      Chunking c = chunking (t);
      needed = t->next_window * c.step + c.length + 1;
    }
  else
    {
      Context c = context (t);
      needed = live_needs (t, (t->next_window + 1) * c.chunk + c.right);
    }
  return needed > t->n_pushed ? (gsize) (needed - t->n_pushed) : 1;
}

void
d2v_windows_submit (D2vTranscriber *t)
{
  if (t->params.regime == D2V_REGIME_RECORDED)
    {
      Chunking c = chunking (t);
      while (recorded_is_ready (t, &c))
        submit_recorded (t, &c, FALSE);
      return;
    }

  Context c = context (t);
  level_input (t, FALSE);
  while (live_is_ready (t, &c))
    submit_live (t, &c, G_MAXUINT64);
}

gboolean
d2v_windows_drain (D2vTranscriber *t)
{
  guint64 n_samples = t->n_pushed;

  if (t->params.regime == D2V_REGIME_RECORDED)
    drain_recorded (t);
  else
    drain_live (t);

  D2vWindow *tail = g_queue_peek_tail (&t->windows);
  if (tail == NULL || tail->discard)
    return FALSE;
  if (tail->stream != t->stream)
    {
      /* The stream before has not ended yet, and this one, too short for a
       * window, must not end before it. */
      submit (t, 0, 0, 0, 0);
      tail = g_queue_peek_tail (&t->windows);
    }
  tail->last = TRUE;
  tail->stream_samples = n_samples;
  return TRUE;
}

/* ----------------------------------------------------- on the worker -- */

/* Numbers of the transcriber's own as a tensor that lasts for one run. */
static D2vTensor
borrow (gpointer data, const D2vShape *shape)
{
  D2vTensor tensor = { .dtype = D2V_F32,
                       .shape = *shape,
                       .data = data,
                       .n_bytes = d2v_shape_size (shape) * sizeof (gfloat) };

  d2v_ref_init (&tensor.ref_count);
  return tensor;
}

static D2vTensor *
execute (const D2vWindow *window, D2vStage stage, const gchar *input,
         D2vTensor *tensor, const gchar *output, GError **error)
{
  g_autoptr (D2vTensors) prepared = d2v_tensors_new ();
  const D2vRecordOptions options = { .stage = stage };

  d2v_tensors_set (prepared, input, tensor);
  g_autoptr (D2vTensors) outputs = d2v_session_execute (
      window->session, prepared, &options, &window->cancelled, error);
  return outputs != NULL ? d2v_tensor_ref (d2v_tensors_get (outputs, output))
                         : NULL;
}

/* Runs @stage on @n samples that lie in t->samples. */
static D2vTensor *
run_samples (D2vTranscriber *t, const D2vWindow *window, D2vStage stage,
             gsize n, const gchar *output, GError **error)
{
  D2vShape shape = d2v_shape (1, n);
  D2vTensor samples = borrow (t->samples.data, &shape);

  return execute (window, stage, "input_values", &samples, output, error);
}

static gboolean
reserve (D2vBuffer *buffer, gsize n, gsize width, const gchar *what,
         GError **error)
{
  gsize n_bytes;

  if (d2v_mul (n, width, &n_bytes)
      && d2v_mul (n_bytes, sizeof (gfloat), &n_bytes)
      && d2v_buffer_reserve (buffer, n_bytes))
    return TRUE;
  return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%s", what);
}

static D2vTensor *
run_recorded (D2vTranscriber *t, const D2vWindow *window, GError **error)
{
  gsize n = window->samples.n_bytes / sizeof (gfloat);

  if (!reserve (&t->samples, n, 1, "a window's sound", error))
    return NULL;
  d2v_audio_process (&d2v_session_model (window->session)->audio,
                     window->samples.data, t->samples.data, n);
  return run_samples (t, window, D2V_STAGE_ALL, n, "logits", error);
}

static gsize
feature_width (const D2vSession *session)
{
  const D2vConfig *config = d2v_session_model (session)->config;

  return config->conv_dim[config->n_conv - 1];
}

static gsize
samples_of_frames (const D2vTranscriber *t, gsize n)
{
  return (n - 1) * t->stride + t->field;
}

/* Room for the best ids of @n frames. */
static gboolean
reserve_ids (D2vTranscriber *t, gsize n, GError **error)
{
  if (n <= t->n_frames_room)
    return TRUE;
  d2v_free (t->ids);
  d2v_free (t->probabilities);
  t->ids = d2v_malloc_n (n, sizeof *t->ids);
  t->probabilities = d2v_malloc_n (n, sizeof *t->probabilities);
  t->n_frames_room = t->ids != NULL && t->probabilities != NULL ? n : 0;
  return t->n_frames_room > 0
         || d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "token ids");
}

static gboolean
prepare_shape (D2vSession *session, D2vStage stage, const gchar *input,
               const D2vShape *shape, GError **error)
{
  g_autoptr (D2vTensors) prepared = d2v_tensors_new ();
  const D2vRecordOptions options = { .stage = stage };
  D2vTensor tensor = borrow (NULL, shape);

  d2v_tensors_set (prepared, input, &tensor);
  return d2v_session_prepare (session, prepared, &options, error);
}

/* Plans for as many frames as a stream's windows have while its left context
 * fills. The largest comes first: no other one needs more memory. */
static gboolean
prepare_windows (D2vTranscriber *t, D2vSession *session, const Context *c,
                 GError **error)
{
  gsize width = feature_width (session);
  guint64 n_fills = MIN (d2v_ceil_div (c->left, c->chunk), MAX_FILLS);
  gboolean ok = TRUE;

  for (guint64 i = 0; i <= n_fills && ok; i++)
    {
      guint64 left = i == 0 ? c->left : (i - 1) * c->chunk;
      D2vShape shape
          = d2v_shape (1, (gsize) (left + c->chunk + c->right), width);
      ok = prepare_shape (session, D2V_STAGE_FROM_FEATURES, "features", &shape,
                          error);
    }
  return ok;
}

/* Plans for the pieces that find_features() computes. */
static gboolean
prepare_pieces (D2vTranscriber *t, D2vSession *session, const Context *c,
                GError **error)
{
  const guint64 pieces[] = { c->chunk, (c->chunk + c->right) % c->chunk,
                             (c->left + c->chunk + c->right) % c->chunk };
  gboolean ok = TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (pieces) && ok; i++)
    if (pieces[i] > 0)
      {
        D2vShape shape = d2v_shape (1, samples_of_frames (t, pieces[i]));
        ok = prepare_shape (session, D2V_STAGE_FEATURES, "input_values", &shape,
                            error);
      }
  return ok;
}

/* Everything that a live stream will need of @session, so that its windows
 * allocate nothing. What is left is bounded: a plan for the odd length in
 * which a stream ends, and one for each further fill of a left context longer
 * than MAX_FILLS chunks; and the sound of windows beyond MAX_RESERVED. */
static gboolean
prepare_live (D2vTranscriber *t, D2vSession *session, GError **error)
{
  Context c = context (t);
  gsize most = (gsize) (c.left + c.chunk + c.right);
  gsize piece = samples_of_frames (t, c.chunk);

  if (!prepare_windows (t, session, &c, error)
      || !prepare_pieces (t, session, &c, error)
      || !reserve (&t->samples, piece, 1, "a window's sound", error)
      || !reserve (&t->cache.rows, most, feature_width (session), "features",
                   error)
      || !reserve_ids (t, most, error))
    return FALSE;
  d2v_session_unref (t->cache.session);
  t->cache.session = d2v_session_ref (session);
  t->cache.end = t->cache.begin; /* another model's features */
  return TRUE;
}

/* Forgets frames before @window's; those of its that are there already stay,
 * at the front. Returns how many. */
static gsize
shift_cache (D2vTranscriber *t, const D2vWindow *window)
{
  D2vFeatureCache *cache = &t->cache;
  gsize row = feature_width (window->session) * sizeof (gfloat);
  gsize keep = 0;

  if (cache->stream == window->stream && cache->begin <= window->first_frame
      && cache->end > window->first_frame)
    {
      gsize skip = (gsize) (window->first_frame - cache->begin);
      keep = (gsize) (cache->end - window->first_frame);
      memmove (cache->rows.data, (guint8 *) cache->rows.data + skip * row,
               keep * row);
    }
  cache->stream = window->stream;
  cache->begin = window->first_frame;
  cache->end = window->first_frame + keep;
  return keep;
}

/* Computes frames @begin..@begin + n-1 of the window into the cache. A frame's
 * features depend on its own samples only, whatever it is computed with. */
static gboolean
compute_piece (D2vTranscriber *t, const D2vWindow *window, gsize begin, gsize n,
               GError **error)
{
  gsize width = feature_width (window->session);
  gsize n_samples = samples_of_frames (t, n);

  memcpy (t->samples.data,
          (const gfloat *) window->samples.data + begin * t->stride,
          n_samples * sizeof (gfloat));
  g_autoptr (D2vTensor) features = run_samples (t, window, D2V_STAGE_FEATURES,
                                                n_samples, "features", error);
  if (features == NULL)
    return FALSE;
  memcpy ((gfloat *) t->cache.rows.data + begin * width, features->data,
          n * width * sizeof (gfloat));
  t->cache.end = window->first_frame + begin + n;
  return TRUE;
}

/* The window's features into the cache, new ones computed chunk by chunk, so
 * that there are few shapes however many windows were dropped before it. */
static gboolean
find_features (D2vTranscriber *t, const D2vWindow *window, gsize n_frames,
               GError **error)
{
  gsize chunk = (gsize) context (t).chunk;
  gsize have = shift_cache (t, window);

  while (have < n_frames)
    {
      gsize n = MIN (n_frames - have, chunk);
      if (!compute_piece (t, window, have, n, error))
        return FALSE;
      have += n;
    }
  return TRUE;
}

static D2vTensor *
run_live (D2vTranscriber *t, const D2vWindow *window, GError **error)
{
  const D2vConfig *config = d2v_session_model (window->session)->config;
  gsize n_samples = window->samples.n_bytes / sizeof (gfloat);
  gsize n_frames = d2v_config_n_frames (config, n_samples);
  D2vShape shape = d2v_shape (1, n_frames, feature_width (window->session));

  if (t->cache.session != window->session
      && !prepare_live (t, window->session, error))
    return NULL;
  if (!find_features (t, window, n_frames, error))
    return NULL;
  D2vTensor features = borrow (t->cache.rows.data, &shape);
  return execute (window, D2V_STAGE_FROM_FEATURES, "features", &features,
                  "logits", error);
}

/* Best token and its probability per frame of @logits (1, T, V). */
static gboolean
find_best (D2vTranscriber *t, const D2vTensor *logits, GError **error)
{
  gsize n = logits->shape.dim[1];

  if (!reserve_ids (t, n, error))
    return FALSE;
  d2v_ctc_best (logits->data, n, logits->shape.dim[2], t->ids,
                t->probabilities);
  return TRUE;
}

/* Frames that the window decides, handed to the words. With the lock held. */
static void
accept_frames (D2vTranscriber *t, const D2vWindow *window, gsize n_frames)
{
  guint64 end = window->first_frame + n_frames;
  guint64 keep_end = MIN (window->keep_end, end);

  gsize skip = (gsize) (window->keep_begin - window->first_frame);

  if (window->keep_begin < keep_end)
    d2v_words_accept (t, window->session, window->keep_begin, t->ids + skip,
                      t->probabilities + skip,
                      (gsize) (keep_end - window->keep_begin),
                      (gsize) (end - keep_end));
  if (!window->last && keep_end < window->keep_end)
    d2v_words_skip (
        t, window->session,
        (gsize) (window->keep_end - MAX (keep_end, window->keep_begin)));
}

static void
count_window (D2vTranscriber *t, const D2vWindow *window, gint64 began)
{
  gint64 now = g_get_monotonic_time ();
  guint i = t->n_times++ % D2V_N_TIMES;

  t->windows_out++;
  t->times_us[i] = now - window->submitted_us;
  t->compute_us[i] = now - began;
  t->audio_samples[i] = (window->keep_end - window->keep_begin) * t->stride;
}

/* What came of a window; with the lock held. @n_frames: of its logits. */
static void
conclude (D2vTranscriber *t, D2vWindow *window, gsize n_frames, gint64 began,
          GError *error)
{
  /* What comes after a hole is not told as if there were none. */
  if (t->error != NULL)
    return;
  if (error != NULL)
    {
      t->error = g_error_copy (error);
      return;
    }
  if (window->nonfinite && t->params.nonfinite == D2V_NONFINITE_ERROR)
    {
      d2v_fail (&t->error, D2V_ERROR_INPUT, NULL,
                "samples that are not finite");
      return;
    }
  if (window->nonfinite)
    {
      t->dropped_nonfinite += 1 + window->n_joined;
      d2v_words_drop (t, window->keep_begin, window->keep_end, "nonfinite");
    }
  else if (window->drop)
    {
      t->dropped_late += 1 + window->n_joined;
      d2v_words_drop (t, window->keep_begin, window->keep_end, "late");
    }
  else
    {
      count_window (t, window, began);
      accept_frames (t, window, n_frames);
    }
  if (window->last)
    d2v_words_finish (t, window->stream_samples);
}

/* A window that gives no words costs nothing: the next one computes the
 * features that it would have left behind, if it needs them. */
static gsize
compute (D2vTranscriber *t, const D2vWindow *window, GError **error)
{
  g_autoptr (D2vTensor) logits = NULL;

  if (window->samples.n_bytes == 0)
    return 0;
  logits = t->params.regime == D2V_REGIME_LIVE
               ? run_live (t, window, error)
               : run_recorded (t, window, error);
  return logits != NULL && find_best (t, logits, error) ? logits->shape.dim[1]
                                                        : 0;
}

static void
run_window (D2vJob *job)
{
  D2vWindow *window = (D2vWindow *) job;
  D2vTranscriber *t = window->owner;
  D2vSession *session = window->session;
  g_autoptr (GError) error = NULL;
  gsize n_frames = 0;

  pthread_mutex_lock (&t->lock);
  window->running = TRUE;
  window->drop |= is_late (t, window, g_get_monotonic_time ());
  gboolean skip = window->discard || window->drop || window->nonfinite;
  pthread_mutex_unlock (&t->lock);

  gint64 began = g_get_monotonic_time ();
  if (!skip)
    n_frames = compute (t, window, &error);

  pthread_mutex_lock (&t->lock);
  g_queue_remove (&t->windows, window);
  hand_over (t);
  if (!window->discard)
    {
      t->n_in_work--;
      conclude (t, window, n_frames, began, error);
    }
  recycle_window (t, window);
  pthread_cond_broadcast (&t->changed);
  pthread_mutex_unlock (&t->lock);
  d2v_session_unref (session);
  d2v_transcriber_unref (t);
}
