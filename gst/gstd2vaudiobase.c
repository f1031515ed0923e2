/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vaudiobase.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (d2v_audio_base_debug);
#define GST_CAT_DEFAULT d2v_audio_base_debug

/* Shorter silence is heard like any other, so that a dropped packet does not
 * tear a word apart; it is also the pause that ends a sentence. */
#define MAX_FILLED_GAP (500 * GST_MSECOND)

/* What computing is expected to take until it was measured. */
#define FIRST_BUDGET (200 * GST_MSECOND)

typedef struct
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
  gboolean broken;       /* the next samples do not follow the last */
  GstClockTime resume;   /* where sound without a time would go on */
  GstClockTime filled;   /* silence put in for gaps since the last sound */
  guint8 bytes[GST_D2V_AUDIO_PIECE * sizeof (gfloat)];
  gfloat samples[GST_D2V_AUDIO_PIECE];
} GstD2vAudioBasePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GstD2vAudioBase, gst_d2v_audio_base,
                                     GST_TYPE_ELEMENT)

#define PRIVATE(base)                                                         \
  ((GstD2vAudioBasePrivate *)gst_d2v_audio_base_get_instance_private (base))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-raw, format = (string) { F32LE, S16LE }, "
                     "rate = (int) 16000, channels = (int) 1, "
                     "layout = (string) interleaved"));

GstPad *
gst_d2v_audio_base_sink_pad (GstD2vAudioBase *base)
{
  return PRIVATE (base)->sinkpad;
}

const GstSegment *
gst_d2v_audio_base_segment (GstD2vAudioBase *base)
{
  return &PRIVATE (base)->segment;
}

void
gst_d2v_audio_base_break (GstD2vAudioBase *base)
{
  PRIVATE (base)->broken = TRUE;
}

gboolean
gst_d2v_audio_base_posts_messages (GstD2vAudioBase *base)
{
  gboolean post;

  GST_OBJECT_LOCK (base);
  post = PRIVATE (base)->settings.post_messages;
  GST_OBJECT_UNLOCK (base);
  return post;
}

/* ------------------------------------------------------------ latency -- */

/* Whether upstream is live is only known once it is linked and was asked;
 * until somebody can answer, a stream counts as recorded. */
static gboolean
ask_upstream (GstD2vAudioBase *base, GstClockTime *min, GstClockTime *max)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live;

  if (!gst_pad_peer_query (priv->sinkpad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, min, max);
  GST_OBJECT_LOCK (base);
  priv->regime_known = TRUE;
  priv->found_regime = live ? D2V_REGIME_LIVE : D2V_REGIME_RECORDED;
  GST_OBJECT_UNLOCK (base);
  return TRUE;
}

/* Called with the object lock held. FALSE: upstream must be asked. */
static gboolean
known_regime (GstD2vAudioBasePrivate *priv, D2vRegime *regime)
{
  *regime = priv->regime == GST_D2V_REGIME_AUTO ? priv->found_regime
            : priv->regime == GST_D2V_REGIME_LIVE ? D2V_REGIME_LIVE
                                                  : D2V_REGIME_RECORDED;
  return priv->regime != GST_D2V_REGIME_AUTO || priv->regime_known;
}

D2vRegime
gst_d2v_audio_base_regime (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstClockTime min, max;
  D2vRegime regime;
  gboolean known;

  GST_OBJECT_LOCK (base);
  known = known_regime (priv, &regime);
  GST_OBJECT_UNLOCK (base);
  if (known || !ask_upstream (base, &min, &max))
    return regime;
  GST_OBJECT_LOCK (base);
  known_regime (priv, &regime);
  GST_OBJECT_UNLOCK (base);
  return regime;
}

GstClockTime
gst_d2v_audio_base_budget (GstD2vAudioBase *base)
{
  GstClockTime budget;

  GST_OBJECT_LOCK (base);
  budget = PRIVATE (base)->budget;
  GST_OBJECT_UNLOCK (base);
  return budget;
}

GstClockTime
gst_d2v_audio_base_own_latency (GstD2vAudioBase *base)
{
  return GST_D2V_AUDIO_BASE_GET_CLASS (base)->delay (base)
         + gst_d2v_audio_base_budget (base);
}

gboolean
gst_d2v_audio_base_query_latency (GstD2vAudioBase *base, GstQuery *query)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstClockTime min, max, own;
  gboolean live;

  if (!gst_pad_peer_query (priv->sinkpad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, &min, &max);
  GST_OBJECT_LOCK (base);
  priv->regime_known = TRUE;
  priv->found_regime = live ? D2V_REGIME_LIVE : D2V_REGIME_RECORDED;
  GST_OBJECT_UNLOCK (base);
  if (gst_d2v_audio_base_regime (base) != D2V_REGIME_LIVE)
    return TRUE;

  /* Upstream is never held up, however long results lie waiting: there is no
   * greatest latency. */
  own = gst_d2v_audio_base_own_latency (base);
  GST_DEBUG_OBJECT (base, "own latency %" GST_TIME_FORMAT,
                    GST_TIME_ARGS (own));
  gst_query_set_latency (query, live, gst_d2v_time_add (min, own),
                         GST_CLOCK_TIME_NONE);
  return TRUE;
}

void
gst_d2v_audio_base_latency_changed (GstD2vAudioBase *base)
{
  gst_element_post_message (GST_ELEMENT (base),
                            gst_message_new_latency (GST_OBJECT (base)));
}

/* Raised early, lowered late: every change makes the whole pipeline adjust.
 * Steps of 10 ms, so that noise in the measure is none in the answer. */
void
gst_d2v_audio_base_measured (GstD2vAudioBase *base, GstClockTime need)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstClockTime step = 10 * GST_MSECOND;
  GstClockTime wanted, least;
  gboolean changed;

  need += need / 20;
  GST_OBJECT_LOCK (base);
  least = gst_d2v_ms (priv->settings.latency_ms);
  wanted = MAX ((need + step - 1) / step * step, MAX (least, 2 * step));
  priv->n_measured++;
  changed = need > priv->budget + priv->budget / 5
            || (priv->n_measured >= 20
                && wanted < priv->budget - priv->budget / 4);
  if (changed)
    {
      GST_INFO_OBJECT (base, "computing takes %" GST_TIME_FORMAT,
                       GST_TIME_ARGS (need));
      priv->budget = wanted;
      priv->n_measured = 0;
    }
  GST_OBJECT_UNLOCK (base);
  if (changed)
    gst_d2v_audio_base_latency_changed (base);
}

void
gst_d2v_audio_base_observed (GstD2vAudioBase *base, GstClockTime delay)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  guint ms = MIN (delay / GST_MSECOND, G_MAXUINT);
  gboolean more;

  GST_OBJECT_LOCK (base);
  more = ms > priv->max_delay_ms;
  priv->max_delay_ms = MAX (ms, priv->max_delay_ms);
  GST_OBJECT_UNLOCK (base);
  if (more)
    g_object_notify (G_OBJECT (base), "max-observed-delay");
}

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

static GstFlowReturn
begin_sound (GstD2vAudioBase *base, GstClockTime pts)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    pts = GST_CLOCK_TIME_IS_VALID (priv->resume) ? priv->resume
                                                 : priv->segment.start;
  gst_d2v_timeline_start (&priv->timeline, pts);
  priv->broken = FALSE;
  return GST_D2V_AUDIO_BASE_GET_CLASS (base)->begin (base, pts);
}

/* Brings the timeline to @pts, before samples from there are handed on. */
static GstFlowReturn
follow_time (GstD2vAudioBase *base, GstClockTime pts, gboolean discont)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  switch (gst_d2v_timeline_judge (&priv->timeline, pts,
                                  discont || priv->broken))
    {
    case GST_D2V_TIMELINE_CONTINUE:
      return GST_FLOW_OK;
    case GST_D2V_TIMELINE_DRIFT:
      gst_d2v_timeline_anchor (&priv->timeline, pts);
      GST_D2V_AUDIO_BASE_GET_CLASS (base)->anchor (base, pts);
      return GST_FLOW_OK;
    case GST_D2V_TIMELINE_BREAK:
      GST_INFO_OBJECT (base, "sound breaks at %" GST_TIME_FORMAT,
                       GST_TIME_ARGS (pts));
      GST_OBJECT_LOCK (base);
      priv->n_resyncs++;
      GST_OBJECT_UNLOCK (base);
      end_sound (base);
      break;
    case GST_D2V_TIMELINE_FIRST:
      break;
    }
  return begin_sound (base, pts);
}

static GstFlowReturn
hand_on_silence (GstD2vAudioBase *base, GstClockTime duration)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstFlowReturn flow = GST_FLOW_OK;
  guint64 left = gst_d2v_samples_in (duration, GST_D2V_AUDIO_RATE);

  memset (priv->samples, 0, sizeof priv->samples);
  gst_d2v_timeline_count (&priv->timeline, GST_CLOCK_TIME_NONE, left);
  while (left > 0 && flow == GST_FLOW_OK)
    {
      gsize n = MIN (left, GST_D2V_AUDIO_PIECE);

      flow = GST_D2V_AUDIO_BASE_GET_CLASS (base)->samples (base,
                                                           priv->samples, n);
      left -= n;
    }
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
      samples[i] = (gint16)GST_READ_UINT16_LE (bytes + 2 * i) / 32768.0f;
    else
      samples[i] = GST_READ_FLOAT_LE (bytes + 4 * i);
}

/* A piece of a buffer on its way to the child. */
typedef struct
{
  GstD2vAudioBase *base;
  guint64 skip;  /* bytes still to be cut off the front */
  guint64 left;  /* bytes to be used after that */
  gsize n_bytes; /* gathered in priv->bytes */
} Gather;

static GstFlowReturn
hand_on_gathered (Gather *gather)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (gather->base);
  gsize frame = priv->is_s16 ? sizeof (gint16) : sizeof (gfloat);
  gsize n = gather->n_bytes / frame;

  gather->n_bytes = 0;
  if (n == 0)
    return GST_FLOW_OK;
  convert (priv->bytes, priv->samples, n, priv->is_s16);
  return GST_D2V_AUDIO_BASE_GET_CLASS (gather->base)
      ->samples (gather->base, priv->samples, n);
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
  Gather gather = { base, skip, n_bytes, 0 };
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
    *after = MIN (n, segment->stop > pts
                         ? gst_d2v_samples_in (segment->stop - pts,
                                               GST_D2V_AUDIO_RATE)
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
      flow = follow_time (base, pts, discont);
      if (flow == GST_FLOW_OK)
        flow = hand_on_buffer (base, buffer, first * frame,
                               (after - first) * frame);
      gst_d2v_timeline_count (&priv->timeline, pts, after - first);
      priv->filled = 0;
    }
  if (n_bytes % frame)
    {
      GST_WARNING_OBJECT (base, "%" G_GSIZE_FORMAT " bytes are no whole "
                          "number of samples", n_bytes);
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
      GstClockTime duration
          = gst_d2v_time_at (0, gst_buffer_get_size (buffer) / frame,
                             GST_D2V_AUDIO_RATE);
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

static GstFlowReturn
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
  format = gst_structure_get_string (gst_caps_get_structure (caps, 0),
                                     "format");
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
  priv->has_segment
      = segment.format == GST_FORMAT_TIME && segment.rate > 0.0;
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

static void
forget_stream (GstD2vAudioBase *base)
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
    forget_stream (base);
  GST_D2V_AUDIO_BASE_GET_CLASS (base)->flush (base, start);
  return sent;
}

static gboolean
gst_d2v_audio_base_sink_event (GstPad *pad, GstObject *parent,
                               GstEvent *event)
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
      GST_OBJECT_LOCK (base);
      priv->regime_known = FALSE;
      GST_OBJECT_UNLOCK (base);
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
static gboolean
gst_d2v_audio_base_sink_query (GstPad *pad, GstObject *parent,
                               GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    return FALSE;
  return gst_pad_query_default (pad, parent, query);
}

/* ------------------------------------------------------------- states -- */

static void
copy_settings (GstD2vAudioBase *base, GstD2vSettings *copy)
{
  GST_OBJECT_LOCK (base);
  gst_d2v_settings_copy (&PRIVATE (base)->settings, copy);
  GST_OBJECT_UNLOCK (base);
}

/* An element without a model may become READY, as a source without a location
 * may; with one that cannot be, it should say so at once. */
static gboolean
check_model (GstD2vAudioBase *base)
{
  g_autoptr (GError) error = NULL;
  GstD2vSettings settings;
  gboolean good;

  copy_settings (base, &settings);
  good = !settings.model
         || gst_d2v_loader_check (PRIVATE (base)->loader, &settings, &error);
  gst_d2v_settings_clear (&settings);
  if (!good)
    gst_d2v_post_error (GST_ELEMENT (base), "The model cannot be used",
                        error);
  return good;
}

static gboolean
start_loading (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  g_autoptr (GError) error = NULL;
  GstD2vSettings settings;
  gboolean started;

  copy_settings (base, &settings);
  if (!settings.model)
    {
      gst_d2v_settings_clear (&settings);
      GST_ELEMENT_ERROR (base, RESOURCE, NOT_FOUND,
                         ("No model was set"),
                         ("set the property model to a model directory"));
      return FALSE;
    }
  forget_stream (base);
  priv->has_caps = FALSE;
  priv->serial = 0;
  GST_OBJECT_LOCK (base);
  priv->regime_known = FALSE;
  priv->found_regime = D2V_REGIME_RECORDED;
  priv->budget = settings.latency_ms ? gst_d2v_ms (settings.latency_ms)
                                     : FIRST_BUDGET;
  priv->n_measured = 0;
  priv->max_delay_ms = 0;
  priv->n_corrupt = priv->n_resyncs = 0;
  GST_OBJECT_UNLOCK (base);
  gst_d2v_loader_interrupt (priv->loader, FALSE);
  started = gst_d2v_loader_start (priv->loader, &settings, &error);
  gst_d2v_settings_clear (&settings);
  if (!started)
    gst_d2v_post_error (GST_ELEMENT (base), "No thread to load a model",
                        error);
  return started;
}

static void
stop (GstD2vAudioBase *base)
{
  gst_d2v_loader_stop (PRIVATE (base)->loader);
  GST_D2V_AUDIO_BASE_GET_CLASS (base)->stop (base);
  g_object_notify (G_OBJECT (base), "device-name");
}

static GstStateChangeReturn
gst_d2v_audio_base_change_state (GstElement *element,
                                 GstStateChange transition)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (element);
  GstStateChangeReturn ret;

  switch (transition)
    {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!check_model (base))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!start_loading (base))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      /* The pads wait for their threads: nobody may wait in here. */
      gst_d2v_loader_interrupt (PRIVATE (base)->loader, TRUE);
      GST_D2V_AUDIO_BASE_GET_CLASS (base)->interrupt (base);
      break;
    default:
      break;
    }
  ret = GST_ELEMENT_CLASS (gst_d2v_audio_base_parent_class)
            ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && ret == GST_STATE_CHANGE_FAILURE))
    stop (base);
  return ret;
}

/* ------------------------------------------------- the loader's thread -- */

static void
warm_up (GstElement *element, D2vSession *session)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (element);

  if (GST_D2V_AUDIO_BASE_GET_CLASS (base)->warm_up)
    GST_D2V_AUDIO_BASE_GET_CLASS (base)->warm_up (base, session);
}

static void
loaded (GstElement *element, D2vSession *session)
{
  g_object_notify (G_OBJECT (element), "device-name");
}

/* A property should say what is so. */
static void
kept (GstElement *element, const gchar *model)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (GST_D2V_AUDIO_BASE (element));

  GST_OBJECT_LOCK (element);
  g_free (priv->settings.model);
  priv->settings.model = g_strdup (model);
  GST_OBJECT_UNLOCK (element);
  g_object_notify (G_OBJECT (element), "model");
}

/* --------------------------------------------------------- properties -- */

/* A changed model is swapped in; before PAUSED it is only remembered. */
static void
model_changed (GstD2vAudioBase *base)
{
  GstD2vSettings settings;

  copy_settings (base, &settings);
  gst_d2v_loader_reload (PRIVATE (base)->loader, &settings);
  gst_d2v_settings_clear (&settings);
}

static void
latency_changed (GstD2vAudioBase *base, const GValue *value)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  guint ms = g_value_get_uint (value);

  GST_OBJECT_LOCK (base);
  priv->budget = ms ? gst_d2v_ms (ms) : FIRST_BUDGET;
  priv->n_measured = 0;
  GST_OBJECT_UNLOCK (base);
  gst_d2v_audio_base_latency_changed (base);
}

static void
gst_d2v_audio_base_set_property (GObject *object, guint id,
                                 const GValue *value, GParamSpec *pspec)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (object);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (gst_d2v_settings_set (&priv->settings, GST_OBJECT (base), id, value))
    {
      if (id == GST_D2V_PROP_MODEL)
        model_changed (base);
      if (id == GST_D2V_PROP_LATENCY)
        latency_changed (base, value);
      return;
    }
  GST_OBJECT_LOCK (base);
  switch (id)
    {
    case GST_D2V_AUDIO_PROP_REGIME:
      priv->regime = g_value_get_enum (value);
      break;
    case GST_D2V_AUDIO_PROP_ON_CORRUPT:
      priv->on_corrupt = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (base);
}

static gchar *
device_name (GstD2vAudioBase *base)
{
  g_autoptr (D2vSession) session
      = gst_d2v_loader_peek (PRIVATE (base)->loader);

  return session ? g_strdup (d2v_session_device_name (session)) : NULL;
}

static void
add_session_stats (GstD2vAudioBase *base, GstStructure *stats)
{
  g_autoptr (D2vSession) session
      = gst_d2v_loader_peek (PRIVATE (base)->loader);
  D2vSessionStats s = { 0 };

  if (session)
    d2v_session_stats (session, &s);
  gst_structure_set (stats, "model-weight-bytes", G_TYPE_UINT64,
                     (guint64)s.weight_bytes, "model-arena-bytes",
                     G_TYPE_UINT64, (guint64)s.arena_bytes, "model-runs",
                     G_TYPE_UINT64, s.n_runs, "model-queue-depth", G_TYPE_UINT,
                     s.queue_depth, NULL);
}

static GstStructure *
make_stats (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstStructure *stats = gst_structure_new_empty ("application/x-d2v-stats");

  GST_D2V_AUDIO_BASE_GET_CLASS (base)->stats (base, stats);
  add_session_stats (base, stats);
  GST_OBJECT_LOCK (base);
  gst_structure_set (stats, "windows-dropped-corrupt", G_TYPE_UINT64,
                     priv->n_corrupt, "resyncs", G_TYPE_UINT64,
                     priv->n_resyncs, "budget-ms", G_TYPE_UINT,
                     (guint)(priv->budget / GST_MSECOND), NULL);
  GST_OBJECT_UNLOCK (base);
  return stats;
}

static void
gst_d2v_audio_base_get_property (GObject *object, guint id, GValue *value,
                                 GParamSpec *pspec)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (object);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (gst_d2v_settings_get (&priv->settings, GST_OBJECT (base), id, value))
    return;
  switch (id)
    {
    case GST_D2V_PROP_DEVICE_NAME:
      g_value_take_string (value, device_name (base));
      break;
    case GST_D2V_PROP_STATS:
      g_value_take_boxed (value, make_stats (base));
      break;
    case GST_D2V_PROP_MAX_OBSERVED_DELAY:
      GST_OBJECT_LOCK (base);
      g_value_set_uint (value, priv->max_delay_ms);
      GST_OBJECT_UNLOCK (base);
      break;
    case GST_D2V_AUDIO_PROP_REGIME:
      GST_OBJECT_LOCK (base);
      g_value_set_enum (value, priv->regime);
      GST_OBJECT_UNLOCK (base);
      break;
    case GST_D2V_AUDIO_PROP_ON_CORRUPT:
      GST_OBJECT_LOCK (base);
      g_value_set_enum (value, priv->on_corrupt);
      GST_OBJECT_UNLOCK (base);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
gst_d2v_audio_base_constructed (GObject *object)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (object);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  G_OBJECT_CLASS (gst_d2v_audio_base_parent_class)->constructed (object);
  priv->loader_class = (GstD2vLoaderClass){
    .modality = D2V_MODALITY_AUDIO,
    .head = GST_D2V_AUDIO_BASE_GET_CLASS (base)->head,
    .warm_up = warm_up,
    .loaded = loaded,
    .kept = kept
  };
  priv->loader = gst_d2v_loader_new (GST_ELEMENT (base), &priv->loader_class);
}

static void
gst_d2v_audio_base_finalize (GObject *object)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (GST_D2V_AUDIO_BASE (object));

  gst_d2v_loader_free (priv->loader);
  gst_d2v_settings_clear (&priv->settings);
  G_OBJECT_CLASS (gst_d2v_audio_base_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  gst_d2v_settings_install (klass);

  /**
   * GstD2vAudioBase:regime:
   *
   * Recorded sound gets exact, complete results, and upstream waits for them;
   * live sound gets results within a bounded delay, and upstream never waits.
   * Which of the two a pipeline is, its LATENCY query says.
   */
  g_object_class_install_property (
      klass, GST_D2V_AUDIO_PROP_REGIME,
      g_param_spec_enum ("regime", "Regime",
                         "Whether results are exact (recorded) or in time "
                         "(live)",
                         GST_TYPE_D2V_REGIME, GST_D2V_REGIME_AUTO,
                         flags | GST_PARAM_MUTABLE_READY));
  /**
   * GstD2vAudioBase:on-corrupt:
   *
   * What becomes of buffers that upstream marks as corrupted. They are counted
   * in either case.
   */
  g_object_class_install_property (
      klass, GST_D2V_AUDIO_PROP_ON_CORRUPT,
      g_param_spec_enum ("on-corrupt", "On corrupted buffers",
                         "What to do with buffers marked as corrupted",
                         GST_TYPE_D2V_ON_CORRUPT, GST_D2V_ON_CORRUPT_DROP,
                         flags | GST_PARAM_MUTABLE_PLAYING));
}

static void
gst_d2v_audio_base_class_init (GstD2vAudioBaseClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (d2v_audio_base_debug, "d2vaudiobase", 0,
                           "base class of elements that hear");
  object_class->constructed = gst_d2v_audio_base_constructed;
  object_class->finalize = gst_d2v_audio_base_finalize;
  object_class->set_property = gst_d2v_audio_base_set_property;
  object_class->get_property = gst_d2v_audio_base_get_property;
  install_properties (object_class);
  element_class->change_state
      = GST_DEBUG_FUNCPTR (gst_d2v_audio_base_change_state);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_type_mark_as_plugin_api (GST_TYPE_D2V_AUDIO_BASE, 0);
}

static void
gst_d2v_audio_base_init (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  gst_d2v_settings_init (&priv->settings);
  priv->budget = FIRST_BUDGET;
  priv->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (priv->sinkpad,
                              GST_DEBUG_FUNCPTR (gst_d2v_audio_base_chain));
  gst_pad_set_event_function (
      priv->sinkpad, GST_DEBUG_FUNCPTR (gst_d2v_audio_base_sink_event));
  gst_pad_set_query_function (
      priv->sinkpad, GST_DEBUG_FUNCPTR (gst_d2v_audio_base_sink_query));
  gst_element_add_pad (GST_ELEMENT (base), priv->sinkpad);
}
