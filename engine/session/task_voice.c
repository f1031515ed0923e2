/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_voice.c: which labels are heard in each frame, and whose voice it is
 * (spec 8.5). */

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/decode/frames.h"
#include "engine/decode/scores.h"
#include "engine/decode/speaker.h"
#include "engine/session/task.h"

#include <math.h>

static D2vFrames *
make_frames (const D2vTensor *logits, GError **error)
{
  g_autoptr (D2vFrames) frames = g_new0 (D2vFrames, 1);
  gsize n = d2v_tensor_n_elements (logits); /* (1, T, NL) */

  frames->n_frames = logits->shape.dim[1];
  frames->n_labels = logits->shape.dim[2];
  frames->active = d2v_malloc (n);
  frames->scores = d2v_malloc_n (n, sizeof (gfloat));
  if (frames->active == NULL || frames->scores == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%" G_GSIZE_FORMAT " frames",
                frames->n_frames);
      return NULL;
    }
  d2v_frames_active (logits->data, frames->n_frames, frames->n_labels,
                     frames->active);
  d2v_sigmoid_n (logits->data, frames->scores, n);
  return g_steal_pointer (&frames);
}

D2vFrames *
d2v_task_classify_frames (D2vTask *task, const gfloat *samples, gsize n_samples,
                          GCancellable *cancellable, GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_AUDIO,
                       D2V_HEAD_AUDIO_FRAME_CLASSIFICATION, error))
    return NULL;
  g_autoptr (D2vTensors) inputs
      = d2v_task_hear (task, samples, n_samples, error);
  if (inputs == NULL)
    return NULL;
  g_autoptr (D2vTensor) logits
      = d2v_task_run (task, inputs, "logits", cancellable, error);
  return logits != NULL ? make_frames (logits, error) : NULL;
}

void
d2v_frames_free (D2vFrames *frames)
{
  if (frames == NULL)
    return;
  d2v_free (frames->active);
  d2v_free (frames->scores);
  g_free (frames);
}

D2vTensor *
d2v_task_embed_speaker (D2vTask *task, const gfloat *samples, gsize n_samples,
                        GCancellable *cancellable, GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_AUDIO, D2V_HEAD_XVECTOR, error))
    return NULL;
  g_autoptr (D2vTensors) inputs
      = d2v_task_hear (task, samples, n_samples, error);
  if (inputs == NULL)
    return NULL;
  g_autoptr (D2vTensor) row
      = d2v_task_run (task, inputs, "embeddings", cancellable, error);
  if (row == NULL)
    return NULL;
  const D2vShape shape = d2v_shape (row->shape.dim[1]); /* of (1, D) */
  return d2v_task_copy (row->data, &shape, error);
}

gfloat
d2v_speaker_similarity (const D2vTensor *a, const D2vTensor *b)
{
  if (a->n_bytes != b->n_bytes)
    return NAN;
  return d2v_cosine_similarity (a->data, b->data, d2v_tensor_n_elements (a));
}
