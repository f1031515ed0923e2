/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vtranscriber.h: speech to text.
 *
 * Two threads meet here. The streaming thread hears (gstd2vtranscriber.c): it
 * pushes samples into the transcriber and puts runs of sound and events into a
 * queue, in order. The source pad's task speaks (gstd2vtranscriberout.c): it
 * takes the queue from the front, pulls a run's words until it is drained, and
 * pushes. So events leave in their place among the words, upstream need not
 * wait for downstream, and nothing is pushed with a lock held. */
#pragma once

#include "gst/gstd2vaudiobase.h"
#include "gst/gstd2vresult.h"
#include "gst/gstd2vspeechrun.h"
#include "gst/gstd2vtextpad.h"

#include <gst/base/gstflowcombiner.h>

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_d2v_transcriber_debug);

#define GST_TYPE_D2V_TRANSCRIBER (gst_d2v_transcriber_get_type ())
G_DECLARE_FINAL_TYPE (GstD2vTranscriber, gst_d2v_transcriber, GST,
                      D2V_TRANSCRIBER, GstD2vAudioBase)

/* Guarded by the object lock. */
typedef struct
{
  /* But for regime and partial_results. Durations are as the properties have
   * them: 0 is none, and -1 the engine's choice. */
  D2vTranscriberParams params;
  gboolean partial_results;
  gfloat min_confidence;
  GstD2vTextOutput output;
  GstD2vOnLate on_late;
  guint lateness_ms;
  gchar *language;
} GstD2vTranscriberSettings;

/* A run of sound or an event, in the order in which they came. */
typedef struct
{
  GstD2vSpeechRun *run;
  GstEvent *event;
} GstD2vSpeechItem;

/* Words on their way to be a sentence. Times are as time stamps count. */
typedef struct
{
  GArray *words; /* GstD2vWord */
  GstClockTime start;
  GstClockTime end;
  guint64 end_sample;
  guint revision; /* of the last partial result */
} GstD2vSentence;

/* What the task knows; nobody else touches it while the task runs. */
typedef struct
{
  GstD2vTextHead head;
  GstSegment segment;
  gchar *tagged_language;  /* what head.tags says */
  GstD2vSentence sentence; /* since the last endpoint */
  gboolean speaking;       /* words since the last final-transcript */
  GstClockTime forced;     /* the stream was moved to here unheard */
  gint64 next_qos;
} GstD2vSpeaker;

struct _GstD2vTranscriber
{
  GstD2vAudioBase parent;

  GstPad *srcpad;
  GstD2vTranscriberSettings settings;
  gint settings_changed; /* atomic: perhaps another engine is needed */

  GMutex lock; /* guards what follows */
  GCond cond;
  gboolean active; /* the source pad is */
  guint n_halting; /* threads that wait for the task to stop */
  gboolean flushing;
  gboolean failed; /* an error was posted */
  GstFlowReturn flow;
  GstFlowCombiner *combiner;
  GQueue items;
  D2vTranscriber *engine;
  GstD2vSpeechRun *run; /* the one that sound is added to */
  guint64 n_heard;      /* samples of all runs */
  guint64 n_decided;
  gboolean idle; /* the task has said all there is to say */
  GstClockTime pipeline_latency;
  guint64 n_late;           /* results that came after their time */
  guint64 n_skipped;        /* samples that were not heard: nobody took words */
  D2vTranscriberStats past; /* of engines that are gone */

  /* The streaming thread's. */
  D2vSession *session;
  D2vTranscriberParams engine_params;

  GstD2vSpeaker speaker;
};

/* ---- gstd2vtranscriberprops.c ---- */

void gst_d2v_transcriber_install_properties (GObjectClass *klass);
void gst_d2v_transcriber_init_settings (GstD2vTranscriber *self);
/* Copies; free language. */
void gst_d2v_transcriber_get_settings (GstD2vTranscriber *self,
                                       GstD2vTranscriberSettings *settings);

/* ---- gstd2vtranscriber.c ---- */

void gst_d2v_speech_item_free (gpointer item);

/* Posts @error once and ends the stream. Takes the lock. */
void gst_d2v_transcriber_fail (GstD2vTranscriber *self, const GError *error);

/* ---- gstd2vtranscriberout.c ---- */

/* The task: one item or one transcript a call. */
void gst_d2v_transcriber_loop (gpointer pad);
/* Forgets the stream, while the task does not run. */
void gst_d2v_speaker_reset (GstD2vTranscriber *self, gboolean whole_stream);
/* Another stream begins, as @event says. */
void gst_d2v_speaker_new_stream (GstD2vTranscriber *self, GstEvent *event);
void gst_d2v_speaker_init (GstD2vSpeaker *speaker);
void gst_d2v_speaker_clear (GstD2vSpeaker *speaker);

G_END_DECLS
