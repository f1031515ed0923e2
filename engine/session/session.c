/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/session.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/base/ref.h"
#include "engine/base/tsan.h"
#include "engine/graph/backend.h"
#include "engine/session/device.h"

#include <pthread.h>
#include <string.h>

/* Plans kept for other shapes; each holds its graph and little more. */
#define MAX_PLANS 64

/* A plan that is ready, with what its runs reuse. */
typedef struct
{
  gchar *key;
  D2vPrepared *prepared;
  const D2vGraph *graph; /* of the prepared plan */
  gsize arena_bytes;
  guint n_inputs, n_outputs;
  gconstpointer *inputs;
  gpointer *outputs;
  D2vTensor **tensors; /* outputs of the last run */
  D2vContext *context; /* whose state it holds; NULL: nobody's */
} Ready;

typedef struct
{
  guint id;
  D2vSessionNotify notify;
  gpointer data;
} Listener;

struct _D2vContext
{
  D2vRefCount ref_count; /* the owner's, and one of each plan */
  gint closed;           /* atomic: the owner is gone */
};

struct _D2vSession
{
  D2vRefCount ref_count;
  gchar *key; /* NULL: not shared */
  D2vModel *model;
  D2vBackend *backend;
  D2vWorker *worker;
  GQueue plans; /* of Ready, the last used first; the worker's alone */

  pthread_mutex_t lock; /* for what follows */
  D2vSessionStats stats;

  pthread_mutex_t notify_lock; /* for what follows; held while they are told */
  GArray *listeners;           /* of Listener */
  guint n_listeners;           /* ever */
};

G_DEFINE_BOXED_TYPE (D2vSession, d2v_session, d2v_session_ref,
                     d2v_session_unref)

static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *sessions; /* key -> D2vSession, without a reference */

/* ------------------------------------------------- opening and sharing -- */

static gchar *
make_key (const D2vModel *model, const D2vSessionParams *params,
          const gchar *device)
{
  return g_strdup_printf ("%s/%d/%s/%d/%u/%s", model->digest, model->head,
                          device, params->precision, params->n_threads,
                          params->instance != NULL ? params->instance : "");
}

/* With an instance name, the first model under that name serves them all. */
static D2vSession *
find_shared (const gchar *key)
{
  D2vSession *session = NULL;

  pthread_mutex_lock (&sessions_lock);
  if (sessions != NULL)
    session = g_hash_table_lookup (sessions, key);
  if (session != NULL)
    d2v_ref_inc (&session->ref_count);
  pthread_mutex_unlock (&sessions_lock);
  return session;
}

static D2vSession *
share (D2vSession *session, const gchar *key)
{
  pthread_mutex_lock (&sessions_lock);
  if (sessions == NULL)
    sessions = g_hash_table_new (g_str_hash, g_str_equal);
  D2vSession *other = g_hash_table_lookup (sessions, key);
  if (other != NULL)
    d2v_ref_inc (&other->ref_count);
  else
    {
      session->key = g_strdup (key);
      g_hash_table_insert (sessions, session->key, session);
    }
  pthread_mutex_unlock (&sessions_lock);
  if (other == NULL)
    return session;
  d2v_session_unref (session);
  return other;
}

void
d2v_session_tell (D2vSession *session, const gchar *message)
{
  pthread_mutex_lock (&session->notify_lock);
  for (guint i = 0; i < session->listeners->len; i++)
    {
      const Listener *one = &g_array_index (session->listeners, Listener, i);
      one->notify (message, one->data);
    }
  pthread_mutex_unlock (&session->notify_lock);
}

static void
tell_of_device (gpointer session, const gchar *message)
{
  d2v_session_tell (session, message);
}

static D2vSession *
open_session (D2vModel *model, const D2vSessionParams *params,
              const gchar *device, GError **error)
{
  D2vBackend *backend
      = d2v_device_open (device, params->precision, params->n_threads, error);
  if (backend == NULL)
    return NULL;

  D2vSession *session = g_new0 (D2vSession, 1);
  d2v_ref_init (&session->ref_count);
  session->model = d2v_model_ref (model);
  session->backend = backend;
  session->worker = d2v_worker_get (device);
  g_queue_init (&session->plans);
  pthread_mutex_init (&session->lock, NULL);
  pthread_mutex_init (&session->notify_lock, NULL);
  session->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  backend->notify = tell_of_device;
  backend->notify_data = session;
  if (session->worker == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "the system gives no thread for the device");
      d2v_session_unref (session);
      return NULL;
    }
  return session;
}

D2vSession *
d2v_session_new (D2vModel *model, const D2vSessionParams *params,
                 GError **error)
{
  const D2vSessionParams defaults = { NULL };
  g_autofree gchar *device = NULL, *key = NULL;

  if (params == NULL)
    params = &defaults;
  if (model->weights == NULL)
    {
      d2v_fail (error, D2V_ERROR_USAGE, model->dir,
                "the model was opened without its weights");
      return NULL;
    }
  if (g_cancellable_is_cancelled (params->cancellable))
    {
      d2v_fail (error, D2V_ERROR_CANCELLED, model->dir, "cancelled");
      return NULL;
    }
  device = d2v_device_resolve (params->device, error);
  if (device == NULL)
    return NULL;
  if (!params->unshared)
    key = make_key (model, params, device);
  D2vSession *session = key != NULL ? find_shared (key) : NULL;
  if (session != NULL)
    return session;
  session = open_session (model, params, device, error);
  return session != NULL && key != NULL ? share (session, key) : session;
}

D2vSession *
d2v_session_ref (D2vSession *session)
{
  d2v_ref_inc (&session->ref_count);
  return session;
}

static void
unref_context (D2vContext *context)
{
  if (context != NULL && d2v_ref_dec (&context->ref_count))
    g_free (context);
}

static void
free_ready (D2vSession *session, Ready *ready)
{
  unref_context (ready->context);

  for (guint i = 0; i < ready->n_outputs; i++)
    d2v_tensor_unref (ready->tensors[i]);
  session->backend->functions->free_prepared (session->backend,
                                              ready->prepared);
  g_free (ready->inputs);
  g_free (ready->outputs);
  g_free (ready->tensors);
  g_free (ready->key);
  g_free (ready);
}

static void
free_session (D2vSession *session)
{
  Ready *ready;

  while ((ready = g_queue_pop_head (&session->plans)) != NULL)
    free_ready (session, ready);
  session->backend->functions->free (session->backend);
  d2v_model_unref (session->model);
  pthread_mutex_destroy (&session->lock);
  pthread_mutex_destroy (&session->notify_lock);
  g_array_unref (session->listeners);
  g_free (session->key);
  g_free (session);
}

void
d2v_session_unref (D2vSession *session)
{
  if (session == NULL)
    return;
  pthread_mutex_lock (&sessions_lock);
  gboolean last = d2v_ref_dec (&session->ref_count);
  if (last && session->key != NULL)
    g_hash_table_remove (sessions, session->key);
  pthread_mutex_unlock (&sessions_lock);
  if (last)
    free_session (session);
}

D2vModel *
d2v_session_model (const D2vSession *session)
{
  return session->model;
}

const gchar *
d2v_session_device_name (const D2vSession *session)
{
  return session->backend->device_name;
}

guint
d2v_session_n_threads (const D2vSession *session)
{
  return session->backend->n_threads;
}

guint
d2v_session_add_notify (D2vSession *session, D2vSessionNotify notify,
                        gpointer data)
{
  pthread_mutex_lock (&session->notify_lock);
  const Listener one = { ++session->n_listeners, notify, data };
  g_array_append_val (session->listeners, one);
  pthread_mutex_unlock (&session->notify_lock);
  return one.id;
}

void
d2v_session_remove_notify (D2vSession *session, guint id)
{
  pthread_mutex_lock (&session->notify_lock);
  for (guint i = 0; i < session->listeners->len; i++)
    if (g_array_index (session->listeners, Listener, i).id == id)
      {
        g_array_remove_index (session->listeners, i);
        break;
      }
  pthread_mutex_unlock (&session->notify_lock);
}

D2vWorker *
d2v_session_worker (D2vSession *session)
{
  return session->worker;
}

void
d2v_session_set_worker (D2vSession *session, D2vWorker *worker)
{
  session->worker = worker;
}

void
d2v_session_stats (D2vSession *session, D2vSessionStats *stats)
{
  pthread_mutex_lock (&session->lock);
  *stats = session->stats;
  pthread_mutex_unlock (&session->lock);
  stats->queue_depth = d2v_worker_depth (session->worker);
  stats->n_fallbacks
      = (guint) g_atomic_int_get (&session->backend->n_fallbacks);
  d2v_tensor_lock_forms ();
  for (guint i = 0; i < session->model->tensors->len; i++)
    {
      const D2vTensor *t = g_ptr_array_index (session->model->tensors, i);
      stats->weight_bytes += (t->data != NULL ? t->n_bytes : 0)
                             + (t->packed != NULL ? t->packed->n_bytes : 0);
    }
  d2v_tensor_unlock_forms ();
}

/* ------------------------------------------------------------- running -- */

/* What a plan depends on: the inputs' names, types and shapes. */
static gchar *
plan_key (const D2vTensors *prepared, const D2vRecordOptions *options)
{
  GString *key = g_string_new (NULL);

  g_string_printf (
      key, "%d/%d/%" G_GSIZE_FORMAT "/%" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT,
      options->hidden_states, options->stage, options->cache_length,
      options->map_height, options->map_width);
  for (guint i = 0; i < d2v_tensors_size (prepared); i++)
    {
      const gchar *name = d2v_tensors_name (prepared, i);
      const D2vTensor *tensor = d2v_tensors_get (prepared, name);
      g_autofree gchar *shape = d2v_shape_text (&tensor->shape);

      g_string_append_printf (key, "/%s:%d:%s", name, tensor->dtype, shape);
    }
  return g_string_free (key, FALSE);
}

/* All that a plan wants beside its weights and each thread's own memory; as
 * good as endless when it overflows. */
static gsize
count_bytes (const D2vPlan *plan)
{
  gsize n = 0;
  gboolean ok = d2v_add (plan->arena_bytes, plan->state_bytes, &n)
                && d2v_add (n, plan->folded_bytes, &n);

  for (guint i = 0; i < d2v_graph_n_outputs (plan->graph) && ok; i++)
    {
      const D2vShape *shape = d2v_graph_shape (
          plan->graph, d2v_graph_output_value (plan->graph, i));
      ok = d2v_add (n, d2v_shape_size (shape) * sizeof (gfloat), &n);
    }
  return ok ? n : G_MAXSIZE;
}

static Ready *
make_ready (D2vSession *session, const gchar *key, const D2vTensors *prepared,
            const D2vRecordOptions *options, GError **error)
{
  D2vBackend *backend = session->backend;
  D2vGraph *graph = d2v_model_record (session->model, prepared, options);
  D2vPlan *plan = d2v_plan_new (graph, backend->fusions, error);

  if (plan == NULL)
    return NULL;
  gsize arena_bytes = plan->arena_bytes + plan->state_bytes;
  gsize n_bytes = count_bytes (plan);
  if (n_bytes > D2V_MAX_ACTIVATIONS)
    {
      d2v_fail (error, D2V_ERROR_TOO_BIG, session->model->dir,
                "these inputs need %" G_GSIZE_FORMAT
                " bytes of activations, more than %" G_GSIZE_FORMAT,
                n_bytes, D2V_MAX_ACTIVATIONS);
      d2v_plan_free (plan);
      return NULL;
    }
  D2vPrepared *done = backend->functions->prepare (backend, plan, error);
  if (done == NULL)
    return NULL;

  Ready *ready = g_new0 (Ready, 1);
  ready->key = g_strdup (key);
  ready->prepared = done;
  ready->graph = graph;
  ready->arena_bytes = arena_bytes;
  ready->n_inputs = d2v_graph_n_inputs (graph);
  ready->n_outputs = d2v_graph_n_outputs (graph);
  ready->inputs = g_new0 (gconstpointer, ready->n_inputs + 1);
  ready->outputs = g_new0 (gpointer, ready->n_outputs + 1);
  ready->tensors = g_new0 (D2vTensor *, ready->n_outputs + 1);
  return ready;
}

static gboolean
is_taken (const Ready *ready)
{
  return ready->context != NULL && !g_atomic_int_get (&ready->context->closed);
}

/* Gives @context a plan, with its state as new. */
static void
take (D2vSession *session, Ready *ready, D2vContext *context, gboolean used)
{
  if (used)
    session->backend->functions->reset (session->backend, ready->prepared);
  unref_context (ready->context);
  d2v_ref_inc (&context->ref_count);
  ready->context = context;
}

/* A plan that keeps state serves one context; any other plan serves all. */
static GList *
find_ready (D2vSession *session, const gchar *key, D2vContext *context)
{
  GList *unused = NULL;

  for (GList *l = session->plans.head; l != NULL; l = l->next)
    {
      const Ready *ready = l->data;

      if (strcmp (ready->key, key) != 0)
        continue;
      if (ready->context == context)
        return l;
      if (!is_taken (ready))
        unused = l;
    }
  if (unused != NULL)
    take (session, unused->data, context, TRUE);
  return unused;
}

/* Forgets the plan not used for longest, unless all are taken. */
static void
forget_oldest (D2vSession *session)
{
  for (GList *l = session->plans.tail; l != NULL; l = l->prev)
    if (!is_taken (l->data))
      {
        free_ready (session, l->data);
        g_queue_delete_link (&session->plans, l);
        return;
      }
}

static Ready *
get_ready (D2vSession *session, const D2vTensors *prepared,
           const D2vRecordOptions *options, D2vContext *context, GError **error)
{
  g_autofree gchar *key = plan_key (prepared, options);
  GList *link = find_ready (session, key, context);

  if (link != NULL)
    {
      g_queue_unlink (&session->plans, link);
      g_queue_push_head_link (&session->plans, link);
      return link->data;
    }
  Ready *ready = make_ready (session, key, prepared, options, error);
  if (ready == NULL)
    return NULL;
  if (g_queue_get_length (&session->plans) >= MAX_PLANS)
    forget_oldest (session);
  g_queue_push_head (&session->plans, ready);
  if (context != NULL)
    take (session, ready, context, FALSE);
  return ready;
}

D2vContext *
d2v_context_new (void)
{
  D2vContext *context = g_new0 (D2vContext, 1);

  d2v_ref_init (&context->ref_count);
  return context;
}

void
d2v_context_free (D2vContext *context)
{
  if (context == NULL)
    return;
  g_atomic_int_set (&context->closed, TRUE);
  unref_context (context);
}

/* A tensor that somebody still holds from the last run is replaced. */
static gboolean
renew_outputs (Ready *ready, GError **error)
{
  for (guint i = 0; i < ready->n_outputs; i++)
    {
      D2vTensor **tensor = &ready->tensors[i];

      if (*tensor != NULL && d2v_ref_is_only (&(*tensor)->ref_count))
        continue;
      g_clear_pointer (tensor, d2v_tensor_unref);
      *tensor = d2v_tensor_new_empty (
          D2V_F32, d2v_graph_shape (ready->graph,
                                    d2v_graph_output_value (ready->graph, i)));
      if (*tensor == NULL)
        return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "outputs");
      ready->outputs[i] = (*tensor)->data;
    }
  return TRUE;
}

static void
count_run (D2vSession *session, const Ready *ready, gint64 began,
           guint64 n_allocations, const D2vRunProfile *profile)
{
  pthread_mutex_lock (&session->lock);
  session->stats.n_runs++;
  session->stats.n_dispatches = profile->n_dispatches;
  session->stats.n_barriers = profile->n_barriers;
  session->stats.n_allocations += n_allocations;
  session->stats.compute_seconds
      += (gdouble) (g_get_monotonic_time () - began) / G_USEC_PER_SEC;
  session->stats.arena_bytes
      = MAX (session->stats.arena_bytes, ready->arena_bytes);
  pthread_mutex_unlock (&session->lock);
}

/* Of this thread, and of those that help it. */
static guint64
count_allocations (D2vSession *session)
{
  return d2v_alloc_count_here ()
         + (guint) g_atomic_int_get (&session->backend->n_allocations);
}

static D2vTensors *
execute (D2vSession *session, const D2vTensors *prepared,
         const D2vRecordOptions *options, D2vContext *context,
         const volatile gint *cancelled, D2vRunProfile *profile, GError **error)
{
  if (cancelled != NULL && g_atomic_int_get (cancelled))
    {
      d2v_fail (error, D2V_ERROR_CANCELLED, NULL, "cancelled");
      return NULL;
    }
  Ready *ready = get_ready (session, prepared, options, context, error);
  if (ready == NULL || !renew_outputs (ready, error))
    return NULL;
  for (guint i = 0; i < ready->n_inputs; i++)
    {
      const D2vNode *input = d2v_graph_node (
          ready->graph, d2v_graph_input_value (ready->graph, i));
      ready->inputs[i] = d2v_tensors_get (prepared, input->name)->data;
    }

  const D2vRun run = { .inputs = ready->inputs,
                       .outputs = ready->outputs,
                       .cancelled = cancelled,
                       .profile = profile };
  gint64 began = g_get_monotonic_time ();
  guint64 before = count_allocations (session);
  if (!session->backend->functions->run (session->backend, ready->prepared,
                                         &run, error))
    return NULL;
  count_run (session, ready, began, count_allocations (session) - before,
             profile);

  D2vTensors *outputs = d2v_tensors_new ();
  for (guint i = 0; i < ready->n_outputs; i++)
    d2v_tensors_set (outputs, d2v_graph_output_name (ready->graph, i),
                     ready->tensors[i]);
  return outputs;
}

gboolean
d2v_session_prepare (D2vSession *session, const D2vTensors *prepared,
                     const D2vRecordOptions *options, GError **error)
{
  Ready *ready = get_ready (session, prepared, options, NULL, error);

  return ready != NULL && renew_outputs (ready, error);
}

D2vTensors *
d2v_session_execute (D2vSession *session, const D2vTensors *prepared,
                     const D2vRecordOptions *options,
                     const volatile gint *cancelled, GError **error)
{
  D2vRunProfile profile = { 0 };

  return execute (session, prepared, options, NULL, cancelled, &profile, error);
}

/* A blocking run: the caller waits for the worker. */
typedef struct
{
  D2vJob job;
  D2vSession *session;
  const D2vTensors *prepared;
  const D2vRecordOptions *options;
  D2vContext *context;
  volatile gint cancelled;
  D2vRunProfile profile;
  D2vTensors *outputs;
  GError *error;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* done, or cancelled */
  gboolean done;
} BlockingRun;

static void
run_blocking (D2vJob *job)
{
  BlockingRun *run = (BlockingRun *) job;

  run->outputs
      = execute (run->session, run->prepared, run->options, run->context,
                 &run->cancelled, &run->profile, &run->error);
  pthread_mutex_lock (&run->lock);
  run->done = TRUE;
  pthread_cond_signal (&run->changed);
  pthread_mutex_unlock (&run->lock);
}

static void
cancel (GCancellable *cancellable, gpointer data)
{
  BlockingRun *run = data;

  D2V_TSAN_ACQUIRE (run); /* connecting came before this */
  pthread_mutex_lock (&run->lock);
  g_atomic_int_set (&run->cancelled, 1);
  pthread_cond_signal (&run->changed);
  pthread_mutex_unlock (&run->lock);
  D2V_TSAN_RELEASE (run); /* disconnecting waits for this */
}

/* Until the run is over. A cancelled one that still waits behind others is
 * taken back at once; one that has begun looks at `cancelled` itself. */
static void
wait_for_run (BlockingRun *run)
{
  D2vWorker *worker = run->session->worker;

  pthread_mutex_lock (&run->lock);
  while (!run->done && !g_atomic_int_get (&run->cancelled))
    pthread_cond_wait (&run->changed, &run->lock);
  if (!run->done && d2v_worker_withdraw (worker, &run->job))
    {
      d2v_fail (&run->error, D2V_ERROR_CANCELLED, NULL, "cancelled");
      run->done = TRUE;
    }
  while (!run->done)
    pthread_cond_wait (&run->changed, &run->lock);
  pthread_mutex_unlock (&run->lock);
}

static D2vTensors *
run_and_wait (D2vSession *session, const D2vTensors *prepared,
              const D2vRecordOptions *options, D2vContext *context,
              const D2vRunProfile *profile, GCancellable *cancellable,
              GError **error)
{
  BlockingRun run = {
    .job = { .run = run_blocking, .deadline_us = G_MAXINT64 },
    .session = session,
    .prepared = prepared,
    .options = options,
    .context = context,
    .profile = *profile,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
  };
  gulong handler = 0;

  D2V_TSAN_RELEASE (&run);
  if (cancellable != NULL)
    handler
        = g_cancellable_connect (cancellable, G_CALLBACK (cancel), &run, NULL);
  d2v_worker_submit (session->worker, &run.job);
  wait_for_run (&run);
  if (handler != 0)
    g_cancellable_disconnect (cancellable, handler);
  D2V_TSAN_ACQUIRE (&run);
  pthread_mutex_destroy (&run.lock);
  pthread_cond_destroy (&run.changed);
  if (run.error != NULL)
    g_propagate_error (error, run.error);
  return run.outputs;
}

D2vTensors *
d2v_session_run_prepared (D2vSession *session, const D2vTensors *prepared,
                          const D2vRecordOptions *options, D2vContext *context,
                          GCancellable *cancellable, GError **error)
{
  const D2vRunProfile profile = { 0 };

  return run_and_wait (session, prepared, options, context, &profile,
                       cancellable, error);
}

D2vTensors *
d2v_session_run_with (D2vSession *session, const D2vTensors *inputs,
                      const D2vRecordOptions *options, D2vTensor *rows,
                      GCancellable *cancellable, GError **error)
{
  const D2vModel *model = session->model;
  g_autoptr (D2vTensors) prepared = d2v_tensors_new ();

  if (!model->family->prepare (model->config, model->head, inputs, prepared,
                               error))
    return NULL;
  if (rows != NULL)
    d2v_tensors_set (prepared, "rows", rows);
  return d2v_session_run_prepared (session, prepared, options, NULL,
                                   cancellable, error);
}

D2vTensors *
d2v_session_run (D2vSession *session, const D2vTensors *inputs,
                 D2vRunFlags flags, GCancellable *cancellable, GError **error)
{
  const D2vRecordOptions options
      = { .hidden_states = (flags & D2V_RUN_HIDDEN_STATES) != 0 };

  return d2v_session_run_with (session, inputs, &options, NULL, cancellable,
                               error);
}

gdouble
d2v_session_flop (D2vSession *session, const D2vTensors *inputs)
{
  const D2vModel *model = session->model;
  g_autoptr (D2vTensors) prepared = d2v_tensors_new ();
  const D2vRecordOptions options = { FALSE };

  if (!model->family->prepare (model->config, model->head, inputs, prepared,
                               NULL))
    return 0;
  D2vPlan *plan
      = d2v_plan_new (d2v_model_record (model, prepared, &options), 0, NULL);
  gdouble flop = plan != NULL ? plan->flop : 0;
  d2v_plan_free (plan);
  return flop;
}

static gint
by_seconds (gconstpointer a, gconstpointer b)
{
  const D2vOpTime *x = a, *y = b;

  return x->seconds < y->seconds ? 1 : -(x->seconds > y->seconds);
}

GArray *
d2v_session_profile (D2vSession *session, const D2vTensors *inputs,
                     GError **error)
{
  const D2vModel *model = session->model;
  const D2vRecordOptions options = { FALSE };
  g_autoptr (D2vTensors) prepared = d2v_tensors_new ();
  gdouble seconds[D2V_N_OPS] = { 0 };
  guint n_dispatches[D2V_N_OPS] = { 0 };
  const D2vRunProfile profile
      = { .op_seconds = seconds, .op_dispatches = n_dispatches };

  if (!model->family->prepare (model->config, model->head, inputs, prepared,
                               error))
    return NULL;
  g_autoptr (D2vTensors) outputs
      = run_and_wait (session, prepared, &options, NULL, &profile, NULL, error);
  if (outputs == NULL)
    return NULL;
  GArray *times = g_array_new (FALSE, FALSE, sizeof (D2vOpTime));
  for (guint op = 0; op < D2V_N_OPS; op++)
    {
      const D2vOpTime one
          = { d2v_op_name ((D2vOp) op), n_dispatches[op], seconds[op] };
      if (one.n_dispatches > 0)
        g_array_append_val (times, one);
    }
  g_array_sort (times, by_seconds);
  if (times->len > 0)
    return times;
  g_array_unref (times);
  d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL, "%s: it has no clock to read",
            session->backend->device_name);
  return NULL;
}
