/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* classes.h: logits of a classifier as labels in order (spec 8.5), for sound,
 * text and images. Any thread. */
#pragma once

#include "engine/d2v.h"
#include "engine/io/config.h"

typedef enum
{
  D2V_SCORE_AUTO, /* as d2v_score_function_for() says */
  D2V_SCORE_SOFTMAX,
  D2V_SCORE_SIGMOID,
  D2V_SCORE_NONE /* the logits themselves */
} D2vScoreFunction;

/* "softmax", "sigmoid" or "none". */
gboolean d2v_score_function_from_name (const gchar *name,
                                       D2vScoreFunction *out);

/* What the original's pipelines apply when nobody says: regression none,
 * several labels at once sigmoid, otherwise softmax; for text and images a
 * single label gets sigmoid, too. Never AUTO. */
D2vScoreFunction d2v_score_function_for (D2vModality modality,
                                         D2vProblem problem, gsize n_labels);

/* How many classes they show when nobody says: 1 of a text, 5 of an image, all
 * of a sound (its 5 are put aside by every call). */
gsize d2v_classes_default_top_k (D2vModality modality);

/* @logits and @scores: (n); may be the same. @function: not AUTO. */
void d2v_score_apply (D2vScoreFunction function, const gfloat *logits,
                      gfloat *scores, gsize n);

typedef struct
{
  D2vScoreFunction function; /* not AUTO */
  gsize top_k;               /* more than there are: all */
  gchar *const *labels;      /* (n) strings that outlive the result, or NULL */
} D2vClassesParams;

/* @logits: (n). Equal label texts stay separate. NO_MEMORY. */
D2vClasses *d2v_classes_rank (const gfloat *logits, gsize n,
                              const D2vClassesParams *params, GError **error);
