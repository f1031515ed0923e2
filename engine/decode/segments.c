/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/segments.h"

#define DEFAULT_THRESHOLD 0.5f

/* A label's unfinished segment. */
typedef struct
{
  gboolean open;
  guint64 start;
  guint64 end;     /* frame after the last active one */
  gdouble sum;     /* of scores over start..end-1 */
  gdouble gap_sum; /* of scores since end: counted if the gap closes */
} Run;

struct _D2vSegmenter
{
  D2vSegmenterParams params;
  gsize n_labels;
  Run *runs;        /* (n_labels) */
  GArray *segments; /* D2vSegment; those before n_taken were handed out */
  guint n_taken;
  guint64 next_frame; /* expected next */
  gboolean begun;     /* FALSE: the first push says where frames begin */
};

D2vSegmenter *
d2v_segmenter_new (gsize n_labels, const D2vSegmenterParams *params)
{
  D2vSegmenter *s = g_new0 (D2vSegmenter, 1);

  if (params != NULL)
    s->params = *params;
  if (s->params.threshold == 0)
    s->params.threshold = DEFAULT_THRESHOLD;
  s->n_labels = n_labels;
  s->runs = g_new0 (Run, n_labels);
  s->segments = g_array_new (FALSE, FALSE, sizeof (D2vSegment));
  return s;
}

void
d2v_segmenter_free (D2vSegmenter *segmenter)
{
  if (segmenter == NULL)
    return;
  g_free (segmenter->runs);
  g_array_unref (segmenter->segments);
  g_free (segmenter);
}

static gboolean
long_enough (const D2vSegmenter *s, const Run *run)
{
  return run->end - run->start >= s->params.min_frames;
}

static D2vSegment
to_segment (const Run *run, gsize label)
{
  return (D2vSegment){
    .label = label,
    .start = run->start,
    .end = run->end,
    .score = (gfloat) (run->sum / (gdouble) (run->end - run->start)),
  };
}

static void
finish (D2vSegmenter *s, gsize label)
{
  Run *run = &s->runs[label];

  if (run->open && long_enough (s, run))
    {
      D2vSegment segment = to_segment (run, label);

      g_array_append_val (s->segments, segment);
    }
  run->open = FALSE;
}

static void
finish_all (D2vSegmenter *s)
{
  for (gsize label = 0; label < s->n_labels; label++)
    finish (s, label);
}

static void
take_active (Run *run, guint64 frame, gfloat score)
{
  if (!run->open)
    *run = (Run){ .open = TRUE, .start = frame };
  run->sum += run->gap_sum + score;
  run->gap_sum = 0;
  run->end = frame + 1;
}

static void
take_frame (D2vSegmenter *s, guint64 frame, const gfloat *scores)
{
  for (gsize label = 0; label < s->n_labels; label++)
    {
      Run *run = &s->runs[label];

      if (scores[label] > s->params.threshold)
        take_active (run, frame, scores[label]);
      else if (run->open && frame + 1 - run->end > s->params.merge_gap)
        finish (s, label);
      else if (run->open)
        run->gap_sum += scores[label];
    }
}

static void
forget_taken (D2vSegmenter *s)
{
  g_array_remove_range (s->segments, 0, s->n_taken);
  s->n_taken = 0;
}

void
d2v_segmenter_push (D2vSegmenter *segmenter, guint64 first_frame,
                    const gfloat *scores, gsize n_frames)
{
  g_assert (!segmenter->begun || first_frame >= segmenter->next_frame);

  forget_taken (segmenter);
  if (segmenter->begun && first_frame > segmenter->next_frame)
    finish_all (segmenter);
  for (gsize i = 0; i < n_frames; i++)
    take_frame (segmenter, first_frame + i, scores + i * segmenter->n_labels);
  segmenter->next_frame = first_frame + n_frames;
  segmenter->begun = TRUE;
}

gboolean
d2v_segmenter_next (D2vSegmenter *segmenter, D2vSegment *segment)
{
  if (segmenter->n_taken == segmenter->segments->len)
    return FALSE;
  *segment
      = g_array_index (segmenter->segments, D2vSegment, segmenter->n_taken++);
  return TRUE;
}

gboolean
d2v_segmenter_peek (const D2vSegmenter *segmenter, gsize label,
                    D2vSegment *segment)
{
  g_assert (label < segmenter->n_labels);
  const Run *run = &segmenter->runs[label];

  if (!run->open || !long_enough (segmenter, run))
    return FALSE;
  *segment = to_segment (run, label);
  return TRUE;
}

void
d2v_segmenter_flush (D2vSegmenter *segmenter)
{
  forget_taken (segmenter);
  finish_all (segmenter);
}

void
d2v_segmenter_reset (D2vSegmenter *segmenter)
{
  g_array_set_size (segmenter->segments, 0);
  segmenter->n_taken = 0;
  segmenter->next_frame = 0;
  segmenter->begun = FALSE;
  for (gsize label = 0; label < segmenter->n_labels; label++)
    segmenter->runs[label].open = FALSE;
}
