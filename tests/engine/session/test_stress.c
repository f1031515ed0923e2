/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_stress.c: threads that open, share, run, cancel, stream, flush and
 * close at once, for D2V_STRESS_SECONDS (3). Whatever the others do, a result
 * is the right one or CANCELLED. Made for the thread sanitizer, but it holds
 * elsewhere too. With D2V_STRESS_PLANT it has a race on purpose instead. */

#include "engine/session/session.h"
#include "tests/engine/session/tiny.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define N_MODELS 3
#define N_THREADS 6
#define N_KEPT 3 /* sessions that a thread holds */
#define N_SAMPLES 24000

typedef struct
{
  gchar *dir;
  D2vTensors *inputs;
  gpointer logits; /* expected, of the first 1600 samples */
  gsize n_bytes;
  gchar *words; /* expected, of all samples, recorded */
} Model;

typedef struct
{
  pthread_t thread;
  GRand *random;
  D2vSession *kept[N_KEPT];
  guint which[N_KEPT]; /* their models */
  guint n_runs, n_cancelled, n_streams, n_flushed;
  gint n_told; /* atomic */

  pthread_mutex_t lock; /* for what follows */
  GCancellable *cancellable;
} Stress;

static Model models[N_MODELS];
static Stress threads[N_THREADS];
static gfloat sound[N_SAMPLES];
static gint stop; /* atomic */

static const D2vTranscriberParams recorded = { .window_ms = 500 };
static const D2vTranscriberParams live
    = { D2V_REGIME_LIVE, .chunk_ms = 100, .left_context_ms = 300,
        .partial_results = TRUE, .max_queued_windows = 3 };

/* --------------------------------------------------------------- running -- */

static void
cancel_somebody (Stress *s)
{
  Stress *other = &threads[g_rand_int_range (s->random, 0, N_THREADS)];

  pthread_mutex_lock (&other->lock);
  GCancellable *cancellable
      = other->cancellable != NULL ? g_object_ref (other->cancellable) : NULL;
  pthread_mutex_unlock (&other->lock);
  if (cancellable == NULL)
    return;
  g_cancellable_cancel (cancellable);
  g_object_unref (cancellable);
}

static void
set_cancellable (Stress *s, GCancellable *cancellable)
{
  pthread_mutex_lock (&s->lock);
  s->cancellable = cancellable;
  pthread_mutex_unlock (&s->lock);
}

static void
run (Stress *s, guint slot)
{
  const Model *model = &models[s->which[slot]];
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  set_cancellable (s, cancellable);
  g_autoptr (D2vTensors) outputs = d2v_session_run (
      s->kept[slot], model->inputs, D2V_RUN_DEFAULT, cancellable, &error);
  set_cancellable (s, NULL);
  if (outputs == NULL)
    {
      g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
      s->n_cancelled++;
      return;
    }
  const D2vTensor *logits = d2v_tensors_get (outputs, "logits");
  g_assert_cmpmem (d2v_tensor_data (logits), d2v_tensor_n_bytes (logits),
                   model->logits, model->n_bytes);
  s->n_runs++;
}

/* ------------------------------------------------------------- streaming -- */

/* The words up to the end of the stream; NULL when it was flushed. */
static gchar *
pull_words (D2vTranscriber *t)
{
  g_autoptr (GString) words = g_string_new (NULL);

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vTranscript) one = d2v_transcriber_pull (t, -1, &error);

      g_assert_no_error (error);
      if (one->type == D2V_TRANSCRIPT_DRAINED)
        return g_string_free (g_steal_pointer (&words), FALSE);
      if (one->type == D2V_TRANSCRIPT_WORD)
        g_string_append_printf (words, "%s@%u ", one->text, (guint) one->start);
    }
}

static void
push_some (Stress *s, D2vTranscriber *t, gsize n)
{
  for (gsize at = 0; at < n;)
    {
      g_autoptr (GError) error = NULL;
      gsize piece = (gsize) g_rand_int_range (s->random, 1, 6000);

      piece = MIN (piece, n - at);
      d2v_transcriber_push (t, sound + at, piece, &error);
      g_assert_no_error (error);
      at += piece;
    }
}

static void
stream (Stress *s, guint slot)
{
  gboolean is_live = g_rand_boolean (s->random);
  g_autoptr (D2vTranscriber) t
      = d2v_transcriber_new (s->kept[slot], is_live ? &live : &recorded, NULL);
  D2vTranscriberStats stats;

  switch (g_rand_int_range (s->random, 0, 4))
    {
    case 0: /* forgotten in the middle of its work */
      push_some (s, t, N_SAMPLES);
      return;
    case 1:
      push_some (s, t, N_SAMPLES / 2);
      d2v_transcriber_flush (t, TRUE);
      d2v_transcriber_flush (t, FALSE);
      s->n_flushed++;
      break;
    case 2:
      push_some (s, t, N_SAMPLES / 2);
      d2v_transcriber_set_session (t, s->kept[(slot + 1) % N_KEPT], NULL);
      push_some (s, t, N_SAMPLES / 2);
      d2v_transcriber_set_session (t, s->kept[slot], NULL);
      d2v_transcriber_drain (t);
      g_free (pull_words (t));
      break;
    default:
      break;
    }
  push_some (s, t, N_SAMPLES);
  d2v_transcriber_drain (t);
  d2v_transcriber_stats (t, &stats);
  g_autofree gchar *words = pull_words (t);
  if (!is_live) /* a live one may be late */
    g_assert_cmpstr (words, ==, models[s->which[slot]].words);
  s->n_streams++;
}

/* --------------------------------------------------- opening and telling -- */

static void
take (Stress *s, guint slot)
{
  guint which = (guint) g_rand_int_range (s->random, 0, N_MODELS);
  const D2vSessionParams params
      = { .n_threads = (guint) g_rand_int_range (s->random, 1, 3),
          .unshared = g_rand_int_range (s->random, 0, 4) == 0 };

  d2v_session_unref (s->kept[slot]);
  s->kept[slot] = tiny_session (models[which].dir, &params);
  s->which[slot] = which;
}

static void
count_told (const gchar *message, gpointer data)
{
  g_assert_cmpstr (message, ==, "told");
  g_atomic_int_inc ((gint *) data);
}

typedef struct
{
  D2vJob job;
  D2vSession *session; /* a reference */
} Telling;

static void
tell (D2vJob *job)
{
  Telling *telling = (Telling *) job;

  d2v_session_tell (telling->session, "told");
  d2v_session_unref (telling->session);
  g_free (telling);
}

/* What a backend does when its device is lost, and others listen. */
static void
listen (Stress *s, guint slot)
{
  D2vSession *session = s->kept[slot];
  Telling *telling = g_new0 (Telling, 1);
  guint id = d2v_session_add_notify (session, count_told, &s->n_told);

  *telling = (Telling){ { .run = tell, .deadline_us = G_MAXINT64 },
                        d2v_session_ref (session) };
  d2v_worker_submit (d2v_session_worker (session), &telling->job);
  run (s, slot);
  d2v_session_remove_notify (session, id);
}

static void *
be_busy (void *data)
{
  Stress *s = data;

  for (guint i = 0; i < N_KEPT; i++)
    take (s, i);
  while (!g_atomic_int_get (&stop))
    {
      guint slot = (guint) g_rand_int_range (s->random, 0, N_KEPT);
      D2vSessionStats stats;

      switch (g_rand_int_range (s->random, 0, 8))
        {
        case 0:
          take (s, slot);
          break;
        case 1:
        case 2:
          stream (s, slot);
          break;
        case 3:
          listen (s, slot);
          break;
        case 4:
          d2v_session_stats (s->kept[slot], &stats);
          break;
        case 5:
          cancel_somebody (s);
          break;
        default:
          run (s, slot);
        }
    }
  for (guint i = 0; i < N_KEPT; i++)
    d2v_session_unref (s->kept[i]);
  return NULL;
}

/* ------------------------------------------------------------------ test -- */

/* Waits for what was left to the worker: it comes before this run. */
static void
settle (void)
{
  g_autoptr (D2vSession) session
      = tiny_session (models[0].dir, &(D2vSessionParams){ .unshared = TRUE });

  d2v_tensors_unref (d2v_session_run (session, models[0].inputs,
                                      D2V_RUN_DEFAULT, NULL, NULL));
}

static void
make_model (guint i)
{
  static const gchar *const alphabets[N_MODELS] = { "ABC", "XYZ", "KLM" };
  Model *model = &models[i];

  model->dir = tiny_write (&(TinyParams){ .alphabet = alphabets[i] });
  model->inputs = d2v_tensors_new ();
  g_autoptr (D2vTensor) x = d2v_tensor_new (D2V_F32, 2, (gsize[]){ 1, 1600 });
  memcpy (d2v_tensor_data (x), sound, d2v_tensor_n_bytes (x));
  d2v_tensors_set (model->inputs, "input_values", x);

  g_autoptr (D2vSession) session = tiny_session (model->dir, NULL);
  g_autoptr (D2vTensors) outputs
      = d2v_session_run (session, model->inputs, D2V_RUN_DEFAULT, NULL, NULL);
  const D2vTensor *logits = d2v_tensors_get (outputs, "logits");
  model->n_bytes = d2v_tensor_n_bytes (logits);
  model->logits = g_memdup2 (d2v_tensor_data (logits), model->n_bytes);

  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (session, &recorded, NULL);
  d2v_transcriber_push (t, sound, N_SAMPLES, NULL);
  d2v_transcriber_drain (t);
  model->words = pull_words (t);
  g_assert_cmpuint (strlen (model->words), >, 10);
}

static void
free_model (Model *model)
{
  d2v_tensors_unref (model->inputs);
  tiny_remove (model->dir);
  g_free (model->logits);
  g_free (model->words);
}

static void
start (guint i)
{
  Stress *s = &threads[i];

  s->random = g_rand_new_with_seed (i + 1);
  pthread_mutex_init (&s->lock, NULL);
}

static void
test_all_at_once (void)
{
  const gchar *seconds = g_getenv ("D2V_STRESS_SECONDS");
  Stress sum = { 0 };

  for (guint i = 0; i < N_SAMPLES; i++)
    sound[i] = (gfloat) sin (0.01 * i * (1 + i / 2000 * 7 % 29));
  for (guint i = 0; i < N_MODELS; i++)
    make_model (i);
  for (guint i = 0; i < N_THREADS; i++)
    start (i);
  for (guint i = 0; i < N_THREADS; i++)
    g_assert_cmpint (
        pthread_create (&threads[i].thread, NULL, be_busy, &threads[i]), ==, 0);
  g_usleep ((gulong) ((seconds != NULL ? g_ascii_strtod (seconds, NULL) : 3)
                      * G_USEC_PER_SEC));
  g_atomic_int_set (&stop, TRUE);
  for (guint i = 0; i < N_THREADS; i++)
    {
      pthread_join (threads[i].thread, NULL);
      sum.n_runs += threads[i].n_runs;
      sum.n_cancelled += threads[i].n_cancelled;
      sum.n_streams += threads[i].n_streams;
      sum.n_flushed += threads[i].n_flushed;
      sum.n_told += threads[i].n_told;
      g_rand_free (threads[i].random);
      pthread_mutex_destroy (&threads[i].lock);
    }
  g_test_message ("%u runs, %u cancelled, %u streams, %u flushed, %d told",
                  sum.n_runs, sum.n_cancelled, sum.n_streams, sum.n_flushed,
                  sum.n_told);
  g_assert_cmpuint (sum.n_runs, >, 20);
  g_assert_cmpuint (sum.n_cancelled, >, 0);
  g_assert_cmpuint (sum.n_streams, >, 5);
  g_assert_cmpuint (sum.n_flushed, >, 0);
  g_assert_cmpint (sum.n_told, >, 0);

  settle ();
  /* Nobody holds anything any more: a session of before would have runs. */
  for (guint i = 0; i < N_MODELS; i++)
    for (guint n = 1; n < 3; n++)
      {
        g_autoptr (D2vSession) session = tiny_session (
            models[i].dir, &(D2vSessionParams){ .n_threads = n });
        D2vSessionStats stats;

        d2v_session_stats (session, &stats);
        g_assert_cmpuint (stats.n_runs, ==, 0);
        g_assert_cmpuint (stats.queue_depth, ==, 0);
      }
  for (guint i = 0; i < N_MODELS; i++)
    free_model (&models[i]);
}

/* ----------------------------------------------------------------- plant -- */

static guint planted;

static void *
count_unlocked (void *data)
{
  for (guint i = 0; i < 100000; i++)
    planted++;
  return NULL;
}

/* A sanitizer that lets this pass proves nothing by passing the rest. */
static void
race_on_purpose (void)
{
  pthread_t two[2];

  for (guint i = 0; i < 2; i++)
    g_assert_cmpint (pthread_create (&two[i], NULL, count_unlocked, NULL), ==,
                     0);
  for (guint i = 0; i < 2; i++)
    pthread_join (two[i], NULL);
}

int
main (int argc, char **argv)
{
  if (g_getenv ("D2V_STRESS_PLANT") != NULL)
    {
      race_on_purpose ();
      return 0;
    }
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stress/all-at-once", test_all_at_once);
  return g_test_run ();
}
