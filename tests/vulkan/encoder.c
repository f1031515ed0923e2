/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/vulkan/encoder.h"

#include "engine/vulkan/vulkan.h"

#include <math.h>

static void
fill (gfloat *x, gsize n, guint32 seed, gfloat by)
{
  for (gsize i = 0; i < n; i++)
    {
      seed = seed * 1664525 + 1013904223;
      x[i] = (gfloat) (gint32) seed * 0x1p-31f * by;
    }
}

static D2vValue
weight (D2vGraph *g, D2vShape shape, gfloat by)
{
  g_autoptr (D2vTensor) tensor = d2v_tensor_new_empty (D2V_F32, &shape);

  fill (tensor->data, d2v_shape_size (&shape), d2v_graph_n_values (g) + 1, by);
  return d2v_graph_constant (g, tensor);
}

static D2vValue
linear (D2vGraph *g, D2vValue x, gsize n_out, gsize n_in)
{
  const D2vAttributes none = { 0 };
  D2vValue in[] = { x, weight (g, d2v_shape (n_out, n_in), 0.3f),
                    weight (g, d2v_shape (n_out), 0.1f) };

  return d2v_graph_record (g, D2V_OP_LINEAR, 3, in, &none);
}

static D2vValue
qkv (D2vGraph *g, D2vValue x)
{
  const D2vAttributes none = { 0 };
  D2vValue in[7] = { x };

  for (guint i = 0; i < 3; i++)
    {
      in[1 + 2 * i]
          = weight (g, d2v_shape (ENCODER_WIDTH, ENCODER_WIDTH), 0.3f);
      in[2 + 2 * i] = weight (g, d2v_shape (ENCODER_WIDTH), 0.1f);
    }
  return d2v_graph_record (g, D2V_OP_LINEAR, 7, in, &none);
}

static D2vValue
norm (D2vGraph *g, D2vValue x)
{
  return d2v_op_layer_norm (g, x, weight (g, d2v_shape (ENCODER_WIDTH), 1),
                            weight (g, d2v_shape (ENCODER_WIDTH), 0.2f), 1e-5f);
}

static D2vValue
attend (D2vGraph *g, D2vValue x)
{
  const D2vAttributes heads = { .n_heads = ENCODER_HEADS, .scale = 0.3f };
  D2vValue in = qkv (g, x);
  D2vValue y = d2v_graph_record (g, D2V_OP_ATTENTION, 1, &in, &heads);

  return linear (g, y, ENCODER_WIDTH, ENCODER_WIDTH);
}

static D2vValue
feed_forward (D2vGraph *g, D2vValue x)
{
  D2vValue y = d2v_op_activate (
      g, linear (g, x, 4 * ENCODER_WIDTH, ENCODER_WIDTH), D2V_ACTIVATION_GELU);

  return linear (g, y, ENCODER_WIDTH, 4 * ENCODER_WIDTH);
}

/* Norms after the sums, as the text models have them. */
static D2vValue
post_norm_layer (D2vGraph *g, D2vValue x)
{
  x = norm (g, d2v_op_add (g, x, attend (g, x)));
  return norm (g, d2v_op_add (g, x, feed_forward (g, x)));
}

/* Norms before the products, as the vision models have them. */
static D2vValue
pre_norm_layer (D2vGraph *g, D2vValue x)
{
  x = d2v_op_add (g, x, attend (g, norm (g, x)));
  return d2v_op_add (g, x, feed_forward (g, norm (g, x)));
}

D2vGraph *
encoder_new (guint n_layers)
{
  D2vGraph *g = d2v_graph_new ();
  D2vValue x = d2v_graph_input (g, "x", D2V_F32,
                                d2v_shape (1, ENCODER_STEPS, ENCODER_WIDTH));

  for (guint i = 0; i < n_layers; i++)
    x = i % 2 == 0 ? post_norm_layer (g, x) : pre_norm_layer (g, x);
  d2v_graph_output (g, "y", x);
  return g;
}

void
encoder_input (guint index, gfloat *x)
{
  fill (x, ENCODER_N, 1000 + index, 1);
}

D2vPrepared *
encoder_prepare (D2vBackend *backend, guint n_layers, GError **error)
{
  D2vPlan *plan
      = d2v_plan_new (encoder_new (n_layers), backend->fusions, error);

  return plan != NULL ? backend->functions->prepare (backend, plan, error)
                      : NULL;
}

gboolean
encoder_run (D2vBackend *backend, D2vPrepared *prepared, guint index, gfloat *y,
             GError **error)
{
  gfloat x[ENCODER_N];
  gconstpointer inputs[] = { x };
  gpointer outputs[] = { y };
  const D2vRun run = { inputs, outputs };

  encoder_input (index, x);
  return backend->functions->run (backend, prepared, &run, error);
}

D2vPrepared *
cached_prepare (D2vBackend *backend, GError **error)
{
  const D2vAttributes causal
      = { .n_heads = ENCODER_HEADS, .scale = 0.3f, .causal = TRUE };
  D2vGraph *g = d2v_graph_new ();
  D2vValue x = d2v_graph_input (g, "x", D2V_F32,
                                d2v_shape (1, CACHED_STEPS, ENCODER_WIDTH));
  D2vValue in[] = { qkv (g, x),
                    D2V_NONE,
                    D2V_NONE,
                    D2V_NONE,
                    d2v_graph_state (g, d2v_shape (2, 1, 32, ENCODER_WIDTH)),
                    d2v_graph_input (g, "n_past", D2V_I64, d2v_shape (1)) };

  d2v_graph_output (g, "y",
                    d2v_graph_record (g, D2V_OP_ATTENTION, 6, in, &causal));
  D2vPlan *plan = d2v_plan_new (g, backend->fusions, error);
  return plan != NULL ? backend->functions->prepare (backend, plan, error)
                      : NULL;
}

gboolean
cached_run (D2vBackend *backend, D2vPrepared *prepared, guint index, gfloat *y,
            GError **error)
{
  gfloat x[CACHED_N];
  gint64 n_past = (gint64) index * CACHED_STEPS;
  gconstpointer inputs[] = { x, &n_past };
  gpointer outputs[] = { y };
  const D2vRun run = { inputs, outputs };

  fill (x, CACHED_N, 2000 + index, 1);
  return backend->functions->run (backend, prepared, &run, error);
}

gdouble
encoder_error (const gfloat *found, const gfloat *expected, gsize n)
{
  gdouble worst = 0, largest = 0;

  for (gsize i = 0; i < n; i++)
    {
      gdouble difference = fabs ((gdouble) found[i] - expected[i]);
      worst = isnan (difference) ? INFINITY : MAX (worst, difference);
      largest = MAX (largest, fabs (expected[i]));
    }
  return worst / largest;
}

gchar *
test_device (void)
{
  g_autoptr (GError) error = NULL;
  const gchar *wanted = g_getenv ("D2V_TEST_DEVICE");
  gchar *device
      = d2v_vulkan_resolve (wanted != NULL ? wanted : "vulkan", &error);

  if (device == NULL)
    g_print ("1..0 # SKIP %s\n", error->message);
  return device;
}
