/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transcriber's own properties. */

#include "gst/gstd2vtranscriber.h"

#define GST_CAT_DEFAULT gst_d2v_transcriber_debug

enum
{
  PROP_LANGUAGE_CODE = GST_D2V_AUDIO_PROP_LAST,
  PROP_LATENESS,
  PROP_ON_LATE,
  PROP_WINDOW_DURATION,
  PROP_STRIDE_DURATION,
  PROP_CHUNK_DURATION,
  PROP_LEFT_CONTEXT,
  PROP_RIGHT_CONTEXT,
  PROP_PARTIAL_RESULTS,
  PROP_PARTIAL_INTERVAL,
  PROP_ENDPOINT_SILENCE,
  PROP_ENDPOINT_MAX_DURATION,
  PROP_WORD_CONFIDENCE_THRESHOLD,
  PROP_OUTPUT,
  PROP_TEXT_CASE,
  PROP_NONFINITE
};

void
gst_d2v_transcriber_get_settings (GstD2vTranscriber *self,
                                  GstD2vTranscriberSettings *settings)
{
  GST_OBJECT_LOCK (self);
  *settings = self->settings;
  settings->language = g_strdup (self->settings.language);
  GST_OBJECT_UNLOCK (self);
}

static guint *
duration_field (GstD2vTranscriberSettings *settings, guint id)
{
  switch (id)
    {
    case PROP_WINDOW_DURATION:
      return &settings->params.window_ms;
    case PROP_CHUNK_DURATION:
      return &settings->params.chunk_ms;
    case PROP_LEFT_CONTEXT:
      return &settings->params.left_context_ms;
    case PROP_RIGHT_CONTEXT:
      return &settings->params.right_context_ms;
    case PROP_PARTIAL_INTERVAL:
      return &settings->params.partial_interval_ms;
    case PROP_ENDPOINT_SILENCE:
      return &settings->params.endpoint_silence_ms;
    case PROP_ENDPOINT_MAX_DURATION:
      return &settings->params.endpoint_max_ms;
    case PROP_LATENESS:
      return &settings->lateness_ms;
    default:
      return NULL;
    }
}

/* What a changed property asks for besides being stored. */
static void
react (GstD2vTranscriber *self, guint id)
{
  switch (id)
    {
    case PROP_LATENESS:
    case PROP_OUTPUT:
    case PROP_CHUNK_DURATION:
    case PROP_RIGHT_CONTEXT:
    case PROP_ENDPOINT_SILENCE:
    case PROP_ENDPOINT_MAX_DURATION:
      gst_d2v_audio_base_latency_changed (GST_D2V_AUDIO_BASE (self));
      break;
    default:
      break;
    }
  g_atomic_int_set (&self->settings_changed, TRUE);
}

/* Structures and tags take nothing but UTF-8. */
static gchar *
dup_valid (const GValue *value)
{
  const gchar *text = g_value_get_string (value);

  return text ? g_utf8_make_valid (text, -1) : NULL;
}

static void
gst_d2v_transcriber_set_property (GObject *object, guint id,
                                  const GValue *value, GParamSpec *pspec)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (object);
  GstD2vTranscriberSettings *settings = &self->settings;
  guint *duration = duration_field (settings, id);

  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_LANGUAGE_CODE:
      g_free (settings->language);
      settings->language = dup_valid (value);
      break;
    case PROP_ON_LATE:
      settings->on_late = g_value_get_enum (value);
      break;
    case PROP_PARTIAL_RESULTS:
      settings->partial_results = g_value_get_boolean (value);
      break;
    case PROP_WORD_CONFIDENCE_THRESHOLD:
      settings->min_confidence = g_value_get_float (value);
      break;
    case PROP_OUTPUT:
      settings->output = g_value_get_enum (value);
      break;
    case PROP_STRIDE_DURATION:
      settings->params.stride_ms = (guint) g_value_get_int (value);
      break;
    case PROP_TEXT_CASE:
      settings->params.text_case = g_value_get_enum (value);
      break;
    case PROP_NONFINITE:
      settings->params.nonfinite = g_value_get_enum (value);
      break;
    default:
      if (duration)
        *duration = g_value_get_uint (value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
  react (self, id);
}

static void
gst_d2v_transcriber_get_property (GObject *object, guint id, GValue *value,
                                  GParamSpec *pspec)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (object);
  GstD2vTranscriberSettings *settings = &self->settings;
  guint *duration = duration_field (settings, id);

  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_LANGUAGE_CODE:
      g_value_set_string (value, settings->language);
      break;
    case PROP_ON_LATE:
      g_value_set_enum (value, settings->on_late);
      break;
    case PROP_PARTIAL_RESULTS:
      g_value_set_boolean (value, settings->partial_results);
      break;
    case PROP_WORD_CONFIDENCE_THRESHOLD:
      g_value_set_float (value, settings->min_confidence);
      break;
    case PROP_OUTPUT:
      g_value_set_enum (value, settings->output);
      break;
    case PROP_STRIDE_DURATION:
      g_value_set_int (value, (gint) settings->params.stride_ms);
      break;
    case PROP_TEXT_CASE:
      g_value_set_enum (value, settings->params.text_case);
      break;
    case PROP_NONFINITE:
      g_value_set_enum (value, settings->params.nonfinite);
      break;
    default:
      if (duration)
        g_value_set_uint (value, *duration);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
}

#define FLAGS                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static void
install_duration (GObjectClass *klass, guint id, const gchar *name,
                  const gchar *nick, const gchar *blurb, guint min, guint max,
                  guint ms)
{
  g_object_class_install_property (
      klass, id, g_param_spec_uint (name, nick, blurb, min, max, ms, FLAGS));
}

static void
install_windows (GObjectClass *klass)
{
  install_duration (klass, PROP_WINDOW_DURATION, "window-duration", "Window",
                    "Recorded: sound heard at a time, in milliseconds; a "
                    "shorter clip is heard at once",
                    1000, 120000, 30000);
  g_object_class_install_property (
      klass, PROP_STRIDE_DURATION,
      g_param_spec_int ("stride-duration", "Stride",
                        "Recorded: overlap on each side of a window, in "
                        "milliseconds (-1 = a sixth of the window)",
                        -1, 40000, -1, FLAGS));
  install_duration (klass, PROP_CHUNK_DURATION, "chunk-duration", "Chunk",
                    "Live: new sound in each window, in milliseconds; shorter "
                    "is sooner and costs more",
                    40, 10000, 400);
  install_duration (klass, PROP_LEFT_CONTEXT, "left-context", "Left context",
                    "Live: sound heard again before each chunk, in "
                    "milliseconds",
                    0, 30000, 2400);
  install_duration (klass, PROP_RIGHT_CONTEXT, "right-context", "Right context",
                    "Live: sound waited for after each chunk, in "
                    "milliseconds; longer is more accurate and later",
                    0, 10000, 500);
}

static void
install_sentences (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, PROP_OUTPUT,
      g_param_spec_enum ("output", "Output",
                         "What one buffer holds; live sentences wait for "
                         "their end, and so does the declared latency",
                         GST_TYPE_D2V_TEXT_OUTPUT, GST_D2V_TEXT_OUTPUT_WORD,
                         FLAGS));
  install_duration (
      klass, PROP_ENDPOINT_SILENCE, "endpoint-silence", "Endpoint silence",
      "A pause that ends a sentence, in milliseconds", 100, 10000, 500);
  install_duration (klass, PROP_ENDPOINT_MAX_DURATION, "endpoint-max-duration",
                    "Longest sentence",
                    "A sentence's greatest length, in milliseconds", 1000,
                    120000, 12000);
  g_object_class_install_property (
      klass, PROP_TEXT_CASE,
      g_param_spec_enum ("text-case", "Case",
                         "Letter case; most vocabularies know upper case only",
                         GST_TYPE_D2V_TEXT_CASE, D2V_TEXT_CASE_VOCABULARY,
                         FLAGS));
}

static void
install_partial (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, PROP_PARTIAL_RESULTS,
      g_param_spec_boolean ("partial-results", "Partial results",
                            "Also post what is heard of unfinished words, and "
                            "write it on json_src; partial_src has it in any "
                            "case",
                            FALSE, FLAGS));
  install_duration (klass, PROP_PARTIAL_INTERVAL, "partial-interval",
                    "Partial interval",
                    "At most one partial result in this time, in "
                    "milliseconds",
                    20, 10000, 200);
}

static void
install_policies (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, PROP_WORD_CONFIDENCE_THRESHOLD,
      g_param_spec_float ("word-confidence-threshold", "Least confidence",
                          "Words that the model is less sure of are dropped",
                          0.0f, 1.0f, 0.0f, FLAGS | GST_PARAM_CONTROLLABLE));
  install_duration (klass, PROP_LATENESS, "lateness", "Lateness",
                    "Time stamps are moved forward by this, in milliseconds; "
                    "the declared latency is shorter by as much",
                    0, 60000, 0);
  g_object_class_install_property (
      klass, PROP_ON_LATE,
      g_param_spec_enum ("on-late", "On late results",
                         "Live: what to do with results that come after the "
                         "declared latency",
                         GST_TYPE_D2V_ON_LATE, GST_D2V_ON_LATE_PASS, FLAGS));
  g_object_class_install_property (
      klass, PROP_NONFINITE,
      g_param_spec_enum ("nonfinite", "On NaN and infinity",
                         "What to do with windows of samples that are no "
                         "numbers",
                         GST_TYPE_D2V_NONFINITE, D2V_NONFINITE_DROP, FLAGS));
  g_object_class_install_property (
      klass, PROP_LANGUAGE_CODE,
      g_param_spec_string ("language-code", "Language",
                           "What language the model hears, as a tag of the "
                           "text and a field of results",
                           NULL, FLAGS));
}

void
gst_d2v_transcriber_install_properties (GObjectClass *klass)
{
  klass->set_property = gst_d2v_transcriber_set_property;
  klass->get_property = gst_d2v_transcriber_get_property;
  install_windows (klass);
  install_sentences (klass);
  install_partial (klass);
  install_policies (klass);
}

void
gst_d2v_transcriber_init_settings (GstD2vTranscriber *self)
{
  self->settings.params = (D2vTranscriberParams){ .window_ms = 30000,
                                                  .stride_ms = (guint) -1,
                                                  .chunk_ms = 400,
                                                  .left_context_ms = 2400,
                                                  .right_context_ms = 500,
                                                  .partial_interval_ms = 200,
                                                  .endpoint_silence_ms = 500,
                                                  .endpoint_max_ms = 12000 };
}
