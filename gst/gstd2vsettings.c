/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vsettings.h"

#define READY                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING                                                                \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define READ_ONLY (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

static void
install_model (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, GST_D2V_PROP_MODEL,
      g_param_spec_string (
          "model", "Model",
          "Model directory as published, or a weights file inside one; set "
          "while playing, it is loaded beside and takes over at a window's "
          "border",
          NULL, PLAYING));
  g_object_class_install_property (
      klass, GST_D2V_PROP_SHARE_MODEL,
      g_param_spec_boolean (
          "share-model", "Share model",
          "Share weights with other elements of this process that run the "
          "same model",
          TRUE, READY));
  g_object_class_install_property (
      klass, GST_D2V_PROP_MODEL_INSTANCE_ID,
      g_param_spec_string (
          "model-instance-id", "Model instance",
          "Share only with elements of the same name here (unset: with all)",
          NULL, READY));
}

static void
install_device (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, GST_D2V_PROP_DEVICE,
      g_param_spec_string (
          "device", "Device",
          "Where the model runs: auto, cpu, vulkan, vulkan:N, or vulkan: and "
          "a UUID, PCI address or part of a name; only auto may fall back",
          "auto", READY));
  g_object_class_install_property (
      klass, GST_D2V_PROP_DEVICE_NAME,
      g_param_spec_string ("device-name", "Device name",
                           "The device in use (unset until a model is loaded)",
                           NULL, READ_ONLY | GST_PARAM_DOC_SHOW_DEFAULT));
  g_object_class_install_property (
      klass, GST_D2V_PROP_PRECISION,
      g_param_spec_enum ("precision", "Precision",
                         "Arithmetic of the large products; sums are always "
                         "32-bit floating point",
                         GST_TYPE_D2V_PRECISION, D2V_PRECISION_AUTO, READY));
  g_object_class_install_property (
      klass, GST_D2V_PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
                         "Threads of the CPU path (0 = one per core)", 0, 1024,
                         0, READY));
}

static void
install_reports (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, GST_D2V_PROP_LATENCY,
      g_param_spec_uint (
          "latency", "Latency",
          "Time allowed for computing in live pipelines, in milliseconds "
          "(0 = measured); a machine that needs more raises it, with a "
          "LATENCY message",
          0, 60000, 0, PLAYING));
  g_object_class_install_property (
      klass, GST_D2V_PROP_MAX_OBSERVED_DELAY,
      g_param_spec_uint (
          "max-observed-delay", "Greatest delay",
          "Longest time from hearing the end of a result to pushing it, in "
          "milliseconds",
          0, G_MAXUINT, 0, READ_ONLY));
  g_object_class_install_property (
      klass, GST_D2V_PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
                            "Post an element message for every final result",
                            TRUE, PLAYING));
  g_object_class_install_property (
      klass, GST_D2V_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
                          "Counters and times of this element",
                          GST_TYPE_STRUCTURE, READ_ONLY));
}

void
gst_d2v_settings_install (GObjectClass *klass)
{
  install_model (klass);
  install_device (klass);
  install_reports (klass);
}

void
gst_d2v_settings_init (GstD2vSettings *settings)
{
  *settings = (GstD2vSettings){ .device = g_strdup ("auto"),
                                .share_model = TRUE,
                                .post_messages = TRUE };
}

void
gst_d2v_settings_clear (GstD2vSettings *settings)
{
  g_clear_pointer (&settings->model, g_free);
  g_clear_pointer (&settings->device, g_free);
  g_clear_pointer (&settings->instance, g_free);
}

void
gst_d2v_settings_copy (const GstD2vSettings *settings, GstD2vSettings *copy)
{
  *copy = *settings;
  copy->model = g_strdup (settings->model);
  copy->device = g_strdup (settings->device);
  copy->instance = g_strdup (settings->instance);
}

static void
set_string (gchar **field, const GValue *value)
{
  g_free (*field);
  *field = g_value_dup_string (value);
}

gboolean
gst_d2v_settings_set (GstD2vSettings *settings, GstObject *owner, guint id,
                      const GValue *value)
{
  gboolean known = TRUE;

  GST_OBJECT_LOCK (owner);
  switch (id)
    {
    case GST_D2V_PROP_MODEL:
      set_string (&settings->model, value);
      break;
    case GST_D2V_PROP_DEVICE:
      set_string (&settings->device, value);
      break;
    case GST_D2V_PROP_PRECISION:
      settings->precision = g_value_get_enum (value);
      break;
    case GST_D2V_PROP_N_THREADS:
      settings->n_threads = g_value_get_uint (value);
      break;
    case GST_D2V_PROP_SHARE_MODEL:
      settings->share_model = g_value_get_boolean (value);
      break;
    case GST_D2V_PROP_MODEL_INSTANCE_ID:
      set_string (&settings->instance, value);
      break;
    case GST_D2V_PROP_LATENCY:
      settings->latency_ms = g_value_get_uint (value);
      break;
    case GST_D2V_PROP_POST_MESSAGES:
      settings->post_messages = g_value_get_boolean (value);
      break;
    default:
      known = FALSE;
    }
  GST_OBJECT_UNLOCK (owner);
  return known;
}

gboolean
gst_d2v_settings_get (GstD2vSettings *settings, GstObject *owner, guint id,
                      GValue *value)
{
  gboolean known = TRUE;

  GST_OBJECT_LOCK (owner);
  switch (id)
    {
    case GST_D2V_PROP_MODEL:
      g_value_set_string (value, settings->model);
      break;
    case GST_D2V_PROP_DEVICE:
      g_value_set_string (value, settings->device);
      break;
    case GST_D2V_PROP_PRECISION:
      g_value_set_enum (value, settings->precision);
      break;
    case GST_D2V_PROP_N_THREADS:
      g_value_set_uint (value, settings->n_threads);
      break;
    case GST_D2V_PROP_SHARE_MODEL:
      g_value_set_boolean (value, settings->share_model);
      break;
    case GST_D2V_PROP_MODEL_INSTANCE_ID:
      g_value_set_string (value, settings->instance);
      break;
    case GST_D2V_PROP_LATENCY:
      g_value_set_uint (value, settings->latency_ms);
      break;
    case GST_D2V_PROP_POST_MESSAGES:
      g_value_set_boolean (value, settings->post_messages);
      break;
    default:
      known = FALSE;
    }
  GST_OBJECT_UNLOCK (owner);
  return known;
}
