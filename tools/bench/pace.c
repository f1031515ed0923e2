/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pace.c: what waiting costs. The same inference as fast as it goes, and then
 * one every 20 ms: CPU time for each, and their ratio. A pool whose threads
 * spin between calls shows here.
 *
 *   pace MODEL [SECONDS OF SOUND PER INFERENCE] */

#include "engine/d2v.h"

#include <stdio.h>
#include <time.h>

#define EVERY_US 20000
#define N_RUNS 250

static gdouble
cpu_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (gdouble) t.tv_sec * 1e3 + (gdouble) t.tv_nsec / 1e6;
}

static D2vTensors *
make_inputs (D2vModel *model, gdouble seconds)
{
  gsize n = (gsize) (seconds * d2v_model_sampling_rate (model));
  D2vTensors *inputs = d2v_tensors_new ();
  g_autoptr (D2vTensor) x = d2v_tensor_new (D2V_F32, 2, (gsize[]){ 1, n });

  for (gsize i = 0; i < n; i++)
    ((gfloat *) d2v_tensor_data (x))[i] = (gfloat) (i * 7919 % 1000) / 500 - 1;
  d2v_tensors_set (inputs, "input_values", x);
  return inputs;
}

/* CPU milliseconds of one run, started every @every_us. */
static gdouble
cpu_per_run (D2vSession *session, const D2vTensors *inputs, gint64 every_us)
{
  gint64 next = g_get_monotonic_time ();
  gdouble began = cpu_ms ();

  for (guint i = 0; i < N_RUNS; i++)
    {
      g_autoptr (D2vTensors) outputs
          = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, NULL);
      gint64 now = g_get_monotonic_time ();

      next += every_us;
      if (next > now)
        g_usleep ((gulong) (next - now));
    }
  return (cpu_ms () - began) / N_RUNS;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gdouble seconds = argc > 2 ? g_ascii_strtod (argv[2], NULL) : 0.2;

  if (argc < 2)
    {
      fprintf (stderr, "usage: pace MODEL [SECONDS]\n");
      return 1;
    }
  g_autoptr (D2vModel) model = d2v_model_open (argv[1], NULL, &error);
  g_autoptr (D2vSession) session
      = model != NULL ? d2v_session_new (model, NULL, &error) : NULL;
  if (session == NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  g_autoptr (D2vTensors) inputs = make_inputs (model, seconds);
  cpu_per_run (session, inputs, 0);
  gdouble busy = cpu_per_run (session, inputs, 0);
  gdouble paced = cpu_per_run (session, inputs, EVERY_US);
  printf ("%.3f ms of CPU per inference back to back, %.3f ms one every %d "
          "ms: %.3f times\n",
          busy, paced, EVERY_US / 1000, paced / busy);
  return 0;
}
