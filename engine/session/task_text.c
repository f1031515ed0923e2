/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_text.c: names, answers, missing words and choices in texts (spec
 * 8.5). */

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/decode/answer.h"
#include "engine/decode/choice.h"
#include "engine/decode/fill.h"
#include "engine/decode/tags.h"
#include "engine/session/task.h"

#include <string.h>

static const gchar *const logits_only[] = { "logits", NULL };

static gboolean
check_text (const D2vTask *task, D2vHead head, GError **error)
{
  return d2v_task_check (task, D2V_MODALITY_TEXT, head, error);
}

/* ---------------------------------------------------------------- names -- */

D2vTags *
d2v_task_tag (D2vTask *task, const D2vString *text, const D2vTagsParams *params,
              GCancellable *cancellable, GError **error)
{
  const D2vConfig *config = task->model->config;
  gfloat *logits = NULL; /* (n_tokens, NL) */
  D2vTags *tags = NULL;

  if (!check_text (task, D2V_HEAD_TOKEN_CLASSIFICATION, error))
    return NULL;
  g_autoptr (D2vEncoding) encoding = d2v_tags_encode (
      task->tokenizer, text->text, text->length, params, error);
  if (encoding == NULL)
    return NULL;
  if (d2v_task_run_rows (task, encoding, logits_only, &logits, cancellable,
                         error))
    tags = d2v_tags_decode (task->tokenizer, text->text, text->length, encoding,
                            logits, config->id2label, config->num_labels,
                            params, error);
  d2v_free (logits);
  return tags;
}

/* -------------------------------------------------------------- answers -- */

D2vAnswers *
d2v_task_answer (D2vTask *task, const D2vString *question,
                 const D2vString *context, const D2vAnswerParams *params,
                 GCancellable *cancellable, GError **error)
{
  static const gchar *const names[] = { "start_logits", "end_logits", NULL };
  gfloat *logits[2] = { NULL }; /* (n_tokens) each */
  D2vAnswers *answers = NULL;

  if (!check_text (task, D2V_HEAD_QUESTION_ANSWERING, error))
    return NULL;
  g_autoptr (D2vEncoding) encoding
      = d2v_answers_encode (task->tokenizer, question->text, question->length,
                            context->text, context->length, params, error);
  if (encoding == NULL)
    return NULL;
  if (d2v_task_run_rows (task, encoding, names, logits, cancellable, error))
    answers
        = d2v_answers_decode (task->tokenizer, context->text, context->length,
                              encoding, logits[0], logits[1], params, error);
  d2v_free (logits[0]);
  d2v_free (logits[1]);
  return answers;
}

/* -------------------------------------------------------- missing words -- */

static gboolean
find_targets (const D2vTask *task, const D2vFillMaskParams *params,
              D2vFillParams *how, GError **error)
{
  if (params == NULL)
    return TRUE;
  how->top_k = params->top_k;
  if (params->targets == NULL)
    return TRUE;
  how->targets = d2v_fill_targets (task->tokenizer, params->targets,
                                   params->n_targets, &how->n_targets, error);
  return how->targets != NULL;
}

/* Indices as a tensor (1, @n). */
static D2vTensor *
rows_of (const gsize *indices, gsize n, GError **error)
{
  D2vTensor *rows = d2v_tensor_new (D2V_I64, 2, (const gsize[]){ 1, n });

  if (rows == NULL)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%" G_GSIZE_FORMAT " masks", n);
  for (gsize i = 0; rows != NULL && i < n; i++)
    ((gint64 *) rows->data)[i] = (gint64) indices[i];
  return rows;
}

static D2vFills *
fill (const D2vTask *task, const D2vEncoding *encoding,
      const D2vFillParams *params, GCancellable *cancellable, GError **error)
{
  gsize n_vocab = task->model->config->vocab_size;
  const D2vRecordOptions options = { FALSE };
  gsize n_masks;
  g_autofree gsize *masks = d2v_fill_masks (
      task->tokenizer, encoding->ids, encoding->n_tokens, &n_masks, error);
  g_autoptr (D2vTensor) rows
      = masks != NULL ? rows_of (masks, n_masks, error) : NULL;
  g_autoptr (D2vTensors) inputs
      = rows != NULL ? d2v_task_read_row (encoding, 0, error) : NULL;
  if (inputs == NULL)
    return NULL;
  g_autoptr (D2vTensors) outputs = d2v_session_run_with (
      task->session, inputs, &options, rows, cancellable, error);
  return outputs != NULL ? d2v_fill_decode (
             task->tokenizer, encoding->ids, encoding->n_tokens,
             d2v_tensors_get (outputs, "logits")->data, n_vocab, params, error)
                         : NULL;
}

D2vFills *
d2v_task_fill_mask (D2vTask *task, const D2vString *text,
                    const D2vFillMaskParams *params, GCancellable *cancellable,
                    GError **error)
{
  const D2vEncodeParams whole = { D2V_TRUNCATE_NOT };
  D2vFillParams how = { 0 };
  D2vFills *fills = NULL;

  if (!check_text (task, D2V_HEAD_MASKED_LM, error))
    return NULL;
  g_autoptr (D2vEncoding) encoding
      = d2v_task_encode (task, text, NULL, &whole, error);
  if (encoding != NULL && find_targets (task, params, &how, error))
    fills = fill (task, encoding, &how, cancellable, error);
  g_free ((gpointer) how.targets);
  return fills;
}

/* -------------------------------------------------------------- choices -- */

/* Rows of equal length as (1, rows, T). */
static D2vTensor *
stack (const D2vEncoding *encoding, const gint32 *ids, const guint8 *bits,
       GError **error)
{
  gsize n_rows = encoding->n_rows;
  const D2vShape shape = d2v_shape (1, n_rows, encoding->n_tokens / n_rows);
  D2vTensor *tensor = d2v_tensor_new_empty (D2V_I64, &shape);

  if (tensor == NULL)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%" G_GSIZE_FORMAT " tokens",
              encoding->n_tokens);
  for (gsize i = 0; tensor != NULL && i < encoding->n_tokens; i++)
    ((gint64 *) tensor->data)[i] = ids != NULL ? ids[i] : bits[i];
  return tensor;
}

D2vChoice *
d2v_task_choose (D2vTask *task, const D2vString *prompt,
                 const D2vString *choices, gsize n, GCancellable *cancellable,
                 GError **error)
{
  if (!check_text (task, D2V_HEAD_MULTIPLE_CHOICE, error))
    return NULL;
  g_autoptr (D2vEncoding) encoding = d2v_choice_encode (
      task->tokenizer, prompt->text, prompt->length, choices, n, error);
  if (encoding == NULL)
    return NULL;
  g_autoptr (D2vTensor) ids = stack (encoding, encoding->ids, NULL, error);
  g_autoptr (D2vTensor) mask
      = stack (encoding, NULL, encoding->attention_mask, error);
  if (ids == NULL || mask == NULL)
    return NULL;
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();
  d2v_tensors_set (inputs, "input_ids", ids);
  d2v_tensors_set (inputs, "attention_mask", mask);
  g_autoptr (D2vTensor) logits
      = d2v_task_run (task, inputs, "logits", cancellable, error);
  return logits != NULL ? d2v_choice_decode (logits->data, n, error) : NULL;
}
