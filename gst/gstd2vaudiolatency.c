/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vaudiobase_private.h"

#define GST_CAT_DEFAULT gst_d2v_audio_base_debug
#define PRIVATE(base) gst_d2v_audio_base_private (base)

/* What computing is expected to take until it was measured. */
#define FIRST_NEED (200 * GST_MSECOND)

/* Whether upstream is live is only known once it is linked and was asked;
 * until somebody can answer, a stream counts as recorded. */
void
gst_d2v_audio_base_ask_regime (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live;

  if (!gst_pad_peer_query (priv->sinkpad, query))
    return;
  gst_query_parse_latency (query, &live, NULL, NULL);
  GST_OBJECT_LOCK (base);
  priv->regime_known = TRUE;
  priv->found_regime = live ? D2V_REGIME_LIVE : D2V_REGIME_RECORDED;
  GST_OBJECT_UNLOCK (base);
}

/* Called with the object lock held. FALSE: upstream must be asked. */
static gboolean
known_regime (GstD2vAudioBasePrivate *priv, D2vRegime *regime)
{
  *regime = priv->regime == GST_D2V_REGIME_AUTO   ? priv->found_regime
            : priv->regime == GST_D2V_REGIME_LIVE ? D2V_REGIME_LIVE
                                                  : D2V_REGIME_RECORDED;
  return priv->regime != GST_D2V_REGIME_AUTO || priv->regime_known;
}

D2vRegime
gst_d2v_audio_base_regime (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  D2vRegime regime;
  gboolean known;

  GST_OBJECT_LOCK (base);
  known = known_regime (priv, &regime);
  GST_OBJECT_UNLOCK (base);
  if (known)
    return regime;
  gst_d2v_audio_base_ask_regime (base);
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
  GST_DEBUG_OBJECT (base, "own latency %" GST_TIME_FORMAT, GST_TIME_ARGS (own));
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

/* Called with the object lock held. */
GstClockTime
gst_d2v_audio_base_first_budget (GstD2vAudioBase *base)
{
  guint ms = PRIVATE (base)->settings.latency_ms;

  return ms ? gst_d2v_ms (ms)
            : FIRST_NEED + GST_D2V_AUDIO_BASE_GET_CLASS (base)->settling;
}

/* Raised early, lowered late: every change makes the whole pipeline adjust.
 * Steps of 10 ms, so that noise in the measure is none in the answer. What was
 * declared at first is the least: being early gains nothing. */
void
gst_d2v_audio_base_measured (GstD2vAudioBase *base, GstClockTime need)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstClockTime step = 10 * GST_MSECOND;
  GstClockTime wanted;
  gboolean changed;

  need += need / 20;
  GST_OBJECT_LOCK (base);
  if (priv->settings.latency_ms == 0)
    need += GST_D2V_AUDIO_BASE_GET_CLASS (base)->settling;
  wanted = MAX ((need + step - 1) / step * step,
                gst_d2v_audio_base_first_budget (base));
  priv->n_measured++;
  changed
      = need > priv->budget + priv->budget / 5
        || (priv->n_measured >= 20 && wanted < priv->budget - priv->budget / 4);
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
