/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* clang-format off */
/**
 * SECTION:element-d2vtranscriber
 * @title: d2vtranscriber
 *
 * Turns speech into text, one word (or sentence) a buffer, with exact times.
 * The model is a Data2Vec checkpoint for speech recognition (ForCTC), read from
 * the directory it was published as.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=talk.ogg ! decodebin ! audioconvert ! audioresample ! d2vtranscriber model=MODEL output=sentence ! webvttenc ! filesink location=talk.vtt
 * ]|
 * Subtitles of a recording.
 * |[
 * gst-launch-1.0 autoaudiosrc ! queue ! audioconvert ! audioresample ! d2vtranscriber model=MODEL ! d2vmetajson location=- ! fakesink
 * ]|
 * What the microphone hears, as lines of JSON.
 *
 * ## Recorded and live
 *
 * In a pipeline that is not live, results are complete and the same every
 * time: up to `window-duration` the model hears the whole clip at once, beyond
 * that windows with a stride on each side. In a live pipeline it hears
 * `left-context`, `chunk-duration` and `right-context`. It adds
 * `chunk-duration` + `right-context` + `latency` to the pipeline's latency; a
 * word that comes later than that is moved up to where the stream already is
 * (its `start` and `end` stay), or dropped, as `on-late` says. Silence
 * produces GAP events, so that downstream never waits for words that do not
 * come.
 *
 * ## Messages
 *
 * Every result is also posted as an element message named `d2v/transcript`,
 * and is attached to its buffer as the meta `GstD2vResultMeta`, which outlives
 * most elements. Times are guint64 in nanoseconds. The fields are
 *
 * * `timestamp`, `stream-time`, `running-time`, `duration`: of the buffer.
 * * `start`, `end`: where it was said, in stream time.
 * * `text`: the word or sentence.
 * * `confidence`: gdouble, from 0 to 1.
 * * `final`: gboolean; %FALSE for partial results, which also have `revision`.
 *   With `output=sentence` a partial result is the sentence so far.
 * * `language`: the property `language-code`, if it was set.
 * * `words`: array of structures of `text`, `start`, `end`, `confidence`.
 *
 * A device that fails does not end the stream: the CPU does the same window
 * and goes on, and a warning says so; another says that the device works again.
 *
 * ## Events
 *
 * `rstranscribe/final-transcript` goes downstream at the end of an utterance,
 * `rstranscribe/new-item` upstream with every result, as transcribers of other
 * plugins send them, so that the element can stand in for those. Events of
 * upstream keep their place among the words.
 *
 * ## Statistics
 *
 * The fields of `stats`, since the element last left READY:
 *
 * * `windows-in`, `windows-out`: guint64; begun, and turned into words.
 * * `windows-dropped-late`, `windows-dropped-nonfinite`,
 *   `windows-dropped-corrupt`, `windows-dropped-flushed`: guint64; what became
 *   of the others. Damaged buffers count as one window each.
 * * `results-late`: guint64; results after the declared latency.
 * * `resyncs`: guint64; how often sound broke off and began again.
 * * `rtf`: gdouble; time for computing by time of sound.
 * * `p50-ms`, `p95-ms`, `max-ms`: gdouble; time that a window took.
 * * `queue-depth`: guint; windows in work now.
 * * `budget-ms`: guint; the part of the latency that is for computing.
 * * `model-weight-bytes`, `model-arena-bytes`, `model-runs`: guint64, and
 *   `model-queue-depth`, `model-fallbacks`: guint; of the model, which others
 *   may share. Fallbacks are what the CPU did in a failed device's place.
 *
 * ## Presets
 *
 * `low-latency`, `balanced`, `accurate` and `offline`, through GstPreset.
 *
 * Since: 0.1
 */
/* clang-format on */

#include "gst/gstd2vtranscriber.h"

#include <string.h>

GST_DEBUG_CATEGORY (gst_d2v_transcriber_debug);
#define GST_CAT_DEFAULT gst_d2v_transcriber_debug

/* Recorded: windows of sound that may wait for downstream before upstream has
 * to. More than the transcriber itself holds back, or nothing would move. */
#define MAX_WINDOWS_WAITING 4
#define MAX_ITEMS_WAITING 256
/* Live: how much longer than the pipeline's latency downstream may take before
 * sound is skipped. */
#define MAX_BLOCKED (10 * GST_SECOND)
/* How soon warming up notices that nobody waits for it any more. */
#define WARM_UP_STEP (20 * G_TIME_SPAN_MILLISECOND)
/* A word is final when it is followed by a delimiter, or by a pause of this
 * length (d2v_transcriber_latency()). With the default chunk, right context and
 * budget this makes 1.5 s, which no default may exceed. A longer word's buffer
 * that would be later than that is moved up; its result says the true time. */
#define WORD_SETTLES (400 * GST_MSECOND)

#define TEXT_CAPS "text/x-raw, format = (string) { utf8, pango-markup }"

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (TEXT_CAPS));
static GstStaticPadTemplate partial_template = GST_STATIC_PAD_TEMPLATE (
    "partial_src", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (TEXT_CAPS));
static GstStaticPadTemplate json_template
    = GST_STATIC_PAD_TEMPLATE ("json_src", GST_PAD_SRC, GST_PAD_REQUEST,
                               GST_STATIC_CAPS ("application/x-json"));

G_DEFINE_TYPE_WITH_CODE (GstD2vTranscriber, gst_d2v_transcriber,
                         GST_TYPE_D2V_AUDIO_BASE,
                         G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, NULL))

void
gst_d2v_speech_item_free (gpointer data)
{
  GstD2vSpeechItem *item = data;

  g_clear_pointer (&item->run, gst_d2v_speech_run_unref);
  gst_clear_event (&item->event);
  g_free (item);
}

void
gst_d2v_transcriber_fail (GstD2vTranscriber *self, const GError *error)
{
  gboolean first;

  g_mutex_lock (&self->lock);
  first = !self->failed && !self->flushing
          && !g_error_matches (error, D2V_ERROR, D2V_ERROR_CANCELLED);
  self->failed = self->failed || first;
  if (first)
    self->flow = GST_FLOW_ERROR;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  if (first)
    gst_d2v_post_error (GST_ELEMENT (self), "Speech cannot be recognised",
                        error);
}

/* ------------------------------------------------------------- engine -- */

static void
add_stats (D2vTranscriberStats *sum, const D2vTranscriberStats *s)
{
  sum->windows_in += s->windows_in;
  sum->windows_out += s->windows_out;
  sum->dropped_late += s->dropped_late;
  sum->dropped_nonfinite += s->dropped_nonfinite;
  sum->dropped_flushed += s->dropped_flushed;
}

/* Its counters outlive an engine. */
static void
forget_engine (GstD2vTranscriber *self)
{
  D2vTranscriber *engine;
  D2vTranscriberStats stats;

  g_mutex_lock (&self->lock);
  engine = g_steal_pointer (&self->engine);
  if (engine)
    {
      d2v_transcriber_stats (engine, &stats);
      add_stats (&self->past, &stats);
    }
  g_mutex_unlock (&self->lock);
  if (engine)
    d2v_transcriber_unref (engine);
}

static gboolean
has_pad (GstD2vTranscriber *self, const gchar *name)
{
  g_autoptr (GstPad) pad
      = gst_element_get_static_pad (GST_ELEMENT (self), name);

  return pad != NULL;
}

static D2vTranscriberParams
make_params (GstD2vTranscriber *self)
{
  gboolean partial_pad = has_pad (self, "partial_src");
  D2vRegime regime = gst_d2v_audio_base_regime (GST_D2V_AUDIO_BASE (self));
  D2vTranscriberParams params;

  GST_OBJECT_LOCK (self);
  params = self->settings.params;
  params.partial_results = self->settings.partial_results || partial_pad;
  GST_OBJECT_UNLOCK (self);
  params.regime = regime;
  return params;
}

/* In the engine's words 0 is its choice, and D2V_MS_NONE none. */
static guint
engine_ms (guint ms)
{
  if (ms == 0)
    return D2V_MS_NONE;
  return ms == (guint) -1 ? 0 : ms;
}

static D2vTranscriber *
new_engine (D2vSession *session, const D2vTranscriberParams *params,
            GError **error)
{
  D2vTranscriberParams p = *params;

  p.stride_ms = engine_ms (p.stride_ms);
  p.left_context_ms = engine_ms (p.left_context_ms);
  p.right_context_ms = engine_ms (p.right_context_ms);
  return d2v_transcriber_new (session, &p, error);
}

static gboolean
engine_fits (GstD2vTranscriber *self)
{
  D2vTranscriberParams params = make_params (self);

  return self->engine
         && memcmp (&params, &self->engine_params, sizeof params) == 0;
}

/* An engine for what is wanted now; the one there is, if it will do. */
static gboolean
need_engine (GstD2vTranscriber *self, GError **error)
{
  D2vTranscriber *engine;

  if (engine_fits (self))
    return TRUE;
  forget_engine (self);
  self->engine_params = make_params (self);
  engine = new_engine (self->session, &self->engine_params, error);
  if (!engine)
    return FALSE;
  g_mutex_lock (&self->lock);
  self->engine = engine;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* Ends the run of sound, if there is one. */
static void
gst_d2v_transcriber_drain (GstD2vAudioBase *base)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);
  gboolean running;

  g_mutex_lock (&self->lock);
  running = self->run != NULL && !self->flushing;
  self->run = NULL;
  g_mutex_unlock (&self->lock);
  if (running)
    d2v_transcriber_drain (self->engine);
}

/* A model that fits in takes over in the middle of the sound; one with other
 * frames needs an engine of its own. */
static gboolean
gst_d2v_transcriber_start (GstD2vAudioBase *base, D2vSession *session,
                           GError **error)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);
  g_autoptr (GError) unfit = NULL;

  g_clear_pointer (&self->session, d2v_session_unref);
  self->session = d2v_session_ref (session);
  if (self->engine
      && !d2v_transcriber_set_session (self->engine, session, &unfit))
    {
      GST_INFO_OBJECT (self, "a new beginning: %s", unfit->message);
      gst_d2v_transcriber_drain (base);
      forget_engine (self);
    }
  return TRUE;
}

/* --------------------------------------------------------- the hearing -- */

static gboolean
begin_run (GstD2vTranscriber *self, GstClockTime time)
{
  g_autoptr (GError) error = NULL;
  GstD2vSpeechItem *item;

  gst_d2v_audio_base_ask_regime (GST_D2V_AUDIO_BASE (self));
  if (!need_engine (self, &error))
    {
      gst_d2v_transcriber_fail (self, error);
      return FALSE;
    }
  item = g_new0 (GstD2vSpeechItem, 1);
  g_mutex_lock (&self->lock);
  item->run = gst_d2v_speech_run_new (
      self->engine, gst_d2v_audio_base_segment (GST_D2V_AUDIO_BASE (self)),
      time, self->n_heard);
  self->run = item->run;
  g_queue_push_tail (&self->items, item);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* How much sound may lie between what was heard and what was said. */
static guint64
most_waiting (GstD2vTranscriber *self)
{
  GstClockTime most;

  if (self->engine_params.regime == D2V_REGIME_LIVE)
    most = MAX (self->pipeline_latency,
                gst_d2v_audio_base_own_latency (GST_D2V_AUDIO_BASE (self)))
           + MAX_BLOCKED;
  else
    most = MAX_WINDOWS_WAITING * gst_d2v_ms (self->engine_params.window_ms);
  return gst_d2v_samples_in (most, GST_D2V_AUDIO_RATE);
}

/* However much is undecided: while the task has nothing to push, it is the
 * model that takes its time, and not downstream. Called with the lock held. */
static gboolean
is_full (GstD2vTranscriber *self, guint64 most)
{
  return (!self->idle && self->n_heard - self->n_decided > most)
         || self->items.length > MAX_ITEMS_WAITING;
}

/* Waits until there is room (recorded), or says that there is none (live).
 * Called with the lock held. */
static gboolean
make_room (GstD2vTranscriber *self)
{
  guint64 most;

  g_mutex_unlock (&self->lock);
  most = most_waiting (self);
  g_mutex_lock (&self->lock);
  while (self->engine_params.regime == D2V_REGIME_RECORDED
         && is_full (self, most) && !self->flushing
         && self->flow == GST_FLOW_OK)
    g_cond_wait (&self->cond, &self->lock);
  return !is_full (self, most);
}

static GstFlowReturn
push_samples (GstD2vTranscriber *self, const gfloat *samples, gsize n_samples)
{
  g_autoptr (GError) error = NULL;
  GstFlowReturn flow;

  if (d2v_transcriber_push (self->engine, samples, n_samples, &error))
    return GST_FLOW_OK;
  if (!g_error_matches (error, D2V_ERROR, D2V_ERROR_CANCELLED))
    {
      gst_d2v_transcriber_fail (self, error);
      return GST_FLOW_ERROR;
    }
  g_mutex_lock (&self->lock);
  flow = self->flow == GST_FLOW_OK ? GST_FLOW_FLUSHING : self->flow;
  g_mutex_unlock (&self->lock);
  return flow;
}

/* Whether there is a run of sound to go on with. Settings that need another
 * engine begin another run. */
static gboolean
has_run (GstD2vTranscriber *self)
{
  gboolean has;

  if (g_atomic_int_compare_and_exchange (&self->settings_changed, TRUE, FALSE)
      && !engine_fits (self))
    gst_d2v_transcriber_drain (GST_D2V_AUDIO_BASE (self));
  g_mutex_lock (&self->lock);
  has = self->run != NULL;
  g_mutex_unlock (&self->lock);
  return has;
}

static GstFlowReturn
gst_d2v_transcriber_samples (GstD2vAudioBase *base, GstClockTime time,
                             const gfloat *samples, gsize n_samples)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);
  GstFlowReturn flow;
  gboolean room;

  g_mutex_lock (&self->lock);
  room = make_room (self);
  flow = self->flushing ? GST_FLOW_FLUSHING : self->flow;
  if (flow == GST_FLOW_OK && !room)
    self->n_skipped += n_samples;
  g_mutex_unlock (&self->lock);
  if (flow != GST_FLOW_OK)
    return flow;
  if (!room)
    {
      /* What comes later does not follow what was heard before. */
      gst_d2v_transcriber_drain (base);
      return GST_FLOW_OK;
    }
  if (!has_run (self) && !begin_run (self, time))
    return GST_FLOW_ERROR;
  g_mutex_lock (&self->lock);
  if (self->run)
    {
      gst_d2v_speech_run_heard (self->run, n_samples, g_get_monotonic_time ());
      self->n_heard += n_samples;
    }
  g_mutex_unlock (&self->lock);
  return push_samples (self, samples, n_samples);
}

static void
gst_d2v_transcriber_anchor (GstD2vAudioBase *base, GstClockTime time)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);

  g_mutex_lock (&self->lock);
  if (self->run)
    gst_d2v_speech_run_anchor (self->run, time);
  g_mutex_unlock (&self->lock);
}

/* Downstream takes nothing any more; the end is all it still hears of. */
static gboolean
refuse_event (GstD2vTranscriber *self, GstEvent *event, GstFlowReturn flow)
{
  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS || flow == GST_FLOW_FLUSHING)
    {
      gst_event_unref (event);
      return FALSE;
    }
  if (!self->failed && (flow == GST_FLOW_NOT_LINKED || flow <= GST_FLOW_ERROR))
    GST_ELEMENT_FLOW_ERROR (self, flow);
  return gst_pad_event_default (
      gst_d2v_audio_base_sink_pad (GST_D2V_AUDIO_BASE (self)),
      GST_OBJECT (self), event);
}

static gboolean
gst_d2v_transcriber_event (GstD2vAudioBase *base, GstEvent *event)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);
  GstFlowReturn flow;

  g_mutex_lock (&self->lock);
  flow = self->flushing ? GST_FLOW_FLUSHING : self->flow;
  if (flow == GST_FLOW_OK && self->run)
    gst_d2v_speech_run_add_event (self->run, event);
  else if (flow == GST_FLOW_OK)
    {
      GstD2vSpeechItem *item = g_new0 (GstD2vSpeechItem, 1);

      item->event = event;
      g_queue_push_tail (&self->items, item);
      g_cond_broadcast (&self->cond);
    }
  g_mutex_unlock (&self->lock);
  return flow == GST_FLOW_OK || refuse_event (self, event, flow);
}

/* -------------------------------------------------------------- flush -- */

static void
gst_d2v_transcriber_interrupt (GstD2vAudioBase *base)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);

  g_mutex_lock (&self->lock);
  self->flushing = TRUE;
  if (self->engine)
    d2v_transcriber_flush (self->engine, TRUE);
  for (GList *l = self->items.head; l; l = l->next)
    {
      GstD2vSpeechItem *item = l->data;

      if (item->run)
        d2v_transcriber_flush (item->run->engine, TRUE);
    }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* Forgets the stream and what became of it. Called with the lock held. */
static void
forget_stream (GstD2vTranscriber *self)
{
  g_queue_clear_full (&self->items, gst_d2v_speech_item_free);
  self->run = NULL;
  self->n_heard = self->n_decided = 0;
  self->flow = GST_FLOW_OK;
  self->failed = FALSE;
  gst_flow_combiner_reset (self->combiner);
  if (self->engine)
    d2v_transcriber_flush (self->engine, FALSE);
}

/* Called with the lock held, so that nobody who stops the task comes in
 * between. */
static void
start_task (GstD2vTranscriber *self)
{
  gst_pad_start_task (self->srcpad, gst_d2v_transcriber_loop, self->srcpad,
                      NULL);
}

/* Waits until the task does nothing. Flushes may come from several threads at
 * once: while one of them waits here, no other may let the task go on. */
static void
halt (GstD2vTranscriber *self)
{
  g_mutex_lock (&self->lock);
  self->n_halting++;
  g_mutex_unlock (&self->lock);
  gst_d2v_transcriber_interrupt (GST_D2V_AUDIO_BASE (self));
  gst_pad_pause_task (self->srcpad);
  g_mutex_lock (&self->lock);
  self->n_halting--;
  g_mutex_unlock (&self->lock);
}

/* Whoever halts the task now will want it to go on later. */
static void
go_on (GstD2vTranscriber *self)
{
  g_mutex_lock (&self->lock);
  if (self->active && self->n_halting == 0)
    {
      forget_stream (self);
      self->flushing = FALSE;
      start_task (self);
    }
  g_mutex_unlock (&self->lock);
}

/* A flush drops data, but not whose data it is: a stream-start that the task
 * has not come to is still to be told. */
static void
keep_stream_start (GstD2vTranscriber *self)
{
  g_autoptr (GstEvent) event = NULL;

  g_mutex_lock (&self->lock);
  for (GList *l = self->items.head; l; l = l->next)
    {
      GstD2vSpeechItem *item = l->data;

      if (item->event && GST_EVENT_TYPE (item->event) == GST_EVENT_STREAM_START)
        gst_event_replace (&event, item->event);
    }
  g_mutex_unlock (&self->lock);
  if (event)
    gst_d2v_speaker_new_stream (self, event);
}

static void
gst_d2v_transcriber_flush (GstD2vAudioBase *base, gboolean flushing)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);

  /* The end of a flush, too: its beginning may never have come. */
  halt (self);
  if (flushing)
    return;
  keep_stream_start (self);
  gst_d2v_speaker_reset (self, FALSE);
  go_on (self);
}

static void
gst_d2v_transcriber_stop (GstD2vAudioBase *base)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);

  g_mutex_lock (&self->lock);
  forget_stream (self);
  g_mutex_unlock (&self->lock);
  forget_engine (self);
  g_clear_pointer (&self->session, d2v_session_unref);
  gst_d2v_speaker_reset (self, TRUE);
}

/* --------------------------------------------------------------- pads -- */

static gboolean
gst_d2v_transcriber_src_activate (GstPad *pad, GstObject *parent,
                                  GstPadMode mode, gboolean active)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  g_mutex_lock (&self->lock);
  self->active = active;
  if (active)
    {
      self->past = (D2vTranscriberStats){ 0 };
      self->n_late = self->n_skipped = 0;
    }
  g_mutex_unlock (&self->lock);
  if (active)
    {
      go_on (self);
      return TRUE;
    }
  gst_d2v_transcriber_interrupt (GST_D2V_AUDIO_BASE (self));
  return gst_pad_stop_task (pad);
}

static gboolean
gst_d2v_transcriber_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return gst_d2v_audio_base_query_latency (GST_D2V_AUDIO_BASE (parent),
                                             query);
  return gst_pad_query_default (pad, parent, query);
}

/* A pad that was linked anew may take words again. */
static void
revive (GstD2vTranscriber *self)
{
  g_mutex_lock (&self->lock);
  if (self->active && self->flow == GST_FLOW_NOT_LINKED && !self->flushing)
    {
      self->flow = GST_FLOW_OK;
      gst_flow_combiner_reset (self->combiner);
      start_task (self);
    }
  g_mutex_unlock (&self->lock);
}

static gboolean
plays_forward (GstEvent *seek)
{
  gdouble rate;

  gst_event_parse_seek (seek, &rate, NULL, NULL, NULL, NULL, NULL, NULL);
  return rate > 0.0;
}

static gboolean
gst_d2v_transcriber_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (parent);

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_LATENCY:
      {
        GstClockTime latency;

        gst_event_parse_latency (event, &latency);
        g_mutex_lock (&self->lock);
        self->pipeline_latency = latency;
        g_mutex_unlock (&self->lock);
        break;
      }
    case GST_EVENT_RECONFIGURE:
      revive (self);
      break;
    case GST_EVENT_SEEK:
      if (!plays_forward (event))
        {
          GST_INFO_OBJECT (self, "speech cannot be heard backwards");
          gst_event_unref (event);
          return FALSE;
        }
      break;
    case GST_EVENT_QOS:
      /* Late text is no reason for a decoder to skip sound. */
      gst_event_unref (event);
      return TRUE;
    default:
      break;
    }
  return gst_pad_event_default (pad, parent, event);
}

static void
set_up_pad (GstD2vTranscriber *self, GstPad *pad)
{
  gst_pad_set_query_function (
      pad, GST_DEBUG_FUNCPTR (gst_d2v_transcriber_src_query));
  gst_pad_set_event_function (
      pad, GST_DEBUG_FUNCPTR (gst_d2v_transcriber_src_event));
}

/* For as long as it is active. */
static void
combine_pad (GstD2vTranscriber *self, GstPad *pad)
{
  g_mutex_lock (&self->lock);
  gst_flow_combiner_add_pad (self->combiner, pad);
  g_mutex_unlock (&self->lock);
}

static GstPad *
gst_d2v_transcriber_request_pad (GstElement *element, GstPadTemplate *templ,
                                 const gchar *name, const GstCaps *caps)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (element);
  const gchar *kind = GST_PAD_TEMPLATE_NAME_TEMPLATE (templ);
  GstPad *pad;

  if (has_pad (self, kind))
    return NULL;
  pad = gst_d2v_text_pad_new (templ, kind);
  set_up_pad (self, pad);
  g_atomic_int_set (&self->settings_changed, TRUE);
  gst_pad_set_active (pad, TRUE);
  combine_pad (self, pad);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_d2v_transcriber_release_pad (GstElement *element, GstPad *pad)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (element);

  /* While inactive, a pad counts as flushing: only active ones may count. */
  g_mutex_lock (&self->lock);
  gst_flow_combiner_remove_pad (self->combiner, pad);
  g_mutex_unlock (&self->lock);
  gst_pad_set_active (pad, FALSE);
  g_atomic_int_set (&self->settings_changed, TRUE);
  gst_element_remove_pad (element, pad);
}

/* ------------------------------------------------------------ reports -- */

static GstClockTime
gst_d2v_transcriber_delay (GstD2vAudioBase *base)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);
  const D2vTranscriberParams *params = &self->settings.params;
  GstClockTime delay, lateness;

  GST_OBJECT_LOCK (self);
  delay = gst_d2v_ms (params->chunk_ms) + gst_d2v_ms (params->right_context_ms);
  /* A sentence is only there when it has ended, but stands at its beginning. */
  if (self->settings.output == GST_D2V_TEXT_OUTPUT_SENTENCE)
    delay += gst_d2v_ms (params->endpoint_max_ms)
             + gst_d2v_ms (params->endpoint_silence_ms);
  lateness = gst_d2v_ms (self->settings.lateness_ms);
  GST_OBJECT_UNLOCK (self);
  return delay > lateness ? delay - lateness : 0;
}

static void
gst_d2v_transcriber_stats (GstD2vAudioBase *base, GstStructure *stats)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (base);
  D2vTranscriberStats s = { 0 };
  guint64 late, skipped, chunk;

  g_mutex_lock (&self->lock);
  if (self->engine)
    d2v_transcriber_stats (self->engine, &s);
  add_stats (&s, &self->past);
  late = self->n_late;
  skipped = self->n_skipped;
  g_mutex_unlock (&self->lock);
  GST_OBJECT_LOCK (self);
  chunk = self->settings.params.chunk_ms * (GST_D2V_AUDIO_RATE / 1000);
  GST_OBJECT_UNLOCK (self);

  gst_structure_set (
      stats, "windows-in", G_TYPE_UINT64, s.windows_in, "windows-out",
      G_TYPE_UINT64, s.windows_out, "windows-dropped-late", G_TYPE_UINT64,
      s.dropped_late + (skipped + chunk - 1) / chunk,
      "windows-dropped-nonfinite", G_TYPE_UINT64, s.dropped_nonfinite,
      "windows-dropped-flushed", G_TYPE_UINT64, s.dropped_flushed,
      "results-late", G_TYPE_UINT64, late, "rtf", G_TYPE_DOUBLE, s.rtf,
      "p50-ms", G_TYPE_DOUBLE, s.p50_ms, "p95-ms", G_TYPE_DOUBLE, s.p95_ms,
      "max-ms", G_TYPE_DOUBLE, s.max_ms, "queue-depth", G_TYPE_UINT,
      s.queue_depth, NULL);
}

/* A window of it. FALSE when nobody waits for the end any more, or there will
 * be none; with @error when the window failed. */
static gboolean
hear_silence (D2vSession *session, const D2vTranscriberParams *params,
              GCancellable *cancellable, D2vTranscriberStats *stats,
              GError **error)
{
  guint ms
      = params->left_context_ms + params->chunk_ms + params->right_context_ms;
  guint n = ms * (GST_D2V_AUDIO_RATE / 1000);
  g_autofree gfloat *silence = g_try_new0 (gfloat, n);
  g_autoptr (D2vTranscriber) engine = new_engine (session, params, NULL);
  g_autoptr (D2vTranscript) t = NULL;

  if (!engine || !silence || !d2v_transcriber_push (engine, silence, n, error))
    return FALSE;
  d2v_transcriber_drain (engine);
  while (!t || t->type != D2V_TRANSCRIPT_DRAINED)
    {
      g_clear_pointer (&t, d2v_transcript_free);
      t = d2v_transcriber_pull (engine, WARM_UP_STEP, error);
      if (*error || g_cancellable_is_cancelled (cancellable))
        {
          d2v_transcriber_flush (engine, TRUE);
          return FALSE;
        }
    }
  d2v_transcriber_stats (engine, stats);
  return TRUE;
}

/* Lets the first window of a live stream find everything prepared. A second
 * time shows what a window costs on this machine. */
static gboolean
gst_d2v_transcriber_warm_up (GstD2vAudioBase *base, D2vSession *session,
                             GCancellable *cancellable, GError **error)
{
  D2vTranscriberParams params = make_params (GST_D2V_TRANSCRIBER (base));
  D2vTranscriberStats stats;

  if (params.regime == D2V_REGIME_LIVE
      && hear_silence (session, &params, cancellable, &stats, error)
      && hear_silence (session, &params, cancellable, &stats, error))
    gst_d2v_audio_base_measured (base, stats.p50_ms * GST_MSECOND);
  return *error == NULL;
}

/* -------------------------------------------------------------- class -- */

static void
gst_d2v_transcriber_finalize (GObject *object)
{
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (object);

  g_queue_clear_full (&self->items, gst_d2v_speech_item_free);
  g_clear_pointer (&self->engine, d2v_transcriber_unref);
  g_clear_pointer (&self->session, d2v_session_unref);
  gst_flow_combiner_unref (self->combiner);
  gst_d2v_speaker_clear (&self->speaker);
  g_free (self->settings.language);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (gst_d2v_transcriber_parent_class)->finalize (object);
}

static void
set_vmethods (GstD2vAudioBaseClass *klass)
{
  klass->head = D2V_HEAD_CTC;
  klass->settling = WORD_SETTLES;
  klass->warm_up = gst_d2v_transcriber_warm_up;
  klass->start = gst_d2v_transcriber_start;
  klass->samples = gst_d2v_transcriber_samples;
  klass->anchor = gst_d2v_transcriber_anchor;
  klass->drain = gst_d2v_transcriber_drain;
  klass->event = gst_d2v_transcriber_event;
  klass->interrupt = gst_d2v_transcriber_interrupt;
  klass->flush = gst_d2v_transcriber_flush;
  klass->stop = gst_d2v_transcriber_stop;
  klass->delay = gst_d2v_transcriber_delay;
  klass->stats = gst_d2v_transcriber_stats;
}

static void
gst_d2v_transcriber_class_init (GstD2vTranscriberClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_d2v_transcriber_debug, "d2vtranscriber", 0,
                           "Data2Vec speech recognition");
  object_class->finalize = gst_d2v_transcriber_finalize;
  gst_d2v_transcriber_install_properties (object_class);

  element_class->request_new_pad
      = GST_DEBUG_FUNCPTR (gst_d2v_transcriber_request_pad);
  element_class->release_pad
      = GST_DEBUG_FUNCPTR (gst_d2v_transcriber_release_pad);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &src_template, GST_TYPE_D2V_TEXT_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &partial_template, GST_TYPE_D2V_TEXT_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &json_template, GST_TYPE_D2V_TEXT_PAD);
  gst_element_class_set_static_metadata (
      element_class, "Data2Vec transcriber", "Audio/Text/Filter",
      "Turns speech into timed words with a Data2Vec model",
      "The gst-data2vec authors");
  set_vmethods (GST_D2V_AUDIO_BASE_CLASS (klass));
}

static void
gst_d2v_transcriber_init (GstD2vTranscriber *self)
{
  GstPadTemplate *templ
      = gst_element_get_pad_template (GST_ELEMENT (self), "src");

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->combiner = gst_flow_combiner_new ();
  self->pipeline_latency = 0;
  gst_d2v_speaker_init (&self->speaker);
  gst_d2v_transcriber_init_settings (self);

  self->srcpad = gst_d2v_text_pad_new (templ, "src");
  set_up_pad (self, self->srcpad);
  combine_pad (self, self->srcpad);
  gst_pad_set_activatemode_function (
      self->srcpad, GST_DEBUG_FUNCPTR (gst_d2v_transcriber_src_activate));
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}
