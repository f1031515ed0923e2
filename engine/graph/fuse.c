/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuse.c: work that a kernel can take along on the way.
 *
 * A consumer swallows its producer: it keeps its place and its id, and takes
 * the producer's op and inputs, so that nobody who refers to it need change.
 * The producer, used by nobody any more, is dropped by the plan. Only a
 * producer with that one user may be swallowed. */

#include "engine/graph/plan_private.h"

typedef struct
{
  D2vGraph *graph;
  const guint *n_uses; /* per value; an output counts */
  D2vFusions fusions;
} Fusion;

/* The op behind input @slot of @node, if it is @op and nobody else wants it. */
static const D2vNode *
producer (const Fusion *f, const D2vNode *node, guint slot, D2vOp op)
{
  if (d2v_is_none (node->inputs[slot]) || f->n_uses[node->inputs[slot].id] != 1)
    return NULL;

  const D2vNode *from = d2v_graph_node (f->graph, node->inputs[slot]);
  return from->kind == D2V_VALUE_NODE && from->op == op ? from : NULL;
}

/* @node becomes @from, with @slot of its inputs set to @extra. */
static void
swallow (D2vNode *node, const D2vNode *from, guint slot, D2vValue extra)
{
  node->op = from->op;
  node->attributes = from->attributes;
  for (guint i = 0; i < D2V_MAX_INPUTS; i++)
    node->inputs[i] = from->inputs[i];
  node->n_inputs = MAX (from->n_inputs, slot + 1);
  node->inputs[slot] = extra;
}

static gboolean
has_residual (const D2vNode *linear)
{
  return !d2v_is_none (linear->inputs[D2V_LINEAR_RESIDUAL]);
}

static gboolean
has_scale (const D2vNode *linear)
{
  return !d2v_is_none (linear->inputs[D2V_LINEAR_SCALE]);
}

static void
fuse_activate (const Fusion *f, D2vNode *node)
{
  D2vActivation activation = node->attributes.activation;
  const D2vNode *from = NULL;

  if (f->fusions & D2V_FUSE_LINEAR_ACTIVATION)
    from = producer (f, node, 0, D2V_OP_LINEAR);
  if (from != NULL && (has_residual (from) || has_scale (from)))
    from = NULL;
  if (from == NULL && (f->fusions & D2V_FUSE_CONV1D_NORM))
    from = producer (f, node, 0, D2V_OP_CONV1D);
  if (from == NULL && (f->fusions & D2V_FUSE_CONV2D_ACTIVATION))
    from = producer (f, node, 0, D2V_OP_CONV2D);
  if (from == NULL || from->attributes.activation != D2V_ACTIVATION_NONE)
    return;
  swallow (node, from, 0, from->inputs[0]);
  node->attributes.activation = activation;
}

static void
fuse_layer_norm (const Fusion *f, D2vNode *node)
{
  D2vValue gain = node->inputs[1], shift = node->inputs[2];
  gfloat eps = node->attributes.eps;
  const D2vNode *from = producer (f, node, 0, D2V_OP_CONV1D);

  if (!(f->fusions & D2V_FUSE_CONV1D_NORM) || from == NULL
      || from->attributes.norm
      || from->attributes.activation != D2V_ACTIVATION_NONE)
    return;
  swallow (node, from, 3, gain);
  node->inputs[4] = shift;
  node->n_inputs = 5;
  node->attributes.norm = TRUE;
  node->attributes.eps = eps;
}

/* x * vector, as layer scale does. */
static void
fuse_mul (const Fusion *f, D2vNode *node)
{
  const D2vNode *from = producer (f, node, 0, D2V_OP_LINEAR);
  D2vValue scale = node->inputs[1];

  if (!(f->fusions & D2V_FUSE_LINEAR_RESIDUAL) || from == NULL
      || has_residual (from) || has_scale (from)
      || d2v_graph_shape (f->graph, scale)->rank != 1)
    return;
  swallow (node, from, D2V_LINEAR_SCALE, scale);
}

/* residual + linear, either way round. */
static void
fuse_add (const Fusion *f, D2vNode *node)
{
  if (!(f->fusions & D2V_FUSE_LINEAR_RESIDUAL))
    return;
  for (guint slot = 0; slot < 2; slot++)
    {
      const D2vNode *from = producer (f, node, slot, D2V_OP_LINEAR);
      D2vValue residual = node->inputs[1 - slot];

      if (from == NULL || has_residual (from)
          || !d2v_shape_equal (d2v_graph_shape (f->graph, residual),
                               &from->shape))
        continue;
      swallow (node, from, D2V_LINEAR_RESIDUAL, residual);
      return;
    }
}

void
d2v_fuse (D2vGraph *graph, const guint *n_uses, D2vFusions fusions)
{
  const Fusion f = { graph, n_uses, fusions };

  /* In recorded order, so that a producer is what it will be before its
   * consumer looks at it. */
  for (guint i = 0; i < d2v_graph_n_values (graph); i++)
    {
      D2vNode *node = d2v_graph_edit_node (graph, (D2vValue){ (gint) i });

      if (node->kind != D2V_VALUE_NODE)
        continue;
      if (node->op == D2V_OP_ACTIVATE)
        fuse_activate (&f, node);
      else if (node->op == D2V_OP_LAYER_NORM)
        fuse_layer_norm (&f, node);
      else if (node->op == D2V_OP_MUL)
        fuse_mul (&f, node);
      else if (node->op == D2V_OP_ADD)
        fuse_add (&f, node);
    }
}
