/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vspeechrun.h"

#include "gst/gstd2vaudiobase.h"

typedef struct
{
  guint64 sample;
  GstClockTime time;
} Anchor;

typedef struct
{
  guint64 sample; /* the one after the last that came */
  gint64 time;
} Arrival;

typedef struct
{
  guint64 sample;
  GstEvent *event;
} Waiting;

/* Arrivals are kept this coarsely: enough to tell delays by. */
#define ARRIVAL_STEP (GST_D2V_AUDIO_RATE / 50)

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  gst_event_unref (waiting->event);
  g_free (waiting);
}

GstD2vSpeechRun *
gst_d2v_speech_run_new (D2vTranscriber *engine, const GstSegment *segment,
                        GstClockTime time, guint64 before)
{
  GstD2vSpeechRun *run = g_new0 (GstD2vSpeechRun, 1);
  Anchor anchor = { 0, time };

  run->n_refs = 1;
  run->engine = d2v_transcriber_ref (engine);
  run->segment = *segment;
  run->before = before;
  run->anchors = g_array_new (FALSE, FALSE, sizeof (Anchor));
  g_array_append_val (run->anchors, anchor);
  return run;
}

GstD2vSpeechRun *
gst_d2v_speech_run_ref (GstD2vSpeechRun *run)
{
  g_atomic_int_inc (&run->n_refs);
  return run;
}

void
gst_d2v_speech_run_unref (GstD2vSpeechRun *run)
{
  if (!g_atomic_int_dec_and_test (&run->n_refs))
    return;
  d2v_transcriber_unref (run->engine);
  g_array_unref (run->anchors);
  g_queue_clear_full (&run->arrivals, g_free);
  g_queue_clear_full (&run->events, waiting_free);
  g_free (run);
}

void
gst_d2v_speech_run_heard (GstD2vSpeechRun *run, guint64 n_samples, gint64 now)
{
  Arrival *last = g_queue_peek_tail (&run->arrivals);
  Arrival *before = run->arrivals.tail && run->arrivals.tail->prev
                        ? run->arrivals.tail->prev->data
                        : NULL;
  guint64 since = before ? before->sample : run->decided;

  run->pushed += n_samples;
  if (!last || last->sample >= since + ARRIVAL_STEP)
    {
      last = g_new (Arrival, 1);
      g_queue_push_tail (&run->arrivals, last);
    }
  *last = (Arrival){ run->pushed, now };
}

void
gst_d2v_speech_run_anchor (GstD2vSpeechRun *run, GstClockTime time)
{
  Anchor anchor = { run->pushed, time };

  g_array_append_val (run->anchors, anchor);
}

void
gst_d2v_speech_run_add_event (GstD2vSpeechRun *run, GstEvent *event)
{
  Waiting *waiting = g_new (Waiting, 1);

  *waiting = (Waiting){ run->pushed, event };
  g_queue_push_tail (&run->events, waiting);
}

GstEvent *
gst_d2v_speech_run_take_event (GstD2vSpeechRun *run, guint64 sample)
{
  Waiting *waiting = g_queue_peek_head (&run->events);
  GstEvent *event;

  if (!waiting || waiting->sample > sample)
    return NULL;
  event = waiting->event;
  g_free (g_queue_pop_head (&run->events));
  return event;
}

GstClockTime
gst_d2v_speech_run_time (const GstD2vSpeechRun *run, guint64 sample)
{
  guint i = run->anchors->len - 1;
  const Anchor *anchor;

  while (i > 0 && g_array_index (run->anchors, Anchor, i).sample > sample)
    i--;
  anchor = &g_array_index (run->anchors, Anchor, i);
  return gst_d2v_time_at (anchor->time,
                          sample > anchor->sample ? sample - anchor->sample : 0,
                          GST_D2V_AUDIO_RATE);
}

gint64
gst_d2v_speech_run_arrival (const GstD2vSpeechRun *run, guint64 sample)
{
  for (GList *l = run->arrivals.head; l; l = l->next)
    {
      const Arrival *arrival = l->data;

      if (arrival->sample >= sample)
        return arrival->time;
    }
  return 0;
}

guint64
gst_d2v_speech_run_heard_by (const GstD2vSpeechRun *run, gint64 then)
{
  guint64 sample = run->decided;

  for (GList *l = run->arrivals.head; l; l = l->next)
    {
      const Arrival *arrival = l->data;

      if (arrival->time > then)
        break;
      sample = arrival->sample;
    }
  return sample;
}

/* Windows and not words are counted, for sound may go on for long without a
 * word that is final. */
gint64
gst_d2v_speech_run_stalled (GstD2vSpeechRun *run,
                            const D2vTranscriberStats *stats, gint64 now)
{
  guint64 n_done
      = stats->windows_out + stats->dropped_late + stats->dropped_nonfinite;

  if (run->moved == 0 || n_done != run->n_done || stats->queue_depth == 0)
    {
      run->n_done = n_done;
      run->moved = now;
      run->warned = FALSE;
    }
  return now - run->moved;
}

void
gst_d2v_speech_run_decide (GstD2vSpeechRun *run, guint64 sample)
{
  const Arrival *arrival;

  run->decided = MAX (run->decided, MIN (sample, run->pushed));
  while ((arrival = g_queue_peek_head (&run->arrivals))
         && arrival->sample < run->decided && run->arrivals.length > 1)
    g_free (g_queue_pop_head (&run->arrivals));
  while (run->anchors->len > 1
         && g_array_index (run->anchors, Anchor, 1).sample <= run->decided)
    g_array_remove_index (run->anchors, 0);
}
