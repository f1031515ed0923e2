/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* use.c: a program of somebody else's, in C. It is built against what was
 * installed and hears a second of silence. */

#include <d2v/d2v.h>
#include <stdio.h>

static int
fail (const GError *error)
{
  fprintf (stderr, "%s\n", error->message);
  return 1;
}

int
main (int argc, char **argv)
{
  static const gfloat silence[16000];
  g_autoptr (GError) error = NULL;
  const D2vSessionParams on_cpu = { .device = "cpu", .n_threads = 1 };

  if (argc < 2)
    return 2;
  g_autoptr (D2vModel) model = d2v_model_open (argv[1], NULL, &error);
  if (model == NULL)
    return fail (error);
  g_autoptr (D2vSession) session = d2v_session_new (model, &on_cpu, &error);
  if (session == NULL)
    return fail (error);
  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (session, NULL, &error);
  if (t == NULL || !d2v_transcriber_push (t, silence, 16000, &error))
    return fail (error);
  d2v_transcriber_drain (t);
  for (;;)
    {
      g_autoptr (D2vTranscript) one = d2v_transcriber_pull (t, -1, &error);

      if (one == NULL)
        return fail (error);
      if (one->type != D2V_TRANSCRIPT_DRAINED)
        continue;
      printf ("heard %u of %s\n", (unsigned) one->end,
              d2v_head_name (d2v_model_head (model)));
      return 0;
    }
}
