/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* segments.h: frames of label scores in, stretches of active labels out, as
 * soon as they are certain; the same however the frames are cut. One thread
 * at a time. */
#pragma once

#include <glib.h>

typedef struct
{
  gsize label;
  guint64 start; /* first frame */
  guint64 end;   /* frame after the last active one */
  gfloat score;  /* mean of the label's scores over start..end-1 */
} D2vSegment;

/* Zeros are the defaults. Labels do not know of each other. */
typedef struct
{
  gfloat threshold;   /* active above it; 0: 0.5 */
  guint64 min_frames; /* shorter ones are dropped: 0 */
  guint64 merge_gap;  /* pauses of at most so many frames do not end one: 0 */
} D2vSegmenterParams;

typedef struct _D2vSegmenter D2vSegmenter;

/* @params: NULL for the defaults. */
D2vSegmenter *d2v_segmenter_new (gsize n_labels,
                                 const D2vSegmenterParams *params);
void d2v_segmenter_free (D2vSegmenter *segmenter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vSegmenter, d2v_segmenter_free)

/* Frames @first_frame.. of the stream; @scores: (n_frames, n_labels), the
 * sigmoids. @first_frame must not lie before the frames pushed so far; if it
 * lies beyond, the frames between were lost, and all segments end where they
 * were lost. NaN is never active. */
void d2v_segmenter_push (D2vSegmenter *segmenter, guint64 first_frame,
                         const gfloat *scores, gsize n_frames);

/* The next finished segment, in the order in which their ends became certain,
 * and by label where that was the same frame. FALSE when there is none. */
gboolean d2v_segmenter_next (D2vSegmenter *segmenter, D2vSegment *segment);

/* @label's unfinished segment as it stands; FALSE when there is none, or it is
 * still too short to count. */
gboolean d2v_segmenter_peek (const D2vSegmenter *segmenter, gsize label,
                             D2vSegment *segment);

/* Ends every segment. The frames that follow go on counting. */
void d2v_segmenter_flush (D2vSegmenter *segmenter);

/* As new: forgets everything; frames begin anywhere. */
void d2v_segmenter_reset (D2vSegmenter *segmenter);
