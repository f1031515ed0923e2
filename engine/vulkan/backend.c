/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

#define ALIGNMENT 256
/* Of the largest number; a driver that is wrong is wrong by more. */
#define F32_TOLERANCE 1e-3
#define F16_TOLERANCE 5e-2
#define INT8_TOLERANCE 1e-1
/* Durations that the median is taken of. */
#define N_DURATIONS 15
/* FLOP in a microsecond that the slowest device does, for the first run. */
#define SLOWEST_SOFTWARE 100.0
#define SLOWEST_HARDWARE 10000.0
/* A software driver compiles a pipeline only when it first runs. */
#define COMPILE_US (3 * G_USEC_PER_SEC)

typedef struct
{
  D2vBackend base;
  D2vVkContext *context;
  D2vVkWeights *weights;
  D2vVkRung rung;
  D2vVkBuffer arena;            /* of the largest plan so far */
  D2vVkBuffer io;               /* inputs, then outputs, of a plan */
  D2vVkBuffer upload, readback; /* what the host sees of them */
  guint64 generation;           /* counts up when one of them moves */
  guint64 n_compiled;           /* pipelines that have run */
  gboolean lacks_weights;       /* those of the last plan did not go in */
} VkBackend;

/* Where the inputs or outputs of a plan lie, one after the other. */
typedef struct
{
  guint n;
  gsize *offsets, *sizes;
  gsize n_bytes;
} Layout;

struct _D2vPrepared
{
  D2vPlan *plan;
  D2vVkBuffer block; /* folded values, then state */
  gsize state_offset;
  GArray *dispatches; /* of D2vVkDispatch, folded ones first */
  guint n_folded;     /* of them */
  VkCommandBuffer commands;
  guint64 generation; /* that `commands` was recorded for; 0: none */
  Layout inputs, outputs;
  gboolean must_reset; /* state is to be zeroed before the next run */
  D2vVkRecorded recorded;
  gint64 durations[N_DURATIONS];
  guint n_durations; /* all so far */
  guint n_halves;    /* values stored in 16 bits */
  guint64 n_submissions, n_recordings;
  gint64 host_us;
};

/* ---------------------------------------------------------------- layout -- */

static void
add_to_layout (Layout *layout, const D2vNode *node)
{
  gsize n_bytes = d2v_shape_size (&node->shape) * d2v_dtype_size (node->dtype);

  layout->offsets[layout->n] = layout->n_bytes;
  layout->sizes[layout->n++] = n_bytes;
  layout->n_bytes += d2v_align (n_bytes, ALIGNMENT);
}

static void
lay_out (D2vPrepared *prepared)
{
  const D2vGraph *graph = prepared->plan->graph;
  guint n_inputs = d2v_graph_n_inputs (graph);
  guint n_outputs = d2v_graph_n_outputs (graph);

  prepared->inputs.offsets = g_new0 (gsize, n_inputs + 1);
  prepared->inputs.sizes = g_new0 (gsize, n_inputs + 1);
  prepared->outputs.offsets = g_new0 (gsize, n_outputs + 1);
  prepared->outputs.sizes = g_new0 (gsize, n_outputs + 1);
  for (guint i = 0; i < n_inputs; i++)
    add_to_layout (&prepared->inputs,
                   d2v_graph_node (graph, d2v_graph_input_value (graph, i)));
  for (guint i = 0; i < n_outputs; i++)
    add_to_layout (&prepared->outputs,
                   d2v_graph_node (graph, d2v_graph_output_value (graph, i)));
}

static void
clear_layout (Layout *layout)
{
  g_free (layout->offsets);
  g_free (layout->sizes);
}

/* ---------------------------------------------------------------- memory -- */

static gsize
growth (const D2vVkBuffer *buffer, gsize n_bytes)
{
  return n_bytes > buffer->n_bytes ? n_bytes : 0;
}

static gboolean
grow (VkBackend *b, D2vVkBuffer *buffer, D2vVkMemoryKind kind, gsize n_bytes,
      GError **error)
{
  if (n_bytes <= buffer->n_bytes)
    return TRUE;
  b->generation++; /* addresses move, also when this fails */
  return vk_buffer_grow (b->context, buffer, kind, n_bytes, error);
}

/* What plans share is large enough for this one. */
static gboolean
place_shared (VkBackend *b, const D2vPrepared *prepared, GError **error)
{
  gsize io_bytes = prepared->inputs.n_bytes + prepared->outputs.n_bytes;

  return grow (b, &b->arena, VK_MEMORY_DEVICE, prepared->plan->arena_bytes,
               error)
         && grow (b, &b->io, VK_MEMORY_DEVICE, io_bytes, error)
         && grow (b, &b->upload, VK_MEMORY_UPLOAD, prepared->inputs.n_bytes,
                  error)
         && grow (b, &b->readback, VK_MEMORY_READBACK,
                  prepared->outputs.n_bytes, error);
}

/* ------------------------------------------------------------- recording -- */

static gboolean
emit (VkBackend *b, D2vPrepared *prepared, GError **error)
{
  const D2vPlan *plan = prepared->plan;
  g_autofree gboolean *halves = vk_halves_new (plan, b->rung);
  D2vVkEmit e = { .context = b->context,
                  .plan = plan,
                  .weights = b->weights,
                  .rung = b->rung,
                  .arena = b->arena.address,
                  .folded = prepared->block.address,
                  .state = prepared->block.address + prepared->state_offset,
                  .inputs = b->io.address,
                  .outputs = b->io.address + prepared->inputs.n_bytes,
                  .input_offsets = prepared->inputs.offsets,
                  .output_offsets = prepared->outputs.offsets,
                  .halves = halves,
                  .dispatches = prepared->dispatches,
                  .error = error };

  g_array_set_size (prepared->dispatches, 0);
  prepared->n_halves = 0;
  for (guint i = 0; i < plan->n_order; i++)
    {
      prepared->n_halves += halves[plan->order[i]];
      if (i == plan->n_folded)
        prepared->n_folded = prepared->dispatches->len;
      if (!vk_emit_node (&e, plan->order[i]))
        return FALSE;
    }
  if (plan->n_folded == plan->n_order)
    prepared->n_folded = prepared->dispatches->len;
  return TRUE;
}

/* One command buffer does it all: upload, dispatches, read-back. @clock: where
 * to write the times, or none. */
static gboolean
record_all (VkBackend *b, D2vPrepared *prepared, VkCommandBuffer *into,
            VkQueryPool clock, GError **error)
{
  D2vVkContext *context = b->context;
  guint begin = prepared->n_folded, end = prepared->dispatches->len;

  if (!vk_commands_begin (context, into, error))
    return FALSE;
  VkCommandBuffer commands = *into;
  vk_commands_copy (context, commands, &b->upload, &b->io, 0, 0,
                    prepared->inputs.n_bytes);
  vk_commands_barrier_upload (context, commands);
  if (clock != VK_NULL_HANDLE
          ? !vk_commands_dispatch_timed (
              context, commands, prepared->dispatches, begin, end, clock, error)
          : !vk_commands_dispatch (context, commands, prepared->dispatches,
                                   begin, end, &prepared->recorded, error))
    return FALSE;
  vk_commands_barrier_readback (context, commands);
  vk_commands_copy (context, commands, &b->io, &b->readback,
                    prepared->inputs.n_bytes, 0, prepared->outputs.n_bytes);
  vk_commands_barrier_host (context, commands);
  return vk_commands_end (context, commands, error);
}

static gboolean
record (VkBackend *b, D2vPrepared *prepared, GError **error)
{
  prepared->generation = 0;
  memset (&prepared->recorded, 0, sizeof prepared->recorded);
  if (!place_shared (b, prepared, error) || !emit (b, prepared, error)
      || !record_all (b, prepared, &prepared->commands, VK_NULL_HANDLE, error))
    return FALSE;
  prepared->generation = b->generation;
  prepared->n_recordings++;
  return TRUE;
}

/* --------------------------------------------------------------- running -- */

static gint
by_value (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

/* How long a run may take: 20 times the median of the last ones, or before
 * there are any what the slowest device would need; never below the least that
 * the context gives anything. */
static gint64
limit_of (const VkBackend *b, const D2vPrepared *prepared)
{
  gint64 sorted[N_DURATIONS];
  guint n = MIN (prepared->n_durations, N_DURATIONS);
  gboolean software = b->context->found->type == VK_PHYSICAL_DEVICE_TYPE_CPU;
  gint64 limit = vk_context_least_limit_us (b->context);

  if (vk_context_forced_limit_us () > 0)
    return limit;
  if (software)
    limit += (gint64) (b->context->n_pipelines - b->n_compiled) * COMPILE_US;
  if (n == 0)
    return limit
           + (gint64) (prepared->plan->flop
                       / (software ? SLOWEST_SOFTWARE : SLOWEST_HARDWARE));
  memcpy (sorted, prepared->durations, n * sizeof *sorted);
  qsort (sorted, n, sizeof *sorted, by_value);
  return MAX (limit, 20 * sorted[n / 2]);
}

static gboolean
zero_state (VkBackend *b, D2vPrepared *prepared, GError **error)
{
  D2vVkContext *context = b->context;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  gboolean ok = vk_commands_begin (context, &commands, error);

  if (ok)
    {
      context->vk.CmdFillBuffer (commands, prepared->block.buffer,
                                 prepared->state_offset,
                                 prepared->plan->state_bytes, 0);
      vk_commands_barrier_upload (context, commands);
      ok = vk_commands_end (context, commands, error)
           && vk_context_run (context, commands,
                              vk_context_least_limit_us (context), NULL, NULL,
                              error);
    }
  if (!context->hung)
    vk_commands_free (context, &commands);
  prepared->must_reset = !ok;
  return ok;
}

/* What the clock said, by op. */
static gboolean
read_clock (VkBackend *b, const D2vPrepared *prepared, VkQueryPool clock,
            D2vRunProfile *profile, GError **error)
{
  const D2vVkFound *found = b->context->found;
  guint n = prepared->dispatches->len - prepared->n_folded;
  g_autofree guint64 *ticks = g_new0 (guint64, n + 1);
  guint64 mask
      = found->clock_bits < 64 ? (1ull << found->clock_bits) - 1 : G_MAXUINT64;
  VkResult result = b->context->vk.GetQueryPoolResults (
      b->context->device, clock, 0, n + 1, (n + 1) * sizeof *ticks, ticks,
      sizeof *ticks, VK_QUERY_RESULT_64_BIT);

  if (result != VK_SUCCESS)
    return vk_fail (b->context, result, "vkGetQueryPoolResults", error);
  for (guint i = 0; i < n; i++)
    {
      gint owner = g_array_index (prepared->dispatches, D2vVkDispatch,
                                  prepared->n_folded + i)
                       .owner;
      D2vOp op
          = d2v_graph_node (prepared->plan->graph, (D2vValue){ owner })->op;

      profile->op_seconds[op]
          += (gdouble) ((ticks[i + 1] - ticks[i]) & mask) * found->tick_seconds;
      profile->op_dispatches[op]++;
    }
  return TRUE;
}

/* Once with the clock, in commands of its own. */
static gboolean
run_timed (VkBackend *b, D2vPrepared *prepared, const D2vRun *run,
           GError **error)
{
  D2vVkContext *context = b->context;
  const VkQueryPoolCreateInfo info
      = { VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
          .queryType = VK_QUERY_TYPE_TIMESTAMP,
          .queryCount = prepared->dispatches->len - prepared->n_folded + 1 };
  VkCommandBuffer commands = VK_NULL_HANDLE;
  VkQueryPool clock = VK_NULL_HANDLE;
  VkResult result
      = context->vk.CreateQueryPool (context->device, &info, NULL, &clock);

  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkCreateQueryPool", error);
  gboolean ok = record_all (b, prepared, &commands, clock, error)
                && vk_context_run (context, commands, limit_of (b, prepared),
                                   NULL, NULL, error)
                && read_clock (b, prepared, clock, run->profile, error);
  if (!context->hung)
    {
      vk_commands_free (context, &commands);
      context->vk.DestroyQueryPool (context->device, clock, NULL);
    }
  return ok;
}

static gboolean
run_recorded (VkBackend *b, D2vPrepared *prepared, const D2vRun *run,
              gint64 *waited, GError **error)
{
  D2vRunProfile *profile = run->profile;

  prepared->n_submissions++;
  if (profile != NULL)
    {
      profile->n_dispatches = prepared->recorded.n_dispatches;
      profile->n_barriers = prepared->recorded.n_barriers;
      if (profile->op_seconds != NULL && b->context->found->clock_bits > 0)
        return run_timed (b, prepared, run, error);
    }
  return vk_context_run (b->context, prepared->commands, limit_of (b, prepared),
                         run->cancelled, waited, error);
}

static gboolean
vk_run (D2vBackend *backend, D2vPrepared *prepared, const D2vRun *run,
        GError **error)
{
  VkBackend *b = (VkBackend *) backend;
  gint64 began = g_get_monotonic_time (), waited = 0;

  if (run->cancelled != NULL && g_atomic_int_get (run->cancelled))
    return d2v_fail (error, D2V_ERROR_CANCELLED, NULL, "cancelled");
  if (!vk_context_settle (b->context, error)
      || (prepared->must_reset && !zero_state (b, prepared, error))
      || (prepared->generation != b->generation
          && !record (b, prepared, error)))
    return FALSE;
  for (guint i = 0; i < prepared->inputs.n; i++)
    memcpy (b->upload.mapped + prepared->inputs.offsets[i], run->inputs[i],
            prepared->inputs.sizes[i]);
  if (!run_recorded (b, prepared, run, &waited, error))
    return FALSE;
  for (guint i = 0; i < prepared->outputs.n; i++)
    memcpy (run->outputs[i], b->readback.mapped + prepared->outputs.offsets[i],
            prepared->outputs.sizes[i]);
  b->n_compiled = b->context->n_pipelines;
  if (waited > 0)
    prepared->durations[prepared->n_durations++ % N_DURATIONS] = waited;
  prepared->host_us = g_get_monotonic_time () - began - waited;
  return TRUE;
}

/* -------------------------------------------------------------- preparing --
 */

static void
want_weights (VkBackend *b, const D2vPlan *plan)
{
  for (guint i = 0; i < plan->n_order; i++)
    vk_want_weights (b->weights, plan, plan->order[i], b->rung);
}

static gboolean
upload_weights (VkBackend *b, GError **error)
{
  b->lacks_weights = !vk_weights_upload (b->weights, error);
  return !b->lacks_weights;
}

/* Everything the plan needs on the device, after asking whether it is there:
 * the weights by themselves, too, for without them no plan will run. Nothing is
 * in flight. */
static gboolean
place_memory (VkBackend *b, D2vPrepared *prepared, GError **error)
{
  const D2vPlan *plan = prepared->plan;
  gsize io_bytes = prepared->inputs.n_bytes + prepared->outputs.n_bytes;
  gsize block_bytes, other_bytes, weight_bytes;

  prepared->state_offset = d2v_align (plan->folded_bytes, ALIGNMENT);
  block_bytes = prepared->state_offset + plan->state_bytes;
  other_bytes = block_bytes + growth (&b->arena, plan->arena_bytes)
                + growth (&b->io, io_bytes);
  want_weights (b, plan);
  weight_bytes = vk_weights_missing_bytes (b->weights);
  b->lacks_weights
      = !vk_memory_check (b->context, weight_bytes, "weights", error);
  return !b->lacks_weights
         && vk_memory_check (b->context, weight_bytes + other_bytes,
                             "weights and activations", error)
         && upload_weights (b, error)
         && vk_buffer_init (b->context, &prepared->block, VK_MEMORY_DEVICE,
                            block_bytes, error)
         && place_shared (b, prepared, error);
}

/* What depends on weights alone is computed once. */
static gboolean
fold (VkBackend *b, D2vPrepared *prepared, GError **error)
{
  D2vVkContext *context = b->context;
  D2vVkRecorded recorded = { 0 };

  if (prepared->plan->n_folded == 0)
    return TRUE;
  if (!emit (b, prepared, error))
    return FALSE;
  if (prepared->n_folded == 0)
    return TRUE;
  return vk_commands_begin (context, &prepared->commands, error)
         && vk_commands_dispatch (context, prepared->commands,
                                  prepared->dispatches, 0, prepared->n_folded,
                                  &recorded, error)
         && vk_commands_end (context, prepared->commands, error)
         && vk_context_run (context, prepared->commands, limit_of (b, prepared),
                            NULL, NULL, error);
}

static void
vk_free_prepared (D2vBackend *backend, D2vPrepared *prepared)
{
  VkBackend *b = (VkBackend *) backend;

  /* A cancelled run may be under way; after a hang all stays where it is. */
  if (b->context->in_flight)
    vk_context_settle (b->context, NULL);
  if (!b->context->hung)
    {
      vk_commands_free (b->context, &prepared->commands);
      vk_buffer_clear (b->context, &prepared->block);
    }
  g_array_unref (prepared->dispatches);
  clear_layout (&prepared->inputs);
  clear_layout (&prepared->outputs);
  d2v_plan_free (prepared->plan);
  g_free (prepared);
}

static D2vPrepared *
vk_prepare (D2vBackend *backend, D2vPlan *plan, GError **error)
{
  VkBackend *b = (VkBackend *) backend;
  D2vPrepared *prepared = g_new0 (D2vPrepared, 1);

  prepared->plan = plan;
  prepared->must_reset = plan->state_bytes > 0;
  prepared->dispatches = g_array_new (FALSE, FALSE, sizeof (D2vVkDispatch));
  lay_out (prepared);
  if (vk_context_settle (b->context, error) && place_memory (b, prepared, error)
      && fold (b, prepared, error) && record (b, prepared, error))
    return prepared;
  vk_free_prepared (backend, prepared);
  return NULL;
}

static void
vk_reset (D2vBackend *backend, D2vPrepared *prepared)
{
  prepared->must_reset = prepared->plan->state_bytes > 0;
}

/* ---------------------------------------------------------- the backend -- */

static void
vk_free (D2vBackend *backend)
{
  VkBackend *b = (VkBackend *) backend;
  D2vVkContext *context = b->context;

  if (context->in_flight)
    vk_context_settle (context, NULL);
  /* A parked context keeps its memory; the process is better off so. */
  if (!context->hung)
    {
      vk_weights_free (b->weights);
      vk_buffer_clear (context, &b->arena);
      vk_buffer_clear (context, &b->io);
      vk_buffer_clear (context, &b->upload);
      vk_buffer_clear (context, &b->readback);
    }
  vk_context_free (context);
  g_free (backend->device_name);
  g_free (b);
}

static const D2vBackendFunctions functions = {
  .prepare = vk_prepare,
  .run = vk_run,
  .reset = vk_reset,
  .free_prepared = vk_free_prepared,
  .free = vk_free,
};

static const struct
{
  const gchar *name;
  gdouble tolerance;
} rungs[] = { [VK_RUNG_F32] = { "f32", F32_TOLERANCE },
              [VK_RUNG_F16] = { "f16", F16_TOLERANCE },
              [VK_RUNG_COOPMAT] = { "coopmat", F16_TOLERANCE },
              [VK_RUNG_COOPMAT2] = { "coopmat2", F16_TOLERANCE },
              [VK_RUNG_INT8] = { "int8", INT8_TOLERANCE } };

static gboolean
has_rung (const D2vVkContext *context, D2vVkRung rung, GError **error)
{
  const D2vVkFound *found = context->found;

  if (rung == VK_RUNG_F16 && !found->has_half)
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                     "%s cannot store 16-bit floats; use f32 or auto",
                     found->name);
  if (rung == VK_RUNG_COOPMAT && found->fragment.m == 0)
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                     "%s has no cooperative matrices of 16-bit floats summed "
                     "in 32",
                     found->name);
  if (rung == VK_RUNG_COOPMAT2 && !vk_context_has_flexible (context))
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                     "%s has no cooperative matrices of flexible size",
                     found->name);
  return TRUE;
}

/* D2V_VULKAN_RUNG overrules the precision. */
static gboolean
choose_rung (const D2vVkContext *context, D2vPrecision precision,
             D2vVkRung *rung, GError **error)
{
  const gchar *forced = g_getenv ("D2V_VULKAN_RUNG");

  if (forced != NULL && forced[0] != '\0')
    {
      for (guint i = 0; i < G_N_ELEMENTS (rungs); i++)
        if (strcmp (forced, rungs[i].name) == 0)
          {
            *rung = (D2vVkRung) i;
            return has_rung (context, *rung, error);
          }
      return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                       "D2V_VULKAN_RUNG: expected f32, f16, coopmat, coopmat2 "
                       "or int8, found %s",
                       forced);
    }
  if (precision == D2V_PRECISION_AUTO || precision == D2V_PRECISION_F32)
    *rung = VK_RUNG_F32;
  else if (precision == D2V_PRECISION_F16)
    *rung = context->found->fragment.m != 0 ? VK_RUNG_COOPMAT : VK_RUNG_F16;
  else if (precision == D2V_PRECISION_INT8)
    *rung = VK_RUNG_INT8;
  else
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                     "this precision is not available on Vulkan; use f32, f16, "
                     "int8 or auto");
  return has_rung (context, *rung, error);
}

D2vBackend *
d2v_vulkan_backend_new (const gchar *device, D2vPrecision precision,
                        GError **error)
{
  g_return_val_if_fail (g_str_has_prefix (device, "vulkan:"), NULL);
  D2vVkContext *context = vk_context_new (device + strlen ("vulkan:"), error);
  D2vVkRung rung = VK_RUNG_F32;

  if (context == NULL)
    return NULL;
  if (!choose_rung (context, precision, &rung, error))
    {
      vk_context_free (context);
      return NULL;
    }
  VkBackend *b = g_new0 (VkBackend, 1);
  b->context = context;
  b->weights = vk_weights_new (context);
  b->rung = rung;
  b->generation = 1;
  b->base.functions = &functions;
  b->base.fusions = D2V_FUSE_LINEAR_ACTIVATION | D2V_FUSE_LINEAR_RESIDUAL
                    | D2V_FUSE_CONV1D_NORM | D2V_FUSE_CONV2D_ACTIVATION;
  b->base.n_threads = 1;
  b->base.tolerance = rungs[rung].tolerance;
  b->base.device_name = g_strdup_printf ("Vulkan %s (%s)", context->found->name,
                                         rungs[rung].name);
  return &b->base;
}

gboolean
d2v_vulkan_lacks_weights (const D2vBackend *backend)
{
  return ((const VkBackend *) backend)->lacks_weights;
}

gboolean
d2v_vulkan_has_hung (void)
{
  return vk_context_any_parked ();
}

void
d2v_vulkan_counts (D2vBackend *backend, D2vPrepared *prepared,
                   D2vVulkanCounts *counts)
{
  const D2vVkContext *context = ((VkBackend *) backend)->context;

  *counts = (D2vVulkanCounts){
    .n_dispatches = prepared->recorded.n_dispatches,
    .n_barriers = prepared->recorded.n_barriers,
    .n_levels = prepared->recorded.n_levels,
    .n_halves = prepared->n_halves,
    .n_submissions = prepared->n_submissions,
    .n_allocations = context->n_allocations,
    .n_pipelines = context->n_pipelines,
    .n_recordings = prepared->n_recordings,
    .host_us = prepared->host_us,
  };
}

guint
d2v_vulkan_races (const D2vPrepared *prepared, gint without)
{
  return vk_commands_races (prepared->dispatches, prepared->n_folded,
                            prepared->dispatches->len, without);
}
