/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a front end's configuration, of sound and of images. */

#include "engine/io/processor.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static void
check_image (const D2vImageProcessorConfig *image, gsize num_channels)
{
  if (image->size_h < 1 || image->size_h > 4096 || image->crop_w < 1
      || image->crop_w > 4096 || image->resample < 0 || image->resample > 5)
    abort ();
  for (gsize c = 0; c < num_channels; c++)
    if (!isfinite (image->mean[c]) || !(image->std[c] >= 1e-7f))
      abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  const gchar *text = (const gchar *) data;
  D2vAudioProcessorConfig audio;
  g_autoptr (GError) error = NULL;
  gboolean loaded
      = d2v_audio_processor_parse (text, n_bytes, "fuzz", &audio, &error);

  fuzz_check (loaded, error);
  if (loaded && (audio.sampling_rate < 8000 || audio.sampling_rate > 48000))
    abort ();
  for (gsize num_channels = 1; num_channels <= 4; num_channels++)
    {
      D2vImageProcessorConfig image;
      g_clear_error (&error);
      loaded = d2v_image_processor_parse (text, n_bytes, "fuzz", num_channels,
                                          &image, &error);
      fuzz_check (loaded, error);
      if (loaded)
        check_image (&image, num_channels);
    }
  return 0;
}
