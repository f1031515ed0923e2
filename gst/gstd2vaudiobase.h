/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vaudiobase.h: what every element that hears has in common.
 *
 * The base class owns the sink pad: it takes buffers of any size, shape and
 * quality, and hands its child one unbroken stream of float samples after the
 * other. A child sees
 *
 *   start (session)            a model is there, or another one
 *   samples, samples, anchor   sound; from here on it is this time
 *   drain                      it has ended: finish what was heard
 *   event                      a serialized event, in its place
 *
 * all on the streaming thread, without locks. Gaps, jumps in time, damaged
 * buffers, changes of format, segments and streams all come out as drain, so
 * that no result ever spans one of them. */
#pragma once

#include "gst/gstd2vloader.h"
#include "gst/gstd2vtimeline.h"

G_BEGIN_DECLS

#define GST_D2V_AUDIO_RATE 16000

/* Samples are handed on in pieces of at most this many. */
#define GST_D2V_AUDIO_PIECE 4096

#define GST_TYPE_D2V_AUDIO_BASE (gst_d2v_audio_base_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstD2vAudioBase, gst_d2v_audio_base, GST,
                          D2V_AUDIO_BASE, GstElement)

/* A child's own properties begin here. */
enum
{
  GST_D2V_AUDIO_PROP_REGIME = GST_D2V_PROP_LAST,
  GST_D2V_AUDIO_PROP_ON_CORRUPT,
  GST_D2V_AUDIO_PROP_LAST
};

struct _GstD2vAudioBaseClass
{
  GstElementClass parent_class;

  /* The class of models that it runs. */
  D2vHead head;

  /* Called with each new session before it is used, on the loader's thread;
   * may be NULL. FALSE when it does not work. Returns soon when cancelled. */
  gboolean (*warm_up) (GstD2vAudioBase *base, D2vSession *session,
                       GCancellable *cancellable, GError **error);
  /* A session to use from now on. */
  gboolean (*start) (GstD2vAudioBase *base, D2vSession *session,
                     GError **error);
  /* @time: of the first sample. */
  GstFlowReturn (*samples) (GstD2vAudioBase *base, GstClockTime time,
                            const gfloat *samples, gsize n_samples);
  /* The next sample's time is not what counting says. */
  void (*anchor) (GstD2vAudioBase *base, GstClockTime time);
  void (*drain) (GstD2vAudioBase *base);
  /* Takes @event. */
  gboolean (*event) (GstD2vAudioBase *base, GstEvent *event);
  /* Let nobody wait in here until flush (FALSE) or a new start. Any thread. */
  void (*interrupt) (GstD2vAudioBase *base);
  /* TRUE: interrupt, and push nothing more when this returns; FALSE: forget
   * what was in work and go on. */
  void (*flush) (GstD2vAudioBase *base, gboolean flushing);
  /* The stream has ended: forget the session. */
  void (*stop) (GstD2vAudioBase *base);

  /* What the element delays a live stream by, without computing. Any thread.
   */
  GstClockTime (*delay) (GstD2vAudioBase *base);
  /* How much later a result may be than sound and computing explain: a part
   * of the budget unless the user sets one. */
  GstClockTime settling;
  /* Adds fields. Any thread. */
  void (*stats) (GstD2vAudioBase *base, GstStructure *stats);
};

/* Which of the two regimes applies; asks upstream when it is not known. Never
 * called with a lock held. */
D2vRegime gst_d2v_audio_base_regime (GstD2vAudioBase *base);
/* Asks upstream anew: a pipeline may have become live since. */
void gst_d2v_audio_base_ask_regime (GstD2vAudioBase *base);

/* The segment that samples are in. Streaming thread. */
const GstSegment *gst_d2v_audio_base_segment (GstD2vAudioBase *base);

GstPad *gst_d2v_audio_base_sink_pad (GstD2vAudioBase *base);
gboolean gst_d2v_audio_base_posts_messages (GstD2vAudioBase *base);

/* Answers a LATENCY query of a source pad. */
gboolean gst_d2v_audio_base_query_latency (GstD2vAudioBase *base,
                                           GstQuery *query);
/* Delay and processing budget: what is added to upstream's latency. */
GstClockTime gst_d2v_audio_base_own_latency (GstD2vAudioBase *base);
/* The part of it that is for computing. */
GstClockTime gst_d2v_audio_base_budget (GstD2vAudioBase *base);
/* Computing takes @need at the usual worst; posts LATENCY when the budget has
 * to change for it. */
void gst_d2v_audio_base_measured (GstD2vAudioBase *base, GstClockTime need);
/* Tells that own_latency() changed for another reason. */
void gst_d2v_audio_base_latency_changed (GstD2vAudioBase *base);
/* A result came out @delay after its last sample went in. */
void gst_d2v_audio_base_observed (GstD2vAudioBase *base, GstClockTime delay);

G_END_DECLS
