/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/session/requests_private.h"

#include <string.h>

/* ------------------------------------------------------------- opening -- */

static gboolean
expect_modality (const D2vConfig *config, const gchar *path,
                 D2vModality expected, const gchar *reason, GError **error)
{
  if (config->modality == expected)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_ARCH_HEAD, path, "%s", reason);
}

/* A tokenizer saved alone has no config.json, and nothing to agree with. */
static gboolean
open_tokenizer (D2vService *service, const gchar *path, GError **error)
{
  g_autofree gchar *config = g_build_filename (path, "config.json", NULL);

  if (g_file_test (config, G_FILE_TEST_EXISTS)
      || !g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      service->config = d2v_config_read (path, NULL, error);
      if (service->config == NULL
          || !expect_modality (service->config, path, D2V_MODALITY_TEXT,
                               "only models of text have a tokenizer", error))
        return FALSE;
    }
  service->tokenizer = d2v_tokenizer_open (
      path, service->config != NULL ? service->config->vocab_size : 0, error);
  return service->tokenizer != NULL;
}

static gboolean
open_front_end (D2vService *service, const gchar *path, GError **error)
{
  D2vImageProcessorConfig image;

  service->config = d2v_config_read (path, NULL, error);
  if (service->config == NULL)
    return FALSE;
  if (service->config->modality == D2V_MODALITY_AUDIO)
    return d2v_audio_processor_read (path, &service->audio, error);
  if (!expect_modality (service->config, path, D2V_MODALITY_VISION,
                        "models of text have no front end: use tokenize",
                        error))
    return FALSE;
  gsize n_channels = service->config->num_channels;
  if (!d2v_image_processor_read (path, n_channels, &image, error))
    return FALSE;
  service->processor = d2v_image_processor_new (&image, (guint) n_channels);
  return TRUE;
}

static gboolean
open_task (D2vService *service, const gchar *path, const gchar *head,
           const D2vSessionParams *params, GError **error)
{
  const D2vModelParams how = { .head = head };

  service->model = d2v_model_open (path, &how, error);
  if (service->model == NULL)
    return FALSE;
  g_autoptr (D2vSession) session
      = d2v_session_new (service->model, params, error);
  if (session != NULL)
    service->task = d2v_task_new (session, error);
  return service->task != NULL;
}

static gboolean
open_decoder (D2vService *service, const gchar *path, GError **error)
{
  const D2vModelParams how = { .no_weights = TRUE };

  service->model = d2v_model_open (path, &how, error);
  if (service->model == NULL)
    return FALSE;
  D2vHead head = service->model->head;
  if (head != D2V_HEAD_CTC && head != D2V_HEAD_SEMANTIC_SEGMENTATION)
    return d2v_fail (error, D2V_ERROR_ARCH_HEAD, path,
                     "decode takes logits of ForCTC and "
                     "ForSemanticSegmentation, this model is %s",
                     d2v_head_name (head));
  if (head == D2V_HEAD_CTC && service->model->vocab == NULL)
    return d2v_fail (error, D2V_ERROR_TOK_MISSING, path,
                     "vocab.json is missing: there is no way to spell");
  return TRUE;
}

D2vService *
d2v_service_open (D2vCommand command, const gchar *path, const gchar *head,
                  const D2vSessionParams *params, GError **error)
{
  g_autoptr (D2vService) service = g_new0 (D2vService, 1);
  gboolean ok = FALSE;

  service->command = command;
  switch (command)
    {
    case D2V_COMMAND_TOKENIZE:
      ok = open_tokenizer (service, path, error);
      break;
    case D2V_COMMAND_PREPROCESS:
      ok = open_front_end (service, path, error);
      break;
    case D2V_COMMAND_DECODE:
      ok = open_decoder (service, path, error);
      break;
    case D2V_COMMAND_APPLY:
      ok = open_task (service, path, head, params, error);
      break;
    }
  return ok ? g_steal_pointer (&service) : NULL;
}

void
d2v_service_free (D2vService *service)
{
  if (service == NULL)
    return;
  g_clear_pointer (&service->config, d2v_config_free);
  g_clear_pointer (&service->tokenizer, d2v_tokenizer_unref);
  g_clear_pointer (&service->processor, d2v_image_processor_free);
  d2v_task_unref (service->task);
  d2v_model_unref (service->model);
  g_free (service);
}

guint
d2v_service_n_inputs (const D2vService *service)
{
  return service->model != NULL && service->model->head == D2V_HEAD_XVECTOR ? 2
                                                                            : 1;
}

/* ----------------------------------------------------------- answering -- */

static D2vAnswerFunc
answer_for_sound (D2vHead head)
{
  switch (head)
    {
    case D2V_HEAD_CTC:
      return d2v_answer_speech;
    case D2V_HEAD_SEQUENCE_CLASSIFICATION:
      return d2v_answer_sound_classes;
    case D2V_HEAD_AUDIO_FRAME_CLASSIFICATION:
      return d2v_answer_frames;
    case D2V_HEAD_XVECTOR:
      return d2v_answer_speakers;
    default:
      return d2v_answer_sound_features;
    }
}

static D2vAnswerFunc
answer_for_text (D2vHead head)
{
  switch (head)
    {
    case D2V_HEAD_SEQUENCE_CLASSIFICATION:
      return d2v_answer_text_classes;
    case D2V_HEAD_TOKEN_CLASSIFICATION:
      return d2v_answer_tags;
    case D2V_HEAD_QUESTION_ANSWERING:
      return d2v_answer_question;
    case D2V_HEAD_MASKED_LM:
      return d2v_answer_fill;
    case D2V_HEAD_CAUSAL_LM:
      return d2v_answer_continuation;
    case D2V_HEAD_MULTIPLE_CHOICE:
      return d2v_answer_choice;
    default:
      return d2v_answer_text_features;
    }
}

static D2vAnswerFunc
answer_for_images (D2vHead head)
{
  switch (head)
    {
    case D2V_HEAD_IMAGE_CLASSIFICATION:
      return d2v_answer_image_classes;
    case D2V_HEAD_SEMANTIC_SEGMENTATION:
      return d2v_answer_segmentation;
    default:
      return d2v_answer_image_features;
    }
}

static D2vAnswerFunc
answer_for_model (const D2vModel *model)
{
  switch (model->config->modality)
    {
    case D2V_MODALITY_AUDIO:
      return answer_for_sound (model->head);
    case D2V_MODALITY_TEXT:
      return answer_for_text (model->head);
    default:
      return answer_for_images (model->head);
    }
}

static D2vAnswerFunc
answer_for (const D2vService *service)
{
  switch (service->command)
    {
    case D2V_COMMAND_TOKENIZE:
      return d2v_answer_tokenize;
    case D2V_COMMAND_PREPROCESS:
      return d2v_answer_preprocess;
    case D2V_COMMAND_DECODE:
      return d2v_answer_decode;
    default:
      return answer_for_model (service->model);
    }
}

static const D2vJsonValue *
read_request (const D2vJson *json, GError **error)
{
  const D2vJsonValue *root = d2v_json_root (json);

  if (d2v_json_type (root) == D2V_JSON_OBJECT)
    return root;
  d2v_fail (error, D2V_ERROR_USAGE, "request", "expected an object, found %s",
            d2v_json_type_name (d2v_json_type (root)));
  return NULL;
}

gchar *
d2v_service_answer (D2vService *service, const gchar *request, gssize length,
                    GError **error)
{
  g_autoptr (D2vJson) json
      = d2v_json_parse (request, length < 0 ? strlen (request) : (gsize) length,
                        "request", NULL, error);
  const D2vJsonValue *root = json != NULL ? read_request (json, error) : NULL;

  if (root == NULL)
    return NULL;
  GString *out = g_string_new (NULL);
  if (answer_for (service) (service, root, out, error))
    return g_string_free (out, FALSE);
  g_string_free (out, TRUE);
  return NULL;
}
