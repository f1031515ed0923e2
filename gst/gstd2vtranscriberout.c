/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that speaks: transcripts become buffers, events and messages. */

#include "gst/gstd2vtranscriber.h"

#define GST_CAT_DEFAULT gst_d2v_transcriber_debug

/* How long one wait for a transcript may take; also how closely the stream's
 * position follows the clock when words are late. */
#define TICK_US (50 * G_TIME_SPAN_MILLISECOND)

/* What is left of a word that comes later than its own end: subtitles want some
 * length. */
#define LEAST_DURATION (20 * GST_MSECOND)

/* A window this many budgets late is not slow any more, it hangs. */
#define WATCHDOG_BUDGETS 10
#define WATCHDOG_RECORDED (60 * GST_SECOND)

void
gst_d2v_speaker_init (GstD2vSpeaker *speaker)
{
  speaker->sentence.words = g_array_new (FALSE, TRUE, sizeof (GstD2vWord));
  g_array_set_clear_func (speaker->sentence.words,
                          (GDestroyNotify) gst_d2v_word_clear);
  gst_segment_init (&speaker->segment, GST_FORMAT_TIME);
}

void
gst_d2v_speaker_clear (GstD2vSpeaker *speaker)
{
  gst_d2v_text_head_clear (&speaker->head);
  g_array_unref (speaker->sentence.words);
  g_free (speaker->tagged_language);
}

/* --------------------------------------------------------------- pads -- */

static gpointer
ref_pad (gconstpointer pad, gpointer unused)
{
  return gst_object_ref ((gpointer) pad);
}

/* Source pads may come and go while we push: a copy of the list. */
static GList *
list_pads (GstD2vTranscriber *self)
{
  GList *pads;

  GST_OBJECT_LOCK (self);
  pads = g_list_copy_deep (GST_ELEMENT (self)->srcpads, ref_pad, NULL);
  GST_OBJECT_UNLOCK (self);
  return pads;
}

typedef void (*PadFunc) (GstD2vTranscriber *self, GstD2vTextPad *pad,
                         gpointer data);

static void
each_pad (GstD2vTranscriber *self, PadFunc func, gpointer data)
{
  GList *pads = list_pads (self);

  for (GList *l = pads; l; l = l->next)
    func (self, l->data, data);
  g_list_free_full (pads, gst_object_unref);
}

static gboolean
is_kind (GstD2vTextPad *pad, const gchar *name)
{
  return g_str_equal (GST_OBJECT_NAME (pad), name);
}

static void
introduce (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer unused)
{
  gst_d2v_text_pad_introduce (pad, &self->speaker.head);
}

static void
begin_stream (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer unused)
{
  gst_d2v_text_pad_begin (pad, &self->speaker.head);
}

static void
push_event (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer event)
{
  introduce (self, pad, NULL);
  gst_pad_push_event (GST_PAD (pad), gst_event_ref (event));
}

static void
push_gap (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer until)
{
  introduce (self, pad, NULL);
  gst_d2v_text_pad_gap (pad, *(GstClockTime *) until);
}

static void
renew_stream (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer unused)
{
  gst_d2v_text_pad_new_stream (pad);
}

static void
renew_segment (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer unused)
{
  gst_d2v_text_pad_new_segment (pad);
}

static void
renew_tags (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer unused)
{
  gst_d2v_text_pad_new_tags (pad);
}

void
gst_d2v_speaker_reset (GstD2vTranscriber *self, gboolean whole_stream)
{
  GstD2vSpeaker *speaker = &self->speaker;

  g_array_set_size (speaker->sentence.words, 0);
  speaker->speaking = FALSE;
  speaker->forced = 0;
  gst_clear_event (&speaker->head.segment);
  each_pad (self, renew_segment, NULL);
  if (!whole_stream)
    return;
  gst_d2v_text_head_clear (&speaker->head);
  g_clear_pointer (&speaker->tagged_language, g_free);
  each_pad (self, renew_stream, NULL);
}

void
gst_d2v_speaker_new_stream (GstD2vTranscriber *self, GstEvent *event)
{
  GstD2vSpeaker *speaker = &self->speaker;

  gst_clear_event (&speaker->head.tags);
  g_clear_pointer (&speaker->tagged_language, g_free);
  gst_event_replace (&speaker->head.stream_start, event);
  each_pad (self, renew_stream, NULL);
}

/* ------------------------------------------------------------ results -- */

/* One result on its way out. Times are nanoseconds as time stamps count; the
 * samples are the run's. */
typedef struct
{
  const GstD2vTranscriberSettings *settings;
  const gchar *text;
  GstClockTime start;
  GstClockTime end;
  guint64 end_sample;
  gdouble confidence;
  const GstD2vWord *words;
  guint n_words;
  gboolean is_final;
  guint revision;
} Speech;

static GstClockTime
stream_time (GstD2vTranscriber *self, GstClockTime time)
{
  return gst_segment_to_stream_time (&self->speaker.segment, GST_FORMAT_TIME,
                                     time);
}

static GstStructure *
make_result (GstD2vTranscriber *self, const Speech *speech, GstClockTime pts,
             GstClockTime duration)
{
  GstStructure *result = gst_d2v_result_new (
      "transcript", &self->speaker.segment, pts, duration);

  gst_structure_set (
      result, "start", G_TYPE_UINT64, stream_time (self, speech->start), "end",
      G_TYPE_UINT64, stream_time (self, speech->end), "text", G_TYPE_STRING,
      speech->text, "confidence", G_TYPE_DOUBLE, speech->confidence, "final",
      G_TYPE_BOOLEAN, speech->is_final, NULL);
  if (!speech->is_final)
    gst_structure_set (result, "revision", G_TYPE_UINT, speech->revision, NULL);
  if (speech->settings->language)
    gst_structure_set (result, "language", G_TYPE_STRING,
                       speech->settings->language, NULL);
  gst_d2v_result_add_words (result, speech->words, speech->n_words);
  return result;
}

static void
push_on (GstD2vTranscriber *self, GstD2vTextPad *pad, const gchar *text,
         const GstStructure *result)
{
  guint64 pts, duration;
  GstFlowReturn flow;

  introduce (self, pad, NULL);
  gst_structure_get_uint64 (result, "timestamp", &pts);
  gst_structure_get_uint64 (result, "duration", &duration);
  flow = gst_d2v_text_pad_push (pad, text, pts, duration, result);
  /* A requested pad that is on its way out; when all flush, we know. */
  if (flow == GST_FLOW_FLUSHING && GST_PAD (pad) != self->srcpad)
    flow = GST_FLOW_OK;
  g_mutex_lock (&self->lock);
  flow
      = gst_flow_combiner_update_pad_flow (self->combiner, GST_PAD (pad), flow);
  if (self->flow == GST_FLOW_OK)
    self->flow = flow;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

typedef struct
{
  const Speech *speech;
  const GstStructure *result;
} Output;

static void
push_result (GstD2vTranscriber *self, GstD2vTextPad *pad, gpointer data)
{
  const Output *output = data;
  const Speech *speech = output->speech;

  if (is_kind (pad, "src") && speech->is_final)
    push_on (self, pad, speech->text, output->result);
  else if (is_kind (pad, "partial_src") && !speech->is_final)
    push_on (self, pad, speech->text, output->result);
  else if (is_kind (pad, "json_src")
           && (speech->is_final || speech->settings->partial_results))
    {
      g_autofree gchar *json = gst_d2v_result_to_json (output->result);
      g_autofree gchar *line = g_strconcat (json, "\n", NULL);

      push_on (self, pad, line, output->result);
    }
}

/* Other elements upstream (a speaker's, say) may want to know the words. */
static void
tell_upstream (GstD2vTranscriber *self, const Speech *speech,
               const GstStructure *result)
{
  guint64 running_time, duration;

  gst_structure_get_uint64 (result, "running-time", &running_time);
  gst_structure_get_uint64 (result, "duration", &duration);
  gst_pad_push_event (
      gst_d2v_audio_base_sink_pad (GST_D2V_AUDIO_BASE (self)),
      gst_event_new_custom (
          GST_EVENT_CUSTOM_UPSTREAM,
          gst_structure_new ("rstranscribe/new-item", "speaker", G_TYPE_STRING,
                             NULL, "content", G_TYPE_STRING, speech->text,
                             "running-time", G_TYPE_UINT64, running_time,
                             "duration", G_TYPE_UINT64, duration, NULL)));
}

static void
observe_delay (GstD2vTranscriber *self, GstD2vSpeechRun *run,
               guint64 end_sample)
{
  gint64 arrival;

  g_mutex_lock (&self->lock);
  arrival = gst_d2v_speech_run_arrival (run, end_sample);
  g_mutex_unlock (&self->lock);
  if (arrival)
    gst_d2v_audio_base_observed (GST_D2V_AUDIO_BASE (self),
                                 (g_get_monotonic_time () - arrival)
                                     * GST_USECOND);
}

/* Where a result goes in time: moved by `lateness`, into the segment, and up
 * to where the stream already is. FALSE: nowhere. */
static gboolean
place (GstD2vTranscriber *self, const Speech *speech, GstClockTime *pts,
       GstClockTime *duration)
{
  const GstSegment *segment = &self->speaker.segment;
  GstClockTime lateness = gst_d2v_ms (speech->settings->lateness_ms);
  GstClockTime end = gst_d2v_time_add (speech->end, lateness);
  GstClockTime position;

  *pts = gst_d2v_time_add (speech->start, lateness);
  *duration = speech->end - speech->start;
  position = gst_d2v_text_pad_position (GST_D2V_TEXT_PAD (self->srcpad));
  if (*pts < self->speaker.forced && speech->is_final)
    {
      GST_INFO_OBJECT (self, "\"%s\" comes late", speech->text);
      g_mutex_lock (&self->lock);
      self->n_late++;
      g_mutex_unlock (&self->lock);
      if (speech->settings->on_late == GST_D2V_ON_LATE_DROP)
        return FALSE;
    }
  if (GST_CLOCK_TIME_IS_VALID (position) && position > *pts)
    {
      /* It ends where it ended, or what follows would be moved, too. */
      *duration = end > position ? end - position : 0;
      *duration = MAX (*duration, LEAST_DURATION);
      *pts = position;
    }
  if (GST_CLOCK_TIME_IS_VALID (segment->stop))
    {
      *pts = MIN (*pts, segment->stop);
      *duration = MIN (*duration, segment->stop - *pts);
    }
  return TRUE;
}

static void
emit (GstD2vTranscriber *self, GstD2vSpeechRun *run, const Speech *speech)
{
  g_autoptr (GstStructure) result = NULL;
  GstClockTime pts, duration;
  Output output = { speech };

  if (!place (self, speech, &pts, &duration))
    return;
  result = make_result (self, speech, pts, duration);
  output.result = result;
  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, result);
  each_pad (self, push_result, &output);
  if (speech->is_final)
    {
      observe_delay (self, run, speech->end_sample);
      tell_upstream (self, speech, result);
    }
  if (gst_d2v_audio_base_posts_messages (GST_D2V_AUDIO_BASE (self))
      && (speech->is_final || speech->settings->partial_results))
    gst_element_post_message (
        GST_ELEMENT (self), gst_d2v_result_message (GST_OBJECT (self), result));
}

/* ---------------------------------------------------------- sentences -- */

/* The words gathered so far. */
static void
say_sentence (GstD2vTranscriber *self, GstD2vSpeechRun *run,
              const GstD2vTranscriberSettings *settings, gboolean is_final)
{
  GstD2vSpeaker *speaker = &self->speaker;
  const GstD2vWord *words = (const GstD2vWord *) speaker->sentence.words->data;
  guint n = speaker->sentence.words->len;
  g_autoptr (GString) text = g_string_new (NULL);
  gdouble confidence = 0;
  Speech speech;

  for (guint i = 0; i < n; i++)
    {
      g_string_append_printf (text, "%s%s", i ? " " : "", words[i].text);
      confidence += words[i].confidence / n;
    }
  speech = (Speech){ .settings = settings,
                     .text = text->str,
                     .start = speaker->sentence.start,
                     .end = speaker->sentence.end,
                     .end_sample = speaker->sentence.end_sample,
                     .confidence = confidence,
                     .words = words,
                     .n_words = n,
                     .is_final = is_final,
                     .revision = is_final ? 0 : ++speaker->sentence.revision };
  emit (self, run, &speech);
}

static void
add_to_sentence (GstD2vTranscriber *self, const D2vTranscript *t,
                 GstClockTime start, GstClockTime end)
{
  GstD2vSpeaker *speaker = &self->speaker;
  GstD2vWord word = { g_strdup (t->text), stream_time (self, start),
                      stream_time (self, end), t->confidence };

  if (speaker->sentence.words->len == 0)
    speaker->sentence.start = start;
  speaker->sentence.end = end;
  speaker->sentence.end_sample = t->end;
  g_array_append_val (speaker->sentence.words, word);
}

static void
emit_sentence (GstD2vTranscriber *self, GstD2vSpeechRun *run,
               const GstD2vTranscriberSettings *settings)
{
  GstD2vSpeaker *speaker = &self->speaker;

  if (speaker->sentence.words->len)
    say_sentence (self, run, settings, TRUE);
  g_array_set_size (speaker->sentence.words, 0);
  speaker->sentence.revision = 0;
}

/* A sentence that goes on is told from its beginning, where it will stand when
 * it has ended. */
static void
emit_partial_sentence (GstD2vTranscriber *self, GstD2vSpeechRun *run,
                       const GstD2vTranscriberSettings *settings,
                       const D2vTranscript *t, GstClockTime start,
                       GstClockTime end)
{
  GstD2vSentence *sentence = &self->speaker.sentence;
  GstD2vSentence so_far = *sentence; /* the words are the same array */

  add_to_sentence (self, t, start, end);
  say_sentence (self, run, settings, FALSE);
  so_far.revision = sentence->revision;
  *sentence = so_far;
  g_array_set_size (sentence->words, sentence->words->len - 1);
}

static void
end_sentence (GstD2vTranscriber *self, GstD2vSpeechRun *run,
              const GstD2vTranscriberSettings *settings)
{
  g_autoptr (GstEvent) event = NULL;

  emit_sentence (self, run, settings);
  if (!self->speaker.speaking)
    return;
  self->speaker.speaking = FALSE;
  event = gst_event_new_custom (
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new_empty ("rstranscribe/final-transcript"));
  each_pad (self, push_event, event);
}

static void
emit_word (GstD2vTranscriber *self, GstD2vSpeechRun *run,
           const GstD2vTranscriberSettings *settings, const D2vTranscript *t,
           GstClockTime start, GstClockTime end)
{
  GstD2vWord word = { t->text, stream_time (self, start),
                      stream_time (self, end), t->confidence };
  Speech speech = { .settings = settings,
                    .text = t->text,
                    .start = start,
                    .end = end,
                    .end_sample = t->end,
                    .confidence = t->confidence,
                    .words = &word,
                    .n_words = 1,
                    .is_final = t->type == D2V_TRANSCRIPT_WORD,
                    .revision = t->revision };

  emit_sentence (self, run, settings); /* the property was changed */
  emit (self, run, &speech);
}

static void
take_word (GstD2vTranscriber *self, GstD2vSpeechRun *run,
           const GstD2vTranscriberSettings *settings, const D2vTranscript *t,
           GstClockTime start, GstClockTime end)
{
  if (t->confidence < settings->min_confidence)
    return;
  self->speaker.speaking = TRUE;
  if (settings->output == GST_D2V_TEXT_OUTPUT_WORD)
    emit_word (self, run, settings, t, start, end);
  else
    add_to_sentence (self, t, start, end);
}

static void
take_partial (GstD2vTranscriber *self, GstD2vSpeechRun *run,
              const GstD2vTranscriberSettings *settings, const D2vTranscript *t,
              GstClockTime start, GstClockTime end)
{
  if (settings->output == GST_D2V_TEXT_OUTPUT_WORD)
    emit_word (self, run, settings, t, start, end);
  else
    emit_partial_sentence (self, run, settings, t, start, end);
}

/* ----------------------------------------------------------- position -- */

/* Everything before @time (as sound counts) is known. A sentence that is
 * still being gathered holds the stream at its beginning. */
static void
move_to (GstD2vTranscriber *self, const GstD2vTranscriberSettings *settings,
         GstClockTime time)
{
  if (self->speaker.sentence.words->len)
    time = MIN (time, self->speaker.sentence.start);
  time = gst_d2v_time_add (time, gst_d2v_ms (settings->lateness_ms));
  each_pad (self, push_gap, &time);
}

static void
measure (GstD2vTranscriber *self, GstD2vSpeechRun *run)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (self);
  D2vTranscriberStats stats;

  if (gst_d2v_audio_base_regime (base) != D2V_REGIME_LIVE)
    return;
  d2v_transcriber_stats (run->engine, &stats);
  if (stats.windows_out >= 3)
    gst_d2v_audio_base_measured (base, stats.p95_ms * GST_MSECOND);
}

/* FALSE when a flush was faster: what @run counts is not counted any more.
 * Called with the lock held. */
static gboolean
is_head (GstD2vTranscriber *self, GstD2vSpeechRun *run)
{
  GstD2vSpeechItem *item = g_queue_peek_head (&self->items);

  return item && item->run == run;
}

static void
decide (GstD2vTranscriber *self, GstD2vSpeechRun *run, guint64 sample,
        const GstD2vTranscriberSettings *settings)
{
  GstClockTime time;

  g_mutex_lock (&self->lock);
  time = gst_d2v_speech_run_time (run, sample);
  g_mutex_unlock (&self->lock);
  move_to (self, settings, time);

  /* Only now: whoever waits for room waits for what was pushed. */
  g_mutex_lock (&self->lock);
  if (is_head (self, run))
    {
      gst_d2v_speech_run_decide (run, sample);
      self->n_decided = MAX (self->n_decided, run->before + run->decided);
      g_cond_broadcast (&self->cond);
    }
  g_mutex_unlock (&self->lock);
}

static void
post_dropped (GstD2vTranscriber *self, GstD2vSpeechRun *run,
              const D2vTranscript *t, GstClockTime start, GstClockTime end)
{
  gint64 now = g_get_monotonic_time ();
  D2vTranscriberStats stats;
  GstMessage *message;

  GST_WARNING_OBJECT (
      self, "nothing from %" GST_TIME_FORMAT " to %" GST_TIME_FORMAT ": %s",
      GST_TIME_ARGS (start), GST_TIME_ARGS (end),
      t->text ? t->text : "dropped");
  if (now < self->speaker.next_qos)
    return;
  self->speaker.next_qos = now + G_TIME_SPAN_SECOND;
  d2v_transcriber_stats (run->engine, &stats);
  message = gst_message_new_qos (
      GST_OBJECT (self), TRUE,
      gst_segment_to_running_time (&self->speaker.segment, GST_FORMAT_TIME,
                                   start),
      stream_time (self, start), start, end - start);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, stats.windows_out,
                             stats.dropped_late + stats.dropped_nonfinite);
  gst_element_post_message (GST_ELEMENT (self), message);
}

/* The stream must have come to where its latency promises, whether the words
 * are there or not: muxers and overlays wait for it. */
static void
keep_pace (GstD2vTranscriber *self, GstD2vSpeechRun *run,
           const GstD2vTranscriberSettings *settings)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (self);
  GstClockTime own, time;
  guint64 due;

  if (gst_d2v_audio_base_regime (base) != D2V_REGIME_LIVE)
    return;
  own = gst_d2v_audio_base_own_latency (base);
  g_mutex_lock (&self->lock);
  due = gst_d2v_speech_run_heard_by (run, g_get_monotonic_time ()
                                              - (gint64) (own / GST_USECOND));
  time = gst_d2v_time_add (gst_d2v_speech_run_time (run, due),
                           gst_d2v_ms (settings->lateness_ms));
  due = due > run->decided ? due : 0;
  g_mutex_unlock (&self->lock);
  if (due == 0)
    return;
  self->speaker.forced = MAX (self->speaker.forced, time);
  each_pad (self, push_gap, &time);
}

/* Says once that windows stay away. */
static void
watch (GstD2vTranscriber *self, GstD2vSpeechRun *run)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (self);
  D2vTranscriberStats stats;
  GstClockTime limit, age;
  gboolean late;

  if (gst_d2v_audio_base_regime (base) == D2V_REGIME_LIVE)
    limit = gst_d2v_audio_base_own_latency (base)
            + WATCHDOG_BUDGETS * gst_d2v_audio_base_budget (base);
  else
    limit = WATCHDOG_RECORDED + 2 * gst_d2v_ms (self->engine_params.window_ms);
  d2v_transcriber_stats (run->engine, &stats);
  g_mutex_lock (&self->lock);
  age = gst_d2v_speech_run_stalled (run, &stats, g_get_monotonic_time ())
        * GST_USECOND;
  late = age > limit && !run->warned;
  run->warned = run->warned || late;
  g_mutex_unlock (&self->lock);
  if (late)
    GST_ELEMENT_WARNING_WITH_DETAILS (
        self, RESOURCE, BUSY, ("Recognising speech takes too long"),
        ("a window has been waiting for %" GST_TIME_FORMAT
         ", allowed are %" GST_TIME_FORMAT,
         GST_TIME_ARGS (age), GST_TIME_ARGS (limit)),
        ("stage", G_TYPE_STRING, "inference", "age", G_TYPE_UINT64, age,
         "limit", G_TYPE_UINT64, limit, NULL));
}

/* -------------------------------------------------------- transcripts -- */

static void
push_events_before (GstD2vTranscriber *self, GstD2vSpeechRun *run,
                    guint64 sample)
{
  GstEvent *event;

  do
    {
      g_mutex_lock (&self->lock);
      event = gst_d2v_speech_run_take_event (run, sample);
      g_mutex_unlock (&self->lock);
      if (event)
        each_pad (self, push_event, event);
      gst_clear_event (&event);
    }
  while (event);
}

static void
retire (GstD2vTranscriber *self, GstD2vSpeechRun *run)
{
  GstD2vSpeechItem *item = NULL;

  g_mutex_lock (&self->lock);
  if (is_head (self, run))
    {
      item = g_queue_pop_head (&self->items);
      self->n_decided = MAX (self->n_decided, run->before + run->pushed);
      g_cond_broadcast (&self->cond);
    }
  g_mutex_unlock (&self->lock);
  if (item)
    gst_d2v_speech_item_free (item);
}

/* A tag, so that muxers label the stream; taken back by nobody, so that it is
 * only sent again when it changes. */
static void
tag_language (GstD2vTranscriber *self, const gchar *language)
{
  GstD2vSpeaker *speaker = &self->speaker;

  if (!language || g_strcmp0 (language, speaker->tagged_language) == 0)
    return;
  g_free (speaker->tagged_language);
  speaker->tagged_language = g_strdup (language);
  gst_clear_event (&speaker->head.tags);
  speaker->head.tags = gst_event_new_tag (
      gst_tag_list_new (GST_TAG_LANGUAGE_CODE, language, NULL));
  each_pad (self, renew_tags, NULL);
}

static void
take_transcript (GstD2vTranscriber *self, GstD2vSpeechRun *run,
                 const D2vTranscript *t)
{
  GstD2vTranscriberSettings settings;
  GstClockTime start, end;
  guint64 pushed;

  gst_d2v_transcriber_get_settings (self, &settings);
  tag_language (self, settings.language);
  g_mutex_lock (&self->lock);
  start = gst_d2v_speech_run_time (run, t->start);
  end = MAX (start, gst_d2v_speech_run_time (run, t->end));
  pushed = run->pushed;
  g_mutex_unlock (&self->lock);

  switch (t->type)
    {
    case D2V_TRANSCRIPT_WORD:
      push_events_before (self, run, t->start);
      take_word (self, run, &settings, t, start, end);
      break;
    case D2V_TRANSCRIPT_PARTIAL:
      take_partial (self, run, &settings, t, start, end);
      break;
    case D2V_TRANSCRIPT_ENDPOINT:
      end_sentence (self, run, &settings);
      break;
    case D2V_TRANSCRIPT_DROPPED:
      post_dropped (self, run, t, start, end);
      decide (self, run, t->end, &settings);
      break;
    case D2V_TRANSCRIPT_POSITION:
      push_events_before (self, run, t->end);
      decide (self, run, t->end, &settings);
      measure (self, run);
      break;
    case D2V_TRANSCRIPT_DRAINED:
      end_sentence (self, run, &settings);
      push_events_before (self, run, G_MAXUINT64);
      decide (self, run, pushed, &settings);
      retire (self, run);
      break;
    }
  if (t->type != D2V_TRANSCRIPT_DRAINED)
    keep_pace (self, run, &settings);
  g_free (settings.language);
}

static void
set_idle (GstD2vTranscriber *self, gboolean idle)
{
  g_mutex_lock (&self->lock);
  self->idle = idle;
  if (idle)
    g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* The next transcript; says so before it waits for one. */
static D2vTranscript *
pull (GstD2vTranscriber *self, GstD2vSpeechRun *run, GError **error)
{
  D2vTranscript *t = d2v_transcriber_pull (run->engine, 0, error);

  if (t || *error)
    return t;
  set_idle (self, TRUE);
  t = d2v_transcriber_pull (run->engine, TICK_US, error);
  set_idle (self, FALSE);
  return t;
}

static void
speak (GstD2vTranscriber *self, GstD2vSpeechRun *run)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTranscript) t = pull (self, run, &error);

  if (t)
    take_transcript (self, run, t);
  else if (!error)
    {
      GstD2vTranscriberSettings settings;

      gst_d2v_transcriber_get_settings (self, &settings);
      keep_pace (self, run, &settings);
      watch (self, run);
      g_free (settings.language);
    }
  else
    gst_d2v_transcriber_fail (self, error);
}

/* ------------------------------------------------------------- events -- */

/* The same segment again, after a seek to where the stream is already, leaves
 * the position where it was. */
static void
take_segment (GstD2vTranscriber *self, GstEvent *event)
{
  GstD2vSpeaker *speaker = &self->speaker;
  GstD2vTranscriberSettings settings;
  GstSegment segment;
  gboolean same;

  gst_event_copy_segment (event, &segment);
  same = speaker->head.segment
         && gst_segment_is_equal (&segment, &speaker->segment);
  gst_event_replace (&speaker->head.segment, event);
  if (same)
    {
      each_pad (self, push_event, event);
      return;
    }
  speaker->segment = segment;
  speaker->forced = 0;
  gst_d2v_transcriber_get_settings (self, &settings);
  tag_language (self, settings.language);
  g_free (settings.language);
  each_pad (self, renew_segment, NULL);
  each_pad (self, introduce, NULL);
}

static void
take_gap (GstD2vTranscriber *self, GstEvent *event)
{
  GstD2vTranscriberSettings settings;
  GstClockTime from, duration;

  gst_event_parse_gap (event, &from, &duration);
  if (!GST_CLOCK_TIME_IS_VALID (from))
    return;
  if (GST_CLOCK_TIME_IS_VALID (duration))
    from = gst_d2v_time_add (from, duration);
  gst_d2v_transcriber_get_settings (self, &settings);
  move_to (self, &settings, from);
  g_free (settings.language);
}

static void
take_event (GstD2vTranscriber *self, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_STREAM_START:
      gst_d2v_speaker_new_stream (self, event);
      each_pad (self, begin_stream, NULL);
      break;
    case GST_EVENT_SEGMENT:
      take_segment (self, event);
      break;
    case GST_EVENT_GAP:
      take_gap (self, event);
      break;
    default:
      each_pad (self, push_event, event);
    }
}

/* --------------------------------------------------------------- task -- */

/* The head of the queue, which only we take away; waits for one. FALSE when
 * there is nothing more to do. */
static gboolean
next_item (GstD2vTranscriber *self, GstD2vSpeechRun **run, GstEvent **event)
{
  GstD2vSpeechItem *item = NULL;

  g_mutex_lock (&self->lock);
  while (!self->flushing && self->flow == GST_FLOW_OK
         && g_queue_is_empty (&self->items))
    g_cond_wait (&self->cond, &self->lock);
  if (!self->flushing && self->flow == GST_FLOW_OK)
    item = g_queue_peek_head (&self->items);
  if (item && item->run)
    *run = gst_d2v_speech_run_ref (item->run);
  else if (item)
    {
      *event = g_steal_pointer (&item->event);
      gst_d2v_speech_item_free (g_queue_pop_head (&self->items));
      g_cond_broadcast (&self->cond);
    }
  g_mutex_unlock (&self->lock);
  return item != NULL;
}

/* Downstream takes no more. If upstream has said goodbye already, nobody would
 * hear of it from the chain function's answer. */
static void
end_task (GstD2vTranscriber *self)
{
  g_autoptr (GstEvent) eos = NULL;
  GstFlowReturn flow;

  g_mutex_lock (&self->lock);
  flow = self->flow;
  if (!self->flushing && flow == GST_FLOW_OK)
    {
      g_mutex_unlock (&self->lock); /* a pad was linked just now */
      return;
    }
  gst_pad_pause_task (self->srcpad);
  for (GList *l = self->items.head; l && !self->flushing; l = l->next)
    {
      GstD2vSpeechItem *item = l->data;

      if (item->event && GST_EVENT_TYPE (item->event) == GST_EVENT_EOS)
        eos = gst_event_ref (item->event);
    }
  g_mutex_unlock (&self->lock);
  if (!eos)
    return;
  if (!self->failed && (flow == GST_FLOW_NOT_LINKED || flow <= GST_FLOW_ERROR))
    GST_ELEMENT_FLOW_ERROR (self, flow);
  each_pad (self, push_event, eos);
}

void
gst_d2v_transcriber_loop (gpointer pad)
{
  g_autoptr (GstElement) element = gst_pad_get_parent_element (pad);
  GstD2vTranscriber *self = GST_D2V_TRANSCRIBER (element);
  g_autoptr (GstD2vSpeechRun) run = NULL;
  g_autoptr (GstEvent) event = NULL;

  if (!next_item (self, &run, &event))
    end_task (self);
  else if (run)
    speak (self, run);
  else
    take_event (self, event);
}
