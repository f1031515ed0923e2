/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/fallback.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/cpu/backend.h"
#include "engine/vulkan/vulkan.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* Every so many runs one is compared with the CPU's. */
#define CANARY_RUNS 10000
/* Pixels of a map that may be of another class than the CPU says: rounding
 * decides where two classes are nearly equal. */
#define OTHER_CLASSES 0.1
/* Seconds before each attempt to open a lost device again. */
static const guint retry_seconds[] = { 5, 30, 120 };
/* A device that has worked for so long is as good as new. */
#define GOOD_US (600 * G_USEC_PER_SEC)

typedef struct
{
  D2vBackend base;
  gchar *device;
  gboolean named;
  D2vPrecision precision;
  guint n_threads;
  D2vBackend *gpu;     /* NULL while it is lost */
  D2vBackend *cpu;     /* made when first needed */
  GPtrArray *prepared; /* of D2vPrepared, all there are */
  guint n_retries;
  gint64 retry_at, opened_at;
  guint64 n_runs; /* on the GPU */
} Fallback;

/* A plan that either side may run, each making it ready when first asked. */
struct _D2vPrepared
{
  D2vPlan *plan; /* a reference beside those of the two */
  D2vPrepared *on_gpu, *on_cpu;
  gboolean cpu_only; /* the GPU has no memory for it */
  /* State lives where its runs were made. To move, the runs since the last
   * reset are made again from their inputs. */
  GPtrArray *log;       /* of GBytes, all inputs of one run; NULL: stateless */
  gboolean state_moved; /* to the CPU, until the next reset */
};

/* ------------------------------------------------------------- the sides -- */

static void tell (Fallback *f, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static void
tell (Fallback *f, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree gchar *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_message ("%s", message);
  if (f->base.notify != NULL)
    f->base.notify (f->base.notify_data, message);
}

static D2vBackend *
cpu_of (Fallback *f)
{
  if (f->cpu == NULL)
    f->cpu = d2v_cpu_backend_new (f->n_threads);
  return f->cpu;
}

/* Devices that passed the self-test in this process; a lost one is tested
 * again. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *passed;

static gboolean
has_passed (const gchar *key)
{
  pthread_mutex_lock (&lock);
  gboolean has = passed != NULL && g_hash_table_contains (passed, key);
  pthread_mutex_unlock (&lock);
  return has;
}

static void
set_passed (const gchar *key, gboolean has)
{
  pthread_mutex_lock (&lock);
  if (passed == NULL)
    passed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (has)
    g_hash_table_add (passed, g_strdup (key));
  else
    g_hash_table_remove (passed, key);
  pthread_mutex_unlock (&lock);
}

static gchar *
test_key (const Fallback *f)
{
  return g_strdup_printf ("%s/%d", f->device, f->precision);
}

static gboolean
open_gpu (Fallback *f, GError **error)
{
  g_autofree gchar *key = test_key (f);
  D2vBackend *gpu = d2v_vulkan_backend_new (f->device, f->precision, error);

  if (gpu == NULL)
    return FALSE;
  if (!has_passed (key))
    {
      D2vBackend *reference = d2v_cpu_backend_new (1);
      gboolean right = d2v_selftest (gpu, reference, error);

      reference->functions->free (reference);
      if (!right)
        {
          gpu->functions->free (gpu);
          return FALSE;
        }
      set_passed (key, TRUE);
    }
  f->gpu = gpu;
  f->opened_at = g_get_monotonic_time ();
  return TRUE;
}

static void
close_gpu (Fallback *f)
{
  for (guint i = 0; i < f->prepared->len; i++)
    {
      D2vPrepared *prepared = g_ptr_array_index (f->prepared, i);

      if (prepared->on_gpu != NULL)
        f->gpu->functions->free_prepared (f->gpu, prepared->on_gpu);
      prepared->on_gpu = NULL;
      prepared->cpu_only = FALSE;
    }
  f->gpu->functions->free (f->gpu);
  f->gpu = NULL;
}

/* Until the next attempt. D2V_RETRY_MS, for tests, stands for all of them. */
static gint64
retry_us (const Fallback *f)
{
  const gchar *wanted = g_getenv ("D2V_RETRY_MS");

  if (wanted != NULL)
    return (gint64) MIN (g_ascii_strtoull (wanted, NULL, 10), G_MAXINT32)
           * 1000;
  return retry_seconds[f->n_retries] * G_USEC_PER_SEC;
}

static void
schedule_retry (Fallback *f)
{
  gboolean again
      = f->n_retries < G_N_ELEMENTS (retry_seconds) && !d2v_vulkan_has_hung ();

  f->retry_at = again ? g_get_monotonic_time () + retry_us (f) : G_MAXINT64;
}

static void
lose_gpu (Fallback *f, const gchar *why)
{
  g_autofree gchar *key = test_key (f);

  if (g_get_monotonic_time () - f->opened_at > GOOD_US)
    f->n_retries = 0;
  set_passed (key, FALSE);
  close_gpu (f);
  schedule_retry (f);
  tell (f, "%s is given up (%s); the CPU goes on, the device %s",
        f->base.device_name, why,
        f->retry_at == G_MAXINT64 ? "stays off" : "is tried again later");
  f->n_retries++;
}

static void
retry_gpu (Fallback *f)
{
  g_autoptr (GError) error = NULL;

  if (f->gpu != NULL || g_get_monotonic_time () < f->retry_at)
    return;
  if (open_gpu (f, &error))
    {
      tell (f, "%s works again", f->base.device_name);
      return;
    }
  schedule_retry (f);
  f->n_retries++;
  if (f->retry_at == G_MAXINT64)
    tell (f, "%s stays off (%s)", f->base.device_name, error->message);
}

/* What the CPU steps in for. */
static gboolean
is_fault (const GError *error)
{
  return error->code == D2V_ERROR_DEVICE_LOST || error->code == D2V_ERROR_DEVICE
         || error->code == D2V_ERROR_NO_MEMORY;
}

/* --------------------------------------------------------------- preparing --
 */

static gboolean
prepare_cpu (Fallback *f, D2vPrepared *prepared, GError **error)
{
  D2vBackend *cpu = cpu_of (f);

  if (prepared->on_cpu == NULL)
    prepared->on_cpu
        = cpu->functions->prepare (cpu, d2v_plan_ref (prepared->plan), error);
  return prepared->on_cpu != NULL;
}

/* Who named a device that cannot hold the model is told, and may choose
 * another. One that comes back after a loss has a stream to go on with. */
static gboolean
must_refuse (const Fallback *f, const GError *error)
{
  return error->code == D2V_ERROR_NO_MEMORY && f->named && f->n_retries == 0
         && d2v_vulkan_lacks_weights (f->gpu);
}

/* FALSE also for a fault, which is handled. @error is set otherwise. */
static gboolean
prepare_gpu (Fallback *f, D2vPrepared *prepared, GError **error)
{
  GError *fault = NULL;

  if (f->gpu == NULL || prepared->cpu_only)
    return FALSE;
  if (prepared->on_gpu == NULL)
    prepared->on_gpu = f->gpu->functions->prepare (
        f->gpu, d2v_plan_ref (prepared->plan), &fault);
  if (prepared->on_gpu != NULL)
    return TRUE;
  if (!is_fault (fault) || must_refuse (f, fault))
    {
      g_propagate_error (error, fault);
      return FALSE;
    }
  /* Too large for it says nothing against the device. */
  if (fault->code == D2V_ERROR_NO_MEMORY)
    {
      prepared->cpu_only = TRUE;
      tell (f, "%s; the CPU runs inputs of this size", fault->message);
    }
  else
    lose_gpu (f, fault->message);
  g_error_free (fault);
  return FALSE;
}

static void
fallback_free_prepared (D2vBackend *backend, D2vPrepared *prepared)
{
  Fallback *f = (Fallback *) backend;

  g_ptr_array_remove_fast (f->prepared, prepared);
  if (prepared->on_gpu != NULL)
    f->gpu->functions->free_prepared (f->gpu, prepared->on_gpu);
  if (prepared->on_cpu != NULL)
    f->cpu->functions->free_prepared (f->cpu, prepared->on_cpu);
  g_clear_pointer (&prepared->log, g_ptr_array_unref);
  d2v_plan_free (prepared->plan);
  g_free (prepared);
}

static D2vPrepared *
fallback_prepare (D2vBackend *backend, D2vPlan *plan, GError **error)
{
  Fallback *f = (Fallback *) backend;
  D2vPrepared *prepared = g_new0 (D2vPrepared, 1);
  GError *refused = NULL;

  prepared->plan = plan;
  if (plan->state_bytes > 0)
    prepared->log
        = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (f->prepared, prepared);
  retry_gpu (f);
  if (prepare_gpu (f, prepared, &refused)
      || (refused == NULL && prepare_cpu (f, prepared, error)))
    return prepared;
  if (refused != NULL)
    g_propagate_error (error, refused);
  fallback_free_prepared (backend, prepared);
  return NULL;
}

/* ------------------------------------------------------------------- state --
 */

static gsize
input_bytes (const D2vPrepared *prepared, guint index)
{
  const D2vGraph *graph = prepared->plan->graph;
  const D2vNode *node
      = d2v_graph_node (graph, d2v_graph_input_value (graph, index));

  return d2v_shape_size (&node->shape) * d2v_dtype_size (node->dtype);
}

static void
log_run (D2vPrepared *prepared, const D2vRun *run)
{
  GByteArray *all = g_byte_array_new ();

  for (guint i = 0; i < d2v_graph_n_inputs (prepared->plan->graph); i++)
    g_byte_array_append (all, run->inputs[i],
                         (guint) input_bytes (prepared, i));
  g_ptr_array_add (prepared->log, g_byte_array_free_to_bytes (all));
}

/* Makes the CPU's state what the GPU's was. Outputs are written over by the
 * run that follows. */
static gboolean
move_state (Fallback *f, D2vPrepared *prepared, const D2vRun *run,
            GError **error)
{
  guint n = d2v_graph_n_inputs (prepared->plan->graph);
  g_autofree gconstpointer *inputs = g_new0 (gconstpointer, n + 1);
  D2vRun again = { inputs, run->outputs, run->cancelled };

  if (prepared->log == NULL || prepared->state_moved)
    return TRUE;
  f->cpu->functions->reset (f->cpu, prepared->on_cpu);
  for (guint i = 0; i < prepared->log->len; i++)
    {
      const guint8 *at
          = g_bytes_get_data (g_ptr_array_index (prepared->log, i), NULL);

      for (guint j = 0; j < n; j++)
        {
          inputs[j] = at;
          at += input_bytes (prepared, j);
        }
      if (!f->cpu->functions->run (f->cpu, prepared->on_cpu, &again, error))
        return FALSE;
    }
  prepared->state_moved = TRUE;
  return TRUE;
}

static void
fallback_reset (D2vBackend *backend, D2vPrepared *prepared)
{
  Fallback *f = (Fallback *) backend;

  if (prepared->log == NULL)
    return;
  g_ptr_array_set_size (prepared->log, 0);
  prepared->state_moved = FALSE;
  if (prepared->on_gpu != NULL)
    f->gpu->functions->reset (f->gpu, prepared->on_gpu);
  if (prepared->on_cpu != NULL)
    f->cpu->functions->reset (f->cpu, prepared->on_cpu);
}

/* ----------------------------------------------------------------- running --
 */

static gboolean
compute_on_cpu (Fallback *f, D2vPrepared *prepared, const D2vRun *run,
                GError **error)
{
  return prepare_cpu (f, prepared, error)
         && move_state (f, prepared, run, error)
         && f->cpu->functions->run (f->cpu, prepared->on_cpu, run, error);
}

/* In the GPU's place. */
static gboolean
run_cpu (Fallback *f, D2vPrepared *prepared, const D2vRun *run, GError **error)
{
  g_atomic_int_inc (&f->base.n_fallbacks);
  return compute_on_cpu (f, prepared, run, error);
}

static gsize
n_out (const D2vPrepared *prepared, guint index)
{
  const D2vGraph *graph = prepared->plan->graph;

  return d2v_shape_size (
      d2v_graph_shape (graph, d2v_graph_output_value (graph, index)));
}

/* Sums propagate what is not finite, and vectorise. */
static gboolean
is_finite (const D2vPrepared *prepared, const D2vRun *run)
{
  gfloat sum = 0;

  for (guint i = 0; i < d2v_graph_n_outputs (prepared->plan->graph); i++)
    for (gsize j = 0; j < n_out (prepared, i); j++)
      sum += ((const gfloat *) run->outputs[i])[j] * 0;
  return sum == 0;
}

static gboolean
is_alike (const Fallback *f, const D2vPrepared *prepared, guint output,
          const gfloat *found, const gfloat *expected)
{
  const D2vGraph *graph = prepared->plan->graph;
  const D2vNode *node
      = d2v_graph_node (graph, d2v_graph_output_value (graph, output));
  gsize n = n_out (prepared, output);

  return node->kind == D2V_VALUE_NODE && node->op == D2V_OP_LABEL_MAP
             ? d2v_distance_of_classes (found, expected, n) <= OTHER_CLASSES
             : d2v_distance (found, expected, n) <= f->gpu->tolerance;
}

/* The CPU's results into run->outputs; FALSE when the GPU's, which were there,
 * are too far from them. */
static gboolean
canary (Fallback *f, D2vPrepared *prepared, const D2vRun *run)
{
  guint n = d2v_graph_n_outputs (prepared->plan->graph);
  GPtrArray *copies = g_ptr_array_new_with_free_func (d2v_free);
  gboolean alike = TRUE;

  for (guint i = 0; i < n; i++)
    {
      gsize n_bytes = n_out (prepared, i) * sizeof (gfloat);
      gpointer copy = d2v_malloc (n_bytes);

      if (copy != NULL)
        memcpy (copy, run->outputs[i], n_bytes);
      g_ptr_array_add (copies, copy);
    }
  if (compute_on_cpu (f, prepared, run, NULL))
    for (guint i = 0; i < n && g_ptr_array_index (copies, i) != NULL; i++)
      alike &= is_alike (f, prepared, i, g_ptr_array_index (copies, i),
                         run->outputs[i]);
  g_ptr_array_unref (copies);
  return alike;
}

/* For tests, D2V_CANARY_RUNS says another number of runs. */
static guint64
canary_runs (void)
{
  const gchar *wanted = g_getenv ("D2V_CANARY_RUNS");

  return wanted != NULL ? MAX (g_ascii_strtoull (wanted, NULL, 10), 1)
                        : CANARY_RUNS;
}

/* The GPU's word is not taken for everything: what is not a number is asked of
 * the CPU, and now and then a whole run is. */
static gboolean
check_result (Fallback *f, D2vPrepared *prepared, const D2vRun *run,
              GError **error)
{
  f->n_runs++;
  if (!is_finite (prepared, run))
    return run_cpu (f, prepared, run, error);
  if (prepared->log == NULL && f->n_runs % canary_runs () == 0
      && !canary (f, prepared, run))
    lose_gpu (f, "its results are not the CPU's");
  return TRUE;
}

static gboolean
run_either (Fallback *f, D2vPrepared *prepared, const D2vRun *run,
            GError **error)
{
  GError *fault = NULL;

  retry_gpu (f);
  /* State that has moved stays until it is reset, and none moves back. */
  if (prepared->log != NULL
      && (prepared->state_moved
          || (prepared->on_gpu == NULL && prepared->log->len > 0)))
    return run_cpu (f, prepared, run, error);
  if (!prepare_gpu (f, prepared, &fault))
    {
      if (fault == NULL)
        return run_cpu (f, prepared, run, error);
      g_propagate_error (error, fault);
      return FALSE;
    }
  if (f->gpu->functions->run (f->gpu, prepared->on_gpu, run, &fault))
    return check_result (f, prepared, run, error);
  if (!is_fault (fault))
    {
      g_propagate_error (error, fault);
      return FALSE;
    }
  lose_gpu (f, fault->message);
  g_error_free (fault);
  return run_cpu (f, prepared, run, error);
}

static gboolean
fallback_run (D2vBackend *backend, D2vPrepared *prepared, const D2vRun *run,
              GError **error)
{
  if (!run_either ((Fallback *) backend, prepared, run, error))
    return FALSE;
  if (prepared->log != NULL)
    log_run (prepared, run);
  return TRUE;
}

/* ------------------------------------------------------------- the backend --
 */

static void
fallback_free (D2vBackend *backend)
{
  Fallback *f = (Fallback *) backend;

  if (f->gpu != NULL)
    close_gpu (f);
  if (f->cpu != NULL)
    f->cpu->functions->free (f->cpu);
  g_ptr_array_unref (f->prepared);
  g_free (f->base.device_name);
  g_free (f->device);
  g_free (f);
}

static const D2vBackendFunctions functions = {
  .prepare = fallback_prepare,
  .run = fallback_run,
  .reset = fallback_reset,
  .free_prepared = fallback_free_prepared,
  .free = fallback_free,
};

D2vBackend *
d2v_fallback_backend_new (const gchar *device, gboolean named,
                          D2vPrecision precision, guint n_threads,
                          GError **error)
{
  Fallback *f = g_new0 (Fallback, 1);

  f->device = g_strdup (device);
  f->named = named;
  f->precision = precision;
  f->n_threads = n_threads;
  f->prepared = g_ptr_array_new ();
  f->base.functions = &functions;
  if (!open_gpu (f, error))
    {
      fallback_free (&f->base);
      return NULL;
    }
  /* Both sides run the same plan, so it may hold what both can fuse. */
  f->base.fusions = f->gpu->fusions;
  f->base.n_threads = f->gpu->n_threads;
  f->base.device_name = g_strdup (f->gpu->device_name);
  return &f->base;
}
