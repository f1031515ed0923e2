/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_features.c: what a bare model makes of sound, images and texts, row by
 * row or as one vector. */

#include "engine/base/error.h"
#include "engine/decode/pooling.h"
#include "engine/session/task.h"

/* (1, T, H) -> (1, H) */
static D2vTensor *
pool (const D2vTensor *rows, const D2vFeatureParams *params, GError **error)
{
  gsize n_rows = rows->shape.dim[1], width = rows->shape.dim[2];
  const D2vShape shape = d2v_shape (1, width);
  D2vPooling pooling;

  if (!d2v_pooling_from_name (params->pooling, &pooling))
    {
      d2v_fail (error, D2V_ERROR_USAGE, NULL,
                "pooling: expected mean, cls or max");
      return NULL;
    }
  D2vTensor *pooled = d2v_tensor_new_empty (D2V_F32, &shape);
  if (pooled == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "a vector");
      return NULL;
    }
  d2v_pool_rows (pooling, rows->data, n_rows, width, pooled->data);
  if (params->normalize)
    d2v_normalize_length (pooled->data, width);
  return pooled;
}

static D2vTensor *
embed (const D2vTask *task, const D2vTensors *inputs,
       const D2vFeatureParams *params, GCancellable *cancellable,
       GError **error)
{
  D2vTensor *rows
      = d2v_task_run (task, inputs, "last_hidden_state", cancellable, error);

  if (rows == NULL || params == NULL || params->pooling == NULL)
    return rows;
  D2vTensor *pooled = pool (rows, params, error);
  d2v_tensor_unref (rows);
  return pooled;
}

D2vTensor *
d2v_task_embed_sound (D2vTask *task, const gfloat *samples, gsize n_samples,
                      const D2vFeatureParams *params, GCancellable *cancellable,
                      GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_AUDIO, D2V_HEAD_MODEL, error))
    return NULL;
  g_autoptr (D2vTensors) inputs
      = d2v_task_hear (task, samples, n_samples, error);
  return inputs != NULL ? embed (task, inputs, params, cancellable, error)
                        : NULL;
}

D2vTensor *
d2v_task_embed_image (D2vTask *task, const D2vImageView *image,
                      const D2vFeatureParams *params, GCancellable *cancellable,
                      GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_VISION, D2V_HEAD_MODEL, error))
    return NULL;
  g_autoptr (D2vTensors) inputs = d2v_task_see (task, image, error);
  return inputs != NULL ? embed (task, inputs, params, cancellable, error)
                        : NULL;
}

D2vTensor *
d2v_task_embed_text (D2vTask *task, const D2vString *text,
                     const D2vFeatureParams *params, GCancellable *cancellable,
                     GError **error)
{
  const D2vEncodeParams how = { D2V_TRUNCATE_NOT };

  if (!d2v_task_check (task, D2V_MODALITY_TEXT, D2V_HEAD_MODEL, error))
    return NULL;
  g_autoptr (D2vEncoding) encoding
      = d2v_task_encode (task, text, NULL, &how, error);
  g_autoptr (D2vTensors) inputs
      = encoding != NULL ? d2v_task_read_row (encoding, 0, error) : NULL;
  return inputs != NULL ? embed (task, inputs, params, cancellable, error)
                        : NULL;
}
