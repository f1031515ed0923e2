/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/backend.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/cpu/cpu_private.h"
#include "engine/cpu/pack.h"

#include <string.h>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

typedef struct
{
  D2vBackend base;
  D2vPool *pool;
  D2vCpuLevel level;
  guint8 *arena; /* of the largest plan so far */
  gsize arena_bytes;
  guint8 *scratch;
  gsize scratch_bytes; /* per thread */
} CpuBackend;

/* A node ready to run: all that does not change from run to run. */
typedef struct
{
  const D2vKernel *kernel;
  const D2vNode *node;
  gint id;
  gconstpointer weights[D2V_MAX_INPUTS]; /* of constant inputs */
  const D2vShape *in_shape[D2V_MAX_INPUTS];
  gsize scratch_bytes;
} Step;

struct _D2vPrepared
{
  D2vPlan *plan;
  Step *steps; /* plan->n_order */
  guint8 *folded;
  guint8 *state;
  gsize scratch_bytes; /* per thread, the largest of the steps */
};

/* ---------------------------------------------------------- running -- */

typedef struct
{
  const D2vKernel *kernel;
  const D2vCall *call;
  D2vBackend *backend;
} Piece;

/* Numbers below the normal range are as good as zero here and cost hundreds
 * of cycles each, so they are flushed; the thread's own mode comes back. */
static void
run_piece (gpointer data, gsize begin, gsize end, guint thread)
{
  const Piece *piece = data;
  guint64 before = d2v_alloc_count_here ();
#ifdef __SSE__
  guint mode = _mm_getcsr ();
  _mm_setcsr (mode | 0x8040); /* flush to zero, denormals are zero */
#endif
  piece->kernel->run (piece->call, begin, end, thread);
#ifdef __SSE__
  _mm_setcsr (mode);
#endif
  guint64 n_allocations = d2v_alloc_count_here () - before;
  if (thread != 0 && n_allocations > 0)
    g_atomic_int_add (&piece->backend->n_allocations, (gint) n_allocations);
}

static gpointer
address (const CpuBackend *cpu, const D2vPrepared *prepared, const D2vRun *run,
         gint id)
{
  const D2vPlace *place = &prepared->plan->places[id];

  switch (place->kind)
    {
    case D2V_PLACE_ARENA:
      return cpu->arena + place->offset;
    case D2V_PLACE_INPUT:
      return (gpointer) run->inputs[place->index];
    case D2V_PLACE_OUTPUT:
      return run->outputs[place->index];
    case D2V_PLACE_FOLDED:
      return prepared->folded + place->offset;
    case D2V_PLACE_STATE:
      return prepared->state + place->offset;
    default:
      return NULL;
    }
}

static void
run_step (CpuBackend *cpu, const D2vPrepared *prepared, const Step *step,
          const D2vRun *run)
{
  D2vCall call = { .node = step->node,
                   .out = address (cpu, prepared, run, step->id),
                   .scratch = cpu->scratch,
                   .scratch_bytes = step->scratch_bytes };

  for (guint i = 0; i < step->node->n_inputs; i++)
    {
      gint id = step->node->inputs[i].id;

      call.in_shape[i] = step->in_shape[i];
      if (step->weights[i] != NULL)
        call.in[i] = step->weights[i];
      else if (id >= 0)
        call.in[i] = address (cpu, prepared, run, id);
    }

  const D2vKernel *kernel = step->kernel;
  Piece piece = { kernel, &call, &cpu->base };
  gsize grain
      = kernel->grain != NULL ? kernel->grain (&call, cpu->base.n_threads) : 0;
  d2v_pool_run (cpu->pool, kernel->n_items (&call), grain, run_piece, &piece);
}

static gboolean
run_steps (CpuBackend *cpu, const D2vPrepared *prepared, guint begin, guint end,
           const D2vRun *run, GError **error)
{
  for (guint i = begin; i < end; i++)
    {
      if (run->cancelled != NULL && g_atomic_int_get (run->cancelled))
        return d2v_fail (error, D2V_ERROR_CANCELLED, NULL, "cancelled");
      run_step (cpu, prepared, &prepared->steps[i], run);
    }
  return TRUE;
}

static gboolean
cpu_run (D2vBackend *backend, D2vPrepared *prepared, const D2vRun *run,
         GError **error)
{
  return run_steps ((CpuBackend *) backend, prepared, prepared->plan->n_folded,
                    prepared->plan->n_order, run, error);
}

/* --------------------------------------------------------- preparing -- */

static gboolean
find_weights (Step *step, const D2vPlan *plan, GError **error)
{
  D2vCall call = { .node = step->node };

  memcpy (call.in_shape, step->in_shape, sizeof call.in_shape);
  for (guint i = 0; i < step->node->n_inputs; i++)
    {
      if (d2v_is_none (step->node->inputs[i]))
        continue;
      const D2vPlace *place = &plan->places[step->node->inputs[i].id];
      gboolean packs = step->kernel->packed_bytes != NULL
                       && step->kernel->packed_bytes (&call, i) > 0;
      if (place->kind != D2V_PLACE_CONSTANT)
        {
          if (packs)
            return d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                             "%s with a computed weight",
                             d2v_op_name (step->node->op));
          continue;
        }
      D2vTensor *tensor
          = d2v_graph_node (plan->graph, (D2vValue){ (gint) place->index })
                ->constant;
      step->weights[i] = d2v_cpu_weight (step->kernel, &call, i, tensor);
      if (step->weights[i] == NULL)
        return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                         "%" G_GSIZE_FORMAT " bytes for a weight",
                         tensor->n_bytes);
    }
  return TRUE;
}

static gboolean
prepare_step (CpuBackend *cpu, D2vPrepared *prepared, guint index,
              GError **error)
{
  const D2vPlan *plan = prepared->plan;
  Step *step = &prepared->steps[index];

  step->id = plan->order[index];
  step->node = d2v_graph_node (plan->graph, (D2vValue){ step->id });
  step->kernel = d2v_cpu_kernel (step->node->op, cpu->level);
  if (step->kernel == NULL)
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                     "the CPU has no kernel for %s",
                     d2v_op_name (step->node->op));
  for (guint i = 0; i < step->node->n_inputs; i++)
    if (!d2v_is_none (step->node->inputs[i]))
      step->in_shape[i] = d2v_graph_shape (plan->graph, step->node->inputs[i]);
  if (step->kernel->scratch_bytes != NULL)
    {
      D2vCall call = { .node = step->node };
      memcpy (call.in_shape, step->in_shape, sizeof call.in_shape);
      step->scratch_bytes = d2v_align (step->kernel->scratch_bytes (&call), 64);
      prepared->scratch_bytes
          = d2v_max (prepared->scratch_bytes, step->scratch_bytes);
    }
  return find_weights (step, plan, error);
}

/* Grows @block to @n_bytes; contents are lost. */
static gboolean
grow (guint8 **block, gsize *have, gsize n_bytes)
{
  if (n_bytes <= *have)
    return TRUE;
  d2v_free (*block);
  *block = d2v_malloc (n_bytes);
  *have = *block != NULL ? n_bytes : 0;
  return *block != NULL;
}

static gboolean
place_memory (CpuBackend *cpu, D2vPrepared *prepared, GError **error)
{
  const D2vPlan *plan = prepared->plan;
  gsize all = cpu->scratch_bytes * cpu->base.n_threads, scratch_bytes;

  if (!d2v_mul (prepared->scratch_bytes, cpu->base.n_threads, &scratch_bytes)
      || scratch_bytes > D2V_MAX_ACTIVATIONS)
    return d2v_fail (error, D2V_ERROR_TOO_BIG, NULL,
                     "%" G_GSIZE_FORMAT " bytes for each of %u threads",
                     prepared->scratch_bytes, cpu->base.n_threads);
  if (plan->folded_bytes > 0)
    prepared->folded = d2v_malloc (plan->folded_bytes);
  if (plan->state_bytes > 0)
    prepared->state = d2v_malloc0 (plan->state_bytes);
  gboolean ok = (plan->folded_bytes == 0 || prepared->folded != NULL)
                && (plan->state_bytes == 0 || prepared->state != NULL)
                && grow (&cpu->arena, &cpu->arena_bytes, plan->arena_bytes)
                && grow (&cpu->scratch, &all, scratch_bytes);
  cpu->scratch_bytes = all / cpu->base.n_threads;
  if (!ok)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "%" G_GSIZE_FORMAT " bytes for activations",
                     plan->arena_bytes);
  return TRUE;
}

static void
cpu_free_prepared (D2vBackend *backend, D2vPrepared *prepared)
{
  d2v_plan_free (prepared->plan);
  g_free (prepared->steps);
  d2v_free (prepared->folded);
  d2v_free (prepared->state);
  g_free (prepared);
}

static D2vPrepared *
cpu_prepare (D2vBackend *backend, D2vPlan *plan, GError **error)
{
  CpuBackend *cpu = (CpuBackend *) backend;
  D2vPrepared *prepared = g_new0 (D2vPrepared, 1);
  const D2vRun nothing = { NULL };
  gboolean ok = TRUE;

  prepared->plan = plan;
  prepared->steps = g_new0 (Step, plan->n_order);
  for (guint i = 0; i < plan->n_order && ok; i++)
    ok = prepare_step (cpu, prepared, i, error);
  if (ok && place_memory (cpu, prepared, error)
      && run_steps (cpu, prepared, 0, plan->n_folded, &nothing, error))
    return prepared;
  cpu_free_prepared (backend, prepared);
  return NULL;
}

static void
cpu_reset (D2vBackend *backend, D2vPrepared *prepared)
{
  if (prepared->state != NULL)
    memset (prepared->state, 0, prepared->plan->state_bytes);
}

static void
cpu_free (D2vBackend *backend)
{
  CpuBackend *cpu = (CpuBackend *) backend;

  d2v_pool_free (cpu->pool);
  d2v_free (cpu->arena);
  d2v_free (cpu->scratch);
  g_free (backend->device_name);
  g_free (cpu);
}

static const D2vBackendFunctions functions = {
  .prepare = cpu_prepare,
  .run = cpu_run,
  .reset = cpu_reset,
  .free_prepared = cpu_free_prepared,
  .free = cpu_free,
};

gchar *
d2v_cpu_describe (void)
{
  return g_strdup_printf ("CPU (%s)", d2v_cpu_level_name (d2v_cpu_level ()));
}

D2vBackend *
d2v_cpu_backend_new (guint n_threads)
{
  CpuBackend *cpu = g_new0 (CpuBackend, 1);

  cpu->pool = d2v_pool_new (n_threads);
  cpu->level = d2v_cpu_level ();
  cpu->base.functions = &functions;
  cpu->base.fusions = D2V_FUSE_LINEAR_ACTIVATION | D2V_FUSE_LINEAR_RESIDUAL
                      | D2V_FUSE_CONV1D_NORM | D2V_FUSE_CONV2D_ACTIVATION;
  cpu->base.n_threads = d2v_pool_n_threads (cpu->pool);
  cpu->base.device_name = d2v_cpu_describe ();
  return &cpu->base;
}
