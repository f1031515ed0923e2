/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/processor.h"

#include "engine/base/error.h"
#include "engine/io/json.h"

#include <math.h>
#include <string.h>

#define MAX_NAME 128
#define MAX_SIDE 4096

/* The object that speaks for one front end, and its document. */
typedef struct
{
  D2vJson *json;
  const D2vJsonValue *object; /* NULL: nothing does */
} Source;

/* ------------------------------------------------------------ sources -- */

/* Of a processor's file the object under @nested, of a front end's own file
 * the whole. Nothing is merged: the first that is there is believed. */
static gboolean
find_source (const gchar *dir, const gchar *nested, Source *source,
             GError **error)
{
  if (!d2v_json_read_optional (dir, "processor_config.json", NULL,
                               &source->json, error))
    return FALSE;
  if (source->json != NULL)
    {
      const D2vJsonValue *root = d2v_json_root_object (source->json, error);
      if (root == NULL
          || !d2v_json_get_object (source->json, root, nested, &source->object,
                                   error))
        return FALSE;
      if (source->object != NULL)
        return TRUE;
      g_clear_pointer (&source->json, d2v_json_free);
    }
  if (!d2v_json_read_optional (dir, "preprocessor_config.json", NULL,
                               &source->json, error))
    return FALSE;
  if (source->json == NULL)
    return TRUE;
  source->object = d2v_json_root_object (source->json, error);
  return source->object != NULL;
}

static gboolean
fail_range (const D2vJson *json, const gchar *key, const gchar *expected,
            const gchar *found, GError **error)
{
  g_autofree gchar *shown = d2v_escape_name (found, -1);

  return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (json),
                   "%s: expected %s, found %s (C)", key, expected, shown);
}

/* Another front end computes something else from the same keys. */
static gboolean
check_type (const Source *s, const gchar *key, const gchar *prefix,
            GError **error)
{
  const gchar *type = NULL;

  if (!d2v_json_get_string (s->json, s->object, key, MAX_NAME, &type, error))
    return FALSE;
  if (type == NULL || g_str_has_prefix (type, prefix))
    return TRUE;
  g_autofree gchar *expected = g_strconcat (prefix, "...", NULL);
  return fail_range (s->json, key, expected, type, error);
}

/* -------------------------------------------------------------- audio -- */

static gboolean
check_padding_side (const Source *s, GError **error)
{
  const gchar *side = NULL;

  if (!d2v_json_get_string (s->json, s->object, "padding_side", MAX_NAME, &side,
                            error))
    return FALSE;
  /* The original normalises by the wrong samples when it pads at the left. */
  return side == NULL || strcmp (side, "right") == 0
         || fail_range (s->json, "padding_side", "right", side, error);
}

static gboolean
read_audio (const Source *s, D2vAudioProcessorConfig *out, GError **error)
{
  gsize rate = out->sampling_rate, features = 1;
  gdouble padding = out->padding_value;

  if (!check_type (s, "feature_extractor_type", "Wav2Vec2FeatureExtractor",
                   error)
      || !check_padding_side (s, error)
      || !d2v_json_get_size (s->json, s->object, "feature_size", 1, 1,
                             &features, error)
      || !d2v_json_get_size (s->json, s->object, "sampling_rate", 8000, 48000,
                             &rate, error)
      || !d2v_json_get_number (s->json, s->object, "padding_value", -G_MAXFLOAT,
                               G_MAXFLOAT, &padding, error)
      || !d2v_json_get_bool (s->json, s->object, "do_normalize",
                             &out->do_normalize, error)
      || !d2v_json_get_bool (s->json, s->object, "return_attention_mask",
                             &out->return_attention_mask, error))
    return FALSE;
  out->sampling_rate = (guint) rate;
  out->padding_value = (gfloat) padding;
  return TRUE;
}

static const D2vAudioProcessorConfig audio_defaults
    = { .do_normalize = TRUE, .sampling_rate = 16000 };

gboolean
d2v_audio_processor_parse (const gchar *text, gsize length, const gchar *name,
                           D2vAudioProcessorConfig *out, GError **error)
{
  g_autoptr (D2vJson) json = d2v_json_parse (text, length, name, NULL, error);
  Source source = { .json = json };

  *out = audio_defaults;
  if (json == NULL)
    return FALSE;
  source.object = d2v_json_root_object (json, error);
  return source.object != NULL && read_audio (&source, out, error);
}

gboolean
d2v_audio_processor_read (const gchar *dir, D2vAudioProcessorConfig *out,
                          GError **error)
{
  Source source = { NULL };

  *out = audio_defaults;
  gboolean fine
      = find_source (dir, "feature_extractor", &source, error)
        && (source.object == NULL || read_audio (&source, out, error));
  d2v_json_free (source.json);
  return fine;
}

/* ------------------------------------------------------------- images -- */

/* One number for both sides, or an object of height and width only:
 * "shortest_edge" and the like keep the aspect, which this processor of the
 * original does not do. */
static gboolean
read_sides (const Source *s, const gchar *key, gsize *h, gsize *w,
            GError **error)
{
  const D2vJsonValue *sides = d2v_json_member (s->object, key), *value;
  D2vJsonIter iter = d2v_json_iter (sides);
  const gchar *name;

  if (sides == NULL)
    return TRUE;
  if (d2v_json_type (sides) != D2V_JSON_OBJECT)
    {
      if (!d2v_json_get_size (s->json, s->object, key, 1, MAX_SIDE, h, error))
        return FALSE;
      *w = *h;
      return TRUE;
    }
  while (d2v_json_iter_next (&iter, &name, &value))
    if (strcmp (name, "height") != 0 && strcmp (name, "width") != 0
        && d2v_json_type (value) != D2V_JSON_NULL)
      return fail_range (s->json, key, "height and width", name, error);
  if (d2v_json_member (sides, "height") == NULL
      || d2v_json_member (sides, "width") == NULL)
    return fail_range (s->json, key, "height and width", "fewer", error);
  return d2v_json_get_size (s->json, sides, "height", 1, MAX_SIDE, h, error)
         && d2v_json_get_size (s->json, sides, "width", 1, MAX_SIDE, w, error);
}

static gboolean
read_channel (const Source *s, const gchar *key, const D2vJsonValue *value,
              gdouble min, gfloat *out, GError **error)
{
  D2vJsonType type = d2v_json_type (value);

  if (type != D2V_JSON_INTEGER && type != D2V_JSON_REAL)
    return d2v_fail (error, D2V_ERROR_CONFIG_TYPE, d2v_json_name (s->json),
                     "%s: expected a number or a list of numbers, found %s "
                     "(C)",
                     key, d2v_json_type_name (type));
  gdouble number = d2v_json_number (value);
  if (!(number >= min && number <= G_MAXFLOAT))
    return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (s->json),
                     "%s: expected a number within %g..%g, found %g (C)", key,
                     min, (gdouble) G_MAXFLOAT, number);
  *out = (gfloat) number;
  return TRUE;
}

/* One number for all channels, or one for each. */
static gboolean
read_channels (const Source *s, const gchar *key, gsize num_channels,
               gdouble min, gfloat out[4], GError **error)
{
  const D2vJsonValue *value = d2v_json_member (s->object, key);
  gboolean list = d2v_json_type (value) == D2V_JSON_ARRAY;

  if (value == NULL)
    return TRUE;
  if (list && d2v_json_length (value) != num_channels)
    return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (s->json),
                     "%s: expected one number or %" G_GSIZE_FORMAT
                     ", found %" G_GSIZE_FORMAT " (C)",
                     key, num_channels, d2v_json_length (value));
  for (gsize i = 0; i < num_channels; i++)
    if (!read_channel (s, key, list ? d2v_json_element (value, i) : value, min,
                       &out[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
read_steps (const Source *s, D2vImageProcessorConfig *out, GError **error)
{
  const struct
  {
    const gchar *key;
    gboolean *value;
  } steps[] = { { "do_resize", &out->do_resize },
                { "do_center_crop", &out->do_center_crop },
                { "do_rescale", &out->do_rescale },
                { "do_normalize", &out->do_normalize },
                { "reduce_labels", &out->reduce_labels },
                { "do_reduce_labels", &out->reduce_labels } };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (!d2v_json_get_bool (s->json, s->object, steps[i].key, steps[i].value,
                            error))
      return FALSE;
  return TRUE;
}

/* Keys of a step that is off are not looked at. */
static gboolean
read_image (const Source *s, gsize num_channels, D2vImageProcessorConfig *out,
            GError **error)
{
  gint64 resample = out->resample;

  if (!check_type (s, "image_processor_type", "Beit", error)
      || !check_type (s, "feature_extractor_type", "Beit", error)
      || !read_steps (s, out, error))
    return FALSE;
  if (out->do_resize
      && (!read_sides (s, "size", &out->size_h, &out->size_w, error)
          || !d2v_json_get_integer (s->json, s->object, "resample", 0, 5,
                                    &resample, error)))
    return FALSE;
  out->resample = (gint) resample;
  if (out->do_center_crop
      && !read_sides (s, "crop_size", &out->crop_h, &out->crop_w, error))
    return FALSE;
  if (out->do_rescale
      && !d2v_json_get_number (s->json, s->object, "rescale_factor", 1e-9, 1e3,
                               &out->rescale_factor, error))
    return FALSE;
  return !out->do_normalize
         || (read_channels (s, "image_mean", num_channels, -G_MAXFLOAT,
                            out->mean, error)
             && read_channels (s, "image_std", num_channels, 1e-6, out->std,
                               error));
}

/* Of the original's newest class; older ones wrote their keys down. */
static const D2vImageProcessorConfig image_defaults = {
  .do_resize = TRUE,
  .do_rescale = TRUE,
  .do_normalize = TRUE,
  .size_h = 224,
  .size_w = 224,
  .crop_h = 224,
  .crop_w = 224,
  .resample = 3,
  .rescale_factor = 1.0 / 255,
  .mean = { 0.5f, 0.5f, 0.5f, 0.5f },
  .std = { 0.5f, 0.5f, 0.5f, 0.5f },
};

gboolean
d2v_image_processor_parse (const gchar *text, gsize length, const gchar *name,
                           gsize num_channels, D2vImageProcessorConfig *out,
                           GError **error)
{
  g_autoptr (D2vJson) json = d2v_json_parse (text, length, name, NULL, error);
  Source source = { .json = json };

  *out = image_defaults;
  if (json == NULL)
    return FALSE;
  source.object = d2v_json_root_object (json, error);
  return source.object != NULL
         && read_image (&source, num_channels, out, error);
}

gboolean
d2v_image_processor_read (const gchar *dir, gsize num_channels,
                          D2vImageProcessorConfig *out, GError **error)
{
  Source source = { NULL };

  *out = image_defaults;
  gboolean fine = find_source (dir, "image_processor", &source, error);
  if (fine && source.object == NULL)
    fine = d2v_fail (error, D2V_ERROR_NOT_FOUND, dir,
                     "expected preprocessor_config.json, or "
                     "processor_config.json with image_processor");
  if (fine)
    fine = read_image (&source, num_channels, out, error);
  d2v_json_free (source.json);
  return fine;
}
