/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_session.c: opening, sharing, running and cancelling. */

#include "engine/base/alloc.h"
#include "engine/session/session.h"
#include "tests/engine/session/media.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>

static D2vModel *
open_model (gboolean unshared)
{
  g_autofree gchar *path
      = media_path ("examples", "models", "asr-small-en", NULL);
  g_autoptr (GError) error = NULL;
  D2vModel *model = d2v_model_open (
      path, &(D2vModelParams){ .unshared = unshared }, &error);

  g_assert_no_error (error);
  return model;
}

static void
test_shares_models (void)
{
  g_autoptr (D2vModel) a = open_model (FALSE);
  g_autoptr (D2vModel) b = open_model (FALSE);
  g_autoptr (D2vModel) c = open_model (TRUE);

  g_assert_true (a == b);
  g_assert_true (a != c);
}

static void
test_shares_sessions (void)
{
  g_autoptr (D2vModel) model = open_model (FALSE);
  g_autoptr (D2vModel) copy = open_model (TRUE);
  const D2vSessionParams two = { .n_threads = 2 };
  const D2vSessionParams apart = { .n_threads = 2, .unshared = TRUE };
  const D2vSessionParams group = { .n_threads = 2, .instance = "group" };
  g_autoptr (D2vSession) a = d2v_session_new (model, &two, NULL);
  g_autoptr (D2vSession) b = d2v_session_new (model, &two, NULL);
  /* The same bytes, read again: the content decides, not the object. */
  g_autoptr (D2vSession) c = d2v_session_new (copy, &two, NULL);
  g_autoptr (D2vSession) d = d2v_session_new (model, &apart, NULL);
  g_autoptr (D2vSession) e = d2v_session_new (model, &group, NULL);
  g_autoptr (D2vSession) f = d2v_session_new (model, &group, NULL);

  g_assert_true (a == b);
  g_assert_true (a == c);
  g_assert_true (a != d);
  g_assert_true (a != e);
  g_assert_true (e == f);
  g_assert_cmpuint (d2v_session_n_threads (a), ==, 2);
}

static void
expect_no_session (const D2vSessionParams *params, gint code,
                   const gchar *words)
{
  g_autoptr (D2vModel) model = open_model (FALSE);
  g_autoptr (GError) error = NULL;

  g_assert_null (d2v_session_new (model, params, &error));
  g_assert_error (error, D2V_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_refuses_devices (void)
{
  expect_no_session (&(D2vSessionParams){ .device = "quantum" },
                     D2V_ERROR_DEVICE, "quantum");
  expect_no_session (&(D2vSessionParams){ .device = "vulkan:no such thing" },
                     D2V_ERROR_DEVICE, "no such thing");
  expect_no_session (
      &(D2vSessionParams){ .device = "cpu", .precision = D2V_PRECISION_INT8 },
      D2V_ERROR_UNSUPPORTED, "int8");
}

static void
test_refuses_paths (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *empty = g_dir_make_tmp ("d2v-XXXXXX", NULL);

  g_assert_null (d2v_model_open (NULL, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (d2v_model_open ("/no/such/model", NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/no/such/model"));
  g_clear_error (&error);
  g_assert_null (d2v_model_open ("/dev/null", NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_A_FILE);
  g_clear_error (&error);
  g_assert_null (d2v_model_open (empty, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "config.json"));
  g_rmdir (empty);
}

static D2vTensors *
speech (gsize n)
{
  D2vTensors *inputs = d2v_tensors_new ();
  g_autoptr (D2vTensor) x = d2v_tensor_new (D2V_F32, 2, (gsize[]){ 1, n });

  for (gsize i = 0; i < n; i++)
    ((gfloat *) d2v_tensor_data (x))[i] = (gfloat) (i * 7919 % 1000) / 500 - 1;
  d2v_tensors_set (inputs, "input_values", x);
  return inputs;
}

static void
test_refuses_inputs (void)
{
  g_autoptr (D2vSession) session = media_session (1);
  g_autoptr (D2vTensors) none = d2v_tensors_new ();
  g_autoptr (D2vTensors) too_short = speech (399);
  g_autoptr (D2vTensors) unknown = speech (400);
  D2vTensors *const wrong[] = { none, too_short, unknown };

  d2v_tensors_set (unknown, "surprise",
                   d2v_tensors_get (unknown, "input_values"));
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (
          d2v_session_run (session, wrong[i], D2V_RUN_DEFAULT, NULL, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
    }
}

static void
test_cancels (void)
{
  g_autoptr (D2vSession) session = media_session (1);
  g_autoptr (D2vTensors) inputs = speech (160000);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (
      d2v_session_run (session, inputs, D2V_RUN_DEFAULT, cancellable, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (d2v_session_new (
      d2v_session_model (session),
      &(D2vSessionParams){ .cancellable = cancellable }, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
}

/* Results that somebody keeps are not overwritten by the next run, and those
 * that nobody keeps need no new memory. */
static void
test_outputs_are_kept (void)
{
  g_autoptr (D2vSession) session = media_session (2);
  g_autoptr (D2vTensors) inputs = speech (16000);
  g_autoptr (D2vTensors) first
      = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, NULL);
  const D2vTensor *kept = d2v_tensors_get (first, "logits");
  g_autofree gpointer copy
      = g_memdup2 (d2v_tensor_data (kept), d2v_tensor_n_bytes (kept));

  ((gfloat *) d2v_tensor_data (d2v_tensors_get (inputs, "input_values")))[0]
      += 1;
  g_autoptr (D2vTensors) second
      = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, NULL);
  g_assert_true (d2v_tensors_get (second, "logits") != kept);
  g_assert_cmpmem (d2v_tensor_data (kept), d2v_tensor_n_bytes (kept), copy,
                   d2v_tensor_n_bytes (kept));
}

/* Every allocation of the engine fails once: an error, no crash, and the next
 * try works. */
static void
test_no_memory_G1 (void)
{
  g_autoptr (D2vTensors) inputs = speech (8000);
  guint failures = 0;

  for (guint64 n = 1; n < 400; n++)
    {
      g_autofree gchar *path
          = media_path ("examples", "models", "asr-small-en", NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vSession) session = NULL;
      g_autoptr (D2vTensors) outputs = NULL;

      d2v_alloc_fail_at (n);
      g_autoptr (D2vModel) model = d2v_model_open (
          path, &(D2vModelParams){ .unshared = TRUE }, &error);
      if (model != NULL)
        session = d2v_session_new (
            model, &(D2vSessionParams){ .unshared = TRUE, .n_threads = 1 },
            &error);
      if (session != NULL)
        outputs
            = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, &error);
      d2v_alloc_fail_at (0);
      if (outputs != NULL)
        break;
      failures++;
      g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
      if (session != NULL)
        {
          g_clear_error (&error);
          outputs = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL,
                                     &error);
          g_assert_no_error (error);
        }
    }
  g_assert_cmpuint (failures, >, 50);
}

static void
test_inspect (void)
{
  g_autoptr (D2vModel) model = open_model (FALSE);
  g_autofree gchar *text = d2v_model_inspect (model, FALSE);
  g_autofree gchar *json = d2v_model_inspect (model, TRUE);

  g_assert_nonnull (strstr (text, "d2vtranscriber"));
  g_assert_nonnull (strstr (json, "\"head\":\"ForCTC\""));
  g_assert_true (g_str_has_prefix (json, "{"));
  g_assert_true (g_str_has_suffix (json, "}"));
}

/* ------------------------------------------------- features are exact -- */

typedef struct
{
  D2vJob job;
  D2vSession *session;
  D2vTensors *inputs;
  D2vTensors *outputs;
  pthread_mutex_t lock;
  pthread_cond_t done;
} FeatureRun;

static void
run_features (D2vJob *job)
{
  FeatureRun *run = (FeatureRun *) job;
  const D2vRecordOptions options = { .stage = D2V_STAGE_FEATURES };
  D2vTensors *outputs
      = d2v_session_execute (run->session, run->inputs, &options, NULL, NULL);

  pthread_mutex_lock (&run->lock);
  run->outputs = outputs;
  pthread_cond_signal (&run->done);
  pthread_mutex_unlock (&run->lock);
}

static D2vTensors *
features_of (D2vSession *session, D2vTensors *inputs)
{
  FeatureRun run = { .job = { .run = run_features, .deadline_us = G_MAXINT64 },
                     .session = session,
                     .inputs = inputs,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .done = PTHREAD_COND_INITIALIZER };

  d2v_worker_submit (d2v_session_worker (session), &run.job);
  pthread_mutex_lock (&run.lock);
  while (run.outputs == NULL)
    pthread_cond_wait (&run.done, &run.lock);
  pthread_mutex_unlock (&run.lock);
  return run.outputs;
}

/* A frame's features depend on its own samples only, bit for bit: this is what
 * makes the live regime's cache exact. */
static void
test_features_are_local (void)
{
  g_autoptr (D2vSession) session = media_session (2);
  g_autoptr (D2vTensors) inputs = speech (48000);
  const D2vTensor *all_samples = d2v_tensors_get (inputs, "input_values");
  g_autoptr (D2vTensors) whole = features_of (session, inputs);
  const D2vTensor *all = d2v_tensors_get (whole, "features");
  gsize width = d2v_tensor_shape (all)[2];

  for (gsize first = 1; first < 140; first += 17)
    for (gsize n = 1; n + first < 149; n += 13)
      {
        gsize n_samples = (n - 1) * 320 + 400;
        g_autoptr (D2vTensors) part = speech (n_samples);
        memcpy (d2v_tensor_data (d2v_tensors_get (part, "input_values")),
                (const gfloat *) d2v_tensor_data (all_samples) + first * 320,
                n_samples * sizeof (gfloat));
        g_autoptr (D2vTensors) found = features_of (session, part);
        const D2vTensor *some = d2v_tensors_get (found, "features");
        g_assert_cmpuint (d2v_tensor_shape (some)[1], ==, n);
        g_assert_cmpmem (d2v_tensor_data (some), d2v_tensor_n_bytes (some),
                         (const gfloat *) d2v_tensor_data (all) + first * width,
                         n * width * sizeof (gfloat));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/session/shares-models", test_shares_models);
  g_test_add_func ("/session/shares-sessions", test_shares_sessions);
  g_test_add_func ("/session/refuses-devices", test_refuses_devices);
  g_test_add_func ("/session/refuses-paths-E1", test_refuses_paths);
  g_test_add_func ("/session/refuses-inputs", test_refuses_inputs);
  g_test_add_func ("/session/cancels", test_cancels);
  g_test_add_func ("/session/outputs-are-kept", test_outputs_are_kept);
  g_test_add_func ("/session/no-memory-G1", test_no_memory_G1);
  g_test_add_func ("/session/inspect", test_inspect);
  g_test_add_func ("/session/features-are-local", test_features_are_local);
  return g_test_run ();
}
