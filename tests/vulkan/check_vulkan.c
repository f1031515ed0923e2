/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* check_vulkan.c: every kernel check of tests/kernels, on a Vulkan device.
 *
 *   check_vulkan [--time] [--rung=RUNG] [OP...]   on D2V_TEST_DEVICE
 *
 * Each case is recorded as a graph of that one op: weights as constants, all
 * else as inputs. It is compared with the plain kernel of the CPU, within four
 * times what the CPU's fast kernels are allowed.
 *
 * That holds for 16-bit factors, too: the CPU gets them rounded beforehand.
 * Two such factors have a product that is exact in 32 bits, and sums are float
 * on all rungs, so nothing else may differ. With 8-bit factors, whose sums are
 * exact, the CPU gets each row as whole parts of a 127th of its largest number:
 * such a row is the same when it is divided so once more. */

#include "engine/vulkan/vulkan.h"
#include "tests/kernels/subject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A number below the normal range may become 0, also one of a sum. */
#define FLOOR 1e-37
#define N_SHOWN 5

static const struct
{
  const gchar *name;
  const D2vCheck *check;
} checks[D2V_N_OPS] = {
#define OP(NAME, name, fewest, most)                                           \
  [D2V_OP_##NAME] = { #name, &d2v_check_##name },
  D2V_OP_LIST (OP)
#undef OP
};

/* Slots that hold weights in the models, by op. */
static gboolean
is_weight (D2vOp op, guint slot)
{
  switch (op)
    {
    case D2V_OP_LINEAR:
      return slot > 0 && slot != D2V_LINEAR_RESIDUAL;
    case D2V_OP_CONV1D:
    case D2V_OP_CONV2D:
    case D2V_OP_LAYER_NORM:
      return slot > 0;
    case D2V_OP_EMBED:
      return slot == 1;
    default:
      return FALSE;
    }
}

/* --------------------------------------------------------------- rungs -- */

static gboolean halves; /* products have 16-bit factors */
static gboolean bytes;  /* those of LINEAR have 8-bit ones */

/* The nearest 16-bit float, ties to even; what is beyond them all becomes the
 * largest. */
static gfloat
to_half (gfloat x)
{
  gint exponent;

  if (isnan (x))
    return x;
  x = CLAMP (x, -65504.0f, 65504.0f);
  frexpf (x, &exponent);
  gfloat step = ldexpf (1, MAX (exponent - 11, -24));
  return rintf (x / step) * step;
}

/* A row of 8-bit factors, as floats. One with what is no finite number is not
 * to have any. */
static void
round_row (gfloat *x, gsize n)
{
  gfloat most = 0;
  gboolean finite = TRUE;

  for (gsize i = 0; i < n; i++)
    {
      finite = finite && isfinite (x[i]);
      most = MAX (most, fabsf (x[i]));
    }
  for (gsize i = 0; i < n; i++)
    x[i] = !finite         ? NAN
           : most < 1e-30f ? 0
                           : rintf (x[i] * (127 / most)) * (most / 127);
}

static void
round_slot (D2vSubject *s, guint slot)
{
  gfloat *x = (gfloat *) s->inputs[slot].data;
  gsize row = d2v_shape_last (&s->shapes[slot]);

  if (x == NULL)
    return;
  d2v_guarded_unprotect (&s->inputs[slot]);
  for (gsize i = 0; i < s->inputs[slot].n_bytes / sizeof *x; i++)
    if (halves)
      x[i] = to_half (x[i]);
    else if (i % row == 0)
      round_row (x + i, row);
  d2v_guarded_protect (&s->inputs[slot]);
}

/* The factors of a product become what the device makes of them. */
static void
round_factors (D2vSubject *s)
{
  if (s->node.op != D2V_OP_LINEAR
      && (bytes
          || (s->node.op != D2V_OP_CONV1D && s->node.op != D2V_OP_CONV2D)))
    return;
  round_slot (s, 0);
  round_slot (s, 1);
  if (s->node.op == D2V_OP_LINEAR)
    for (guint slot = 3; slot < D2V_LINEAR_RESIDUAL; slot += 2)
      round_slot (s, slot);
}

/* --------------------------------------------------------------- cases -- */

/* One case as a plan on a device. */
typedef struct
{
  D2vBackend *backend;
  D2vPrepared *prepared;
  gconstpointer inputs[D2V_MAX_INPUTS];
  guint n_inputs;
} Runner;

static D2vValue
add_input (Runner *r, D2vGraph *g, const D2vSubject *s, guint slot,
           gboolean as_constant)
{
  D2vDType dtype
      = d2v_fill_is_integer (s->data->in[slot].fill) ? D2V_I64 : D2V_F32;

  if (s->inputs[slot].data == NULL)
    return D2V_NONE;
  if (as_constant)
    {
      g_autoptr (D2vTensor) tensor
          = d2v_tensor_new_empty (dtype, &s->shapes[slot]);
      memcpy (tensor->data, s->inputs[slot].data, s->inputs[slot].n_bytes);
      return d2v_graph_constant (g, tensor);
    }
  g_autofree gchar *name = g_strdup_printf ("in%u", slot);
  r->inputs[r->n_inputs++] = s->inputs[slot].data;
  return d2v_graph_input (g, name, dtype, s->shapes[slot]);
}

static gboolean
prepare (Runner *r, const D2vSubject *s, gboolean weights, GError **error)
{
  D2vGraph *g = d2v_graph_new ();
  D2vValue values[D2V_MAX_INPUTS];

  for (guint slot = 0; slot < s->node.n_inputs; slot++)
    values[slot]
        = add_input (r, g, s, slot, weights && is_weight (s->node.op, slot));
  d2v_graph_output (g, "y",
                    d2v_graph_record (g, s->node.op, s->node.n_inputs, values,
                                      &s->node.attributes));
  D2vPlan *plan = d2v_plan_new (g, r->backend->fusions, error);
  if (plan == NULL)
    return FALSE;
  r->prepared = r->backend->functions->prepare (r->backend, plan, error);
  return r->prepared != NULL;
}

static gdouble
miss (gfloat expected, gdouble size, gdouble share, gfloat found)
{
  /* A scale that is infinite may leave an infinity. */
  if (bytes && !isfinite (expected) && !isfinite (found))
    return 0;
  if (isnan (expected) || isnan (found))
    return isnan (expected) && isnan (found) ? 0 : INFINITY;
  if (found == expected)
    return 0;
  return fabs ((gdouble) found - expected) / (4 * share * size + FLOOR);
}

static gdouble
compare (const D2vSubject *s, const gdouble *size, const gfloat *found)
{
  const gfloat *expected = d2v_subject_out (s);
  gdouble worst = 0;
  guint n_wrong = 0;

  for (gsize i = 0; i < d2v_subject_n_out (s); i++)
    {
      gdouble m = miss (expected[i], size[i], s->check->tolerance, found[i]);

      worst = MAX (worst, m);
      if (m > 1 && n_wrong++ < N_SHOWN)
        printf ("# [%" G_GSIZE_FORMAT "] expected %.9g found %.9g, %.3g of "
                "what is allowed\n",
                i, expected[i], found[i], m);
    }
  return worst;
}

/* Twice: what one run leaves behind must not change the next. */
static gboolean
run_case (D2vBackend *backend, const D2vSubject *s, gboolean weights,
          const gdouble *size, gdouble *worst)
{
  g_autoptr (GError) error = NULL;
  Runner r = { backend };
  gsize n = d2v_subject_n_out (s);
  g_autofree gfloat *found = g_new (gfloat, n);
  gboolean ok = prepare (&r, s, weights, &error);

  for (guint i = 0; i < 2 && ok; i++)
    {
      gpointer outputs[] = { found };
      const D2vRun run = { r.inputs, outputs };

      memset (found, 0xff, n * sizeof *found);
      ok = backend->functions->run (backend, r.prepared, &run, &error);
      if (ok)
        *worst = compare (s, size, found);
      ok = ok && *worst <= 1;
    }
  if (error != NULL)
    printf ("# %s\n", error->message);
  if (r.prepared != NULL)
    backend->functions->free_prepared (backend, r.prepared);
  return ok;
}

static gboolean
check_case (D2vBackend *backend, D2vOp op, const D2vCheckCase *data,
            gboolean weights, guint line)
{
  const D2vCheck *check = checks[op].check;
  D2vPool *pool = d2v_pool_new (1);
  D2vSubject s;
  gdouble worst = 0;

  d2v_subject_init (&s, op, check, data, 1);
  if ((halves || bytes) && weights)
    round_factors (&s);
  gsize n = d2v_subject_n_out (&s);
  g_autofree gdouble *expected = g_new (gdouble, n);
  g_autofree gdouble *size = g_new (gdouble, n);
  check->oracle (&s.call, expected, size);
  gboolean ok = d2v_subject_load (&s, d2v_cpu_kernel (op, D2V_CPU_PLAIN))
                && d2v_subject_run (&s, pool)
                && run_case (backend, &s, weights, size, &worst);
  printf ("%s %u - %s, %s%s (%.2g of what is allowed)\n", ok ? "ok" : "not ok",
          line, checks[op].name, data->name,
          weights ? "" : ", everything computed", worst);
  d2v_subject_clear (&s);
  d2v_pool_free (pool);
  return ok;
}

/* Milliseconds of the best of several runs, upload and read-back included. */
static void
time_case (D2vBackend *backend, D2vOp op, const D2vCheckCase *data)
{
  const D2vCheck *check = checks[op].check;
  g_autoptr (GError) error = NULL;
  Runner r = { backend };
  D2vSubject s;
  gint64 best = G_MAXINT64, until = g_get_monotonic_time () + G_USEC_PER_SEC;

  d2v_subject_init (&s, op, check, data, 1);
  g_autofree gfloat *found = g_new (gfloat, d2v_subject_n_out (&s));
  gpointer outputs[] = { found };
  gboolean ok = prepare (&r, &s, TRUE, &error);
  for (guint i = 0; ok && (i < 3 || g_get_monotonic_time () < until); i++)
    {
      const D2vRun run = { r.inputs, outputs };
      gint64 began = g_get_monotonic_time ();

      ok = backend->functions->run (backend, r.prepared, &run, &error);
      best = MIN (best, g_get_monotonic_time () - began);
    }
  printf ("# %-16s %10.3f ms", checks[op].name, (gdouble) best / 1e3);
  if (check->flop != NULL)
    printf (" %10.2f GFLOP/s", check->flop (&s.call) / (gdouble) best / 1e3);
  printf ("  %s%s\n", data->name, ok ? "" : " FAILED");
  if (r.prepared != NULL)
    backend->functions->free_prepared (backend, r.prepared);
  d2v_subject_clear (&s);
}

static gboolean
has_weights (D2vOp op)
{
  for (guint slot = 0; slot < D2V_MAX_INPUTS; slot++)
    if (is_weight (op, slot))
      return TRUE;
  return FALSE;
}

/* The taps of a convolution are turned at the upload, so they must be there by
 * then. */
static gboolean
runs_computed (D2vOp op)
{
  return op != D2V_OP_CONV1D && op != D2V_OP_CONV2D;
}

/* Takes the options out of the arguments; what is left are ops. */
static gboolean
parse (int *argc, char **argv)
{
  gboolean timing = FALSE;
  int n = 1;

  for (int i = 1; i < *argc; i++)
    if (strcmp (argv[i], "--time") == 0)
      timing = TRUE;
    else if (g_str_has_prefix (argv[i], "--rung="))
      {
        const gchar *rung = argv[i] + strlen ("--rung=");

        g_setenv ("D2V_VULKAN_RUNG", rung, TRUE);
        halves
            = strcmp (rung, "f16") == 0 || g_str_has_prefix (rung, "coopmat");
        bytes = strcmp (rung, "int8") == 0;
      }
    else
      argv[n++] = argv[i];
  *argc = n;
  argv[n] = NULL;
  return timing;
}

int
main (int argc, char **argv)
{
  gboolean timing = parse (&argc, argv);
  g_autoptr (GError) error = NULL;
  const gchar *wanted = g_getenv ("D2V_TEST_DEVICE");
  g_autofree gchar *device
      = d2v_vulkan_resolve (wanted != NULL ? wanted : "vulkan", &error);
  D2vBackend *backend
      = device != NULL
            ? d2v_vulkan_backend_new (device, D2V_PRECISION_F32, &error)
            : NULL;
  guint line = 0, n_failed = 0;

  if (backend == NULL)
    {
      printf ("1..0 # SKIP %s\n", error->message);
      return 0; /* TAP: all of it skipped */
    }
  setvbuf (stdout, NULL, _IOLBF, 0);
  printf ("# %s\n", backend->device_name);
  for (guint op = 0; op < D2V_N_OPS; op++)
    {
      if (argc > 1
          && !g_strv_contains ((const gchar *const *) argv + 1,
                               checks[op].name))
        continue;
      for (guint i = 0; i < checks[op].check->n_cases; i++)
        {
          const D2vCheckCase *data = &checks[op].check->cases[i];

          if (timing && data->for_timing)
            time_case (backend, op, data);
          if (timing || data->for_timing)
            continue;
          if (has_weights (op))
            n_failed += !check_case (backend, op, data, TRUE, ++line);
          if (runs_computed (op))
            n_failed += !check_case (backend, op, data, FALSE, ++line);
        }
    }
  printf ("1..%u\n", line);
  backend->functions->free (backend);
  return n_failed != 0;
}
