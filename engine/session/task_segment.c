/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_segment.c: the class of every pixel of an image (spec 4.7, 8.5). */

#include "engine/decode/labelmap.h"
#include "engine/session/task.h"

D2vLabelMap *
d2v_task_segment (D2vTask *task, const D2vImageView *image,
                  GCancellable *cancellable, GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_VISION,
                       D2V_HEAD_SEMANTIC_SEGMENTATION, error))
    return NULL;
  g_autoptr (D2vTensors) inputs = d2v_task_see (task, image, error);
  if (inputs == NULL)
    return NULL;
  g_autoptr (D2vTensor) logits
      = d2v_task_run (task, inputs, "logits", cancellable, error);
  if (logits == NULL)
    return NULL;
  const gsize *dim = logits->shape.dim; /* (1, NL, h, w) */
  return d2v_label_map_new (logits->data, dim[1], dim[2], dim[3], image->height,
                            image->width, error);
}
