/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vulkan_private.h: the parts of the Vulkan backend and who owns what.
 *
 *   instance.c   the process's VkInstance and the devices found; matrices.c:
 *                what cooperative matrices they have
 *   context.c    one VkDevice with its queue, fence and command pool
 *   memory.c     buffers, each with memory and an address of its own
 *   pipeline.c   pipelines by shader and constants; cache.c keeps them on disk
 *   weights.c    weights on the device, in the layout that kernels want
 *   command.c    dispatches recorded with the barriers that they need
 *   ops*.c       what each op dispatches; halves.c: what is stored in 16 bits
 *   backend.c    the above behind D2vBackend
 *
 * A context and what belongs to it is used by one thread at a time. */
#pragma once

#include "engine/vulkan/table.h"
#include "engine/vulkan/vulkan.h"

/* What products are made of; D2V_VULKAN_RUNG names one. */
typedef enum
{
  VK_RUNG_F32,      /* 32-bit floats */
  VK_RUNG_F16,      /* factors of 16 bits, float sums */
  VK_RUNG_COOPMAT,  /* the same in cooperative matrices of KHR, */
  VK_RUNG_COOPMAT2, /* and in those of NV, each as large as a tile */
  VK_RUNG_INT8,     /* of LINEAR: factors of 8 bits, whole sums; else F32 */
} D2vVkRung;

static inline gboolean
vk_rung_is_half (D2vVkRung rung)
{
  return rung == VK_RUNG_F16 || rung == VK_RUNG_COOPMAT
         || rung == VK_RUNG_COOPMAT2;
}

/* ------------------------------------------------------- instance.c -- */

#define VK_UUID_TEXT 37

/* A shape of cooperative matrices: (m, k) times (k, n) in 16-bit floats, summed
 * in 32. */
typedef struct
{
  guint32 m, n, k; /* 0: there is none */
} D2vVkFragment;

/* Such matrices of any multiple of @step's sizes. */
typedef struct
{
  D2vVkFragment step;
  VkScopeKHR scope;       /* who holds one: a subgroup or a workgroup */
  guint32 group;          /* invocations in that; 0: there are none */
  guint32 largest;        /* of each size */
  guint32 reserved_bytes; /* of shared memory, by the driver */
} D2vVkFlexible;

/* A physical device as found. */
typedef struct
{
  VkPhysicalDevice physical;
  VkPhysicalDeviceType type;
  gchar name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
  gchar uuid[VK_UUID_TEXT];
  gchar pci[24];     /* "0000:01:00.0"; empty: not known */
  gchar *why;        /* not usable, because; NULL: usable */
  gboolean has_half; /* 16-bit storage */
  gboolean has_dot;  /* products of four bytes at a time */
  D2vVkFragment fragment;
  D2vVkFlexible flexible;
  guint32 subgroup_size;
  gboolean pins_subgroup; /* a pipeline may insist on that size */
  guint32 family;         /* queue family with compute */
  guint32 clock_bits;     /* of that family's timestamps; 0: it has none */
  gdouble tick_seconds;
  guint32 max_groups[3];
  guint32 shared_bytes;
  gsize max_allocation;
  gsize heap_bytes;    /* of the largest device-local heap */
  guint32 heap;        /* its index */
  gboolean has_budget; /* it tells how much of that is free */
  guint32 api_version;
  guint8 cache_uuid[VK_UUID_SIZE];
} D2vVkFound;

/* The process's instance with all that was found, while somebody holds it. */
typedef struct
{
  D2vVkTable table; /* global and instance functions */
  VkInstance instance;
  guint32 api_version; /* that was asked for */
  GPtrArray *found;    /* of D2vVkFound */
  guint n_users;
} D2vVkInstance;

D2vVkInstance *vk_instance_get (GError **error);
void vk_instance_put (D2vVkInstance *instance);
/* NULL when @instance has none of that name. */
const D2vVkFound *vk_instance_find (const D2vVkInstance *instance,
                                    const gchar *uuid);
gboolean vk_has_extension (const D2vVkTable *vk, VkPhysicalDevice physical,
                           const gchar *name);
/* matrices.c: fills in @found's fragment, flexible and pins_subgroup. */
void vk_look_at_matrices (const D2vVkTable *vk, D2vVkFound *found);

/* -------------------------------------------------------- context.c -- */

#define VK_PUSH_BYTES 128

typedef struct
{
  D2vVkInstance *instance;
  const D2vVkFound *found; /* the instance's */
  D2vVkTable vk;
  VkDevice device;
  VkQueue queue;
  VkFence fence;
  VkCommandPool pool;
  VkPipelineLayout layout;
  VkPipelineCache cache;
  VkPhysicalDeviceMemoryProperties memory;
  gboolean in_flight;    /* the fence is pending */
  gint64 deadline_us;    /* of what is in flight */
  gboolean lost;         /* for ever: DEVICE_LOST, or a hang */
  gboolean hung;         /* work may still be on the device */
  GHashTable *pipelines; /* of pipeline.c */
  guint64 n_allocations, n_pipelines, n_submissions;
} D2vVkContext;

D2vVkContext *vk_context_new (const gchar *uuid, GError **error);
/* With work that never ended it is parked instead: destroying what the device
 * may still use would be worse than keeping it. */
void vk_context_free (D2vVkContext *context);
/* TRUE once a device of this process has hung: then none is opened again. */
gboolean vk_context_any_parked (void);

/* The shortest bound of a wait: 2 s, and 10 s where the driver competes with
 * everybody else for the processor. */
gint64 vk_context_least_limit_us (const D2vVkContext *context);
/* What D2V_VULKAN_WAIT, in seconds, says that every wait is bounded by; 0:
 * nothing. For those under whom a device is slow on purpose, validation layers
 * and debuggers, and for tests that do not want to wait for a hang. */
gint64 vk_context_forced_limit_us (void);

/* Turns @result of @call into an error and remembers a lost device. Always
 * FALSE. */
gboolean vk_fail (D2vVkContext *context, VkResult result, const gchar *call,
                  GError **error);
/* @result as text, "VK_ERROR_DEVICE_LOST". */
const gchar *vk_result_name (VkResult result);
/* Whether cooperative matrices of flexible size can be used. */
gboolean vk_context_has_flexible (const D2vVkContext *context);

/* Submits @commands and waits until they are done, at most @limit_us. A hang
 * counts as a lost device. When *@cancelled becomes true it returns early with
 * CANCELLED and the work goes on; the next submission waits for it. */
gboolean vk_context_run (D2vVkContext *context, VkCommandBuffer commands,
                         gint64 limit_us, const volatile gint *cancelled,
                         gint64 *waited_us, GError **error);
/* Waits for what a cancelled run has left. */
gboolean vk_context_settle (D2vVkContext *context, GError **error);

/* --------------------------------------------------------- memory.c -- */

typedef enum
{
  VK_MEMORY_DEVICE,   /* where kernels work */
  VK_MEMORY_UPLOAD,   /* mapped, written by the host */
  VK_MEMORY_READBACK, /* mapped, read by the host: cached where possible */
} D2vVkMemoryKind;

typedef struct
{
  VkBuffer buffer;
  VkDeviceMemory memory;
  VkDeviceAddress address;
  gsize n_bytes;
  guint8 *mapped; /* NULL for DEVICE */
} D2vVkBuffer;

/* @n_bytes 0 makes an empty buffer. The struct stays zeroed on failure. */
gboolean vk_buffer_init (D2vVkContext *context, D2vVkBuffer *buffer,
                         D2vVkMemoryKind kind, gsize n_bytes, GError **error);
void vk_buffer_clear (D2vVkContext *context, D2vVkBuffer *buffer);
/* Grows it to @n_bytes; contents and address are lost. */
gboolean vk_buffer_grow (D2vVkContext *context, D2vVkBuffer *buffer,
                         D2vVkMemoryKind kind, gsize n_bytes, GError **error);

/* NO_MEMORY unless the device has @n_bytes more for @what, as far as it tells.
 * Asked before anything is uploaded. */
gboolean vk_memory_check (D2vVkContext *context, gsize n_bytes,
                          const gchar *what, GError **error);

/* ------------------------------------------------------- pipeline.c -- */

#define VK_MAX_CONSTANTS 20

/* SPIR-V of one shader, by its stem; made at build time. */
typedef struct
{
  const gchar *name;
  const guint32 *code;
  gsize n_bytes;
} D2vVkShader;

extern const D2vVkShader vk_shaders[];
extern const guint vk_n_shaders;

/* @constants: values of the specialisation constants 0, 1, ... The pipeline
 * belongs to the context. VK_NULL_HANDLE with the reason when it fails. */
VkPipeline vk_pipeline_get (D2vVkContext *context, const gchar *shader,
                            guint n_constants, const guint32 *constants,
                            gboolean whole_subgroups, GError **error);
void vk_pipelines_free (D2vVkContext *context);

/* cache.c: the pipeline cache on disk. Loading never fails: what is not right
 * is not used. */
gboolean vk_cache_load (D2vVkContext *context, GError **error);
void vk_cache_save (D2vVkContext *context);

/* -------------------------------------------------------- command.c -- */

typedef struct
{
  VkDeviceAddress begin, end;
} D2vVkRange;

/* One dispatch, all of it known when the plan is prepared. */
typedef struct
{
  const gchar *shader;
  guint n_constants;
  guint32 constants[VK_MAX_CONSTANTS];
  union
  {
    guint8 bytes[VK_PUSH_BYTES];
    struct
    {
      VkDeviceAddress at[10]; /* pointers */
      guint32 n[12];          /* sizes that may change with the input */
    };
  } push;
  guint n_at, n_n; /* in use */
  guint32 groups[3];
  guint n_reads, n_writes;
  D2vVkRange reads[D2V_MAX_INPUTS + 1];
  D2vVkRange writes[2];
  gboolean waits;           /* a barrier comes before it */
  gboolean whole_subgroups; /* of the size that the device names */
  gint owner; /* the node it belongs to; its dispatches may write parts of one
                 range, never the same numbers */
} D2vVkDispatch;

/* What a recording has come to. */
typedef struct
{
  guint n_dispatches, n_barriers, n_levels;
} D2vVkRecorded;

/* Replaces @commands, which may be NULL but not in flight, and begins. */
gboolean vk_commands_begin (D2vVkContext *context, VkCommandBuffer *commands,
                            GError **error);
gboolean vk_commands_end (D2vVkContext *context, VkCommandBuffer commands,
                          GError **error);
void vk_commands_free (D2vVkContext *context, VkCommandBuffer *commands);
/* Records begin..end-1 of @dispatches (of D2vVkDispatch) with one barrier
 * before each one that needs what an earlier one does. */
gboolean vk_commands_dispatch (D2vVkContext *context, VkCommandBuffer commands,
                               GArray *dispatches, guint begin, guint end,
                               D2vVkRecorded *recorded, GError **error);
/* Records them one after the other, and the device's clock before the first and
 * after each, into queries 0.. of @clock. */
gboolean vk_commands_dispatch_timed (D2vVkContext *context,
                                     VkCommandBuffer commands,
                                     const GArray *dispatches, guint begin,
                                     guint end, VkQueryPool clock,
                                     GError **error);
/* Pairs of begin..end-1 that touch the same numbers, one of them writing, with
 * no barrier between: looks at every pair, for tests. @without: the number of
 * a barrier to leave out; -1: none. */
guint vk_commands_races (const GArray *dispatches, guint begin, guint end,
                         gint without);
/* From and to transfers around the dispatches. */
void vk_commands_barrier_upload (D2vVkContext *context,
                                 VkCommandBuffer commands);
void vk_commands_barrier_readback (D2vVkContext *context,
                                   VkCommandBuffer commands);
void vk_commands_barrier_host (D2vVkContext *context, VkCommandBuffer commands);
void vk_commands_copy (D2vVkContext *context, VkCommandBuffer commands,
                       const D2vVkBuffer *from, const D2vVkBuffer *to,
                       gsize from_offset, gsize to_offset, gsize n_bytes);

/* -------------------------------------------------------- weights.c -- */

/* How a weight lies on the device. */
typedef enum
{
  VK_FORM_PLAIN,   /* as it is */
  VK_FORM_TAPS_1D, /* (O, C, k) as (O, k, C) */
  VK_FORM_TAPS_2D, /* (O, C, k, k) as (O, k, k, C) */
} D2vVkForm;

/* What a weight's numbers become. */
typedef enum
{
  VK_WORD_SAME,
  VK_WORD_HALF, /* 16-bit floats */
  VK_WORD_INT8, /* of (N, K): each row a scale, then words of four numbers */
} D2vVkWord;

/* Up to three tensors end to end. A part without tensor is zeros. */
typedef struct
{
  D2vTensor *parts[3];
  gsize n_elements[3];
  D2vVkForm form;
  D2vVkWord word;
} D2vVkWeightKey;

typedef struct _D2vVkWeights D2vVkWeights;

D2vVkWeights *vk_weights_new (D2vVkContext *context);
void vk_weights_free (D2vVkWeights *weights);
/* Notes that @key will be needed. */
void vk_weights_want (D2vVkWeights *weights, const D2vVkWeightKey *key);
/* Bytes of all that is wanted and not there yet. */
gsize vk_weights_missing_bytes (const D2vVkWeights *weights);
/* Uploads what is missing, in one allocation where the device can. */
gboolean vk_weights_upload (D2vVkWeights *weights, GError **error);
/* Where @key lies; it must have been uploaded. */
D2vVkRange vk_weights_range (const D2vVkWeights *weights,
                             const D2vVkWeightKey *key);
gsize vk_weights_n_bytes (const D2vVkWeights *weights);

/* ------------------------------------------------------------ ops.c -- */

/* While a plan is turned into dispatches. */
typedef struct
{
  D2vVkContext *context;
  const D2vPlan *plan;
  D2vVkWeights *weights;
  D2vVkRung rung;
  VkDeviceAddress arena, folded, state;
  VkDeviceAddress inputs, outputs;
  const gsize *input_offsets, *output_offsets;
  const gboolean *halves; /* vk_halves_new ()'s */
  const D2vNode *node;    /* at work */
  gint id;
  GArray *dispatches; /* of D2vVkDispatch */
  GError **error;
} D2vVkEmit;

/* Wants the weights of the node of @id. */
void vk_want_weights (D2vVkWeights *weights, const D2vPlan *plan, gint id,
                      D2vVkRung rung);
/* Appends what the node of @id dispatches. */
gboolean vk_emit_node (D2vVkEmit *emit, gint id);

/* What ops_*.c are made of. A dispatch is built up in the order of the
 * shader's declarations and then appended. */
D2vVkDispatch vk_dispatch (const gchar *shader);
void vk_constant (D2vVkDispatch *d, gsize value);
void vk_constant_float (D2vVkDispatch *d, gfloat value);
/* The node's input of @slot, read. FALSE, and a null address, when absent. */
gboolean vk_read (const D2vVkEmit *emit, D2vVkDispatch *d, guint slot);
void vk_read_range (D2vVkDispatch *d, D2vVkRange range);
void vk_no_read (D2vVkDispatch *d);
/* The node's result, written. */
void vk_write (const D2vVkEmit *emit, D2vVkDispatch *d);
void vk_write_range (D2vVkDispatch *d, D2vVkRange range);
void vk_size (D2vVkDispatch *d, gsize value);
void vk_size_float (D2vVkDispatch *d, gfloat value);
/* One invocation for each of @n items, @group of them in a workgroup. */
void vk_items (const D2vVkEmit *emit, D2vVkDispatch *d, gsize n, gsize group);
gboolean vk_append (D2vVkEmit *emit, const D2vVkDispatch *d);
D2vVkRange vk_range_of (const D2vVkEmit *emit, gint id);
const D2vShape *vk_shape (const D2vVkEmit *emit, guint slot);
gboolean vk_has (const D2vVkEmit *emit, guint slot);

/* halves.c: of every value whether it is stored in 16 bits. */
gboolean *vk_halves_new (const D2vPlan *plan, D2vVkRung rung);
gboolean vk_is_half (const D2vVkEmit *emit, gint id);

typedef gboolean (*D2vVkEmitFunc) (D2vVkEmit *emit);

/* One for each op: gboolean vk_emit_<op> (D2vVkEmit *emit). */
#define OP(NAME, name, fewest, most) gboolean vk_emit_##name (D2vVkEmit *emit);
D2V_OP_LIST (OP)
#undef OP

/* ops_product.c: whether the tiles of cooperative matrices of this shape fit
 * the device. */
gboolean vk_fragment_fits (const D2vVkFound *found,
                           const D2vVkFragment *fragment);
gboolean vk_flexible_fits (const D2vVkFound *found,
                           const D2vVkFlexible *flexible);
/* Whether its shader, on a rung of halves, rounds the left factor. */
gboolean vk_is_half_product (const D2vPlan *plan, const D2vNode *node);
/* The weights of @node's slots 1.. that lie end to end as one.
 * FALSE when that slot is none of a product's. */
gboolean vk_product_weight (const D2vPlan *plan, gint id, guint slot,
                            D2vVkRung rung, D2vVkWeightKey *key);
