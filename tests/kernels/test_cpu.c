/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the checks of the ops take for granted: that the activations are the
 * original's, and that levels are chosen as told. */

#include "engine/cpu/activation.h"
#include "engine/cpu/cpu_private.h"

#include <math.h>

static const gdouble points[] = { -4, -1.7, -0.3, 0, 0.6, 2.9, 11 };

/* The original's registry at these points, in float64. */
static const gdouble original[D2V_N_ACTIVATIONS][G_N_ELEMENTS (points)] = {
  [D2V_ACTIVATION_NONE] = { -4, -1.7, -0.3, 0, 0.6, 2.9, 11 },
  [D2V_ACTIVATION_GELU]
  = { -0.00012668496733248, -0.0757612866895232, -0.114626573343314, 0,
      0.435448129349956, 2.89458914142889, 11 },
  [D2V_ACTIVATION_GELU_TANH]
  = { -7.02459481922713e-05, -0.0758941044488438, -0.114629076457241, 0,
      0.435415199230815, 2.89503333376453, 11 },
  [D2V_ACTIVATION_GELU_FAST]
  = { -7.02459481951578e-05, -0.0758941044496415, -0.114629076457363, 0,
      0.435415199230397, 2.89503333376441, 11 },
  [D2V_ACTIVATION_GELU_10]
  = { -0.00012668496733248, -0.0757612866895232, -0.114626573343314, 0,
      0.435448129349956, 2.89458914142889, 10 },
  [D2V_ACTIVATION_QUICK_GELU]
  = { -0.00441472413958106, -0.0892173441227282, -0.112515864618408, 0,
      0.441123767400919, 2.87931296879346, 10.9999999186174 },
  [D2V_ACTIVATION_RELU] = { 0, 0, 0, 0, 0.6, 2.9, 11 },
  [D2V_ACTIVATION_RELU2] = { 0, 0, 0, 0, 0.36, 8.41, 121 },
  [D2V_ACTIVATION_RELU6] = { 0, 0, 0, 0, 0.6, 2.9, 6 },
  [D2V_ACTIVATION_LEAKY_RELU] = { -0.04, -0.017, -0.003, 0, 0.6, 2.9, 11 },
  [D2V_ACTIVATION_SILU]
  = { -0.0719448398483662, -0.262590950642009, -0.127667244956502, 0,
      0.387393783735477, 2.74875466707259, 10.9998162843597 },
  [D2V_ACTIVATION_SIGMOID]
  = { 0.0179862099620916, 0.154465265083535, 0.425557483188341, 0.5,
      0.645656306225795, 0.947846436921582, 0.999983298578152 },
  [D2V_ACTIVATION_TANH]
  = { -0.999329299739067, -0.935409070603099, -0.291312612451591, 0,
      0.537049566998035, 0.993963167350583, 0.999999999442106 },
  [D2V_ACTIVATION_MISH]
  = { -0.0725917407920253, -0.282589380603915, -0.151133177138335, 0,
      0.466136485694329, 2.88426682811307, 10.9999999938634 },
  [D2V_ACTIVATION_LAPLACE] = { 0, 0, 0.000178423355978452, 0.00609445961793559,
                               0.352089943949243, 0.999999999999996, 1 },
  [D2V_ACTIVATION_HARDSWISH]
  = { -0, -0.368333333333333, -0.135, 0, 0.36, 2.85166666666667, 11 },
  [D2V_ACTIVATION_SQRTSOFTPLUS]
  = { 0.13472166833071, 0.409616930053271, 0.744550363957017, 0.832554611157698,
      1.01857152448215, 1.71859325502516, 3.31662730820955 },
};

static void
test_activation_original (void)
{
  for (guint a = 0; a < D2V_N_ACTIVATIONS; a++)
    for (guint i = 0; i < G_N_ELEMENTS (points); i++)
      g_assert_cmpfloat_with_epsilon (d2v_activation_value (a, points[i]),
                                      original[a][i], 1e-12);
}

static void
test_activation_nan (void)
{
  for (guint a = 0; a < D2V_N_ACTIVATIONS; a++)
    g_assert_true (isnan (d2v_activation_value (a, NAN)));
}

static void
test_level_names (void)
{
  g_assert_cmpstr (d2v_cpu_level_name (D2V_CPU_PLAIN), ==, "plain");
  g_assert_cmpstr (d2v_cpu_level_name (D2V_CPU_AVX2), ==, "avx2");
  g_assert_cmpstr (d2v_cpu_level_name (D2V_CPU_AVX512), ==, "avx512");
}

/* A level has a kernel for everything: its own or a lower level's. */
static void
test_level_kernels (void)
{
  for (guint op = 0; op < D2V_N_OPS; op++)
    for (guint level = 0; level < D2V_N_CPU_LEVELS; level++)
      {
        const D2vKernel *kernel = d2v_cpu_kernel (op, level);

        g_assert_nonnull (kernel);
        g_assert_nonnull (kernel->n_items);
        g_assert_nonnull (kernel->run);
        g_assert_true ((kernel->pack_kind != NULL) == (kernel->pack != NULL));
        g_assert_true ((kernel->pack_kind != NULL)
                       == (kernel->packed_bytes != NULL));
        g_assert_true ((kernel->pack_kind != NULL) == (kernel->unpack != NULL));
      }
}

/* The level is read once in a process, so each way of setting it has one. */
static void
test_level_lowered_child (void)
{
  g_assert_cmpint (d2v_cpu_level (), ==, D2V_CPU_PLAIN);
}

static void
test_level_unknown_child (void)
{
  /* GTest makes warnings fatal. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  D2vCpuLevel level = d2v_cpu_level ();
  g_assert_cmpint (level, >=, D2V_CPU_PLAIN);
  g_assert_cmpint (level, <, D2V_N_CPU_LEVELS);
}

static void
run_with_level (const gchar *level, const gchar *child)
{
  g_autofree gchar *before = g_strdup (g_getenv ("D2V_CPU_LEVEL"));

  g_setenv ("D2V_CPU_LEVEL", level, TRUE);
  g_test_trap_subprocess (child, 0, 0);
  if (before != NULL)
    g_setenv ("D2V_CPU_LEVEL", before, TRUE);
  else
    g_unsetenv ("D2V_CPU_LEVEL");
  g_test_trap_assert_passed ();
}

static void
test_level_lowered (void)
{
  run_with_level ("plain", "/kernels/level/lowered/subprocess");
}

static void
test_level_unknown (void)
{
  run_with_level ("avx9", "/kernels/level/unknown/subprocess");
  g_test_trap_assert_stderr ("*found \"avx9\"*");
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/activation/original", test_activation_original);
  g_test_add_func ("/kernels/activation/nan", test_activation_nan);
  g_test_add_func ("/kernels/level/names", test_level_names);
  g_test_add_func ("/kernels/level/kernels", test_level_kernels);
  g_test_add_func ("/kernels/level/lowered", test_level_lowered);
  g_test_add_func ("/kernels/level/lowered/subprocess",
                   test_level_lowered_child);
  g_test_add_func ("/kernels/level/unknown", test_level_unknown);
  g_test_add_func ("/kernels/level/unknown/subprocess",
                   test_level_unknown_child);
  return g_test_run ();
}
