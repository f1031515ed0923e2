/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* selftest.c: does this device compute what the CPU computes?
 *
 * Drivers with wrong results exist. The graph is one layer of each kind, with
 * odd sizes, so that tiles have ragged ends. */

#include "engine/base/error.h"
#include "engine/session/fallback.h"

#include <math.h>

#define N_SEQUENCES 2
#define N_SAMPLES 75
#define N_STEPS 37 /* of the result of the convolution */
#define WIDTH 48
#define N_HEADS 4

/* The same numbers everywhere, about -1..1. */
static void
fill (gfloat *x, gsize n, guint32 seed)
{
  for (gsize i = 0; i < n; i++)
    {
      seed = seed * 1664525 + 1013904223;
      x[i] = (gfloat) (gint32) seed * 0x1p-31f;
    }
}

static D2vValue
weight (D2vGraph *g, D2vShape shape, gfloat by)
{
  g_autoptr (D2vTensor) tensor = d2v_tensor_new_empty (D2V_F32, &shape);

  if (tensor == NULL)
    {
      d2v_graph_fail (g, D2V_ERROR_NO_MEMORY, "a weight");
      return D2V_NONE;
    }
  gfloat *data = tensor->data;
  gsize n = d2v_shape_size (&shape);
  fill (data, n, d2v_graph_n_values (g) + 1);
  for (gsize i = 0; i < n; i++)
    data[i] *= by;
  return d2v_graph_constant (g, tensor);
}

static D2vValue
linear (D2vGraph *g, D2vValue x, gsize n_out, gsize n_in,
        D2vActivation activation)
{
  const D2vAttributes a = { .activation = activation };
  D2vValue in[] = { x, weight (g, d2v_shape (n_out, n_in), 0.3f),
                    weight (g, d2v_shape (n_out), 0.1f) };

  return d2v_graph_record (g, D2V_OP_LINEAR, 3, in, &a);
}

static D2vValue
norm (D2vGraph *g, D2vValue x)
{
  return d2v_op_layer_norm (g, x, weight (g, d2v_shape (WIDTH), 1),
                            weight (g, d2v_shape (WIDTH), 0.2f), 1e-5f);
}

static D2vValue
conv1d (D2vGraph *g, D2vValue x)
{
  const D2vAttributes a = { .stride = 2, .dilation = 1, .groups = 1 };
  D2vValue in[] = { x, weight (g, d2v_shape (WIDTH, 1, 3), 1),
                    weight (g, d2v_shape (WIDTH), 0.1f) };

  x = d2v_graph_record (g, D2V_OP_CONV1D, 3, in, &a);
  return d2v_op_activate (g, norm (g, x), D2V_ACTIVATION_GELU);
}

static D2vValue
positions (D2vGraph *g, D2vValue x)
{
  const D2vAttributes a
      = { .stride = 1, .dilation = 1, .padding = 2, .groups = 4 };
  D2vValue in[] = { x, weight (g, d2v_shape (WIDTH, WIDTH / 4, 5), 0.3f) };

  return d2v_op_add (g, x, d2v_graph_record (g, D2V_OP_CONV1D, 2, in, &a));
}

static D2vValue
attention (D2vGraph *g, D2vValue x, D2vValue mask)
{
  const D2vAttributes a = { .n_heads = N_HEADS, .scale = 0.3f };
  D2vValue in[]
      = { linear (g, x, 3 * WIDTH, WIDTH, D2V_ACTIVATION_NONE), mask };

  return d2v_graph_record (g, D2V_OP_ATTENTION, 2, in, &a);
}

static D2vValue
map (D2vGraph *g, D2vValue x)
{
  const D2vAttributes conv = { .activation = D2V_ACTIVATION_RELU };
  const D2vAttributes size = { .size = 9, .size_w = 14 };
  D2vValue in[] = { d2v_op_reshape (g, d2v_op_slice (g, x, 1, 1, 35),
                                    d2v_shape (N_SEQUENCES, 5, 7, WIDTH)),
                    weight (g, d2v_shape (11, WIDTH, 3, 3), 0.1f) };

  x = d2v_graph_record (g, D2V_OP_CONV2D, 2, in, &conv);
  return d2v_graph_record (g, D2V_OP_RESIZE_BILINEAR, 1, &x, &size);
}

static D2vGraph *
record (void)
{
  D2vGraph *g = d2v_graph_new ();
  D2vValue x = d2v_graph_input (g, "x", D2V_F32,
                                d2v_shape (N_SEQUENCES, N_SAMPLES, 1));
  D2vValue mask
      = d2v_graph_input (g, "mask", D2V_F32, d2v_shape (N_SEQUENCES, N_STEPS));

  x = positions (g, conv1d (g, x));
  x = norm (g, d2v_op_add (g, x,
                           linear (g, attention (g, x, mask), WIDTH, WIDTH,
                                   D2V_ACTIVATION_NONE)));
  D2vValue y = linear (g, x, 2 * WIDTH + 1, WIDTH, D2V_ACTIVATION_GELU);
  y = linear (g, y, WIDTH, 2 * WIDTH + 1, D2V_ACTIVATION_NONE);
  x = norm (g, d2v_op_add (g, x, y));
  d2v_graph_output (g, "y", map (g, x));
  return g;
}

#define N_OUT (N_SEQUENCES * 9 * 14 * 11)

/* The result of @backend into @y (N_OUT). */
static gboolean
compute (D2vBackend *backend, gfloat *y, GError **error)
{
  gfloat x[N_SEQUENCES * N_SAMPLES], mask[N_SEQUENCES * N_STEPS];
  gconstpointer inputs[] = { x, mask };
  gpointer outputs[] = { y };
  const D2vRun run = { inputs, outputs };

  fill (x, G_N_ELEMENTS (x), 7);
  for (guint i = 0; i < G_N_ELEMENTS (mask); i++)
    mask[i] = i < N_STEPS || i % N_STEPS < 29;
  D2vPlan *plan = d2v_plan_new (record (), backend->fusions, error);
  D2vPrepared *prepared
      = plan != NULL ? backend->functions->prepare (backend, plan, error)
                     : NULL;
  if (prepared == NULL)
    return FALSE;
  gboolean ok = backend->functions->run (backend, prepared, &run, error);
  backend->functions->free_prepared (backend, prepared);
  return ok;
}

gdouble
d2v_distance (const gfloat *found, const gfloat *expected, gsize n)
{
  gdouble worst = 0, largest = 0;

  for (gsize i = 0; i < n; i++)
    {
      gdouble difference = fabs ((gdouble) found[i] - expected[i]);
      worst = isnan (difference) ? INFINITY : MAX (worst, difference);
      largest = MAX (largest, fabs (expected[i]));
    }
  return worst > 0 ? worst / largest : 0;
}

gdouble
d2v_distance_of_classes (const gfloat *found, const gfloat *expected, gsize n)
{
  gsize n_others = 0;

  for (gsize i = 0; i < n; i++)
    n_others += found[i] != expected[i];
  return (gdouble) n_others / (gdouble) n;
}

gboolean
d2v_selftest (D2vBackend *backend, D2vBackend *reference, GError **error)
{
  g_autofree gfloat *found = g_new0 (gfloat, N_OUT);
  g_autofree gfloat *expected = g_new0 (gfloat, N_OUT);

  if (!compute (backend, found, error) || !compute (reference, expected, error))
    return FALSE;
  gdouble distance = d2v_distance (found, expected, N_OUT);
  return distance <= backend->tolerance
         || d2v_fail (error, D2V_ERROR_DEVICE, NULL,
                      "%s: the self-test is off by %.2g of the largest "
                      "number, allowed are %.2g: its driver computes wrongly",
                      backend->device_name, distance, backend->tolerance);
}
