/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vsettings.h: the properties that every element has: which model runs
 * where, and what is told about it. An element's base class installs them
 * first, so that their numbers are the same everywhere. */
#pragma once

#include "gst/gstd2vcommon.h"

G_BEGIN_DECLS

enum
{
  GST_D2V_PROP_0,
  GST_D2V_PROP_MODEL,
  GST_D2V_PROP_DEVICE,
  GST_D2V_PROP_DEVICE_NAME,
  GST_D2V_PROP_PRECISION,
  GST_D2V_PROP_N_THREADS,
  GST_D2V_PROP_SHARE_MODEL,
  GST_D2V_PROP_MODEL_INSTANCE_ID,
  GST_D2V_PROP_LATENCY,
  GST_D2V_PROP_MAX_OBSERVED_DELAY,
  GST_D2V_PROP_POST_MESSAGES,
  GST_D2V_PROP_STATS,
  GST_D2V_PROP_LAST
};

/* Guarded by the element's object lock. */
typedef struct
{
  gchar *model;
  gchar *device;
  D2vPrecision precision;
  guint n_threads;
  gboolean share_model;
  gchar *instance;
  guint latency_ms;
  gboolean post_messages;
} GstD2vSettings;

void gst_d2v_settings_install (GObjectClass *klass);
void gst_d2v_settings_init (GstD2vSettings *settings);
void gst_d2v_settings_clear (GstD2vSettings *settings);

/* Copies what opening a model needs. Called with the object lock held. */
void gst_d2v_settings_copy (const GstD2vSettings *settings,
                            GstD2vSettings *copy);

/* FALSE when @id is not one of the properties above that are stored here.
 * Both take the object lock. */
gboolean gst_d2v_settings_set (GstD2vSettings *settings, GstObject *owner,
                               guint id, const GValue *value);
gboolean gst_d2v_settings_get (GstD2vSettings *settings, GstObject *owner,
                               guint id, GValue *value);

G_END_DECLS
