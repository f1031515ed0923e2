/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* requests_apply_audio.c: requests to the classes that hear. */

#include "engine/base/error.h"
#include "engine/session/requests_private.h"

/* The sound file under @value. */
static D2vWav *
read_wav (const D2vService *service, const D2vJsonValue *value, GError **error)
{
  const gchar *path = d2v_request_path (value, "input", error);

  return path != NULL ? d2v_request_wav (
             path, service->model->audio.sampling_rate, error)
                      : NULL;
}

/* The reason of what failed after reading gets the file's name. */
static gboolean
fail_with_file (const D2vJsonValue *input, GError **error)
{
  d2v_request_name_file (error, d2v_json_string (input, NULL));
  return FALSE;
}

/* -------------------------------------------------------------- speech -- */

static gboolean
read_strides (const D2vJsonValue *request, D2vSpeechParams *params,
              GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, "stride_length_s");
  gdouble *stride = params->stride_length_s;

  params->has_stride = value != NULL;
  if (d2v_json_type (value) != D2V_JSON_ARRAY)
    {
      gboolean ok
          = d2v_request_number (request, "stride_length_s", &stride[0], error);
      stride[1] = stride[0];
      return ok;
    }
  for (gsize i = 0; i < 2; i++)
    {
      D2vJsonType type = d2v_json_type (d2v_json_element (value, i));

      if (d2v_json_length (value) != 2
          || (type != D2V_JSON_INTEGER && type != D2V_JSON_REAL))
        return d2v_fail (error, D2V_ERROR_USAGE, "request",
                         "stride_length_s: expected a number or two of them");
      stride[i] = d2v_json_number (d2v_json_element (value, i));
    }
  return TRUE;
}

static gboolean
read_speech_params (const D2vJsonValue *request, D2vSpeechParams *params,
                    GError **error)
{
  static const gchar *const names[] = { "char", "word", NULL };
  guint timestamps = 2;

  if (!d2v_request_choice (request, "return_timestamps", names, &timestamps,
                           error)
      || !d2v_request_number (request, "chunk_length_s",
                              &params->chunk_length_s, error)
      || !read_strides (request, params, error))
    return FALSE;
  params->timestamps = timestamps == 0   ? D2V_TIMESTAMPS_CHAR
                       : timestamps == 1 ? D2V_TIMESTAMPS_WORD
                                         : D2V_TIMESTAMPS_NONE;
  return TRUE;
}

static void
append_chunk (GString *out, const D2vSpeechChunk *chunk, guint rate)
{
  d2v_answer_comma (out);
  g_string_append_c (out, '{');
  d2v_answer_string (out, "text", chunk->text, -1);
  d2v_answer_key (out, "timestamp");
  g_string_append_c (out, '[');
  d2v_json_append_double (out, (gdouble) chunk->start / rate);
  g_string_append_c (out, ',');
  d2v_json_append_double (out, (gdouble) chunk->end / rate);
  g_string_append (out, "]}");
}

static void
append_speech (GString *out, const D2vSpeech *speech, gboolean with_chunks,
               guint rate)
{
  g_string_append_c (out, '{');
  d2v_answer_string (out, "text", speech->text, -1);
  if (with_chunks)
    {
      d2v_answer_key (out, "chunks");
      g_string_append_c (out, '[');
      for (gsize i = 0; i < speech->n_chunks; i++)
        append_chunk (out, &speech->chunks[i], rate);
      g_string_append_c (out, ']');
    }
  g_string_append_c (out, '}');
}

gboolean
d2v_answer_speech (D2vService *service, const D2vJsonValue *request,
                   GString *out, GError **error)
{
  static const gchar *const known[]
      = { "input", "return_timestamps", "chunk_length_s", "stride_length_s",
          NULL };
  D2vSpeechParams params = { D2V_TIMESTAMPS_NONE };

  if (!d2v_request_check_keys (request, known, error)
      || !read_speech_params (request, &params, error))
    return FALSE;
  const D2vJsonValue *input = d2v_request_input (request, error);
  g_autoptr (D2vWav) wav
      = input != NULL ? read_wav (service, input, error) : NULL;
  if (wav == NULL)
    return FALSE;
  g_autoptr (D2vSpeech) speech = d2v_task_recognize_speech (
      service->task, wav->samples, wav->n_samples, &params, NULL, error);
  if (speech == NULL)
    return fail_with_file (input, error);
  append_speech (out, speech, params.timestamps != D2V_TIMESTAMPS_NONE,
                 wav->sampling_rate);
  return TRUE;
}

/* ------------------------------------------------------ classification -- */

gboolean
d2v_answer_sound_classes (D2vService *service, const D2vJsonValue *request,
                          GString *out, GError **error)
{
  static const gchar *const known[]
      = { "input", "top_k", "function_to_apply", NULL };
  D2vClassifyParams params = { 0 };

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_classify (request, &params, error))
    return FALSE;
  const D2vJsonValue *input = d2v_request_input (request, error);
  g_autoptr (D2vWav) wav
      = input != NULL ? read_wav (service, input, error) : NULL;
  if (wav == NULL)
    return FALSE;
  g_autoptr (D2vClasses) scores = d2v_task_classify_sound (
      service->task, wav->samples, wav->n_samples, &params, NULL, error);
  if (scores == NULL)
    return fail_with_file (input, error);
  d2v_answer_classes (out, scores);
  return TRUE;
}

static void
append_frames (GString *out, const D2vFrames *frames)
{
  d2v_answer_key (out, "frames");
  g_string_append_c (out, '[');
  for (gsize t = 0; t < frames->n_frames; t++)
    {
      d2v_answer_comma (out);
      g_string_append_c (out, '[');
      for (gsize k = 0; k < frames->n_labels; k++)
        g_string_append_printf (out, k > 0 ? ",%d" : "%d",
                                frames->active[t * frames->n_labels + k]);
      g_string_append_c (out, ']');
    }
  g_string_append_c (out, ']');
}

static void
append_labels (GString *out, const D2vModel *model)
{
  d2v_answer_key (out, "labels");
  g_string_append_c (out, '[');
  for (guint i = 0; i < d2v_model_n_labels (model); i++)
    {
      d2v_answer_comma (out);
      d2v_json_append_string (out, d2v_model_label (model, i), -1);
    }
  g_string_append_c (out, ']');
}

gboolean
d2v_answer_frames (D2vService *service, const D2vJsonValue *request,
                   GString *out, GError **error)
{
  static const gchar *const known[] = { "input", NULL };

  if (!d2v_request_check_keys (request, known, error))
    return FALSE;
  const D2vJsonValue *input = d2v_request_input (request, error);
  g_autoptr (D2vWav) wav
      = input != NULL ? read_wav (service, input, error) : NULL;
  if (wav == NULL)
    return FALSE;
  g_autoptr (D2vFrames) frames = d2v_task_classify_frames (
      service->task, wav->samples, wav->n_samples, NULL, error);
  if (frames == NULL)
    return fail_with_file (input, error);
  g_string_append_c (out, '{');
  append_frames (out, frames);
  append_labels (out, service->model);
  g_string_append_c (out, '}');
  return TRUE;
}

/* --------------------------------------------------------------- voices -- */

static D2vTensor *
embed_speaker (D2vService *service, const D2vJsonValue *input, GError **error)
{
  g_autoptr (D2vWav) wav = read_wav (service, input, error);

  if (wav == NULL)
    return NULL;
  D2vTensor *voice = d2v_task_embed_speaker (service->task, wav->samples,
                                             wav->n_samples, NULL, error);
  if (voice == NULL)
    fail_with_file (input, error);
  return voice;
}

gboolean
d2v_answer_speakers (D2vService *service, const D2vJsonValue *request,
                     GString *out, GError **error)
{
  static const gchar *const known[] = { "input", NULL };

  if (!d2v_request_check_keys (request, known, error))
    return FALSE;
  const D2vJsonValue *input = d2v_request_input (request, error);
  if (input == NULL)
    return FALSE;
  if (d2v_json_type (input) != D2V_JSON_ARRAY || d2v_json_length (input) != 2)
    return d2v_fail (error, D2V_ERROR_USAGE, "request",
                     "input: expected an array of two files");
  g_autoptr (D2vTensor) a
      = embed_speaker (service, d2v_json_element (input, 0), error);
  g_autoptr (D2vTensor) b
      = a != NULL ? embed_speaker (service, d2v_json_element (input, 1), error)
                  : NULL;
  if (b == NULL)
    return FALSE;
  g_string_append_c (out, '{');
  d2v_answer_score (out, "similarity", d2v_speaker_similarity (a, b));
  g_string_append_c (out, '}');
  return TRUE;
}

/* ------------------------------------------------------------- features -- */

gboolean
d2v_answer_sound_features (D2vService *service, const D2vJsonValue *request,
                           GString *out, GError **error)
{
  static const gchar *const known[] = { "input", NULL };

  if (!d2v_request_check_keys (request, known, error))
    return FALSE;
  const D2vJsonValue *input = d2v_request_input (request, error);
  g_autoptr (D2vWav) wav
      = input != NULL ? read_wav (service, input, error) : NULL;
  if (wav == NULL)
    return FALSE;
  g_autoptr (D2vTensor) rows = d2v_task_embed_sound (
      service->task, wav->samples, wav->n_samples, NULL, NULL, error);
  if (rows == NULL)
    return fail_with_file (input, error);
  d2v_answer_tensor (out, rows);
  return TRUE;
}
