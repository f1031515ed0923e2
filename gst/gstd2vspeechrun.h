/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vspeechrun.h: one unbroken run of sound, as the thread that hears it
 * and the thread that pushes its words both see it.
 *
 * The transcriber counts samples; a run knows what time each of them has, when
 * each of them arrived, and which events came in between. Everything but the
 * reference count is guarded by the owner's lock. */
#pragma once

#include <gst/gst.h>

#include "engine/d2v.h"

G_BEGIN_DECLS

typedef struct
{
  gint n_refs;
  D2vTranscriber *engine;
  GstSegment segment;
  guint64 before;  /* samples of all runs before this one */
  guint64 pushed;  /* samples of this run that were heard ... */
  guint64 decided; /* ... and for which every word is out */
  guint64 n_done;  /* windows, when last looked at ... */
  gint64 moved;    /* ... and since when they are so many; 0: not looked yet */
  gboolean warned; /* that it has come to a stop */
  GArray *anchors; /* Anchor: at this sample it is that time */
  GQueue arrivals; /* Arrival: samples before this one came by then */
  GQueue events;   /* Waiting: an event, and the sample that it precedes */
} GstD2vSpeechRun;

GstD2vSpeechRun *gst_d2v_speech_run_new (D2vTranscriber *engine,
                                         const GstSegment *segment,
                                         GstClockTime time, guint64 before);
GstD2vSpeechRun *gst_d2v_speech_run_ref (GstD2vSpeechRun *run);
void gst_d2v_speech_run_unref (GstD2vSpeechRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstD2vSpeechRun, gst_d2v_speech_run_unref)

/* @n_samples more were heard, at @now (monotonic, in microseconds). */
void gst_d2v_speech_run_heard (GstD2vSpeechRun *run, guint64 n_samples,
                               gint64 now);
/* The next sample's time is @time, whatever was counted. */
void gst_d2v_speech_run_anchor (GstD2vSpeechRun *run, GstClockTime time);
/* @event belongs before the next sample. Takes it. */
void gst_d2v_speech_run_add_event (GstD2vSpeechRun *run, GstEvent *event);
/* The next event that belongs before or at @sample, or NULL. */
GstEvent *gst_d2v_speech_run_take_event (GstD2vSpeechRun *run, guint64 sample);

GstClockTime gst_d2v_speech_run_time (const GstD2vSpeechRun *run,
                                      guint64 sample);
/* When the last sample before @sample came; 0 when that is not known. */
gint64 gst_d2v_speech_run_arrival (const GstD2vSpeechRun *run, guint64 sample);
/* Samples that had come by @then. */
guint64 gst_d2v_speech_run_heard_by (const GstD2vSpeechRun *run, gint64 then);
/* How long, in microseconds, a window has been waiting and none was done, by
 * what the engine's @stats say at @now. */
gint64 gst_d2v_speech_run_stalled (GstD2vSpeechRun *run,
                                   const D2vTranscriberStats *stats,
                                   gint64 now);
/* Everything before @sample is decided: forgets what is only of use there. */
void gst_d2v_speech_run_decide (GstD2vSpeechRun *run, guint64 sample);

G_END_DECLS
