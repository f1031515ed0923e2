/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* speaker.h: how much alike two voices are (spec 8.5). */
#pragma once

#include <glib.h>

/* a . b / (max (|a|, 1e-8) max (|b|, 1e-8)), summed in double. @a, @b: (n), the
 * `embeddings` of ForXVector. The original's example takes 0.7 and above for
 * one speaker. */
gfloat d2v_cosine_similarity (const gfloat *a, const gfloat *b, gsize n);
