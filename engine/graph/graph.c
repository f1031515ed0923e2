/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/graph/graph.h"

#include "engine/base/error.h"

typedef struct
{
  gchar *name;
  D2vValue value;
} Output;

struct _D2vGraph
{
  GArray *nodes;   /* of D2vNode, by value id */
  GArray *inputs;  /* of gint */
  GArray *outputs; /* of Output */
  GError *error;   /* the first one */
};

static const struct
{
  const gchar *name;
  guint fewest;
  guint most;
} ops[D2V_N_OPS] = {
#define OP(NAME, name, fewest, most) [D2V_OP_##NAME] = { #name, fewest, most },
  D2V_OP_LIST (OP)
#undef OP
};

const gchar *
d2v_op_name (D2vOp op)
{
  return ops[op].name;
}

static void
clear_node (gpointer data)
{
  D2vNode *node = data;

  d2v_tensor_unref (node->constant);
  g_free (node->name);
}

static void
clear_output (gpointer data)
{
  g_free (((Output *) data)->name);
}

D2vGraph *
d2v_graph_new (void)
{
  D2vGraph *graph = g_new0 (D2vGraph, 1);

  graph->nodes = g_array_new (FALSE, TRUE, sizeof (D2vNode));
  g_array_set_clear_func (graph->nodes, clear_node);
  graph->inputs = g_array_new (FALSE, FALSE, sizeof (gint));
  graph->outputs = g_array_new (FALSE, FALSE, sizeof (Output));
  g_array_set_clear_func (graph->outputs, clear_output);
  return graph;
}

void
d2v_graph_free (D2vGraph *graph)
{
  if (graph == NULL)
    return;
  g_array_unref (graph->nodes);
  g_array_unref (graph->inputs);
  g_array_unref (graph->outputs);
  g_clear_error (&graph->error);
  g_free (graph);
}

void
d2v_graph_fail (D2vGraph *graph, D2vErrorCode code, const gchar *format, ...)
{
  if (graph->error != NULL)
    return;

  va_list args;
  va_start (args, format);
  g_autofree gchar *reason = g_strdup_vprintf (format, args);
  va_end (args);
  d2v_fail (&graph->error, code, NULL, "%s", reason);
}

gboolean
d2v_graph_finish (D2vGraph *graph, GError **error)
{
  if (graph->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (graph->error));
  return FALSE;
}

static D2vValue
append (D2vGraph *graph, const D2vNode *node)
{
  g_array_append_vals (graph->nodes, node, 1);
  return (D2vValue){ (gint) graph->nodes->len - 1 };
}

D2vValue
d2v_graph_input (D2vGraph *graph, const gchar *name, D2vDType dtype,
                 D2vShape shape)
{
  D2vNode node = { .kind = D2V_VALUE_INPUT,
                   .dtype = dtype,
                   .shape = shape,
                   .name = g_strdup (name) };
  D2vValue value = append (graph, &node);

  g_array_append_val (graph->inputs, value.id);
  return value;
}

D2vValue
d2v_graph_constant (D2vGraph *graph, D2vTensor *tensor)
{
  if (tensor == NULL)
    return D2V_NONE;

  D2vNode node = { .kind = D2V_VALUE_CONSTANT,
                   .dtype = tensor->dtype,
                   .shape = tensor->shape,
                   .constant = d2v_tensor_ref (tensor) };
  return append (graph, &node);
}

D2vValue
d2v_graph_state (D2vGraph *graph, D2vShape shape)
{
  D2vNode node = { .kind = D2V_VALUE_STATE, .dtype = D2V_F32, .shape = shape };

  return append (graph, &node);
}

/* Outputs are written where the caller wants them, each by a node of its own:
 * an input, a weight or a value that is an output already is copied. */
static gboolean
needs_copy (const D2vGraph *graph, D2vValue value)
{
  if (d2v_graph_node (graph, value)->kind != D2V_VALUE_NODE)
    return TRUE;
  for (guint i = 0; i < graph->outputs->len; i++)
    if (d2v_graph_output_value (graph, i).id == value.id)
      return TRUE;
  return FALSE;
}

void
d2v_graph_output (D2vGraph *graph, const gchar *name, D2vValue value)
{
  if (graph->error == NULL && needs_copy (graph, value))
    value = d2v_op_reshape (graph, value, *d2v_graph_shape (graph, value));
  if (graph->error != NULL)
    return;

  Output output = { g_strdup (name), value };
  g_array_append_val (graph->outputs, output);
}

/* After an error values may be D2V_NONE where none may be: nothing is
 * recorded any more, so nothing looks at them. */
D2vValue
d2v_graph_record (D2vGraph *graph, D2vOp op, guint n_inputs,
                  const D2vValue *inputs, const D2vAttributes *attributes)
{
  if (graph->error != NULL)
    return D2V_NONE;
  g_assert (n_inputs >= ops[op].fewest && n_inputs <= ops[op].most);

  D2vNode node = {
    .kind = D2V_VALUE_NODE, .op = op, .n_inputs = n_inputs, .dtype = D2V_F32
  };
  const D2vShape *shapes[D2V_MAX_INPUTS] = { NULL };

  if (attributes != NULL)
    node.attributes = *attributes;
  for (guint i = 0; i < D2V_MAX_INPUTS; i++)
    {
      node.inputs[i] = i < n_inputs ? inputs[i] : D2V_NONE;
      if (!d2v_is_none (node.inputs[i]))
        shapes[i] = d2v_graph_shape (graph, node.inputs[i]);
    }
  if (!d2v_infer_shape (op, n_inputs, shapes, &node.attributes, &node.shape,
                        &graph->error))
    return D2V_NONE;
  return append (graph, &node);
}

guint
d2v_graph_n_values (const D2vGraph *graph)
{
  return graph->nodes->len;
}

const D2vNode *
d2v_graph_node (const D2vGraph *graph, D2vValue value)
{
  g_assert (value.id >= 0 && value.id < (gint) graph->nodes->len);
  return &g_array_index (graph->nodes, D2vNode, value.id);
}

const D2vShape *
d2v_graph_shape (const D2vGraph *graph, D2vValue value)
{
  static const D2vShape empty = { 0 };

  return d2v_is_none (value) ? &empty : &d2v_graph_node (graph, value)->shape;
}

guint
d2v_graph_n_outputs (const D2vGraph *graph)
{
  return graph->outputs->len;
}

const gchar *
d2v_graph_output_name (const D2vGraph *graph, guint index)
{
  return g_array_index (graph->outputs, Output, index).name;
}

D2vValue
d2v_graph_output_value (const D2vGraph *graph, guint index)
{
  return g_array_index (graph->outputs, Output, index).value;
}

guint
d2v_graph_n_inputs (const D2vGraph *graph)
{
  return graph->inputs->len;
}

D2vValue
d2v_graph_input_value (const D2vGraph *graph, guint index)
{
  return (D2vValue){ g_array_index (graph->inputs, gint, index) };
}

D2vNode *
d2v_graph_edit_node (D2vGraph *graph, D2vValue value)
{
  return (D2vNode *) d2v_graph_node (graph, value);
}

/* ------------------------------------------------------- short forms -- */

static D2vValue
record1 (D2vGraph *g, D2vOp op, D2vValue x, D2vAttributes attributes)
{
  return d2v_graph_record (g, op, 1, &x, &attributes);
}

D2vValue
d2v_op_add (D2vGraph *g, D2vValue a, D2vValue b)
{
  return d2v_graph_record (g, D2V_OP_ADD, 2, (D2vValue[]){ a, b }, NULL);
}

D2vValue
d2v_op_mul (D2vGraph *g, D2vValue a, D2vValue b)
{
  return d2v_graph_record (g, D2V_OP_MUL, 2, (D2vValue[]){ a, b }, NULL);
}

D2vValue
d2v_op_activate (D2vGraph *g, D2vValue x, D2vActivation activation)
{
  if (activation == D2V_ACTIVATION_NONE)
    return x;
  return record1 (g, D2V_OP_ACTIVATE, x,
                  (D2vAttributes){ .activation = activation });
}

D2vValue
d2v_op_layer_norm (D2vGraph *g, D2vValue x, D2vValue gain, D2vValue shift,
                   gfloat eps)
{
  return d2v_graph_record (g, D2V_OP_LAYER_NORM, 3,
                           (D2vValue[]){ x, gain, shift },
                           &(D2vAttributes){ .eps = eps });
}

D2vValue
d2v_op_reshape (D2vGraph *g, D2vValue x, D2vShape shape)
{
  return record1 (g, D2V_OP_RESHAPE, x, (D2vAttributes){ .shape = shape });
}

D2vValue
d2v_op_slice (D2vGraph *g, D2vValue x, gint axis, gsize begin, gsize length)
{
  return record1 (
      g, D2V_OP_SLICE, x,
      (D2vAttributes){ .axis = axis, .begin = begin, .length = length });
}
