/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* audio.h: from samples to what an audio model hears: normalised clips, alone
 * or padded to a batch (spec 8.1). Any thread. */
#pragma once

#include "engine/d2v.h"
#include "engine/io/processor.h"

/* y = (x - mean) / sqrt (var + 1e-7), with the population variance, in float
 * and bit for bit as the original's NumPy: it sums pairwise. A constant clip
 * gives values below 1e-3. Samples that are not finite spread over the clip.
 * @x and @y: (n_samples), may be the same memory, must not overlap
 * otherwise. */
void d2v_audio_normalize (const gfloat *x, gfloat *y, gsize n_samples);

/* d2v_audio_normalize(), or a copy when @config asks for no normalisation. */
void d2v_audio_process (const D2vAudioProcessorConfig *config, const gfloat *x,
                        gfloat *y, gsize n_samples);

typedef struct
{
  const gfloat *samples; /* (n_samples) at the front end's rate */
  gsize n_samples;
} D2vAudioClip;

typedef enum
{
  D2V_AUDIO_PAD_NONE,      /* "do_not_pad": all clips must be equally long */
  D2V_AUDIO_PAD_LONGEST,   /* "longest": max_length is for truncation only */
  D2V_AUDIO_PAD_MAX_LENGTH /* "max_length" */
} D2vAudioPadding;

/* Zeros are the original's defaults. */
typedef struct
{
  D2vAudioPadding padding;
  gsize max_length;         /* 0: none */
  gsize pad_to_multiple_of; /* 0: none; also rounds max_length up */
  gboolean truncation;      /* cut each clip to max_length */
} D2vAudioBatchParams;

/* One batch out of @n_clips clips: `input_values` F32 (B, S) and, if @config
 * returns one, `attention_mask` I64 (B, S), 1 = real sample. @params: NULL
 * for the defaults.
 *
 * With a mask, each clip is normalised by itself and its padding is
 * padding_value; without one, the padding takes part in the statistics, as in
 * the original. Fails with USAGE for parameters that contradict each other,
 * INPUT for no or empty clips and for unequal lengths without padding,
 * TOO_BIG, NO_MEMORY. */
D2vTensors *d2v_audio_batch (const D2vAudioProcessorConfig *config,
                             const D2vAudioClip *clips, gsize n_clips,
                             const D2vAudioBatchParams *params, GError **error);
