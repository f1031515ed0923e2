/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/classes.h"

#include "engine/base/alloc.h"

#include "tests/engine/golden.h"

#include <math.h>

static D2vModality
modality (const gchar *name)
{
  if (strcmp (name, "text") == 0)
    return D2V_MODALITY_TEXT;
  return strcmp (name, "audio") == 0 ? D2V_MODALITY_AUDIO : D2V_MODALITY_VISION;
}

static D2vProblem
problem (const gchar *name)
{
  if (name == NULL)
    return D2V_PROBLEM_NONE;
  if (strcmp (name, "regression") == 0)
    return D2V_PROBLEM_REGRESSION;
  return strcmp (name, "single_label_classification") == 0
             ? D2V_PROBLEM_SINGLE_LABEL
             : D2V_PROBLEM_MULTI_LABEL;
}

static void
check_golden (const D2vJsonValue *value)
{
  gsize n;
  g_autofree gfloat *logits = golden_floats (value, "logits", &n);
  const gchar *function
      = d2v_json_string (d2v_json_member (value, "function"), NULL);
  const gchar *problem_name
      = d2v_json_string (d2v_json_member (value, "problem"), NULL);
  const D2vJsonValue *expected = d2v_json_member (value, "expected");
  D2vClassesParams params
      = { .function = d2v_score_function_for (
              modality (golden_string (value, "modality")),
              problem (problem_name), n),
          .top_k = (gsize) golden_integer (value, "top_k") };
  g_autoptr (GError) error = NULL;

  if (function != NULL)
    g_assert_true (d2v_score_function_from_name (function, &params.function));
  g_autoptr (D2vClasses) classes
      = d2v_classes_rank (logits, n, &params, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (classes->n_items, ==, d2v_json_length (expected));
  for (gsize i = 0; i < classes->n_items; i++)
    {
      const D2vJsonValue *entry = d2v_json_element (expected, i);
      gdouble score = d2v_json_number (d2v_json_element (entry, 1));

      g_assert_cmpint ((gint64) classes->items[i].index, ==,
                       d2v_json_integer (d2v_json_element (entry, 0)));
      /* a few units of the last place: exp differs by one */
      g_assert_cmpfloat_with_epsilon (classes->items[i].score, score,
                                      3e-7 * MAX (1, fabs (score)));
    }
}

static void
test_golden (void)
{
  golden_each ("decode", "classes.json", check_golden);
}

static void
test_ranking (void)
{
  static const gfloat logits[] = { 1, 3, 3, NAN, -2 };
  static gchar *const labels[] = { (gchar *) "a", (gchar *) "b", (gchar *) "b",
                                   (gchar *) "c", (gchar *) "d" };
  D2vClassesParams params
      = { .function = D2V_SCORE_NONE, .top_k = 99, .labels = labels };
  static const gsize order[] = { 1, 2, 0, 4, 3 };

  g_autoptr (D2vClasses) all = d2v_classes_rank (logits, 5, &params, NULL);
  g_assert_cmpuint (all->n_items, ==, 5);
  for (gsize i = 0; i < 5; i++)
    {
      g_assert_cmpuint (all->items[i].index, ==, order[i]);
      g_assert_true (all->items[i].label == labels[order[i]]);
    }

  params.top_k = 0;
  params.labels = NULL;
  g_autoptr (D2vClasses) none = d2v_classes_rank (logits, 5, &params, NULL);
  g_assert_cmpuint (none->n_items, ==, 0);
  params.top_k = 1;
  g_autoptr (D2vClasses) one = d2v_classes_rank (logits, 5, &params, NULL);
  g_assert_null (one->items[0].label);
}

static void
test_defaults (void)
{
  D2vScoreFunction function;

  g_assert_cmpuint (d2v_classes_default_top_k (D2V_MODALITY_TEXT), ==, 1);
  g_assert_cmpuint (d2v_classes_default_top_k (D2V_MODALITY_AUDIO), ==, D2V_ALL);
  g_assert_cmpuint (d2v_classes_default_top_k (D2V_MODALITY_VISION), ==, 5);
  g_assert_false (d2v_score_function_from_name ("Softmax", &function));
  g_assert_false (d2v_score_function_from_name ("", &function));
}

static void
test_no_memory (void)
{
  static const gfloat logits[] = { 1, 2 };
  D2vClassesParams params = { .function = D2V_SCORE_SOFTMAX, .top_k = 2 };

  for (guint64 nth = 1; nth <= 3; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      g_assert_null (d2v_classes_rank (logits, 2, &params, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/classes/golden", test_golden);
  g_test_add_func ("/decode/classes/ranking", test_ranking);
  g_test_add_func ("/decode/classes/defaults", test_defaults);
  g_test_add_func ("/decode/classes/no-memory", test_no_memory);
  return g_test_run ();
}
