/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vcommon.h"

/* Registers an enumeration once and says that it belongs to the plugin's
 * interface, so that documentation lists it. */
static GType
enum_type (const gchar *name, const GEnumValue *values, gsize *type)
{
  if (g_once_init_enter (type))
    {
      GType t = g_enum_register_static (name, values);
      gst_type_mark_as_plugin_api (t, 0);
      g_once_init_leave (type, t);
    }
  return *type;
}

GType
gst_d2v_regime_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { GST_D2V_REGIME_AUTO, "As the pipeline's LATENCY query says", "auto" },
    { GST_D2V_REGIME_RECORDED, "Exact and complete; upstream waits",
      "recorded" },
    { GST_D2V_REGIME_LIVE, "Bounded delay; upstream never waits", "live" },
    { 0 }
  };
  return enum_type ("GstD2vRegime", values, &type);
}

GType
gst_d2v_on_corrupt_get_type (void)
{
  static gsize type;
  static const GEnumValue values[]
      = { { GST_D2V_ON_CORRUPT_DROP, "Treat it as missing", "drop" },
          { GST_D2V_ON_CORRUPT_USE, "Use it like any other", "use" },
          { 0 } };
  return enum_type ("GstD2vOnCorrupt", values, &type);
}

GType
gst_d2v_on_late_get_type (void)
{
  static gsize type;
  static const GEnumValue values[]
      = { { GST_D2V_ON_LATE_PASS, "Push it with its time moved up", "pass" },
          { GST_D2V_ON_LATE_DROP, "Drop it", "drop" },
          { 0 } };
  return enum_type ("GstD2vOnLate", values, &type);
}

GType
gst_d2v_text_output_get_type (void)
{
  static gsize type;
  static const GEnumValue values[]
      = { { GST_D2V_TEXT_OUTPUT_WORD, "One word a buffer", "word" },
          { GST_D2V_TEXT_OUTPUT_SENTENCE, "One sentence a buffer", "sentence" },
          { 0 } };
  return enum_type ("GstD2vTextOutput", values, &type);
}

GType
gst_d2v_precision_get_type (void)
{
  static gsize type;
  static const GEnumValue values[]
      = { { D2V_PRECISION_AUTO, "What suits the device", "auto" },
          { D2V_PRECISION_F32, "32-bit floating point", "fp32" },
          { D2V_PRECISION_F16, "16-bit floating point", "fp16" },
          { D2V_PRECISION_BF16, "16-bit brain floating point", "bf16" },
          { D2V_PRECISION_INT8, "8-bit integers in linear layers", "int8" },
          { 0 } };
  return enum_type ("GstD2vPrecision", values, &type);
}

GType
gst_d2v_text_case_get_type (void)
{
  static gsize type;
  static const GEnumValue values[]
      = { { D2V_TEXT_CASE_VOCABULARY, "As the model's vocabulary spells it",
            "vocabulary" },
          { D2V_TEXT_CASE_LOWER, "Lower case", "lower" },
          { D2V_TEXT_CASE_UPPER, "Upper case", "upper" },
          { D2V_TEXT_CASE_SENTENCE, "Lower case, each sentence begins upper",
            "sentence" },
          { 0 } };
  return enum_type ("GstD2vTextCase", values, &type);
}

GType
gst_d2v_nonfinite_get_type (void)
{
  static gsize type;
  static const GEnumValue values[]
      = { { D2V_NONFINITE_DROP, "No text from that window", "drop" },
          { D2V_NONFINITE_ERROR, "Stop with an error", "error" },
          { 0 } };
  return enum_type ("GstD2vNonfinite", values, &type);
}

/* ------------------------------------------------------------- errors -- */

typedef struct
{
  GQuark domain;
  gint code;
} ElementError;

/* Files that exist and can be read, but hold something else than a model,
 * are a matter of opening a resource; a model whose parts do not fit
 * together is one of setting up the library. */
static ElementError
element_error (gint code)
{
  switch (code)
    {
    case D2V_ERROR_NOT_FOUND:
      return (ElementError){ GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND };
    case D2V_ERROR_WRITE:
      return (ElementError){ GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE };
    case D2V_ERROR_NO_MEMORY:
      return (ElementError){ GST_RESOURCE_ERROR,
                             GST_RESOURCE_ERROR_NO_SPACE_LEFT };
    case D2V_ERROR_DEVICE:
    case D2V_ERROR_USAGE:
    case D2V_ERROR_UNSUPPORTED:
    case D2V_ERROR_ARCH_HEAD:
      return (ElementError){ GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS };
    case D2V_ERROR_DEVICE_LOST:
      return (ElementError){ GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED };
    case D2V_ERROR_INPUT:
      return (ElementError){ GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT };
    case D2V_ERROR_FAILED:
      return (ElementError){ GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED };
    case D2V_ERROR_W_NONFINITE:
    case D2V_ERROR_ARCH_MISSING:
    case D2V_ERROR_ARCH_UNEXPECTED:
    case D2V_ERROR_ARCH_SHAPE:
      return (ElementError){ GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT };
    default:
      return (ElementError){ GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ };
    }
}

static void
post (GstElement *element, GstMessageType type, const gchar *what,
      const GError *error)
{
  ElementError e = { GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED };

  if (g_error_matches (error, D2V_ERROR, D2V_ERROR_CANCELLED))
    return;
  if (error->domain == D2V_ERROR)
    e = element_error (error->code);
  gst_element_message_full (element, type, e.domain, e.code,
                            g_strdup_printf ("%s: %s", what, error->message),
                            g_strdup_printf ("%s code %d",
                                             g_quark_to_string (error->domain),
                                             error->code),
                            __FILE__, GST_FUNCTION, __LINE__);
}

void
gst_d2v_post_error (GstElement *element, const gchar *what, const GError *error)
{
  post (element, GST_MESSAGE_ERROR, what, error);
}

void
gst_d2v_post_warning (GstElement *element, const gchar *what,
                      const GError *error)
{
  post (element, GST_MESSAGE_WARNING, what, error);
}

void
gst_d2v_post_progress (GstElement *element, GstProgressType type,
                       const gchar *code, const gchar *text)
{
  gst_element_post_message (
      element,
      gst_message_new_progress (GST_OBJECT (element), type, code, text));
}
