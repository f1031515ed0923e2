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

static const D2vJsonValue *
get_input (const D2vJsonValue *request, GError **error)
{
  const D2vJsonValue *input = d2v_json_member (request, "input");

  if (input == NULL)
    d2v_request_missing ("input", error);
  return input;
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
  const D2vJsonValue *input = get_input (request, error);
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
