/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a WAV: samples that are all there, or one error. */

#include "engine/process/wav.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFile) file = d2v_file_from_memory (data, n_bytes, "fuzz.wav");
  g_autoptr (D2vWav) wav = d2v_wav_read_file (file, &error);

  fuzz_check (wav != NULL, error);
  /* No format has less than a byte a sample. */
  if (wav != NULL && (wav->n_samples > n_bytes || wav->sampling_rate == 0))
    abort ();
  return 0;
}
