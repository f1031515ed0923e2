/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/task.h"

#include "engine/base/error.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (D2vTask, d2v_task, d2v_task_ref, d2v_task_unref)

static gboolean
open_front_end (D2vTask *task, GError **error)
{
  const D2vConfig *config = task->model->config;
  D2vImageProcessorConfig image;

  switch (config->modality)
    {
    case D2V_MODALITY_TEXT:
      task->tokenizer
          = d2v_tokenizer_open (task->model->dir, config->vocab_size, error);
      return task->tokenizer != NULL;
    case D2V_MODALITY_VISION:
      if (!d2v_image_processor_read (task->model->dir, config->num_channels,
                                     &image, error))
        return FALSE;
      task->processor
          = d2v_image_processor_new (&image, (guint) config->num_channels);
      return TRUE;
    default: /* the model has read it */
      return TRUE;
    }
}

D2vTask *
d2v_task_new (D2vSession *session, GError **error)
{
  g_autoptr (D2vTask) task = g_new0 (D2vTask, 1);

  d2v_ref_init (&task->ref_count);
  pthread_mutex_init (&task->lock, NULL);
  task->session = d2v_session_ref (session);
  task->model = d2v_session_model (session);
  return open_front_end (task, error) ? g_steal_pointer (&task) : NULL;
}

D2vTask *
d2v_task_ref (D2vTask *task)
{
  d2v_ref_inc (&task->ref_count);
  return task;
}

void
d2v_task_unref (D2vTask *task)
{
  if (task == NULL || !d2v_ref_dec (&task->ref_count))
    return;
  g_clear_pointer (&task->tokenizer, d2v_tokenizer_unref);
  g_clear_pointer (&task->processor, d2v_image_processor_free);
  d2v_session_unref (task->session);
  pthread_mutex_destroy (&task->lock);
  g_free (task);
}

D2vSession *
d2v_task_session (const D2vTask *task)
{
  return task->session;
}

static const gchar *
modality_name (D2vModality modality)
{
  return modality == D2V_MODALITY_AUDIO  ? "sound"
         : modality == D2V_MODALITY_TEXT ? "text"
                                         : "images";
}

gboolean
d2v_task_check (const D2vTask *task, D2vModality modality, D2vHead head,
                GError **error)
{
  const D2vModel *model = task->model;

  if (model->config->modality == modality && model->head == head)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_ARCH_HEAD, model->dir,
                   "expected a model of %s with the head %s, this one is of "
                   "%s with %s",
                   modality_name (modality), d2v_head_name (head),
                   modality_name (model->config->modality),
                   d2v_head_name (model->head));
}

D2vTensor *
d2v_task_run (const D2vTask *task, const D2vTensors *inputs, const gchar *name,
              GCancellable *cancellable, GError **error)
{
  g_autoptr (D2vTensors) outputs = d2v_session_run (
      task->session, inputs, D2V_RUN_DEFAULT, cancellable, error);

  return outputs != NULL ? d2v_tensor_ref (d2v_tensors_get (outputs, name))
                         : NULL;
}

D2vTensor *
d2v_task_copy (const gfloat *data, const D2vShape *shape, GError **error)
{
  D2vTensor *copy = d2v_tensor_new_empty (D2V_F32, shape);

  if (copy != NULL)
    memcpy (copy->data, data, copy->n_bytes);
  else
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "a result");
  return copy;
}
