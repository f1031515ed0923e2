/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_core.c: what transcribers, workers and sessions promise each other,
 * held to with a tiny model, so that it depends on no recording. */

#include "engine/base/alloc.h"
#include "engine/graph/backend.h"
#include "engine/session/transcriber_private.h"
#include "tests/engine/session/chunks.h"
#include "tests/engine/session/media.h"
#include "tests/engine/session/tiny.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- help -- */

/* A tone that changes every 2000 samples, the same from every @at on that is
 * @period apart. */
static void
make_sound (gfloat *out, guint64 at, gsize n, gsize period)
{
  for (gsize i = 0; i < n; i++)
    {
      gsize j = (gsize) ((at + i) % period);
      gsize piece = j / 2000;
      gdouble pitch = 0.01 + 0.02 * (gdouble) (piece * 7 % 29);
      gboolean pause = piece % 5 == 4;
      out[i] = pause ? 0 : (gfloat) (0.3 * sin (pitch * (gdouble) j));
    }
}

typedef struct
{
  guint64 start, end;
  gchar text[512];
} Word;

/* Takes what is there, waiting no longer than for @timeout_us each. TRUE when
 * the stream ended. */
static gboolean
take (D2vTranscriber *t, gint64 timeout_us, GArray *words)
{
  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vTranscript) one
          = d2v_transcriber_pull (t, timeout_us, &error);

      g_assert_no_error (error);
      if (one == NULL)
        return FALSE;
      if (one->type == D2V_TRANSCRIPT_DRAINED)
        return TRUE;
      if (one->type != D2V_TRANSCRIPT_WORD)
        continue;
      Word word = { one->start, one->end, "" };
      g_strlcpy (word.text, one->text, sizeof word.text);
      g_array_append_val (words, word);
    }
}

static void
push (D2vTranscriber *t, const gfloat *samples, gsize n)
{
  g_autoptr (GError) error = NULL;

  d2v_transcriber_push (t, samples, n, &error);
  g_assert_no_error (error);
}

static GArray *
transcribe (D2vSession *session, const D2vTranscriberParams *params,
            guint64 begin, guint64 n, gsize period)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (session, params, &error);
  GArray *words = g_array_new (FALSE, FALSE, sizeof (Word));
  g_autofree gfloat *block = g_new (gfloat, 160000);

  g_assert_no_error (error);
  guint64 at = begin;
  if (begin > 0)
    { /* As after so many samples, of which live windows want some again. */
      gboolean live = params->regime == D2V_REGIME_LIVE;
      guint64 step
          = 16
            * (guint64) (live ? params->chunk_ms
                              : params->window_ms - 2 * params->stride_ms);
      g_assert_cmpuint (begin % step, ==, 0);
      at -= live ? params->left_context_ms * 16 : 0;
      t->next_window = begin / step;
      t->input_begin = t->n_pushed = t->n_levelled = at;
    }
  while (at < begin + n)
    {
      gsize m = (gsize) MIN (160000, begin + n - at);
      make_sound (block, at, m, period);
      push (t, block, m);
      take (t, 0, words);
      at += m;
    }
  d2v_transcriber_drain (t);
  g_assert_true (take (t, 60 * G_USEC_PER_SEC, words));
  return words;
}

/* ---------------------------------------------------------------- drift -- */

#define RATE 16000
#define PERIOD (4 * (gsize) RATE)

/* Words first..n are those of the period before, one period later, to the
 * sample. Returns how many were compared. */
static guint
check_period (const GArray *words, guint64 from, guint64 to)
{
  guint n = 0, j = 0;

  for (guint i = 0; i < words->len; i++)
    {
      const Word *word = &g_array_index (words, Word, i);
      if (word->start < from + PERIOD || word->end > to)
        continue;
      while (g_array_index (words, Word, j).start + PERIOD < word->start)
        j++;
      const Word *before = &g_array_index (words, Word, j);
      g_assert_cmpuint (before->start + PERIOD, ==, word->start);
      g_assert_cmpuint (before->end + PERIOD, ==, word->end);
      g_assert_cmpstr (before->text, ==, word->text);
      g_assert_cmpuint (word->start % 320, ==, 0);
      n++;
    }
  return n;
}

/* The recorded step and the live chunk are one period. */
static const D2vTranscriberParams drift_recorded
    = { D2V_REGIME_RECORDED, .window_ms = 6000, .stride_ms = 1000 };
static const D2vTranscriberParams drift_live
    = { D2V_REGIME_LIVE, .left_context_ms = 500, .chunk_ms = 4000,
        .right_context_ms = 500, .max_queued_windows = 100000 };

static void
test_ten_hours (gconstpointer data)
{
  gchar *dir = tiny_write (&(TinyParams){ .as_is = TRUE });
  guint64 n = 10 * 3600 * (guint64) RATE;
  D2vSession *session = tiny_session (dir, NULL);
  g_autoptr (GArray) words = transcribe (session, data, 0, n, PERIOD);
  guint compared = check_period (words, PERIOD, n - 2 * PERIOD);

  g_test_message ("%u words, %u compared", words->len, compared);
  g_assert_cmpuint (compared, >=, 8900);
  d2v_session_unref (session);
  tiny_remove (dir);
}

/* As after 15 days: no position is kept in 32 bits, nor in a float. */
static void
test_far_positions (gconstpointer data)
{
  gchar *dir = tiny_write (&(TinyParams){ .as_is = TRUE });
  guint64 begin = (guint64) PERIOD * 330000, n = 20 * PERIOD;
  D2vSession *session = tiny_session (dir, NULL);
  g_autoptr (GArray) near = transcribe (session, data, 0, n, PERIOD);
  g_autoptr (GArray) far = transcribe (session, data, begin, n, PERIOD);
  guint found = 0;

  g_assert_cmpuint (begin, >, G_MAXUINT32 * G_GUINT64_CONSTANT (4));
  g_assert_cmpuint (check_period (far, begin + PERIOD, begin + n - 2 * PERIOD),
                    >=, 10);
  for (guint i = 0, j = 0; i < near->len && j < far->len; i++)
    {
      const Word *a = &g_array_index (near, Word, i);
      if (a->start < 2 * PERIOD || a->end > n - 2 * PERIOD)
        continue;
      while (g_array_index (far, Word, j).start - begin < a->start)
        j++;
      g_assert_cmpuint (g_array_index (far, Word, j).start, ==,
                        begin + a->start);
      found++;
    }
  g_assert_cmpuint (found, >=, 10);
  d2v_session_unref (session);
  tiny_remove (dir);
}

/* ------------------------------------------- other convolution stacks -- */

/* Whatever the stack, pieces do not matter, a clip within one window is
 * decided to its last frame, and live windows agree with themselves. */
static void
test_stacks (void)
{
  static const TinyParams stacks[] = {
    { .n_conv = 1, .kernel = { 2 }, .stride = { 500 } }, /* holes */
    { .n_conv = 1, .kernel = { 1 }, .stride = { 160 } },
    { .n_conv = 1, .kernel = { 1000 }, .stride = { 100 } },
    { .n_conv = 2, .kernel = { 10, 3 }, .stride = { 5, 64 } },
    { .n_conv = 3, .kernel = { 10, 9, 7 }, .stride = { 20, 4, 2 } },
    { .n_conv = 2, .kernel = { 3, 2 }, .stride = { 400, 1 } },
    { .n_conv = 1, .kernel = { 400 }, .stride = { 333 } }, /* odd */
  };
  static const D2vTranscriberParams regimes[]
      = { { D2V_REGIME_RECORDED, .window_ms = 1000, .stride_ms = 150 },
          { D2V_REGIME_LIVE, .left_context_ms = 600, .chunk_ms = 200,
            .right_context_ms = 100, .max_queued_windows = 1000000 } };
  g_autofree gfloat *sound = g_new (gfloat, 60000);

  make_sound (sound, 0, 60000, 60000);
  for (guint i = 0; i < G_N_ELEMENTS (stacks) * 2; i++)
    {
      gchar *dir = tiny_write (&stacks[i / 2]);
      D2vSession *session = tiny_session (dir, NULL);
      g_autoptr (GArray) first = NULL;

      for (guint piece = 0; piece < 3; piece++)
        {
          static const gsize sizes[] = { 60000, MEDIA_THOROUGH ? 1 : 13, 777 };
          g_autoptr (GError) error = NULL;
          g_autoptr (D2vTranscriber) t
              = d2v_transcriber_new (session, &regimes[i % 2], &error);
          GArray *words = g_array_new (FALSE, FALSE, sizeof (Word));

          g_assert_no_error (error);
          for (gsize at = 0; at < 60000; at += sizes[piece])
            push (t, sound + at, MIN (sizes[piece], 60000 - at));
          d2v_transcriber_drain (t);
          g_assert_true (take (t, 60 * G_USEC_PER_SEC, words));
          if (first == NULL)
            first = words;
          else
            {
              g_assert_cmpmem (words->data, words->len * sizeof (Word),
                               first->data, first->len * sizeof (Word));
              g_array_unref (words);
            }
        }
      d2v_session_unref (session);
      tiny_remove (dir);
    }
}

/* Joints and tails whatever the stack: also where a frame sees more than the
 * overlap has, so that chunks lose frames and may end in less than one. */
static void
test_stacks_chunks (void)
{
  static const TinyParams stacks[] = {
    { .n_conv = 1, .kernel = { 1000 }, .stride = { 100 } },
    { .n_conv = 1, .kernel = { 400 }, .stride = { 320 } },
    { .n_conv = 1, .kernel = { 160 }, .stride = { 160 } },
  };
  static const gsize frames[][2]
      = { { 20, 0 }, { 20, 1 }, { 30, 4 }, { 12, 5 } };
  g_autofree gfloat *sound = g_new (gfloat, 60000);

  make_sound (sound, 0, 60000, 60000);
  for (guint i = 0; i < G_N_ELEMENTS (stacks) * G_N_ELEMENTS (frames); i++)
    {
      const TinyParams *stack = &stacks[i / G_N_ELEMENTS (frames)];
      const gsize *f = frames[i % G_N_ELEMENTS (frames)];
      guint ms10 = stack->stride[0] * 10 / 16; /* a frame in 1/10 ms */
      gchar *dir = tiny_write (stack);
      g_autoptr (D2vSession) session = tiny_session (dir, NULL);
      const D2vTranscriberParams params
          = { .window_ms = (guint) f[0] * ms10 / 10,
              .stride_ms
              = f[1] == 0 ? D2V_MS_NONE : MAX ((guint) f[1] * ms10 / 10, 1) };

      for (gsize n = 40000; n < 40000 + 2500; n += MEDIA_THOROUGH ? 61 : 611)
        {
          g_autoptr (D2vTranscriber) t
              = d2v_transcriber_new (session, &params, NULL);
          g_autoptr (GArray) words = g_array_new (FALSE, FALSE, sizeof (Word));
          g_autoptr (GString) text = g_string_new (NULL);
          g_autofree gchar *expected
              = chunks_text (session, sound, n, f[0], f[1]);

          if (t == NULL) /* less than a frame */
            break;
          push (t, sound, n);
          d2v_transcriber_drain (t);
          g_assert_true (take (t, 60 * G_USEC_PER_SEC, words));
          for (guint j = 0; j < words->len; j++)
            g_string_append_printf (text, "%s%s", j > 0 ? " " : "",
                                    g_array_index (words, Word, j).text);
          g_assert_cmpstr (text->str, ==, expected);
        }
      tiny_remove (dir);
    }
}

/* --------------------------------------------------------------- memory -- */

/* Pushes @n samples in live chunks, each decided before the next one comes. */
static void
push_slowly (D2vTranscriber *t, const gfloat *sound, gsize n, GArray *words)
{
  D2vTranscriberStats stats;

  for (gsize at = 0; at < n; at += 1000)
    {
      push (t, sound + at, MIN (1000, n - at));
      do
        {
          take (t, 1000, words);
          d2v_transcriber_stats (t, &stats);
        }
      while (stats.queue_depth > 0);
    }
}

/* After a live stream's first window nothing is allocated: neither while its
 * left context fills, nor by a later stream, nor with windows dropped. */
static void
test_live_allocates_nothing (void)
{
  static const D2vTranscriberParams cases[]
      = { { D2V_REGIME_LIVE },
          { D2V_REGIME_LIVE, .left_context_ms = 2500, .chunk_ms = 70,
            .right_context_ms = 130 },
          { D2V_REGIME_LIVE, .left_context_ms = D2V_MS_NONE,
            .right_context_ms = D2V_MS_NONE } };
  gchar *dir = tiny_write (NULL);
  gsize n = 20 * (gsize) RATE;
  g_autofree gfloat *sound = g_new (gfloat, n);

  make_sound (sound, 0, n, n);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (D2vSession) session
          = tiny_session (dir, &(D2vSessionParams){ .unshared = TRUE });
      g_autoptr (GArray) words = g_array_new (FALSE, FALSE, sizeof (Word));
      g_autoptr (D2vTranscriber) t
          = d2v_transcriber_new (session, &cases[i], NULL);
      D2vTranscriberStats stats;
      gsize first = 0;

      do
        {
          push_slowly (t, sound + first, 1000, words);
          first += 1000;
          d2v_transcriber_stats (t, &stats);
        }
      while (stats.windows_out == 0);
      g_assert_cmpuint (stats.windows_out, ==, 1);
      guint64 before = d2v_alloc_count ();
      push_slowly (t, sound + first, n - first, words);
      d2v_transcriber_stats (t, &stats);
      g_assert_cmpuint (stats.windows_out, >, 30);
      g_assert_cmpuint (d2v_alloc_count (), ==, before);

      d2v_transcriber_flush (t, TRUE);
      d2v_transcriber_flush (t, FALSE);
      sound[n / 2] = NAN;
      push_slowly (t, sound, n, words);
      sound[n / 2] = 0;
      d2v_transcriber_stats (t, &stats);
      g_assert_cmpuint (stats.dropped_nonfinite, >, 0);
      g_assert_cmpuint (d2v_alloc_count (), ==, before);
    }
  tiny_remove (dir);
}

/* Memory is short once, at each place: the stream fails with NO_MEMORY or is
 * as if nothing had happened, and the next one is (G1). */
static void
test_no_memory (gconstpointer data)
{
  const D2vTranscriberParams *params = data;
  gchar *dir = tiny_write (NULL);
  gsize n = 5 * (gsize) RATE;
  g_autofree gfloat *sound = g_new (gfloat, n);
  g_autoptr (GArray) expected = NULL;
  guint n_failures = 0;

  make_sound (sound, 0, n, n);
  sound[n / 2] = NAN;
  for (guint64 nth = 0; nth < 200 && (nth < 10 || n_failures > 0); nth++)
    {
      g_autoptr (D2vSession) session
          = tiny_session (dir, &(D2vSessionParams){ .unshared = TRUE });
      g_autoptr (D2vTranscriber) t
          = d2v_transcriber_new (session, params, NULL);
      g_autoptr (GArray) words = g_array_new (FALSE, FALSE, sizeof (Word));
      g_autoptr (GError) error = NULL;
      gboolean drained = FALSE;

      d2v_alloc_fail_at (nth);
      d2v_transcriber_push (t, sound, n, &error);
      d2v_transcriber_drain (t);
      while (error == NULL && !drained)
        {
          g_autoptr (D2vTranscript) one
              = d2v_transcriber_pull (t, 60 * G_USEC_PER_SEC, &error);
          drained = one != NULL && one->type == D2V_TRANSCRIPT_DRAINED;
          g_assert_true (one != NULL || error != NULL);
        }
      d2v_alloc_fail_at (0);
      if (nth > 0 && drained)
        break; /* there are no more places */
      if (nth > 0)
        {
          g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
          n_failures++;
        }
      d2v_transcriber_flush (t, TRUE);
      d2v_transcriber_flush (t, FALSE);
      push (t, sound, n);
      d2v_transcriber_drain (t);
      g_assert_true (take (t, 60 * G_USEC_PER_SEC, words));
      if (expected == NULL)
        expected = g_steal_pointer (&words);
      else
        g_assert_cmpmem (words->data, words->len * sizeof (Word),
                         expected->data, expected->len * sizeof (Word));
    }
  g_test_message ("%u places", n_failures);
  g_assert_cmpuint (n_failures, >, 5);
  g_assert_cmpuint (expected->len, >, 0);
  tiny_remove (dir);
}

static const D2vTranscriberParams short_recorded = { .window_ms = 1000 };
static const D2vTranscriberParams long_live
    = { D2V_REGIME_LIVE, .max_queued_windows = 100000 };

/* What a run hands out counts as what it needs, before any of it is there. */
static void
test_outputs_count (void)
{
  gchar *dir = tiny_write (NULL);
  g_autoptr (D2vSession) session = tiny_session (dir, NULL);
  const D2vRecordOptions options
      = { .stage = D2V_STAGE_FROM_FEATURES, .hidden_states = TRUE };
  gsize n_frames = 1;
  gboolean close = FALSE;

  while (!close)
    { /* as many frames as the arena alone would be let have */
      D2vTensor features
          = { .dtype = D2V_F32, .shape = d2v_shape (1, n_frames *= 2, 8) };
      g_autoptr (D2vTensors) prepared = d2v_tensors_new ();
      g_autoptr (GError) error = NULL;

      d2v_ref_init (&features.ref_count);
      d2v_tensors_set (prepared, "features", &features);
      D2vPlan *plan = d2v_plan_new (
          d2v_model_record (d2v_session_model (session), prepared, &options), 0,
          &error);
      g_assert_no_error (error);
      close = plan->arena_bytes > D2V_MAX_ACTIVATIONS / 2;
      if (close)
        {
          g_assert_cmpuint (plan->arena_bytes, <=, D2V_MAX_ACTIVATIONS);
          g_assert_false (
              d2v_session_prepare (session, prepared, &options, &error));
          g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
        }
      d2v_plan_free (plan);
    }
  tiny_remove (dir);
}

/* ------------------------------------------------------- bounded queues -- */

/* A job that keeps a worker busy until told otherwise. */
typedef struct
{
  D2vJob job;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean running, released, done;
} Plug;

static void
run_plug (D2vJob *job)
{
  Plug *plug = (Plug *) job;

  pthread_mutex_lock (&plug->lock);
  plug->running = TRUE;
  pthread_cond_broadcast (&plug->changed);
  while (!plug->released)
    pthread_cond_wait (&plug->changed, &plug->lock);
  plug->done = TRUE;
  pthread_cond_broadcast (&plug->changed);
  pthread_mutex_unlock (&plug->lock);
}

static void
wait_for (Plug *plug, gboolean *what)
{
  pthread_mutex_lock (&plug->lock);
  while (!*what)
    pthread_cond_wait (&plug->changed, &plug->lock);
  pthread_mutex_unlock (&plug->lock);
}

static Plug *
plug_in (D2vWorker *worker)
{
  Plug *plug = g_new0 (Plug, 1);

  pthread_mutex_init (&plug->lock, NULL);
  pthread_cond_init (&plug->changed, NULL);
  plug->job = (D2vJob){ .run = run_plug, .live = TRUE };
  d2v_worker_submit (worker, &plug->job);
  wait_for (plug, &plug->running);
  return plug;
}

static void
pull_plug (Plug *plug)
{
  pthread_mutex_lock (&plug->lock);
  plug->released = TRUE;
  pthread_cond_broadcast (&plug->changed);
  pthread_mutex_unlock (&plug->lock);
  wait_for (plug, &plug->done);
  pthread_mutex_destroy (&plug->lock);
  pthread_cond_destroy (&plug->changed);
  g_free (plug);
}

/* An hour at once into a live transcriber that cannot keep up: few windows
 * are kept, the newest among them, and every one is accounted for. */
static void
test_an_hour_at_once (void)
{
  gchar *dir = tiny_write (NULL);
  D2vSession *session = tiny_session (dir, NULL);
  gsize n = 3600 * (gsize) RATE;
  g_autofree gfloat *hour = g_new0 (gfloat, n);
  const D2vTranscriberParams params = { D2V_REGIME_LIVE };
  g_autoptr (GError) error = NULL;
  D2vTranscriber *t = d2v_transcriber_new (session, &params, &error);
  D2vTranscriberStats stats;
  guint64 dropped_to = 0, position = 0;
  gboolean drained = FALSE;

  make_sound (hour, 0, n, n);
  Plug *plug = plug_in (d2v_session_worker (session));
  push (t, hour, n);
  d2v_transcriber_stats (t, &stats);
  g_assert_cmpuint (stats.windows_in, >=, 8990);
  g_assert_cmpuint (stats.queue_depth, <=, 4 * 16 + 4);
  d2v_transcriber_drain (t);
  pull_plug (plug);
  while (!drained)
    {
      g_autoptr (D2vTranscript) one
          = d2v_transcriber_pull (t, 60 * G_USEC_PER_SEC, &error);

      g_assert_no_error (error);
      g_assert_nonnull (one);
      drained = one->type == D2V_TRANSCRIPT_DRAINED;
      if (one->type == D2V_TRANSCRIPT_DROPPED)
        {
          g_assert_cmpuint (one->start, >=, dropped_to);
          dropped_to = one->end;
        }
      if (one->type == D2V_TRANSCRIPT_POSITION)
        position = one->end;
    }
  g_assert_cmpuint (position, ==, n);
  d2v_transcriber_stats (t, &stats);
  g_assert_cmpuint (stats.dropped_late, >=, 8800);
  g_assert_cmpuint (stats.windows_out, >=, 1);
  g_assert_cmpuint (stats.windows_in, ==,
                    stats.windows_out + stats.dropped_late);
  g_assert_cmpuint (stats.queue_depth, ==, 0);
  d2v_transcriber_unref (t);
  d2v_session_unref (session);
  tiny_remove (dir);
}

/* D1: sound that nobody has begun to compute is gone when flush returns, and
 * so is the hold on the model. */
static void
test_flush_takes_back (void)
{
  gchar *dir = tiny_write (NULL);
  D2vSession *session = tiny_session (dir, NULL);
  const D2vTranscriberParams params = { D2V_REGIME_LIVE };
  D2vTranscriber *t = d2v_transcriber_new (session, &params, NULL);
  g_autofree gfloat *sound = g_new0 (gfloat, 10 * RATE);
  Plug *plug = plug_in (d2v_session_worker (session));

  for (guint i = 0; i < (MEDIA_THOROUGH ? 1000 : 100); i++)
    {
      push (t, sound, 10 * RATE);
      g_assert_cmpuint (d2v_worker_depth (d2v_session_worker (session)), >, 0);
      d2v_transcriber_flush (t, TRUE);
      g_assert_cmpuint (d2v_worker_depth (d2v_session_worker (session)), ==, 0);
      d2v_transcriber_flush (t, FALSE);
    }
  g_assert_true (d2v_ref_is_only (&t->ref_count));
  pull_plug (plug);
  d2v_transcriber_unref (t);
  d2v_session_unref (session);
  tiny_remove (dir);
}

typedef struct
{
  D2vTranscriber *t;
  const gfloat *samples;
  gsize n;
  gint code; /* of the error */
} Call;

static gpointer
push_all (gpointer data)
{
  Call *call = data;
  g_autoptr (GError) error = NULL;

  d2v_transcriber_push (call->t, call->samples, call->n, &error);
  call->code = error != NULL ? error->code : -1;
  return NULL;
}

static gpointer
pull_once (gpointer data)
{
  Call *call = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (D2vTranscript) one
      = d2v_transcriber_pull (call->t, G_USEC_PER_SEC / 5, &error);
  call->code = error != NULL ? error->code : -1;
  return NULL;
}

/* A flush that is over before the sleepers wake is a flush all the same: none
 * of the old sound comes into the new stream. */
static void
test_quick_flush (void)
{
  gchar *dir = tiny_write (NULL);
  D2vSession *session = tiny_session (dir, NULL);
  const D2vTranscriberParams params = { .window_ms = 1000 };
  g_autofree gfloat *sound = g_new0 (gfloat, 60 * RATE);
  guint n_pulls = 0;

  for (guint i = 0; i < 20; i++)
    {
      D2vTranscriber *t = d2v_transcriber_new (session, &params, NULL);
      Call pushing = { t, sound, 60 * RATE, 0 }, pulling = { t };
      Plug *plug = plug_in (d2v_session_worker (session));
      GThread *pusher = g_thread_new ("push", push_all, &pushing);
      GThread *puller = g_thread_new ("pull", pull_once, &pulling);
      D2vTranscriberStats stats;

      do
        {
          d2v_transcriber_stats (t, &stats);
          g_usleep (100);
        }
      while (stats.queue_depth < 2);
      g_usleep (1000);
      d2v_transcriber_flush (t, TRUE);
      d2v_transcriber_flush (t, FALSE);
      g_thread_join (pusher);
      g_thread_join (puller);
      g_assert_cmpint (pushing.code, ==, D2V_ERROR_CANCELLED);
      n_pulls += pulling.code == D2V_ERROR_CANCELLED;
      g_assert_cmpuint (t->n_pushed, ==, 0);
      pull_plug (plug);
      d2v_transcriber_unref (t);
    }
  /* One that had not begun by then knows nothing of the flush. */
  g_assert_cmpuint (n_pulls, >, 0);
  d2v_session_unref (session);
  tiny_remove (dir);
}

/* ---------------------------------------------------------- two workers -- */

static void
count_job (D2vJob *job)
{
  g_atomic_int_inc ((gint *) (job + 1));
  g_free (job);
}

/* Two transcribers that swap between two devices in opposite directions: no
 * worker waits for the other, with whatever priorities. */
static void
test_opposite_swaps (void)
{
  gchar *dir = tiny_write (NULL);
  g_autoptr (D2vSession) a
      = tiny_session (dir, &(D2vSessionParams){ .unshared = TRUE });
  g_autoptr (D2vSession) b
      = tiny_session (dir, &(D2vSessionParams){ .unshared = TRUE });
  const D2vTranscriberParams slow = { .window_ms = 1000 };
  const D2vTranscriberParams quick = { D2V_REGIME_LIVE };
  g_autoptr (D2vTranscriber) one = d2v_transcriber_new (a, &slow, NULL);
  g_autoptr (D2vTranscriber) two = NULL;
  g_autofree gfloat *sound = g_new0 (gfloat, RATE);
  g_autoptr (GArray) words = g_array_new (FALSE, FALSE, sizeof (Word));

  /* There is one device here; the other's worker is made by hand. */
  d2v_session_set_worker (b, d2v_worker_get ("another"));
  two = d2v_transcriber_new (b, &quick, NULL);
  make_sound (sound, 0, RATE, RATE);

  Plug *busy = plug_in (d2v_session_worker (a));
  push (one, sound, RATE);
  push (one, sound, 1); /* a window of one waits for a */
  d2v_transcriber_set_session (one, b, NULL);
  d2v_transcriber_drain (one); /* the next one is for b */
  g_usleep (20000);
  push (two, sound, RATE); /* for b */
  d2v_transcriber_set_session (two, a, NULL);
  d2v_transcriber_drain (two); /* for a, and before that of one */
  pull_plug (busy);
  g_assert_true (take (one, 20 * G_USEC_PER_SEC, words));
  g_assert_true (take (two, 20 * G_USEC_PER_SEC, words));
  tiny_remove (dir);
}

/* The earliest deadline first, live before the rest, equals as they came. */
static void
test_order_of_jobs (void)
{
  D2vWorker *worker = d2v_worker_get ("order");
  Plug *plug = plug_in (worker);
  struct
  {
    D2vJob job;
    gint *count;
  } *late = g_malloc0 (sizeof *late);
  late->job = (D2vJob){ count_job, TRUE, 5 };

  d2v_worker_submit (worker, &late->job);
  g_assert_cmpuint (d2v_worker_depth (worker), ==, 1);
  g_assert_true (d2v_worker_withdraw (worker, &late->job));
  g_assert_false (d2v_worker_withdraw (worker, &late->job));
  g_assert_cmpuint (d2v_worker_depth (worker), ==, 0);
  g_free (late);
  pull_plug (plug);
}

/* ----------------------------------------------------------- cancelling -- */

typedef struct
{
  D2vSession *session;
  GCancellable *cancellable;
  gint code; /* of the error */
  gint done; /* atomic */
} Run;

static gpointer
run_once (gpointer data)
{
  Run *run = data;
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();
  g_autoptr (D2vTensor) x = d2v_tensor_new (D2V_F32, 2, (gsize[]){ 1, 1600 });
  g_autoptr (GError) error = NULL;

  d2v_tensors_set (inputs, "input_values", x);
  g_autoptr (D2vTensors) outputs = d2v_session_run (
      run->session, inputs, D2V_RUN_DEFAULT, run->cancellable, &error);
  run->code = error != NULL ? error->code : -1;
  g_atomic_int_set (&run->done, TRUE);
  return NULL;
}

/* A run that waits behind others returns when it is cancelled, not when they
 * are done, and leaves nothing in the queue. */
static void
test_cancels_in_queue (void)
{
  gchar *dir = tiny_write (NULL);
  D2vSession *session = tiny_session (dir, NULL);
  D2vWorker *worker = d2v_session_worker (session);
  D2vSessionStats stats;

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Run run = { session, cancellable, 0, FALSE };
      Run other = { session, NULL, 0, FALSE };
      Plug *plug = plug_in (worker);
      GThread *runner = g_thread_new ("run", run_once, &run);
      GThread *neighbour = g_thread_new ("other", run_once, &other);

      if (i % 2) /* before it is submitted, now and then */
        while (d2v_worker_depth (worker) < 2)
          g_usleep (50);
      g_cancellable_cancel (cancellable);
      for (guint j = 0; j < 20000 && !g_atomic_int_get (&run.done); j++)
        g_usleep (1000);
      g_assert_true (g_atomic_int_get (&run.done));
      g_assert_cmpint (run.code, ==, D2V_ERROR_CANCELLED);
      g_assert_cmpuint (d2v_worker_depth (worker), <=, 1);
      pull_plug (plug);
      g_thread_join (runner);
      g_thread_join (neighbour);
      g_assert_cmpint (other.code, ==, -1);
    }
  d2v_session_stats (session, &stats);
  g_assert_cmpuint (stats.n_runs, ==, 100);
  d2v_session_unref (session);
  tiny_remove (dir);
}

/* -------------------------------------------------------------- sharing -- */

/* The same numbers beside another configuration or alphabet are another
 * model, also while the first one is open. */
static void
test_weights_are_not_all (void)
{
  const TinyParams plain = { .n_heads = 1 }, heads = { .n_heads = 2 },
                   letters = { .alphabet = "XYZ" };
  gchar *dirs[] = { tiny_write (&plain), tiny_write (&plain),
                    tiny_write (&plain), tiny_write (&plain) };
  tiny_describe (dirs[2], &heads);
  tiny_describe (dirs[3], &letters);
  D2vSession *sessions[4];

  for (guint i = 0; i < 4; i++)
    sessions[i] = tiny_session (dirs[i], NULL);
  g_assert_true (sessions[0] == sessions[1]); /* the very same content */
  g_assert_true (sessions[0] != sessions[2]);
  g_assert_true (sessions[0] != sessions[3]);
  g_assert_true (sessions[2] != sessions[3]);

  /* In place, and opened again while the old one is in use (E2). */
  tiny_describe (dirs[0], &letters);
  g_autoptr (D2vSession) again = tiny_session (dirs[0], NULL);
  g_assert_true (again == sessions[3]);
  for (guint i = 0; i < 4; i++)
    d2v_session_unref (sessions[i]);
  for (guint i = 0; i < 4; i++)
    tiny_remove (dirs[i]);
}

/* --------------------------------------------------------------- errors -- */

/* After a window that failed nothing more is told, the end neither, until a
 * flush; then all is well again (G1). */
static void
test_error_stays_until_flush (void)
{
  gchar *dir = tiny_write (NULL);
  D2vSession *session = tiny_session (dir, NULL);
  const D2vTranscriberParams params
      = { .window_ms = 1000, .nonfinite = D2V_NONFINITE_ERROR };
  D2vTranscriber *t = d2v_transcriber_new (session, &params, NULL);
  g_autofree gfloat *sound = g_new0 (gfloat, RATE);
  g_autoptr (GArray) words = g_array_new (FALSE, FALSE, sizeof (Word));
  g_autoptr (GError) error = NULL;

  make_sound (sound, 0, RATE, RATE);
  sound[RATE / 2] = NAN;
  Plug *plug = plug_in (d2v_session_worker (session));
  push (t, sound, RATE);
  push (t, sound, 1);
  d2v_transcriber_drain (t);
  pull_plug (plug);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_null (d2v_transcriber_pull (t, 20 * G_USEC_PER_SEC, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
      g_clear_error (&error);
      g_assert_false (d2v_transcriber_push (t, sound, 1, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
      g_clear_error (&error);
      d2v_transcriber_drain (t);
    }
  d2v_transcriber_flush (t, TRUE);
  d2v_transcriber_flush (t, FALSE);
  sound[RATE / 2] = 0;
  push (t, sound, RATE);
  d2v_transcriber_drain (t);
  g_assert_true (take (t, 20 * G_USEC_PER_SEC, words));
  d2v_transcriber_unref (t);
  d2v_session_unref (session);
  tiny_remove (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/order-of-jobs", test_order_of_jobs);
  g_test_add_func ("/core/opposite-swaps", test_opposite_swaps);
  g_test_add_func ("/core/flush-takes-back", test_flush_takes_back);
  g_test_add_func ("/core/quick-flush", test_quick_flush);
  g_test_add_func ("/core/an-hour-at-once", test_an_hour_at_once);
  g_test_add_func ("/core/error-stays-until-flush",
                   test_error_stays_until_flush);
  g_test_add_func ("/core/cancels-in-queue", test_cancels_in_queue);
  g_test_add_func ("/core/weights-are-not-all", test_weights_are_not_all);
  g_test_add_func ("/core/other-stacks", test_stacks);
  g_test_add_func ("/core/other-stacks/chunks", test_stacks_chunks);
  g_test_add_func ("/core/memory/live-allocates-nothing",
                   test_live_allocates_nothing);
  g_test_add_data_func ("/core/memory/short-G1/recorded", &short_recorded,
                        test_no_memory);
  g_test_add_data_func ("/core/memory/short-G1/live", &long_live,
                        test_no_memory);
  g_test_add_func ("/core/memory/outputs-count", test_outputs_count);
  g_test_add_data_func ("/core/far-positions/recorded", &drift_recorded,
                        test_far_positions);
  g_test_add_data_func ("/core/far-positions/live", &drift_live,
                        test_far_positions);
  if (g_getenv ("D2V_TEST_SHORT") == NULL)
    {
      g_test_add_data_func ("/core/ten-hours/recorded", &drift_recorded,
                            test_ten_hours);
      g_test_add_data_func ("/core/ten-hours/live", &drift_live,
                            test_ten_hours);
    }
  return g_test_run ();
}
