/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/graph/plan.h"

#include <string.h>

static D2vTensor *
weight (gsize rows, gsize columns)
{
  return columns > 0 ? d2v_tensor_new (D2V_F32, 2, (gsize[]){ rows, columns })
                     : d2v_tensor_new (D2V_F32, 1, (gsize[]){ rows });
}

static D2vValue
linear (D2vGraph *g, D2vValue x, gsize out)
{
  gsize in = d2v_shape_last (d2v_graph_shape (g, x));
  g_autoptr (D2vTensor) w = weight (out, in);
  g_autoptr (D2vTensor) b = weight (out, 0);

  return d2v_graph_record (
      g, D2V_OP_LINEAR, 3,
      (D2vValue[]){ x, d2v_graph_constant (g, w), d2v_graph_constant (g, b) },
      NULL);
}

/* The first error stays, and recording goes on without harm. */
static void
test_first_error (void)
{
  D2vGraph *g = d2v_graph_new ();
  g_autoptr (GError) error = NULL;
  D2vValue x = d2v_graph_input (g, "x", D2V_F32, d2v_shape (2, 5, 8));
  D2vValue y = d2v_graph_input (g, "y", D2V_F32, d2v_shape (2, 5, 7));

  D2vValue bad = d2v_op_add (g, x, y);
  g_assert_true (d2v_is_none (bad));
  bad = d2v_op_layer_norm (g, bad, D2V_NONE, D2V_NONE, 1e-5f);
  bad = linear (g, bad, 4);
  d2v_graph_output (g, "out", bad);
  g_assert_null (d2v_plan_new (g, 0, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_assert_nonnull (strstr (error->message, "add"));
  g_assert_nonnull (strstr (error->message, "2x5x7"));
}

static void
expect_refused (D2vOp op, guint n, const D2vShape *shapes,
                const D2vAttributes *attributes)
{
  const D2vShape *in[D2V_MAX_INPUTS] = { NULL };
  g_autoptr (GError) error = NULL;
  D2vShape out;

  for (guint i = 0; i < n; i++)
    in[i] = &shapes[i];
  g_assert_false (d2v_infer_shape (op, n, in, attributes, &out, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
}

#define SHAPES(...) ((const D2vShape[]){ __VA_ARGS__ })

static void
test_refuses_shapes (void)
{
  const D2vAttributes none = { 0 };

  expect_refused (D2V_OP_LINEAR, 2, SHAPES (d2v_shape (3, 4), d2v_shape (5, 3)),
                  &none);
  expect_refused (D2V_OP_CONV1D, 2,
                  SHAPES (d2v_shape (1, 9, 1), d2v_shape (4, 1, 10)),
                  &(D2vAttributes){ .stride = 5, .dilation = 1, .groups = 1 });
  expect_refused (D2V_OP_CONV1D, 2,
                  SHAPES (d2v_shape (1, 90, 1), d2v_shape (4, 1, 10)),
                  &(D2vAttributes){ .stride = 0, .dilation = 1, .groups = 1 });
  expect_refused (D2V_OP_ATTENTION, 1, SHAPES (d2v_shape (1, 4, 10)),
                  &(D2vAttributes){ .n_heads = 2 });
  expect_refused (D2V_OP_SLICE, 1, SHAPES (d2v_shape (1, 4, 10)),
                  &(D2vAttributes){ .axis = 1, .begin = 3, .length = 2 });
  expect_refused (
      D2V_OP_SLICE, 1, SHAPES (d2v_shape (1, 4, 10)),
      &(D2vAttributes){ .axis = 1, .begin = G_MAXSIZE, .length = 2 });
  expect_refused (D2V_OP_RESHAPE, 1, SHAPES (d2v_shape (3, 4)),
                  &(D2vAttributes){ .shape = d2v_shape (5, 2) });
  expect_refused (D2V_OP_PATCHES, 1, SHAPES (d2v_shape (1, 3, 15, 16)),
                  &(D2vAttributes){ .patch = 16 });
  /* More numbers than any machine has. */
  expect_refused (D2V_OP_ACTIVATE, 1, SHAPES (d2v_shape (G_MAXSIZE / 2, 3)),
                  &none);
  expect_refused (D2V_OP_ACTIVATE, 1, SHAPES (d2v_shape (4, 0)), &none);
}

/* A chain like a transformer layer's, with a branch. */
static D2vPlan *
plan_chain (D2vFusions fusions)
{
  D2vGraph *g = d2v_graph_new ();
  D2vValue x = d2v_graph_input (g, "x", D2V_F32, d2v_shape (1, 50, 64));

  for (guint i = 0; i < 6; i++)
    {
      D2vValue y = d2v_op_activate (g, linear (g, x, 256), D2V_ACTIVATION_GELU);
      x = d2v_op_add (g, x, linear (g, y, 64));
      x = d2v_op_layer_norm (g, x, D2V_NONE, D2V_NONE, 1e-5f);
    }
  d2v_graph_output (g, "out", x);
  g_autoptr (GError) error = NULL;
  D2vPlan *plan = d2v_plan_new (g, fusions, &error);
  g_assert_no_error (error);
  return plan;
}

static guint
step_of (const D2vPlan *plan, gint id)
{
  for (guint i = 0; i < plan->n_order; i++)
    if (plan->order[i] == id)
      return i;
  return G_MAXUINT;
}

static guint
last_use (const D2vPlan *plan, gint id)
{
  guint last = step_of (plan, id);

  for (guint i = 0; i < plan->n_order; i++)
    {
      const D2vNode *node
          = d2v_graph_node (plan->graph, (D2vValue){ plan->order[i] });
      for (guint j = 0; j < node->n_inputs; j++)
        if (node->inputs[j].id == id)
          last = i;
    }
  return last;
}

/* No two values that live at the same time share a byte. */
static void
check_arena (const D2vPlan *plan)
{
  for (guint i = 0; i < plan->n_order; i++)
    for (guint j = 0; j < plan->n_order; j++)
      {
        gint a = plan->order[i], b = plan->order[j];
        const D2vPlace *p = &plan->places[a], *q = &plan->places[b];

        if (i == j || p->kind != D2V_PLACE_ARENA || q->kind != D2V_PLACE_ARENA
            || last_use (plan, a) < j || last_use (plan, b) < i)
          continue;
        gsize n
            = d2v_shape_size (d2v_graph_shape (plan->graph, (D2vValue){ a }))
              * sizeof (gfloat);
        gsize m
            = d2v_shape_size (d2v_graph_shape (plan->graph, (D2vValue){ b }))
              * sizeof (gfloat);
        g_assert_true (p->offset + n <= q->offset
                       || q->offset + m <= p->offset);
        g_assert_cmpuint (p->offset + n, <=, plan->arena_bytes);
      }
}

static void
test_plan (void)
{
  D2vPlan *plain = plan_chain (0);
  D2vPlan *fused
      = plan_chain (D2V_FUSE_LINEAR_ACTIVATION | D2V_FUSE_LINEAR_RESIDUAL);

  g_assert_cmpuint (plain->n_order, ==, 6 * 5);
  g_assert_cmpuint (fused->n_order, ==, 6 * 3);
  check_arena (plain);
  check_arena (fused);
  /* Two products' worth, not six layers'. */
  g_assert_cmpuint (fused->arena_bytes, <=, 50 * (256 + 2 * 64) * 4);
  g_assert_cmpfloat (plain->flop, ==, 6 * 2 * 2. * 50 * 64 * 256);
  g_assert_cmpfloat (fused->flop, ==, plain->flop);
  d2v_plan_free (plain);
  d2v_plan_free (fused);
}

/* What depends on weights alone is computed once. */
static void
test_folds_constants (void)
{
  D2vGraph *g = d2v_graph_new ();
  g_autoptr (D2vTensor) w = weight (3, 4);
  D2vValue c = d2v_graph_constant (g, w);
  D2vValue x = d2v_graph_input (g, "x", D2V_F32, d2v_shape (3, 4));

  D2vValue twice = d2v_op_add (g, c, c);
  d2v_graph_output (g, "out", d2v_op_add (g, x, twice));
  D2vPlan *plan = d2v_plan_new (g, 0, NULL);
  g_assert_cmpuint (plan->n_folded, ==, 1);
  g_assert_cmpint (plan->places[twice.id].kind, ==, D2V_PLACE_FOLDED);
  d2v_plan_free (plan);
}

/* An input, a weight and one value twice can all be outputs. */
static void
test_outputs_are_copies (void)
{
  D2vGraph *g = d2v_graph_new ();
  g_autoptr (D2vTensor) w = weight (3, 4);
  D2vValue x = d2v_graph_input (g, "x", D2V_F32, d2v_shape (3, 4));
  D2vValue y = d2v_op_activate (g, x, D2V_ACTIVATION_RELU);

  d2v_graph_output (g, "input", x);
  d2v_graph_output (g, "weight", d2v_graph_constant (g, w));
  d2v_graph_output (g, "once", y);
  d2v_graph_output (g, "twice", y);
  D2vPlan *plan = d2v_plan_new (g, 0, NULL);
  for (guint i = 0; i < 4; i++)
    {
      D2vValue value = d2v_graph_output_value (plan->graph, i);
      g_assert_cmpint (plan->places[value.id].kind, ==, D2V_PLACE_OUTPUT);
      g_assert_cmpuint (plan->places[value.id].index, ==, i);
    }
  d2v_plan_free (plan);
}

/* A value that somebody else wants, or that is an output, is not fused
 * away. */
static void
test_keeps_what_is_used (void)
{
  D2vGraph *g = d2v_graph_new ();
  D2vValue x = d2v_graph_input (g, "x", D2V_F32, d2v_shape (1, 50, 64));
  D2vValue y = linear (g, x, 64);
  D2vValue z = d2v_op_activate (g, y, D2V_ACTIVATION_GELU);

  d2v_graph_output (g, "y", y);
  d2v_graph_output (g, "z", z);
  D2vPlan *plan = d2v_plan_new (g, ~0u, NULL);
  g_assert_cmpuint (plan->n_order, ==, 2);
  d2v_plan_free (plan);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/graph/first-error", test_first_error);
  g_test_add_func ("/graph/refuses-shapes", test_refuses_shapes);
  g_test_add_func ("/graph/plan", test_plan);
  g_test_add_func ("/graph/folds-constants", test_folds_constants);
  g_test_add_func ("/graph/outputs-are-copies", test_outputs_are_copies);
  g_test_add_func ("/graph/keeps-what-is-used", test_keeps_what_is_used);
  return g_test_run ();
}
