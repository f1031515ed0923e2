/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* processor.h: the front end's configuration: the nested object of
 * processor_config.json first, else preprocessor_config.json (spec 1.5, 8.1,
 * 8.4; rules C). */
#pragma once

#include "engine/d2v.h"

typedef struct
{
  gboolean do_normalize;
  gboolean return_attention_mask;
  gfloat padding_value;
  guint sampling_rate;
} D2vAudioProcessorConfig;

typedef struct
{
  gboolean do_resize, do_center_crop, do_rescale, do_normalize;
  gsize size_h, size_w, crop_h, crop_w;
  gint resample; /* Pillow's filter number 0..5 */
  gdouble rescale_factor;
  gfloat mean[4], std[4]; /* one per channel */
  gboolean reduce_labels;
} D2vImageProcessorConfig;

/* Defaults of the classes when no file says otherwise: a directory without
 * either file is an error for images, and the class defaults for sound. */
gboolean d2v_audio_processor_read (const gchar *dir,
                                   D2vAudioProcessorConfig *out,
                                   GError **error);
gboolean d2v_image_processor_read (const gchar *dir, gsize num_channels,
                                   D2vImageProcessorConfig *out,
                                   GError **error);
/* The same from memory, for tests and fuzzing; @name stands in messages. */
gboolean d2v_audio_processor_parse (const gchar *text, gsize length,
                                    const gchar *name,
                                    D2vAudioProcessorConfig *out,
                                    GError **error);
gboolean d2v_image_processor_parse (const gchar *text, gsize length,
                                    const gchar *name, gsize num_channels,
                                    D2vImageProcessorConfig *out,
                                    GError **error);
