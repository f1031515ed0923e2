/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* live_level.h: normalisation of a stream that has no end.
 *
 * The original normalises a clip by its own mean and variance. Live windows
 * overlap, and one sample must be the same number in all of them, or nothing
 * could be kept from window to window. So the stream is normalised once, block
 * by block, by a level that is followed: a block that is louder than the level
 * raises it at once; quieter ones lower it slowly, and pauses are not blown up
 * to the loudness of speech. The first convolution is followed by a norm
 * without a bias before it, so its result hardly depends on the level, but for
 * the norm's eps (spec 2.2). */
#pragma once

#include <glib.h>

typedef struct
{
  gdouble mean;
  gdouble variance;
  guint64 n_blocks;
} D2vLiveLevel;

/* y = (x - mean) / sqrt (variance + 1e-7) after @level has followed the block.
 * @x and @y may be the same. The outcome depends on the blocks' contents only,
 * so feed blocks of one fixed size. Samples must be finite. */
void d2v_live_level_apply (D2vLiveLevel *level, const gfloat *x, gfloat *y,
                           gsize n);
