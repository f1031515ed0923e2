/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* requests_preprocess.c: files of sound or images as the tensors that a model
 * takes. */

#include "engine/base/error.h"
#include "engine/session/requests_private.h"

/* ------------------------------------------------------------- request -- */

/* The values of `input`, a file or an array of them, as paths; borrowed
 * strings, NULL-ended. */
static const gchar **
read_inputs (const D2vJsonValue *request, GError **error)
{
  const D2vJsonValue *input = d2v_json_member (request, "input");
  gboolean array = d2v_json_type (input) == D2V_JSON_ARRAY;
  gsize n = array ? d2v_json_length (input) : 1;

  if (input == NULL)
    return d2v_request_missing ("input", error), NULL;
  if (n == 0)
    return d2v_fail (error, D2V_ERROR_USAGE, "request",
                     "input: expected a file or several, found none"),
           NULL;
  g_autofree const gchar **paths = g_new0 (const gchar *, n + 1);
  for (gsize i = 0; i < n; i++)
    {
      paths[i] = d2v_request_path (array ? d2v_json_element (input, i) : input,
                                   "input", error);
      if (paths[i] == NULL)
        return NULL;
    }
  return g_steal_pointer (&paths);
}

static void
append_shapes (GString *out, const D2vTensors *tensors)
{
  g_string_append_c (out, '{');
  for (guint i = 0; i < d2v_tensors_size (tensors); i++)
    {
      const gchar *name = d2v_tensors_name (tensors, i);
      const D2vTensor *tensor = d2v_tensors_get (tensors, name);

      d2v_answer_key (out, name);
      g_string_append_c (out, '[');
      for (guint d = 0; d < tensor->shape.rank; d++)
        g_string_append_printf (
            out, d > 0 ? ",%" G_GSIZE_FORMAT : "%" G_GSIZE_FORMAT,
            tensor->shape.dim[d]);
      g_string_append_c (out, ']');
    }
  g_string_append_c (out, '}');
}

static gboolean
save (const D2vTensors *tensors, const gchar *path, GString *out,
      GError **error)
{
  if (!d2v_tensors_save (tensors, path, error))
    return FALSE;
  append_shapes (out, tensors);
  return TRUE;
}

/* --------------------------------------------------------------- sound -- */

/* Reads @path into @wavs and @clips. */
static gboolean
add_clip (const D2vService *service, const gchar *path, GPtrArray *wavs,
          GArray *clips, GError **error)
{
  D2vWav *wav = d2v_request_wav (path, service->audio.sampling_rate, error);

  if (wav == NULL)
    return FALSE;
  const D2vAudioClip clip = { wav->samples, wav->n_samples };
  g_ptr_array_add (wavs, wav);
  g_array_append_val (clips, clip);
  return TRUE;
}

static D2vTensors *
hear (const D2vService *service, const gchar *const *paths,
      const D2vAudioBatchParams *params, GError **error)
{
  g_autoptr (GPtrArray) wavs
      = g_ptr_array_new_with_free_func ((GDestroyNotify) d2v_wav_free);
  g_autoptr (GArray) clips = g_array_new (FALSE, FALSE, sizeof (D2vAudioClip));

  for (gsize i = 0; paths[i] != NULL; i++)
    if (!add_clip (service, paths[i], wavs, clips, error))
      return NULL;
  return d2v_audio_batch (&service->audio,
                          (const D2vAudioClip *) (gpointer) clips->data,
                          clips->len, params, error);
}

static gboolean
answer_sound (D2vService *service, const D2vJsonValue *request, GString *out,
              GError **error)
{
  static const gchar *const known[] = {
    "input",      "outputs", "padding", "max_length", "pad_to_multiple_of",
    "truncation", NULL
  };
  /* The order of the enum. */
  static const gchar *const paddings[]
      = { "do_not_pad", "longest", "max_length", NULL };
  D2vAudioBatchParams params = { D2V_AUDIO_PAD_NONE };
  const gchar *outputs = NULL;
  guint padding = D2V_AUDIO_PAD_NONE;

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_string (request, "outputs", &outputs, error)
      || !d2v_request_flag_or_choice (request, "padding", paddings,
                                      D2V_AUDIO_PAD_LONGEST, &padding, error)
      || !d2v_request_size (request, "max_length", 1, G_MAXINT32,
                            &params.max_length, error)
      || !d2v_request_size (request, "pad_to_multiple_of", 1, G_MAXINT32,
                            &params.pad_to_multiple_of, error)
      || !d2v_request_flag (request, "truncation", &params.truncation, error))
    return FALSE;
  if (outputs == NULL)
    return d2v_request_missing ("outputs", error);
  params.padding = padding;

  g_autofree const gchar **paths = read_inputs (request, error);
  if (paths == NULL)
    return FALSE;
  g_autoptr (D2vTensors) tensors = hear (service, paths, &params, error);
  return tensors != NULL && save (tensors, outputs, out, error);
}

/* -------------------------------------------------------------- images -- */

static D2vTensors *
see (const D2vService *service, const gchar *const *paths, GError **error)
{
  g_autoptr (GPtrArray) images
      = g_ptr_array_new_with_free_func ((GDestroyNotify) d2v_image_free);
  g_autoptr (GArray) views = g_array_new (FALSE, FALSE, sizeof (D2vImageView));

  for (gsize i = 0; paths[i] != NULL; i++)
    {
      D2vImage *image = d2v_image_read (paths[i], error);

      if (image == NULL)
        return NULL;
      const D2vImageView view = d2v_image_view (image);
      g_ptr_array_add (images, image);
      g_array_append_val (views, view);
    }
  g_autoptr (D2vTensor) pixels = d2v_image_processor_batch (
      service->processor, (const D2vImageView *) (gpointer) views->data,
      views->len, error);
  if (pixels == NULL)
    return NULL;
  D2vTensors *tensors = d2v_tensors_new ();
  d2v_tensors_set (tensors, "pixel_values", pixels);
  return tensors;
}

static gboolean
answer_images (D2vService *service, const D2vJsonValue *request, GString *out,
               GError **error)
{
  static const gchar *const known[] = { "input", "outputs", NULL };
  const gchar *outputs = NULL;

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_string (request, "outputs", &outputs, error))
    return FALSE;
  if (outputs == NULL)
    return d2v_request_missing ("outputs", error);
  g_autofree const gchar **paths = read_inputs (request, error);
  if (paths == NULL)
    return FALSE;
  g_autoptr (D2vTensors) tensors = see (service, paths, error);
  return tensors != NULL && save (tensors, outputs, out, error);
}

gboolean
d2v_answer_preprocess (D2vService *service, const D2vJsonValue *request,
                       GString *out, GError **error)
{
  return service->processor != NULL
             ? answer_images (service, request, out, error)
             : answer_sound (service, request, out, error);
}
