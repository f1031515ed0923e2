/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vaudiobase_private.h: how the base class's parts fit.
 *
 *   gstd2vaudiobase.c     the class: properties, states, the model
 *   gstd2vaudioin.c       buffers and events into unbroken sound
 *   gstd2vaudiolatency.c  live or recorded, and what is declared
 */
#pragma once

#include "gst/gstd2vaudiobase.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_d2v_audio_base_debug);

typedef struct _GstD2vAudioBasePrivate GstD2vAudioBasePrivate;

struct _GstD2vAudioBasePrivate
{
  GstPad *sinkpad;
  GstD2vLoader *loader;
  GstD2vLoaderClass loader_class;

  /* Guarded by the object lock. */
  GstD2vSettings settings;
  GstD2vRegime regime;
  GstD2vOnCorrupt on_corrupt;
  gboolean regime_known;
  D2vRegime found_regime;
  GstClockTime budget;
  guint n_measured;
  guint max_delay_ms;
  guint64 n_corrupt;
  guint64 n_resyncs;

  /* The streaming thread's. */
  guint serial; /* of the session that the child was started with */
  gboolean has_caps;
  gboolean is_s16;
  gboolean has_segment;
  GstSegment segment;
  GstD2vTimeline timeline;
  gboolean broken;     /* the next samples do not follow the last */
  GstClockTime resume; /* where sound without a time would go on */
  GstClockTime filled; /* silence put in for gaps since the last sound */
  guint8 bytes[GST_D2V_AUDIO_PIECE * sizeof (gfloat)];
  gfloat samples[GST_D2V_AUDIO_PIECE];
};

GstD2vAudioBasePrivate *gst_d2v_audio_base_private (GstD2vAudioBase *base);

/* ---- gstd2vaudioin.c ---- */

GstFlowReturn gst_d2v_audio_base_chain (GstPad *pad, GstObject *parent,
                                        GstBuffer *buffer);
gboolean gst_d2v_audio_base_sink_event (GstPad *pad, GstObject *parent,
                                        GstEvent *event);
gboolean gst_d2v_audio_base_sink_query (GstPad *pad, GstObject *parent,
                                        GstQuery *query);
/* Forgets segment and times, as a flush does. */
void gst_d2v_audio_base_forget (GstD2vAudioBase *base);

/* ---- gstd2vaudiolatency.c ---- */

/* The budget before anything was measured. Called with the object lock held.
 */
GstClockTime gst_d2v_audio_base_first_budget (GstD2vAudioBase *base);

G_END_DECLS
