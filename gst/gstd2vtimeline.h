/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vtimeline.h: the times of a stream of samples.
 *
 * Buffers carry times that jitter; samples can be counted. A timeline counts
 * samples from one time stamp and says when buffers' times leave the count so
 * far that sound must be missing. It owns no lock and no memory: the chain
 * function's thread has it alone. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  GST_D2V_TIMELINE_FIRST,    /* nothing was counted yet */
  GST_D2V_TIMELINE_CONTINUE, /* follows what came before */
  GST_D2V_TIMELINE_DRIFT,    /* follows, but the clocks have run apart */
  GST_D2V_TIMELINE_BREAK     /* something is missing, or came back */
} GstD2vTimelineVerdict;

typedef struct
{
  guint rate;
  gboolean started;
  GstClockTime base; /* the time of sample `base_sample` */
  guint64 base_sample;
  guint64 n_samples;  /* counted since the start */
  GstClockTime after; /* what the last buffer said comes next */
} GstD2vTimeline;

/* Forgets everything but the rate. */
void gst_d2v_timeline_reset (GstD2vTimeline *timeline, guint rate);

/* How a buffer with @pts (which may be NONE) continues. @discont: it says
 * itself that something is missing. */
GstD2vTimelineVerdict gst_d2v_timeline_judge (const GstD2vTimeline *timeline,
                                              GstClockTime pts,
                                              gboolean discont);

/* Begins to count at @pts. */
void gst_d2v_timeline_start (GstD2vTimeline *timeline, GstClockTime pts);
/* From here on, @pts is right: after DRIFT. */
void gst_d2v_timeline_anchor (GstD2vTimeline *timeline, GstClockTime pts);
/* Counts @n_samples of a buffer that said it began at @pts (or NONE). */
void gst_d2v_timeline_count (GstD2vTimeline *timeline, GstClockTime pts,
                             guint64 n_samples);

/* The time of the next sample; NONE before the start. */
GstClockTime gst_d2v_timeline_next (const GstD2vTimeline *timeline);

/* @time + @duration, stopping at the last valid time instead of wrapping. */
GstClockTime gst_d2v_time_add (GstClockTime time, GstClockTime duration);
/* @base + @n_samples at @rate, likewise. */
GstClockTime gst_d2v_time_at (GstClockTime base, guint64 n_samples, guint rate);
/* How many whole samples fit into @duration. */
guint64 gst_d2v_samples_in (GstClockTime duration, guint rate);

G_END_DECLS
