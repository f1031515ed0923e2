/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/classes.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/decode/scores.h"

#include <string.h>

gboolean
d2v_score_function_from_name (const gchar *name, D2vScoreFunction *out)
{
  static const gchar *const names[] = {
    [D2V_SCORE_AUTO] = NULL,
    [D2V_SCORE_SOFTMAX] = "softmax",
    [D2V_SCORE_SIGMOID] = "sigmoid",
    [D2V_SCORE_NONE] = "none",
  };

  for (guint i = D2V_SCORE_SOFTMAX; i < G_N_ELEMENTS (names); i++)
    if (strcmp (name, names[i]) == 0)
      {
        *out = (D2vScoreFunction) i;
        return TRUE;
      }
  return FALSE;
}

D2vScoreFunction
d2v_score_function_for (D2vModality modality, D2vProblem problem,
                        gsize n_labels)
{
  if (problem == D2V_PROBLEM_REGRESSION)
    return D2V_SCORE_NONE;
  if (problem == D2V_PROBLEM_MULTI_LABEL)
    return D2V_SCORE_SIGMOID;
  if (n_labels == 1 && modality != D2V_MODALITY_AUDIO)
    return D2V_SCORE_SIGMOID;
  return D2V_SCORE_SOFTMAX;
}

gsize
d2v_classes_default_top_k (D2vModality modality)
{
  return modality == D2V_MODALITY_TEXT     ? 1
         : modality == D2V_MODALITY_VISION ? 5
                                           : D2V_ALL;
}

void
d2v_score_apply (D2vScoreFunction function, const gfloat *logits,
                 gfloat *scores, gsize n)
{
  switch (function)
    {
    case D2V_SCORE_SOFTMAX:
      d2v_softmax (logits, scores, n);
      return;
    case D2V_SCORE_SIGMOID:
      d2v_sigmoid_n (logits, scores, n);
      return;
    case D2V_SCORE_NONE:
      if (scores != logits && n > 0)
        memcpy (scores, logits, n * sizeof *scores);
      return;
    case D2V_SCORE_AUTO:
      break;
    }
  g_assert_not_reached ();
}

/* @scores: (n). @order: room for the answer. */
static D2vClasses *
pick (const gfloat *scores, gsize n, const D2vClassesParams *params,
      gsize *order)
{
  D2vClasses *classes = g_new0 (D2vClasses, 1);

  classes->n_items = d2v_top_k (scores, n, params->top_k, order);
  if (classes->n_items == 0)
    return classes;
  classes->items = d2v_malloc_n (classes->n_items, sizeof *classes->items);
  if (classes->items == NULL)
    {
      d2v_classes_free (classes);
      return NULL;
    }
  for (gsize i = 0; i < classes->n_items; i++)
    classes->items[i] = (D2vClass){
      .index = order[i],
      .label = params->labels != NULL ? params->labels[order[i]] : NULL,
      .score = scores[order[i]],
    };
  return classes;
}

D2vClasses *
d2v_classes_rank (const gfloat *logits, gsize n, const D2vClassesParams *params,
                  GError **error)
{
  gfloat *scores = d2v_malloc_n (d2v_max (n, 1), sizeof *scores);
  gsize *order = d2v_malloc_n (d2v_max (n, 1), sizeof *order);
  D2vClasses *classes = NULL;

  if (scores != NULL && order != NULL)
    {
      d2v_score_apply (params->function, logits, scores, n);
      classes = pick (scores, n, params, order);
    }
  if (classes == NULL)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
              "expected memory for %" G_GSIZE_FORMAT " classes, found none", n);
  d2v_free (scores);
  d2v_free (order);
  return classes;
}

void
d2v_classes_free (D2vClasses *classes)
{
  if (classes == NULL)
    return;
  d2v_free (classes->items);
  g_free (classes);
}
