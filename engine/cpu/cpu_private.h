/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cpu_private.h: what a CPU kernel is.
 *
 * Every op has one plain kernel in <op>.c: the reference for ever. Faster
 * twins in x86/ are chosen at run time and checked against it. */
#pragma once

#include "engine/base/parallel.h"
#include "engine/graph/graph.h"

/* One call of a kernel: the node and where its numbers are. */
typedef struct
{
  const D2vNode *node;
  gconstpointer in[D2V_MAX_INPUTS]; /* NULL for D2V_NONE; packed data for a
                                       slot that the kernel packs */
  const D2vShape *in_shape[D2V_MAX_INPUTS]; /* as recorded, also if packed */
  gpointer out;
  guint8 *scratch; /* n_threads pieces of scratch_bytes, 64-aligned */
  gsize scratch_bytes;
} D2vCall;

static inline gpointer
d2v_call_scratch (const D2vCall *call, guint thread)
{
  return call->scratch + call->scratch_bytes * thread;
}

typedef struct
{
  /* How many independent items the work has. The outcome of an item must not
   * depend on how items are shared out. */
  gsize (*n_items) (const D2vCall *call);
  /* Does items begin..end-1, on thread @thread of the pool. */
  void (*run) (const D2vCall *call, gsize begin, gsize end, guint thread);
  /* Items in one piece of work (d2v_pool_run()'s grain); NULL: equal
   * shares. */
  gsize (*grain) (const D2vCall *call, guint n_threads);
  /* Scratch per thread; NULL: none. Data pointers of @call are not set. */
  gsize (*scratch_bytes) (const D2vCall *call);

  /* Packing, all NULL when the kernel reads weights as they are. It is done
   * once per weight tensor, not per node: all plans share the packed form, and
   * the plain form is freed (one copy of the weights in memory), so unpack()
   * must give it back bit for bit. packed_bytes() is 0 for a slot that stays
   * plain; it may look at shapes and attributes, not at data. @pack_kind names
   * the layout: the same tensor is packed once per kind. With @consume, memory
   * of @plain is given back as it is read, so that a large weight is never
   * there twice. */
  const gchar *pack_kind;
  gsize (*packed_bytes) (const D2vCall *call, guint slot);
  void (*pack) (const D2vCall *call, guint slot, gfloat *plain, gpointer packed,
                gboolean consume);
  void (*unpack) (const D2vCall *call, guint slot, gconstpointer packed,
                  gfloat *plain);
} D2vKernel;

/* The plain kernel of each op: D2vKernel d2v_cpu_<op>. */
#define OP(NAME, name, fewest, most) extern const D2vKernel d2v_cpu_##name;
D2V_OP_LIST (OP)
#undef OP

/* What the processor can do, best last. Each level's kernels are one set of
 * files compiled for it. */
typedef enum
{
  D2V_CPU_PLAIN,  /* the reference; any processor */
  D2V_CPU_BLAS,   /* OpenBLAS for products; any processor */
  D2V_CPU_AVX2,   /* AVX2 and FMA */
  D2V_CPU_AVX512, /* AVX-512 F, BW, DQ, VL */
  D2V_N_CPU_LEVELS
} D2vCpuLevel;

/* The best level here; D2V_CPU_LEVEL=plain|blas|avx2|avx512 lowers it. */
D2vCpuLevel d2v_cpu_level (void);
const gchar *d2v_cpu_level_name (D2vCpuLevel level);
/* The kernel of @op at @level: its own, or the next lower level's. */
const D2vKernel *d2v_cpu_kernel (D2vOp op, D2vCpuLevel level);

/* What blas.c and engine/cpu/x86/ add; NULL where the next lower level is as
 * fast. */
extern const D2vKernel *const d2v_blas_kernels[D2V_N_OPS];
extern const D2vKernel *const d2v_avx2_kernels[D2V_N_OPS];
extern const D2vKernel *const d2v_avx512_kernels[D2V_N_OPS];
