/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vaudiobase_private.h"

#include <string.h>

#define GST_CAT_DEFAULT gst_d2v_audio_base_debug
#define PRIVATE(base) gst_d2v_audio_base_private (base)

/* Shorter silence is heard like any other, so that a dropped packet does not
 * tear a word apart; it is also the pause that ends a sentence. */
#define MAX_FILLED_GAP (500 * GST_MSECOND)

/* ------------------------------------------------------------ samples -- */

static void
count_corrupt (GstD2vAudioBase *base)
{
  GST_OBJECT_LOCK (base);
  PRIVATE (base)->n_corrupt++;
  GST_OBJECT_UNLOCK (base);
}

/* What was heard so far is all there is; the next sound begins anew. */
static void
end_sound (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (priv->timeline.started)
    {
      priv->resume = gst_d2v_timeline_next (&priv->timeline);
      GST_D2V_AUDIO_BASE_GET_CLASS (base)->drain (base);
    }
  gst_d2v_timeline_reset (&priv->timeline, GST_D2V_AUDIO_RATE);
  priv->broken = FALSE;
  priv->filled = 0;
}

static void
begin_sound (GstD2vAudioBase *base, GstClockTime pts)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    pts = GST_CLOCK_TIME_IS_VALID (priv->resume) ? priv->resume
                                                 : priv->segment.start;
  GST_DEBUG_OBJECT (base, "sound begins at %" GST_TIME_FORMAT,
                    GST_TIME_ARGS (pts));
  gst_d2v_timeline_start (&priv->timeline, pts);
  priv->broken = FALSE;
}

/* Brings the timeline to @pts, before samples from there are handed on. */
static void
follow_time (GstD2vAudioBase *base, GstClockTime pts, gboolean discont)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  switch (
      gst_d2v_timeline_judge (&priv->timeline, pts, discont || priv->broken))
    {
    case GST_D2V_TIMELINE_CONTINUE:
      break;
    case GST_D2V_TIMELINE_DRIFT:
      gst_d2v_timeline_anchor (&priv->timeline, pts);
      GST_D2V_AUDIO_BASE_GET_CLASS (base)->anchor (base, pts);
      break;
    case GST_D2V_TIMELINE_BREAK:
      GST_OBJECT_LOCK (base);
      priv->n_resyncs++;
      GST_OBJECT_UNLOCK (base);
      end_sound (base);
      begin_sound (base, pts);
      break;
    case GST_D2V_TIMELINE_FIRST:
      begin_sound (base, pts);
      break;
    }
}

/* Hands @n samples on. Counted only after a buffer is through: until then the
 * timeline stands at its beginning. */
static GstFlowReturn
hand_on (GstD2vAudioBase *base, guint64 n_before, gsize n)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstClockTime time = gst_d2v_time_at (gst_d2v_timeline_next (&priv->timeline),
                                       n_before, GST_D2V_AUDIO_RATE);

  return GST_D2V_AUDIO_BASE_GET_CLASS (base)->samples (base, time,
                                                       priv->samples, n);
}

static GstFlowReturn
hand_on_silence (GstD2vAudioBase *base, GstClockTime duration)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstFlowReturn flow = GST_FLOW_OK;
  guint64 total = gst_d2v_samples_in (duration, GST_D2V_AUDIO_RATE);

  memset (priv->samples, 0, sizeof priv->samples);
  for (guint64 done = 0; done < total && flow == GST_FLOW_OK;)
    {
      gsize n = MIN (total - done, GST_D2V_AUDIO_PIECE);

      flow = hand_on (base, done, n);
      done += n;
    }
  gst_d2v_timeline_count (&priv->timeline, GST_CLOCK_TIME_NONE, total);
  return flow;
}

/* Nothing is heard from @pts for @duration (either may be NONE). A short gap
 * inside of sound is silence; any other ends the sound. Takes @event. */
static GstFlowReturn
take_gap (GstD2vAudioBase *base, GstClockTime pts, GstClockTime duration,
          GstEvent *event)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstD2vTimelineVerdict verdict
      = gst_d2v_timeline_judge (&priv->timeline, pts, priv->broken);
  gboolean follows = verdict == GST_D2V_TIMELINE_CONTINUE
                     || verdict == GST_D2V_TIMELINE_DRIFT;

  if (follows && duration <= MAX_FILLED_GAP - priv->filled)
    {
      gst_event_unref (event);
      priv->filled += duration;
      return hand_on_silence (base, duration);
    }
  end_sound (base);
  if (GST_CLOCK_TIME_IS_VALID (pts))
    priv->resume = pts;
  if (GST_CLOCK_TIME_IS_VALID (duration)
      && GST_CLOCK_TIME_IS_VALID (priv->resume))
    priv->resume = gst_d2v_time_add (priv->resume, duration);
  GST_D2V_AUDIO_BASE_GET_CLASS (base)->event (base, event);
  return GST_FLOW_OK;
}

/* ------------------------------------------------------------ buffers -- */

/* Both formats are little-endian, whatever the machine is. */
static void
convert (const guint8 *bytes, gfloat *samples, gsize n, gboolean is_s16)
{
  for (gsize i = 0; i < n; i++)
    if (is_s16)
      samples[i] = (gint16) GST_READ_UINT16_LE (bytes + 2 * i) / 32768.0f;
    else
      samples[i] = GST_READ_FLOAT_LE (bytes + 4 * i);
}

/* A piece of a buffer on its way to the child. */
typedef struct
{
  GstD2vAudioBase *base;
  guint64 skip;      /* bytes still to be cut off the front */
  guint64 left;      /* bytes to be used after that */
  gsize n_bytes;     /* gathered in priv->bytes */
  guint64 n_samples; /* handed on already */
} Gather;

static GstFlowReturn
hand_on_gathered (Gather *gather)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (gather->base);
  gsize frame = priv->is_s16 ? sizeof (gint16) : sizeof (gfloat);
  gsize n = gather->n_bytes / frame;

  GstFlowReturn flow;

  gather->n_bytes = 0;
  if (n == 0)
    return GST_FLOW_OK;
  convert (priv->bytes, priv->samples, n, priv->is_s16);
  flow = hand_on (gather->base, gather->n_samples, n);
  gather->n_samples += n;
  return flow;
}

/* Memories may end in the middle of a sample, and begin at odd addresses. */
static GstFlowReturn
gather_bytes (Gather *gather, const guint8 *bytes, gsize n_bytes)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (gather->base);
  gsize frame = priv->is_s16 ? sizeof (gint16) : sizeof (gfloat);
  gsize capacity = GST_D2V_AUDIO_PIECE * frame;
  GstFlowReturn flow = GST_FLOW_OK;
  gsize skip = MIN (gather->skip, n_bytes);

  gather->skip -= skip;
  bytes += skip;
  n_bytes = MIN (n_bytes - skip, gather->left);
  gather->left -= n_bytes;
  while (n_bytes > 0 && flow == GST_FLOW_OK)
    {
      gsize n = MIN (n_bytes, capacity - gather->n_bytes);

      memcpy (priv->bytes + gather->n_bytes, bytes, n);
      gather->n_bytes += n;
      bytes += n;
      n_bytes -= n;
      if (gather->n_bytes == capacity)
        flow = hand_on_gathered (gather);
    }
  return flow;
}

/* One memory after the other: mapping the whole buffer would first copy its
 * memories together, and a buffer may be an hour long. */
static GstFlowReturn
hand_on_buffer (GstD2vAudioBase *base, GstBuffer *buffer, guint64 skip,
                guint64 n_bytes)
{
  Gather gather = { .base = base, .skip = skip, .left = n_bytes };
  guint n_memories = gst_buffer_n_memory (buffer);
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; i < n_memories && flow == GST_FLOW_OK; i++)
    {
      GstMemory *memory = gst_buffer_peek_memory (buffer, i);
      GstMapInfo map;

      if (!gst_memory_map (memory, &map, GST_MAP_READ))
        {
          GST_ELEMENT_ERROR (base, RESOURCE, READ,
                             ("A buffer's memory cannot be read"),
                             ("memory %u of %u does not map", i, n_memories));
          return GST_FLOW_ERROR;
        }
      flow = gather_bytes (&gather, map.data, map.size);
      gst_memory_unmap (memory, &map);
    }
  return flow == GST_FLOW_OK ? hand_on_gathered (&gather) : flow;
}

/* Samples of [*first, *after) lie inside the segment; FALSE when none do. */
static gboolean
clip (GstD2vAudioBase *base, GstClockTime pts, guint64 n, guint64 *first,
      guint64 *after)
{
  const GstSegment *segment = &PRIVATE (base)->segment;

  *first = 0;
  *after = n;
  if (!GST_CLOCK_TIME_IS_VALID (pts))
    return TRUE;
  if (pts < segment->start)
    *first = gst_d2v_samples_in (segment->start - pts, GST_D2V_AUDIO_RATE);
  if (GST_CLOCK_TIME_IS_VALID (segment->stop))
    *after = MIN (n, segment->stop > pts ? gst_d2v_samples_in (
                         segment->stop - pts, GST_D2V_AUDIO_RATE)
                                         : 0);
  return *first < *after || (n == 0 && *first == 0);
}

/* A buffer without a sample still says where the next one will be. */
static GstFlowReturn
take_no_sound (GstD2vAudioBase *base, GstClockTime pts, gboolean discont)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (gst_d2v_timeline_judge (&priv->timeline, pts, discont)
      == GST_D2V_TIMELINE_BREAK)
    end_sound (base);
  if (!priv->timeline.started && GST_CLOCK_TIME_IS_VALID (pts))
    priv->resume = pts;
  return GST_FLOW_OK;
}

static GstFlowReturn
take_sound (GstD2vAudioBase *base, GstBuffer *buffer, GstClockTime pts)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  gsize frame = priv->is_s16 ? sizeof (gint16) : sizeof (gfloat);
  gsize n_bytes = gst_buffer_get_size (buffer);
  gboolean discont = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  guint64 first, after;
  GstFlowReturn flow;

  if (!clip (base, pts, n_bytes / frame, &first, &after))
    {
      GST_LOG_OBJECT (base, "buffer lies outside of the segment");
      priv->broken = TRUE;
      return GST_FLOW_OK;
    }
  if (GST_CLOCK_TIME_IS_VALID (pts))
    pts = gst_d2v_time_at (pts, first, GST_D2V_AUDIO_RATE);
  if (first == after)
    flow = take_no_sound (base, pts, discont);
  else
    {
      follow_time (base, pts, discont);
      flow = hand_on_buffer (base, buffer, first * frame,
                             (after - first) * frame);
      gst_d2v_timeline_count (&priv->timeline, pts, after - first);
      priv->filled = 0;
    }
  if (n_bytes % frame)
    {
      GST_WARNING_OBJECT (base,
                          "%" G_GSIZE_FORMAT " bytes are no whole "
                          "number of samples",
                          n_bytes);
      count_corrupt (base);
      priv->broken = TRUE;
    }
  return flow;
}

static gboolean
drops_corrupt (GstD2vAudioBase *base)
{
  gboolean drop;

  GST_OBJECT_LOCK (base);
  drop = PRIVATE (base)->on_corrupt == GST_D2V_ON_CORRUPT_DROP;
  GST_OBJECT_UNLOCK (base);
  return drop;
}

static GstFlowReturn
take_buffer (GstD2vAudioBase *base, GstBuffer *buffer)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  gsize frame = priv->is_s16 ? sizeof (gint16) : sizeof (gfloat);

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED))
    {
      count_corrupt (base);
      if (drops_corrupt (base))
        {
          priv->broken = TRUE;
          return GST_FLOW_OK;
        }
    }
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP))
    {
      GstClockTime duration = gst_d2v_time_at (
          0, gst_buffer_get_size (buffer) / frame, GST_D2V_AUDIO_RATE);
      GstClockTime from = GST_CLOCK_TIME_IS_VALID (pts) ? pts : 0;

      if (!GST_CLOCK_TIME_IS_VALID (pts) && priv->timeline.started)
        from = gst_d2v_timeline_next (&priv->timeline);
      if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT)
          && priv->timeline.started)
        priv->broken = TRUE;
      return take_gap (base, from, duration,
                       gst_event_new_gap (from, duration));
    }
  return take_sound (base, buffer, pts);
}

/* Waits for a model, and tells the child when there is another. */
static GstFlowReturn
need_session (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vSession) session = NULL;
  guint serial;

  session = gst_d2v_loader_wait (priv->loader, &serial, &error);
  if (!session)
    return g_error_matches (error, D2V_ERROR, D2V_ERROR_CANCELLED)
               ? GST_FLOW_FLUSHING
               : GST_FLOW_ERROR;
  if (serial == priv->serial)
    return GST_FLOW_OK;
  if (!GST_D2V_AUDIO_BASE_GET_CLASS (base)->start (base, session, &error))
    {
      gst_d2v_post_error (GST_ELEMENT (base), "The model cannot be used",
                          error);
      return GST_FLOW_ERROR;
    }
  priv->serial = serial;
  return GST_FLOW_OK;
}

GstFlowReturn
gst_d2v_audio_base_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (parent);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstFlowReturn flow;

  if (!priv->has_caps || !priv->has_segment)
    {
      GST_WARNING_OBJECT (base, "buffer before %s",
                          priv->has_caps ? "a usable segment" : "caps");
      flow = GST_FLOW_NOT_NEGOTIATED;
    }
  else
    {
      flow = need_session (base);
      if (flow == GST_FLOW_OK)
        flow = take_buffer (base, buffer);
    }
  gst_buffer_unref (buffer);
  return flow;
}

/* ------------------------------------------------------------- events -- */

static gboolean
take_caps (GstD2vAudioBase *base, GstEvent *event)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  const gchar *format;
  GstCaps *caps;
  gboolean is_s16;

  gst_event_parse_caps (event, &caps);
  format
      = gst_structure_get_string (gst_caps_get_structure (caps, 0), "format");
  is_s16 = g_strcmp0 (format, "S16LE") == 0;
  gst_event_unref (event);
  if (!priv->has_caps || is_s16 != priv->is_s16)
    end_sound (base);
  priv->is_s16 = is_s16;
  priv->has_caps = TRUE;
  return TRUE;
}

static gboolean
take_segment (GstD2vAudioBase *base, GstEvent *event)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstSegment segment;
  gboolean same;

  gst_event_copy_segment (event, &segment);
  same = priv->has_segment && gst_segment_is_equal (&segment, &priv->segment);
  if (!same)
    end_sound (base);
  priv->has_segment = segment.format == GST_FORMAT_TIME && segment.rate > 0.0;
  if (!priv->has_segment)
    {
      GST_ELEMENT_ERROR (base, STREAM, FORMAT,
                         ("Only segments in time that play forward can be "
                          "heard"),
                         ("found format %s, rate %g",
                          gst_format_get_name (segment.format), segment.rate));
      gst_event_unref (event);
      return FALSE;
    }
  if (!same)
    priv->resume = GST_CLOCK_TIME_NONE;
  priv->segment = segment;
  return GST_D2V_AUDIO_BASE_GET_CLASS (base)->event (base, event);
}

static gboolean
take_gap_event (GstD2vAudioBase *base, GstEvent *event)
{
  GstClockTime pts, duration;
  GstFlowReturn flow;

  gst_event_parse_gap (event, &pts, &duration);
  if (!GST_CLOCK_TIME_IS_VALID (pts))
    pts = gst_d2v_timeline_next (&PRIVATE (base)->timeline);
  flow = take_gap (base, pts, duration, event);
  return flow == GST_FLOW_OK;
}

void
gst_d2v_audio_base_forget (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  gst_d2v_timeline_reset (&priv->timeline, GST_D2V_AUDIO_RATE);
  gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
  priv->has_segment = FALSE;
  priv->broken = FALSE;
  priv->resume = GST_CLOCK_TIME_NONE;
  priv->filled = 0;
}

static gboolean
take_flush (GstD2vAudioBase *base, GstEvent *event)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  gboolean start = GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START;
  gboolean sent;

  /* Downstream first: it may be what the child's thread is waiting for. */
  sent = gst_pad_event_default (priv->sinkpad, GST_OBJECT (base), event);
  gst_d2v_loader_interrupt (priv->loader, start);
  if (!start)
    gst_d2v_audio_base_forget (base);
  GST_D2V_AUDIO_BASE_GET_CLASS (base)->flush (base, start);
  return sent;
}

gboolean
gst_d2v_audio_base_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (parent);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  GST_LOG_OBJECT (base, "%" GST_PTR_FORMAT, event);
  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      return take_flush (base, event);
    case GST_EVENT_CAPS:
      return take_caps (base, event);
    case GST_EVENT_SEGMENT:
      return take_segment (base, event);
    case GST_EVENT_GAP:
      return take_gap_event (base, event);
    case GST_EVENT_STREAM_START:
      priv->resume = GST_CLOCK_TIME_NONE;
      end_sound (base);
      break;
    case GST_EVENT_EOS:
    case GST_EVENT_SEGMENT_DONE:
      end_sound (base);
      break;
    default:
      if (!GST_EVENT_IS_SERIALIZED (event))
        return gst_pad_event_default (pad, parent, event);
    }
  return GST_D2V_AUDIO_BASE_GET_CLASS (base)->event (base, event);
}

/* Downstream speaks of text: its buffers are of no use for sound. */
gboolean
gst_d2v_audio_base_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    return FALSE;
  return gst_pad_query_default (pad, parent, query);
}
