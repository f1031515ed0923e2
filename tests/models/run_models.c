/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run_models.c: runs models on their inputs, for random_models.py.
 *
 * run_models FOLDER...: the outputs are finite, the same with and without
 * hidden states, and those of plain.safetensors in the folder; the first run
 * writes it. */

#include "engine/d2v.h"

#include <math.h>
#include <stdio.h>

/* Of the largest number. Sums in another order differ by 6e-6 at most in the
 * models that are drawn (in one of a thousand a norm over a channel or two
 * magnifies that to 2e-4); gelu's two forms already differ by 5e-4. */
#define TOLERANCE 3e-5

static gboolean
is_finite (const gchar *folder, const gchar *name, const D2vTensor *tensor)
{
  const gfloat *x = d2v_tensor_data (tensor);

  for (gsize i = 0; i < d2v_tensor_n_elements (tensor); i++)
    if (!isfinite (x[i]))
      {
        printf ("%s: %s[%" G_GSIZE_FORMAT "] is %g\n", folder, name, i, x[i]);
        return FALSE;
      }
  return TRUE;
}

/* The largest difference as a share of the largest number. */
static gdouble
distance (const D2vTensor *a, const D2vTensor *b)
{
  const gfloat *x = d2v_tensor_data (a), *y = d2v_tensor_data (b);
  gdouble largest = 1e-3, worst = 0;

  if (a == NULL || d2v_tensor_n_bytes (a) != d2v_tensor_n_bytes (b))
    return INFINITY;
  for (gsize i = 0; i < d2v_tensor_n_elements (b); i++)
    {
      largest = MAX (largest, fabs (y[i]));
      worst = MAX (worst, fabs ((gdouble) x[i] - y[i]));
    }
  return worst / largest;
}

/* All of @expected is in @found, or with @fewer what is there. */
static gboolean
compare (const gchar *folder, const D2vTensors *found,
         const D2vTensors *expected, gboolean fewer, gdouble *worst)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < d2v_tensors_size (expected); i++)
    {
      const gchar *name = d2v_tensors_name (expected, i);
      const D2vTensor *tensor = d2v_tensors_get (found, name);

      if (tensor == NULL && fewer)
        continue;
      gdouble d = tensor != NULL
                      ? distance (tensor, d2v_tensors_get (expected, name))
                      : INFINITY;
      *worst = MAX (*worst, d);
      if (!(d <= TOLERANCE))
        {
          printf ("%s: %s differs by %.3g\n", folder, name, d);
          ok = FALSE;
        }
    }
  return ok;
}

static D2vTensors *
run (D2vSession *session, const D2vTensors *inputs, D2vRunFlags flags,
     const gchar *folder, GError **error)
{
  D2vTensors *outputs = d2v_session_run (session, inputs, flags, NULL, error);

  for (guint i = 0; outputs != NULL && i < d2v_tensors_size (outputs); i++)
    {
      const gchar *name = d2v_tensors_name (outputs, i);
      if (!is_finite (folder, name, d2v_tensors_get (outputs, name)))
        g_clear_pointer (&outputs, d2v_tensors_unref);
    }
  return outputs;
}

static gboolean
run_folder (const gchar *folder, gdouble *worst, GError **error)
{
  const D2vSessionParams params = { .device = "cpu", .n_threads = 2 };
  g_autofree gchar *plain
      = g_build_filename (folder, "plain.safetensors", NULL);
  g_autofree gchar *given
      = g_build_filename (folder, "inputs.safetensors", NULL);
  g_autoptr (D2vTensors) inputs = d2v_tensors_load (given, error);
  g_autoptr (D2vModel) model
      = inputs != NULL ? d2v_model_open (folder, NULL, error) : NULL;
  g_autoptr (D2vSession) session
      = model != NULL ? d2v_session_new (model, &params, error) : NULL;
  if (session == NULL)
    return FALSE;
  g_autoptr (D2vTensors) all
      = run (session, inputs, D2V_RUN_HIDDEN_STATES, folder, error);
  g_autoptr (D2vTensors) fused
      = all != NULL ? run (session, inputs, D2V_RUN_DEFAULT, folder, error)
                    : NULL;
  if (fused == NULL || !compare (folder, fused, all, TRUE, worst))
    return FALSE;
  if (!g_file_test (plain, G_FILE_TEST_EXISTS))
    return d2v_tensors_save (all, plain, error);
  g_autoptr (D2vTensors) expected = d2v_tensors_load (plain, error);
  return expected != NULL && compare (folder, all, expected, FALSE, worst);
}

int
main (int argc, char **argv)
{
  gdouble worst = 0;
  int failed = 0;

  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;

      if (run_folder (argv[i], &worst, &error))
        continue;
      failed++;
      printf ("%s: %s\n", argv[i], error != NULL ? error->message : "failed");
    }
  printf ("largest difference %.3g\n", worst);
  return failed > 0;
}
