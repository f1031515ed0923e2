/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vtimeline.h"

/* Capture clocks and RTP jitter move time stamps by this much without a
 * sample being lost: two frames of the model. */
#define JITTER (40 * GST_MSECOND)
/* Clocks that run apart do so by microseconds a buffer; containers round to
 * milliseconds. A larger step between two buffers is no drift. */
#define DRIFT_STEP (2 * GST_MSECOND)

GstClockTime
gst_d2v_time_add (GstClockTime time, GstClockTime duration)
{
  GstClockTime sum;

  if (__builtin_add_overflow (time, duration, &sum)
      || sum == GST_CLOCK_TIME_NONE)
    return GST_CLOCK_TIME_NONE - 1;
  return sum;
}

GstClockTime
gst_d2v_time_at (GstClockTime base, guint64 n_samples, guint rate)
{
  return gst_d2v_time_add (
      base, gst_util_uint64_scale_round (n_samples, GST_SECOND, rate));
}

guint64
gst_d2v_samples_in (GstClockTime duration, guint rate)
{
  return gst_util_uint64_scale (duration, rate, GST_SECOND);
}

static GstClockTime
distance (GstClockTime a, GstClockTime b)
{
  return a > b ? a - b : b - a;
}

void
gst_d2v_timeline_reset (GstD2vTimeline *timeline, guint rate)
{
  *timeline = (GstD2vTimeline){ .rate = rate };
}

GstClockTime
gst_d2v_timeline_next (const GstD2vTimeline *timeline)
{
  if (!timeline->started)
    return GST_CLOCK_TIME_NONE;
  return gst_d2v_time_at (timeline->base,
                          timeline->n_samples - timeline->base_sample,
                          timeline->rate);
}

/* A jump is seen against what the last buffer said, drift against the count:
 * a source that stamps 10 ms early and then 10 ms late has neither, and one
 * whose clock is slow drifts without ever jumping. */
GstD2vTimelineVerdict
gst_d2v_timeline_judge (const GstD2vTimeline *timeline, GstClockTime pts,
                        gboolean discont)
{
  if (!timeline->started)
    return GST_D2V_TIMELINE_FIRST;
  if (discont)
    return GST_D2V_TIMELINE_BREAK;
  if (!GST_CLOCK_TIME_IS_VALID (pts)
      || distance (pts, gst_d2v_timeline_next (timeline)) <= JITTER)
    return GST_D2V_TIMELINE_CONTINUE;
  return distance (pts, timeline->after) <= DRIFT_STEP ? GST_D2V_TIMELINE_DRIFT
                                                       : GST_D2V_TIMELINE_BREAK;
}

void
gst_d2v_timeline_start (GstD2vTimeline *timeline, GstClockTime pts)
{
  gst_d2v_timeline_reset (timeline, timeline->rate);
  timeline->started = TRUE;
  timeline->base = timeline->after = pts;
}

void
gst_d2v_timeline_anchor (GstD2vTimeline *timeline, GstClockTime pts)
{
  timeline->base = pts;
  timeline->base_sample = timeline->n_samples;
}

void
gst_d2v_timeline_count (GstD2vTimeline *timeline, GstClockTime pts,
                        guint64 n_samples)
{
  if (!GST_CLOCK_TIME_IS_VALID (pts))
    pts = gst_d2v_timeline_next (timeline);
  timeline->n_samples += n_samples;
  timeline->after = gst_d2v_time_at (pts, n_samples, timeline->rate);
}
