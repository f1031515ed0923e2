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

/* @inputs of one example. */
static D2vClasses *
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
  return logits != NULL ? d2v_classes_rank (
             logits->data, d2v_tensor_n_elements (logits), &how, error)
                        : NULL;
}

D2vClasses *
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

D2vClasses *
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

D2vClasses *
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
