/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* frames.h: which labels are heard in a frame of sound, as the original's
 * example for ForAudioFrameClassification says (spec 8.5): each label for
 * itself, where its sigmoid exceeds one half. segments.h makes stretches of
 * them. */
#pragma once

#include <glib.h>

/* @logits: (n_frames, n_labels). @active: the same, 0 or 1. */
void d2v_frames_active (const gfloat *logits, gsize n_frames, gsize n_labels,
                        guint8 *active);
