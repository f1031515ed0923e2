/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* wav.h: sound files for the command-line program. Elements get their sound
 * from GStreamer. */
#pragma once

#include "engine/io/file.h"

/* One channel of sound. */
typedef struct
{
  gfloat *samples; /* (n_samples), nominally -1..1; NULL when there are none */
  gsize n_samples;
  guint sampling_rate;
} D2vWav;

/* Reads a RIFF WAVE file of one channel: PCM of 8, 16, 24 or 32 bits, each
 * divided by its full scale (16 bits: value / 32768), or float of 32 or 64
 * bits as it is; plain or WAVE_FORMAT_EXTENSIBLE. A data chunk of unknown
 * length (0xFFFFFFFF, written by programs that could not seek) reaches to the
 * end. Nothing is resampled or mixed: more than one channel is an error.
 *
 * Fails with WAV, UNSUPPORTED for a well-formed file of another format,
 * TOO_BIG beyond 2^31 samples, and what d2v_file_open() fails with. */
D2vWav *d2v_wav_read (const gchar *path, GError **error);
/* The same from an open file, for tests and fuzzing. */
D2vWav *d2v_wav_read_file (D2vFile *file, GError **error);
void d2v_wav_free (D2vWav *wav);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vWav, d2v_wav_free)
