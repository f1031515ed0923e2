/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* graph.h: a forward pass, recorded once as ops on values with shapes.
 *
 * Recording never fails line by line: the graph keeps its first error, later
 * calls do nothing, and d2v_graph_finish() reports it. One thread. */
#pragma once

#include "engine/graph/ops.h"

typedef struct _D2vGraph D2vGraph;

/* A value: an input, a constant, or the result of an op. */
typedef struct
{
  gint id;
} D2vValue;

#define D2V_NONE ((D2vValue){ -1 })

static inline gboolean
d2v_is_none (D2vValue value)
{
  return value.id < 0;
}

/* How a value comes to be. */
typedef enum
{
  D2V_VALUE_INPUT,    /* given for each run */
  D2V_VALUE_CONSTANT, /* a weight */
  D2V_VALUE_STATE,    /* zero at first, kept from run to run */
  D2V_VALUE_NODE      /* computed */
} D2vValueKind;

/* The numbers that an op takes beside its inputs; see ops.h for which op
 * reads which. Zero is the neutral value of all of them. */
typedef struct
{
  D2vActivation activation;
  gfloat eps;
  gsize stride, padding, dilation, groups, n_out; /* CONV1D */
  gboolean tap_major, norm;                       /* CONV1D */
  gsize n_heads;                                  /* ATTENTION */
  gfloat scale;                                   /* ATTENTION */
  gboolean causal;                                /* ATTENTION */
  gint distance_mode;                             /* ATTENTION */
  gsize grid_h, grid_w, from_h, from_w; /* ATTENTION, RELATIVE_TABLE */
  gint axis;                            /* SLICE */
  gsize begin, length;                  /* SLICE */
  gsize index;                          /* SCALE_ADD */
  gsize patch;                          /* PATCHES */
  gsize size, size_w;                   /* resizes, ADAPTIVE_POOL, LABEL_MAP */
  D2vShape shape;                       /* RESHAPE */
} D2vAttributes;

typedef struct
{
  D2vValueKind kind;
  D2vOp op; /* of a node */
  D2vValue inputs[D2V_MAX_INPUTS];
  guint n_inputs; /* slots in use; some of them may be D2V_NONE */
  D2vAttributes attributes;
  D2vDType dtype;
  D2vShape shape;
  D2vTensor *constant; /* of a constant; owned */
  gchar *name;         /* of an input; owned */
} D2vNode;

D2vGraph *d2v_graph_new (void);
void d2v_graph_free (D2vGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vGraph, d2v_graph_free)

D2vValue d2v_graph_input (D2vGraph *graph, const gchar *name, D2vDType dtype,
                          D2vShape shape);
/* Takes a reference. NULL gives D2V_NONE, for optional weights. */
D2vValue d2v_graph_constant (D2vGraph *graph, D2vTensor *tensor);
D2vValue d2v_graph_state (D2vGraph *graph, D2vShape shape);
/* Makes @value an output under @name. */
void d2v_graph_output (D2vGraph *graph, const gchar *name, D2vValue value);

/* Records any op; checks the inputs' number and shapes and infers the
 * result's. The functions in layers.h and the short forms below call it. */
D2vValue d2v_graph_record (D2vGraph *graph, D2vOp op, guint n_inputs,
                           const D2vValue *inputs,
                           const D2vAttributes *attributes);

/* Remembers the first error. */
void d2v_graph_fail (D2vGraph *graph, D2vErrorCode code, const gchar *format,
                     ...) G_GNUC_PRINTF (3, 4);
gboolean d2v_graph_finish (D2vGraph *graph, GError **error);

guint d2v_graph_n_values (const D2vGraph *graph);
const D2vNode *d2v_graph_node (const D2vGraph *graph, D2vValue value);
const D2vShape *d2v_graph_shape (const D2vGraph *graph, D2vValue value);
guint d2v_graph_n_outputs (const D2vGraph *graph);
const gchar *d2v_graph_output_name (const D2vGraph *graph, guint index);
D2vValue d2v_graph_output_value (const D2vGraph *graph, guint index);
guint d2v_graph_n_inputs (const D2vGraph *graph);
D2vValue d2v_graph_input_value (const D2vGraph *graph, guint index);

/* The shape that @op gives, into @shape; FALSE with the reason in @error. */
gboolean d2v_infer_shape (D2vOp op, guint n_inputs,
                          const D2vShape *const *inputs,
                          const D2vAttributes *attributes, D2vShape *shape,
                          GError **error);

/* FLOP of a node: matrix products and convolutions only. */
gdouble d2v_node_flop (const D2vGraph *graph, const D2vNode *node);

/* Short forms of d2v_graph_record(). */
D2vValue d2v_op_add (D2vGraph *g, D2vValue a, D2vValue b);
D2vValue d2v_op_mul (D2vGraph *g, D2vValue a, D2vValue b);
D2vValue d2v_op_activate (D2vGraph *g, D2vValue x, D2vActivation activation);
D2vValue d2v_op_layer_norm (D2vGraph *g, D2vValue x, D2vValue gain,
                            D2vValue shift, gfloat eps);
D2vValue d2v_op_reshape (D2vGraph *g, D2vValue x, D2vShape shape);
D2vValue d2v_op_slice (D2vGraph *g, D2vValue x, gint axis, gsize begin,
                       gsize length);

/* For plan.c, which rewrites nodes while it fuses. */
D2vNode *d2v_graph_edit_node (D2vGraph *graph, D2vValue value);
