/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/frames.h"

#include "engine/decode/scores.h"

void
d2v_frames_active (const gfloat *logits, gsize n_frames, gsize n_labels,
                   guint8 *active)
{
  /* Not logit > 0: below 6e-8 the sigmoid rounds to one half. */
  for (gsize i = 0; i < n_frames * n_labels; i++)
    {
      gfloat score;

      d2v_sigmoid_n (&logits[i], &score, 1);
      active[i] = score > 0.5f;
    }
}
