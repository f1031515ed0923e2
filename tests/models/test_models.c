/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_models.c: golden models against the original's answers, layer by layer.
 *
 * test_models FOLDER...: each holds one folder a case (README.md).
 * D2V_TEST_DEVICE and D2V_TEST_PRECISION choose what runs them. At less than
 * float the tolerance of a case does not apply, but that of the precision. */

#include "engine/d2v.h"
#include "engine/io/json.h"

#include <math.h>
#include <string.h>

#define MAX_PAIRS 5

/* How far all numbers may be off, as a share of the largest; and by how much of
 * it the best class may lead where another one is found to be it. Twice what
 * was found for f16 (8e-3, in the states of a model whose activation grows as
 * the square) and ten times of the ties (9.2e-6, in 2 of 5614 rows); for int8
 * 1.5 times (6.3e-2) and twice (1.6e-2, in 82 rows). */
typedef struct
{
  const gchar *name;
  D2vPrecision precision;
  gdouble tolerance, near_tie;
} Precision;

static const Precision precisions[] = {
  { "f16", D2V_PRECISION_F16, 1.5e-2, 1e-4 },
  { "int8", D2V_PRECISION_INT8, 1e-1, 3e-2 },
};
static const Precision *reduced; /* NULL: all digits */
static gdouble worst_error, worst_tie;
static guint n_rows, n_swapped;

typedef struct
{
  gchar *dir;
  D2vJson *json; /* case.json */
} Case;

static gchar *
in_case (const Case *c, const gchar *name)
{
  return g_build_filename (c->dir, name, NULL);
}

/* Largest difference, relative to the largest expected value. NaN expected:
 * not compared. NaN found: as wrong as can be. */
static gdouble
relative_error (const gfloat *found, const gfloat *expected, gsize n)
{
  gdouble largest = 0, worst = 0;

  for (gsize i = 0; i < n; i++)
    if (!isnan (expected[i]))
      {
        gdouble difference = fabs ((gdouble) found[i] - expected[i]);
        largest = MAX (largest, fabs (expected[i]));
        worst = isnan (difference) ? INFINITY : MAX (worst, difference);
      }
  return worst == 0 ? 0 : worst / MAX (largest, 1e-30);
}

static void
show_pairs (const gfloat *found, const gfloat *expected, gsize n,
            gdouble allowed)
{
  guint shown = 0;

  for (gsize i = 0; i < n && shown < MAX_PAIRS; i++)
    if (!(fabs ((gdouble) found[i] - expected[i]) <= allowed)
        && !isnan (expected[i]))
      {
        g_test_message ("  [%" G_GSIZE_FORMAT "] expected %.9g found %.9g", i,
                        expected[i], found[i]);
        shown++;
      }
}

static gboolean
same_shape (const D2vTensor *a, const D2vTensor *b)
{
  return d2v_tensor_rank (a) == d2v_tensor_rank (b)
         && memcmp (d2v_tensor_shape (a), d2v_tensor_shape (b),
                    d2v_tensor_rank (a) * sizeof (gsize))
                == 0;
}

static gdouble
tolerance_of (const Case *c, const gchar *name)
{
  if (reduced != NULL)
    return reduced->tolerance;
  return d2v_json_number (d2v_json_member (
      d2v_json_member (d2v_json_root (c->json), "tolerance"), name));
}

static gsize
best_of (const gfloat *x, gsize n)
{
  gsize best = 0;

  for (gsize i = 1; i < n; i++)
    if (x[i] > x[best])
      best = i;
  return best;
}

/* The best class of each row of @name, the scores of @n_classes, is as
 * expected, or nearly as good. */
static gboolean
same_classes (const gchar *name, const gfloat *found, const gfloat *expected,
              gsize n, gsize n_classes)
{
  gdouble largest = 0, worst = 0;

  for (gsize i = 0; i < n; i++)
    if (!isnan (expected[i]))
      largest = MAX (largest, fabs (expected[i]));
  for (gsize i = 0; i < n; i += n_classes)
    {
      gsize a = best_of (expected + i, n_classes);
      gsize b = best_of (found + i, n_classes);

      if (isnan (expected[i]))
        continue;
      n_rows++;
      n_swapped += a != b;
      worst = MAX (worst, (gdouble) expected[i + a] - expected[i + b]);
    }
  worst_tie = MAX (worst_tie, worst / largest);
  if (worst <= reduced->near_tie * largest)
    return TRUE;
  g_test_message ("%s: another class is best, off by %.3g of the largest", name,
                  worst / largest);
  return FALSE;
}

/* TRUE when output @name is as expected. */
static gboolean
compare (const Case *c, const gchar *name, const D2vTensor *found,
         const D2vTensor *expected)
{
  gdouble tolerance = tolerance_of (c, name);

  g_assert_cmpfloat (tolerance, >, 0);
  if (found == NULL || !same_shape (found, expected))
    {
      g_test_message ("%s: %s", name,
                      found == NULL ? "missing" : "wrong shape");
      return FALSE;
    }
  gsize n = d2v_tensor_n_elements (expected);
  const gfloat *a = d2v_tensor_data (found), *b = d2v_tensor_data (expected);
  gdouble error = relative_error (a, b, n);
  worst_error = MAX (worst_error, error);
  if (reduced != NULL && strcmp (name, "logits") == 0
      && !same_classes (
          name, a, b, n,
          d2v_tensor_shape (expected)[d2v_tensor_rank (expected) - 1]))
    return FALSE;
  if (error <= tolerance)
    return TRUE;
  g_test_message ("%s: relative error %.3g, tolerance %.3g", name, error,
                  tolerance);
  show_pairs (a, b, n, 0);
  return FALSE;
}

/* Hidden states come first, in order, so that the first message names the
 * first layer that differs. */
static gboolean
compare_all (const Case *c, const D2vTensors *found, const D2vTensors *expected)
{
  gboolean ok = TRUE;

  for (guint layer = 0; ok; layer++)
    {
      g_autofree gchar *name = g_strdup_printf ("hidden_states.%u", layer);
      const D2vTensor *tensor = d2v_tensors_get (expected, name);

      if (tensor == NULL)
        break;
      ok = compare (c, name, d2v_tensors_get (found, name), tensor);
    }
  for (guint i = 0; i < d2v_tensors_size (expected); i++)
    {
      const gchar *name = d2v_tensors_name (expected, i);
      if (!g_str_has_prefix (name, "hidden_states."))
        ok &= compare (c, name, d2v_tensors_get (found, name),
                       d2v_tensors_get (expected, name));
    }
  return ok;
}

/* A wrong case must not hide the ones after it. */
static gboolean
succeeded (const GError *error)
{
  if (error == NULL)
    return TRUE;
  g_test_message ("%s", error->message);
  g_test_fail ();
  return FALSE;
}

static D2vSession *
open_case (const Case *c, GError **error)
{
  const D2vJsonValue *root = d2v_json_root (c->json);
  D2vModelParams how
      = { .head = d2v_json_string (d2v_json_member (root, "head"), NULL) };
  D2vSessionParams where
      = { .device = g_getenv ("D2V_TEST_DEVICE"),
          .precision
          = reduced != NULL ? reduced->precision : D2V_PRECISION_AUTO };
  g_autoptr (D2vModel) model = d2v_model_open (c->dir, &how, error);

  return model != NULL ? d2v_session_new (model, &where, error) : NULL;
}

static void
run_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *inputs_path = in_case (c, "inputs.safetensors");
  g_autofree gchar *expected_path = in_case (c, "expected.safetensors");
  g_autoptr (D2vSession) session = open_case (c, &error);

  if (d2v_json_bool (d2v_json_member (d2v_json_root (c->json), "fails")))
    {
      g_assert_null (session);
      g_assert_nonnull (error);
      g_test_message ("%s", error->message);
      return;
    }
  if (reduced != NULL
      && g_error_matches (error, D2V_ERROR, D2V_ERROR_UNSUPPORTED))
    {
      g_test_skip (error->message);
      return;
    }
  if (!succeeded (error))
    return;
  g_autoptr (D2vTensors) inputs = d2v_tensors_load (inputs_path, &error);
  if (!succeeded (error))
    return;
  g_autoptr (D2vTensors) expected = d2v_tensors_load (expected_path, &error);
  if (!succeeded (error))
    return;
  g_autoptr (D2vTensors) found
      = d2v_session_run (session, inputs, D2V_RUN_HIDDEN_STATES, NULL, &error);
  if (!succeeded (error))
    return;
  if (!compare_all (c, found, expected))
    g_test_fail ();

  /* Without hidden states more is fused, and memory is used again. */
  g_autoptr (D2vTensors) fused
      = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, &error);
  if (!succeeded (error))
    return;
  for (guint i = 0; i < d2v_tensors_size (fused); i++)
    {
      const gchar *name = d2v_tensors_name (fused, i);
      if (!compare (c, name, d2v_tensors_get (fused, name),
                    d2v_tensors_get (expected, name)))
        g_test_fail ();
    }
}

static void
free_case (gpointer data)
{
  Case *c = data;

  g_free (c->dir);
  d2v_json_free (c->json);
  g_free (c);
}

/* Without the device that is asked for nothing is tested. */
static gboolean
has_device (const gchar *device)
{
  g_autoptr (GPtrArray) devices = NULL;
  gboolean has = FALSE;

  if (device == NULL || g_str_has_prefix (device, "cpu"))
    return TRUE;
  devices = d2v_devices_list ();
  for (guint i = 1; i < devices->len; i++)
    has = has || ((const D2vDevice *) g_ptr_array_index (devices, i))->usable;
  return has;
}

static void
add_cases (const gchar *folder)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  g_autofree gchar *group = g_path_get_basename (folder);
  const gchar *name;

  g_assert_nonnull (entries);
  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree gchar *path = g_strdup_printf ("/%s/%s", group, name);
      Case *c = g_new0 (Case, 1);

      c->dir = g_build_filename (folder, name, NULL);
      c->json = d2v_json_read (c->dir, "case.json", NULL, NULL);
      g_assert_nonnull (c->json);
      g_test_add_data_func_full (path, c, run_case, free_case);
    }
}

int
main (int argc, char **argv)
{
  const gchar *precision = g_getenv ("D2V_TEST_PRECISION");

  if (!has_device (g_getenv ("D2V_TEST_DEVICE")))
    {
      g_print ("1..0 # SKIP no device for Vulkan\n");
      return 0;
    }
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (precisions) && precision != NULL; i++)
    if (strcmp (precision, precisions[i].name) == 0)
      reduced = &precisions[i];
  g_assert_true (precision == NULL || reduced != NULL);
  for (gint i = 1; i < argc; i++)
    add_cases (argv[i]);
  gint result = g_test_run ();
  g_print ("# largest error %.3g", worst_error);
  if (reduced != NULL)
    g_print ("; %u rows, %u with another class, which was behind by %.3g at "
             "most",
             n_rows, n_swapped, worst_tie);
  g_print ("\n");
  return result;
}
