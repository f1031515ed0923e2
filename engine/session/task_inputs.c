/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_inputs.c: sound, images and tokens as the tensors of a forward pass. */

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/session/task.h"

#include <math.h>
#include <string.h>

gboolean
d2v_samples_check (const gfloat *samples, gsize n_samples, GError **error)
{
  for (gsize i = 0; i < n_samples; i++)
    if (!isfinite (samples[i]))
      return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                       "sample %" G_GSIZE_FORMAT " is not finite", i);
  return TRUE;
}

D2vTensors *
d2v_task_hear (const D2vTask *task, const gfloat *samples, gsize n_samples,
               GError **error)
{
  const D2vShape shape = d2v_shape (1, n_samples);
  gsize field = d2v_config_receptive_field (task->model->config);

  if (n_samples < field)
    {
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "expected at least %" G_GSIZE_FORMAT
                " samples, which is one frame, found %" G_GSIZE_FORMAT,
                field, n_samples);
      return NULL;
    }
  if (!d2v_samples_check (samples, n_samples, error))
    return NULL;
  g_autoptr (D2vTensor) values = d2v_tensor_new_empty (D2V_F32, &shape);
  if (values == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%" G_GSIZE_FORMAT " samples",
                n_samples);
      return NULL;
    }
  d2v_audio_process (&task->model->audio, samples, values->data, n_samples);
  D2vTensors *inputs = d2v_tensors_new ();
  d2v_tensors_set (inputs, "input_values", values);
  return inputs;
}

D2vTensors *
d2v_task_see (D2vTask *task, const D2vImageView *image, GError **error)
{
  pthread_mutex_lock (&task->lock);
  g_autoptr (D2vTensor) pixels
      = d2v_image_processor_batch (task->processor, image, 1, error);
  pthread_mutex_unlock (&task->lock);
  if (pixels == NULL)
    return NULL;
  D2vTensors *inputs = d2v_tensors_new ();
  d2v_tensors_set (inputs, "pixel_values", pixels);
  return inputs;
}

D2vEncoding *
d2v_task_encode (const D2vTask *task, const D2vString *text,
                 const D2vString *pair, const D2vEncodeParams *params,
                 GError **error)
{
  D2vEncodeParams how = *params;

  how.max_text_bytes = D2V_MAX_DOCUMENT_BYTES;
  return d2v_tokenizer_encode (task->tokenizer, text->text, text->length,
                               pair != NULL ? pair->text : NULL,
                               pair != NULL ? pair->length : 0, &how, error);
}

/* Input @name (1, @n) of @ids, or else of @bits. */
static gboolean
set_row (D2vTensors *inputs, const gchar *name, gsize n, const gint32 *ids,
         const guint8 *bits, GError **error)
{
  const D2vShape shape = d2v_shape (1, n);
  g_autoptr (D2vTensor) tensor = d2v_tensor_new_empty (D2V_I64, &shape);

  if (tensor == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "%" G_GSIZE_FORMAT " tokens", n);
  for (gsize i = 0; i < n; i++)
    ((gint64 *) tensor->data)[i] = ids != NULL ? ids[i] : bits[i];
  d2v_tensors_set (inputs, name, tensor);
  return TRUE;
}

/* Puts what row @row gave into its place in each of @outputs. */
static gboolean
take_rows (const D2vEncoding *encoding, gsize row, const D2vTensors *found,
           const gchar *const *names, gfloat **outputs, GError **error)
{
  gsize begin = encoding->row_begin[row];
  gsize n = encoding->row_begin[row + 1] - begin;

  for (guint i = 0; names[i] != NULL; i++)
    {
      const D2vTensor *tensor = d2v_tensors_get (found, names[i]);
      gsize width = d2v_tensor_n_elements (tensor) / n;

      if (outputs[i] == NULL)
        outputs[i] = d2v_malloc_n (encoding->n_tokens, width * sizeof (gfloat));
      if (outputs[i] == NULL)
        return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%s", names[i]);
      memcpy (outputs[i] + begin * width, tensor->data, tensor->n_bytes);
    }
  return TRUE;
}

D2vTensors *
d2v_task_read_row (const D2vEncoding *encoding, gsize row, GError **error)
{
  gsize begin = encoding->row_begin[row];
  gsize n = encoding->row_begin[row + 1] - begin;
  const guint8 *mask = encoding->attention_mask + begin;
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();

  if (!set_row (inputs, "input_ids", n, encoding->ids + begin, NULL, error)
      || (memchr (mask, 0, n) != NULL
          && !set_row (inputs, "attention_mask", n, NULL, mask, error)))
    return NULL;
  return g_steal_pointer (&inputs);
}

gboolean
d2v_task_run_rows (const D2vTask *task, const D2vEncoding *encoding,
                   const gchar *const *names, gfloat **outputs,
                   GCancellable *cancellable, GError **error)
{
  for (gsize row = 0; row < encoding->n_rows; row++)
    {
      g_autoptr (D2vTensors) inputs = d2v_task_read_row (encoding, row, error);
      if (inputs == NULL)
        return FALSE;
      g_autoptr (D2vTensors) found = d2v_session_run (
          task->session, inputs, D2V_RUN_DEFAULT, cancellable, error);
      if (found == NULL
          || !take_rows (encoding, row, found, names, outputs, error))
        return FALSE;
    }
  return TRUE;
}
