/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_classify.c: sound, images and texts as labels in order (spec 8.5). */

#include "engine/base/error.h"
#include "engine/decode/classes.h"
#include "engine/session/task.h"

static gboolean
choose_function (const D2vModel *model, const gchar *name,
                 D2vScoreFunction *function, GError **error)
{
  const D2vConfig *config = model->config;

  *function = d2v_score_function_for (config->modality, config->problem_type,
                                      config->num_labels);
  if (name == NULL || d2v_score_function_from_name (name, function))
    return TRUE;
  g_autofree gchar *found = d2v_escape_name (name, -1);
  return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                   "function_to_apply: expected softmax, sigmoid or none, "
                   "found %s",
                   found);
}

static D2vLabelScores *
copy_scores (const D2vClasses *classes)
{
  D2vLabelScores *scores = g_new0 (D2vLabelScores, 1);

  scores->items = g_new0 (D2vLabelScore, MAX (classes->n_items, 1));
  scores->n_items = classes->n_items;
  for (gsize i = 0; i < classes->n_items; i++)
    {
      const D2vClass *item = &classes->items[i];

      scores->items[i]
          = (D2vLabelScore){ item->index, g_strdup (item->label), item->score };
    }
  return scores;
}

/* @inputs of one example. */
static D2vLabelScores *
classify (const D2vTask *task, const D2vTensors *inputs,
          const D2vClassifyParams *params, GCancellable *cancellable,
          GError **error)
{
  const D2vModel *model = task->model;
  D2vClassesParams how = { .labels = model->config->id2label };

  how.top_k = params != NULL ? params->top_k : 0;
  if (how.top_k == 0)
    how.top_k = d2v_classes_default_top_k (model->config->modality);
  if (!choose_function (model,
                        params != NULL ? params->function_to_apply : NULL,
                        &how.function, error))
    return NULL;
  g_autoptr (D2vTensor) logits
      = d2v_task_run (task, inputs, "logits", cancellable, error);
  if (logits == NULL)
    return NULL;
  g_autoptr (D2vClasses) classes = d2v_classes_rank (
      logits->data, d2v_tensor_n_elements (logits), &how, error);
  return classes != NULL ? copy_scores (classes) : NULL;
}

D2vLabelScores *
d2v_task_classify_sound (D2vTask *task, const gfloat *samples, gsize n_samples,
                         const D2vClassifyParams *params,
                         GCancellable *cancellable, GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_AUDIO,
                       D2V_HEAD_SEQUENCE_CLASSIFICATION, error))
    return NULL;
  g_autoptr (D2vTensors) inputs
      = d2v_task_hear (task, samples, n_samples, error);
  return inputs != NULL ? classify (task, inputs, params, cancellable, error)
                        : NULL;
}

D2vLabelScores *
d2v_task_classify_image (D2vTask *task, const D2vImageView *image,
                         const D2vClassifyParams *params,
                         GCancellable *cancellable, GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_VISION, D2V_HEAD_IMAGE_CLASSIFICATION,
                       error))
    return NULL;
  g_autoptr (D2vTensors) inputs = d2v_task_see (task, image, error);
  return inputs != NULL ? classify (task, inputs, params, cancellable, error)
                        : NULL;
}

D2vLabelScores *
d2v_task_classify_text (D2vTask *task, const D2vString *text,
                        const D2vString *pair, const D2vClassifyParams *params,
                        GCancellable *cancellable, GError **error)
{
  D2vEncodeParams how = { D2V_TRUNCATE_NOT };

  if (!d2v_task_check (task, D2V_MODALITY_TEXT,
                       D2V_HEAD_SEQUENCE_CLASSIFICATION, error))
    return NULL;
  if (params != NULL)
    how.truncation = params->truncation;
  g_autoptr (D2vEncoding) encoding
      = d2v_task_encode (task, text, pair, &how, error);
  g_autoptr (D2vTensors) inputs
      = encoding != NULL ? d2v_task_read_row (encoding, 0, error) : NULL;
  return inputs != NULL ? classify (task, inputs, params, cancellable, error)
                        : NULL;
}

void
d2v_label_scores_free (D2vLabelScores *scores)
{
  if (scores == NULL)
    return;
  for (gsize i = 0; i < scores->n_items; i++)
    g_free (scores->items[i].label);
  g_free (scores->items);
  g_free (scores);
}
