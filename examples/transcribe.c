/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* transcribe.c: words with times from 16 kHz mono 16-bit sound, without
 * GStreamer. Reads a file or, with "-", standard input: raw samples, or a plain
 * WAV file's, whose header sounds like a click of a millisecond.
 *
 *   transcribe MODEL [FILE]
 *   arecord -q -f S16_LE -r 16000 -t raw | transcribe MODEL -
 *
 * Standard input is transcribed live, a file exactly. */

#include <d2v/d2v.h>

#include <stdio.h>
#include <string.h>

#define N_PIECE 1600 /* a tenth of a second */
#define RATE 16000.

/* Prints what is there; TRUE when the stream has ended. */
static gboolean
print_words (D2vTranscriber *transcriber, gint64 timeout_us, GError **error)
{
  g_autoptr (D2vTranscript) t = NULL;

  while ((t = d2v_transcriber_pull (transcriber, timeout_us, error)) != NULL)
    {
      if (t->type == D2V_TRANSCRIPT_DRAINED)
        return TRUE;
      if (t->type == D2V_TRANSCRIPT_WORD)
        printf ("%8.2f %8.2f  %s\n", (double) t->start / RATE,
                (double) t->end / RATE, t->text);
      fflush (stdout);
      g_clear_pointer (&t, d2v_transcript_free);
    }
  return FALSE;
}

static gboolean
transcribe (FILE *file, D2vTranscriber *transcriber, GError **error)
{
  gint16 sound[N_PIECE];
  gfloat samples[N_PIECE];
  size_t n;

  while ((n = fread (sound, sizeof *sound, N_PIECE, file)) > 0)
    {
      for (size_t i = 0; i < n; i++)
        samples[i] = (gfloat) GINT16_FROM_LE (sound[i]) / 32768;
      if (!d2v_transcriber_push (transcriber, samples, n, error))
        return FALSE;
      print_words (transcriber, 0, error);
    }
  d2v_transcriber_drain (transcriber);
  return print_words (transcriber, -1, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean live = argc > 2 && strcmp (argv[2], "-") == 0;
  FILE *file = argc < 3 ? NULL : live ? stdin : fopen (argv[2], "rb");

  if (file == NULL)
    {
      fprintf (stderr, "usage: transcribe MODEL FILE\n");
      return 1;
    }
  D2vTranscriberParams params
      = { .regime = live ? D2V_REGIME_LIVE : D2V_REGIME_RECORDED };
  g_autoptr (D2vModel) model = d2v_model_open (argv[1], NULL, &error);
  g_autoptr (D2vSession) session
      = model != NULL ? d2v_session_new (model, NULL, &error) : NULL;
  g_autoptr (D2vTranscriber) transcriber
      = session != NULL ? d2v_transcriber_new (session, &params, &error) : NULL;
  gboolean ok
      = transcriber != NULL && transcribe (file, transcriber, &error);

  if (!ok)
    fprintf (stderr, "%s\n", error != NULL ? error->message : "interrupted");
  if (file != stdin)
    fclose (file);
  return ok ? 0 : 1;
}
