/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_segment.c: the class of every pixel of an image (spec 4.7, 8.5). */

#include "engine/decode/labelmap.h"
#include "engine/session/task.h"

D2vLabelMap *
d2v_task_segment (D2vTask *task, const D2vImageView *image,
                  GCancellable *cancellable, GError **error)
{
  const D2vRecordOptions options
      = { .map_height = image->height, .map_width = image->width };
  gsize n_classes = task->model->config->num_labels;

  if (!d2v_task_check (task, D2V_MODALITY_VISION,
                       D2V_HEAD_SEMANTIC_SEGMENTATION, error)
      || !d2v_label_map_check (n_classes, image->height, image->width, error))
    return NULL;
  g_autoptr (D2vTensors) inputs = d2v_task_see (task, image, error);
  if (inputs == NULL)
    return NULL;
  g_autoptr (D2vTensors) outputs = d2v_session_run_with (
      task->session, inputs, &options, NULL, cancellable, error);
  if (outputs == NULL)
    return NULL;
  const D2vTensor *labels = d2v_tensors_get (outputs, "labels");
  return d2v_label_map_new_from_classes (labels->data, n_classes, image->height,
                                         image->width, error);
}
