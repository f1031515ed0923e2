/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vcommon.h: what every element of the plugin shares: the types of its
 * properties, and the way in which errors of the library reach the bus. */
#pragma once

#include <gst/gst.h>

#include "engine/d2v.h"

G_BEGIN_DECLS

/* Which kind of pipeline an element believes it is in. */
typedef enum
{
  GST_D2V_REGIME_AUTO,
  GST_D2V_REGIME_RECORDED,
  GST_D2V_REGIME_LIVE
} GstD2vRegime;

typedef enum
{
  GST_D2V_ON_CORRUPT_DROP,
  GST_D2V_ON_CORRUPT_USE
} GstD2vOnCorrupt;

typedef enum
{
  GST_D2V_ON_LATE_PASS,
  GST_D2V_ON_LATE_DROP
} GstD2vOnLate;

typedef enum
{
  GST_D2V_TEXT_OUTPUT_WORD,
  GST_D2V_TEXT_OUTPUT_SENTENCE
} GstD2vTextOutput;

#define GST_TYPE_D2V_REGIME (gst_d2v_regime_get_type ())
#define GST_TYPE_D2V_ON_CORRUPT (gst_d2v_on_corrupt_get_type ())
#define GST_TYPE_D2V_ON_LATE (gst_d2v_on_late_get_type ())
#define GST_TYPE_D2V_TEXT_OUTPUT (gst_d2v_text_output_get_type ())
#define GST_TYPE_D2V_PRECISION (gst_d2v_precision_get_type ())
#define GST_TYPE_D2V_TEXT_CASE (gst_d2v_text_case_get_type ())
#define GST_TYPE_D2V_NONFINITE (gst_d2v_nonfinite_get_type ())

GType gst_d2v_regime_get_type (void);
GType gst_d2v_on_corrupt_get_type (void);
GType gst_d2v_on_late_get_type (void);
GType gst_d2v_text_output_get_type (void);
/* D2vPrecision, D2vTextCase and D2vNonfinite as properties. */
GType gst_d2v_precision_get_type (void);
GType gst_d2v_text_case_get_type (void);
GType gst_d2v_nonfinite_get_type (void);

/* Posts @error as an element error, with the domain and code that
 * applications know how to react to. CANCELLED is not an error and posts
 * nothing. @what begins the text: "Cannot load the model". Call it without
 * locks. */
void gst_d2v_post_error (GstElement *element, const gchar *what,
                         const GError *error);
/* The same as a warning: the stream goes on. */
void gst_d2v_post_warning (GstElement *element, const gchar *what,
                           const GError *error);

/* Posts a PROGRESS message of @type about @code. Call it without locks. */
void gst_d2v_post_progress (GstElement *element, GstProgressType type,
                            const gchar *code, const gchar *text);

/* Milliseconds to nanoseconds, as properties and GStreamer count them. */
static inline GstClockTime
gst_d2v_ms (guint ms)
{
  return (GstClockTime) ms * GST_MSECOND;
}

G_END_DECLS
