/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* plan.h: a graph made ready for a backend: fused, ordered, and with every
 * activation placed in one arena by lifetime. Immutable once made, so that
 * several backends may hold it. */
#pragma once

#include "engine/base/ref.h"
#include "engine/graph/graph.h"

/* Fusions that a backend's kernels offer. */
typedef enum
{
  D2V_FUSE_LINEAR_ACTIVATION = 1 << 0,
  D2V_FUSE_LINEAR_RESIDUAL = 1 << 1, /* and the scale before it */
  D2V_FUSE_CONV1D_NORM = 1 << 2,     /* LAYER_NORM, then ACTIVATE */
  D2V_FUSE_CONV2D_ACTIVATION = 1 << 3
} D2vFusions;

/* Where a value's numbers lie. */
typedef enum
{
  D2V_PLACE_NOWHERE,  /* fused away, or never used */
  D2V_PLACE_ARENA,    /* at `offset` of the arena */
  D2V_PLACE_INPUT,    /* in the run's input `index` */
  D2V_PLACE_OUTPUT,   /* in the run's output `index` */
  D2V_PLACE_CONSTANT, /* in the constant of node `index` */
  D2V_PLACE_FOLDED,   /* computed once, at preparation, at `offset` of the
                         folded block: every input is a constant */
  D2V_PLACE_STATE     /* at `offset` of the state block */
} D2vPlaceKind;

typedef struct
{
  D2vPlaceKind kind;
  gsize offset; /* bytes, multiple of 64 */
  guint index;
} D2vPlace;

typedef struct
{
  D2vRefCount ref_count;
  D2vGraph *graph; /* owned; nodes as fused */
  gint *order;     /* value ids of nodes to run, folded ones first */
  guint n_order;
  guint n_folded;   /* how many of them are folded */
  D2vPlace *places; /* one per value */
  gsize arena_bytes;
  gsize folded_bytes;
  gsize state_bytes;
  gdouble flop;
} D2vPlan;

/* Takes over @graph, also when it fails. */
D2vPlan *d2v_plan_new (D2vGraph *graph, D2vFusions fusions, GError **error);
D2vPlan *d2v_plan_ref (D2vPlan *plan);
/* Gives up a reference; the last one frees it. */
void d2v_plan_free (D2vPlan *plan);
