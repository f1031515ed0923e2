/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench.c: how long a forward pass takes, and what it needs. */

#include "tools/d2v/commands.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const Option table[]
    = { { "seconds", OPTION_STRING },   { "size", OPTION_INTEGER },
        { "tokens", OPTION_INTEGER },   { "batch", OPTION_INTEGER },
        { "head", OPTION_STRING },      { "device", OPTION_STRING },
        { "precision", OPTION_STRING }, { "threads", OPTION_INTEGER },
        { "repeat", OPTION_INTEGER },   { "profile", OPTION_FLAG },
        { "json", OPTION_FLAG },        { NULL } };

/* Measured over this long when --repeat does not say how often. */
#define MEASURE_US (3 * G_USEC_PER_SEC)

static D2vTensor *
random_floats (guint rank, const gsize *shape)
{
  D2vTensor *tensor = d2v_tensor_new (D2V_F32, rank, shape);
  GRand *random = g_rand_new_with_seed (1);

  if (tensor != NULL)
    for (gsize i = 0; i < d2v_tensor_n_elements (tensor); i++)
      ((gfloat *) d2v_tensor_data (tensor))[i]
          = (gfloat) g_rand_double_range (random, -1.7, 1.7);
  g_rand_free (random);
  return tensor;
}

/* Ids 3.. below 1000 or the vocabulary's end: no special tokens among the
 * official ones. */
static D2vTensor *
random_ids (guint rank, const gsize *shape)
{
  D2vTensor *tensor = d2v_tensor_new (D2V_I64, rank, shape);
  GRand *random = g_rand_new_with_seed (1);

  if (tensor != NULL)
    for (gsize i = 0; i < d2v_tensor_n_elements (tensor); i++)
      ((gint64 *) d2v_tensor_data (tensor))[i]
          = g_rand_int_range (random, 3, 60);
  g_rand_free (random);
  return tensor;
}

/* Inputs of the asked size, by what the model hears, reads or sees. */
static D2vTensors *
make_inputs (D2vModel *model, const Options *options, GError **error)
{
  gsize batch = (gsize) options_integer (options, "batch", 1);
  gsize size = (gsize) options_integer (options, "size", 0);
  gsize tokens = (gsize) options_integer (options, "tokens", 128);
  gdouble seconds
      = g_ascii_strtod (options_string (options, "seconds", "10"), NULL);
  D2vTensors *inputs = d2v_tensors_new ();
  D2vTensor *tensor = NULL;
  const gchar *name = NULL;

  if (batch == 0 || batch > 4096 || size > 16384 || tokens == 0
      || tokens > 65536 || !(seconds > 0 && seconds <= 3600))
    ;
  else if (d2v_model_modality (model) == D2V_MODALITY_AUDIO)
    {
      gsize n = (gsize) (seconds * d2v_model_sampling_rate (model));
      name = "input_values";
      tensor = random_floats (2, (gsize[]){ batch, n });
    }
  else if (d2v_model_modality (model) == D2V_MODALITY_TEXT)
    {
      gboolean choice = d2v_model_head (model) == D2V_HEAD_MULTIPLE_CHOICE;
      name = "input_ids";
      tensor = choice ? random_ids (3, (gsize[]){ batch, 2, tokens })
                      : random_ids (2, (gsize[]){ batch, tokens });
    }
  else
    {
      guint n_channels, height, width;

      d2v_model_image_size (model, &n_channels, &height, &width);
      name = "pixel_values";
      tensor = random_floats (4, (gsize[]){ batch, n_channels,
                                            size ? size : height,
                                            size ? size : width });
    }
  if (tensor == NULL)
    {
      usage_error (error, "--batch, --seconds, --tokens or --size is out of "
                          "range");
      g_clear_pointer (&inputs, d2v_tensors_unref);
    }
  else
    d2v_tensors_set (inputs, name, tensor);
  d2v_tensor_unref (tensor);
  return inputs;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return x < y ? -1 : x > y;
}

static gdouble
peak_rss_mb (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (gdouble) usage.ru_maxrss / 1024;
}

static gdouble
cpu_seconds (void)
{
  struct rusage u;

  getrusage (RUSAGE_SELF, &u);
  return (gdouble) (u.ru_utime.tv_sec + u.ru_stime.tv_sec)
         + (gdouble) (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Milliseconds of each run, after one that is not counted. */
static gboolean
measure (D2vSession *session, const D2vTensors *inputs, gint64 repeat,
         GArray *times, GError **error)
{
  gint64 until = 0;

  for (gint64 i = -1;
       repeat > 0 ? i < repeat : i < 3 || g_get_monotonic_time () < until; i++)
    {
      gint64 began = g_get_monotonic_time ();
      g_autoptr (D2vTensors) outputs
          = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, error);
      gdouble ms = (gdouble) (g_get_monotonic_time () - began) / 1000;

      if (outputs == NULL)
        return FALSE;
      if (i < 0)
        until = g_get_monotonic_time () + MEASURE_US;
      else
        g_array_append_val (times, ms);
    }
  return TRUE;
}

static void
print_result (D2vSession *session, const D2vTensors *inputs, GArray *times,
              gdouble load_ms, gdouble cpu_ms, gboolean json)
{
  D2vSessionStats stats = { 0 };
  gdouble min = g_array_index (times, gdouble, 0);
  gdouble median = g_array_index (times, gdouble, times->len / 2);
  gdouble gflop = d2v_session_flop (session, inputs) / 1e9;

  d2v_session_stats (session, &stats);
  if (json)
    printf ("{\"min_ms\":%.4f,\"median_ms\":%.4f,\"load_ms\":%.3f,"
            "\"peak_rss_mb\":%.2f,\"gflop\":%.6f,\"gflops\":%.3f,"
            "\"threads\":%u,\"runs\":%u,\"cpu_ms_per_run\":%.4f,"
            "\"weights_mb\":%.2f,\"arena_mb\":%.2f,\"allocations\":"
            "%" G_GUINT64_FORMAT
            ",\"dispatches\":%u,\"barriers\":%u,\"fallbacks\":%u,"
            "\"device\":\"%s\"}\n",
            min, median, load_ms, peak_rss_mb (), gflop, gflop / min * 1000,
            d2v_session_n_threads (session), times->len, cpu_ms,
            (gdouble) stats.weight_bytes / 1048576,
            (gdouble) stats.arena_bytes / 1048576, stats.n_allocations,
            stats.n_dispatches, stats.n_barriers, stats.n_fallbacks,
            d2v_session_device_name (session));
  else
    printf ("%s, %u threads: %.2f ms (median %.2f of %u), %.2f GFLOP, "
            "%.1f GFLOP/s, %.1f ms of CPU\nload %.0f ms, peak %.0f MB "
            "(weights %.0f, activations %.0f)\n",
            d2v_session_device_name (session), d2v_session_n_threads (session),
            min, median, times->len, gflop, gflop / min * 1000, cpu_ms, load_ms,
            peak_rss_mb (), (gdouble) stats.weight_bytes / 1048576,
            (gdouble) stats.arena_bytes / 1048576);
  if (!json && stats.n_dispatches > 0)
    printf ("%u dispatches, %u barriers\n", stats.n_dispatches,
            stats.n_barriers);
  if (!json && stats.n_fallbacks > 0)
    printf ("%u runs were done by the CPU instead\n", stats.n_fallbacks);
}

/* The device's own times, one run without what overlaps otherwise. */
static gboolean
print_profile (D2vSession *session, const D2vTensors *inputs, gboolean json,
               GError **error)
{
  g_autoptr (GArray) times = d2v_session_profile (session, inputs, error);

  if (times == NULL)
    return FALSE;
  for (guint i = 0; i < times->len; i++)
    {
      const D2vOpTime *t = &g_array_index (times, D2vOpTime, i);
      printf (json ? "{\"op\":\"%s\",\"dispatches\":%u,\"ms\":%.4f}\n"
                   : "%-16s %5u dispatches %10.3f ms\n",
              t->op, t->n_dispatches, t->seconds * 1000);
    }
  return TRUE;
}

gboolean
command_bench (gint argc, gchar **argv, GError **error)
{
  g_autoptr (Options) options = options_parse (argc, argv, table, error);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gdouble));
  gint64 began = g_get_monotonic_time ();

  if (options == NULL)
    return FALSE;
  g_autoptr (D2vSession) session = open_session (options, error);
  if (session == NULL)
    return FALSE;
  gdouble load_ms = (gdouble) (g_get_monotonic_time () - began) / 1000;
  g_autoptr (D2vTensors) inputs
      = make_inputs (d2v_session_model (session), options, error);
  if (inputs == NULL)
    return FALSE;

  gdouble cpu = cpu_seconds ();
  if (!measure (session, inputs, options_integer (options, "repeat", 0), times,
                error))
    return FALSE;
  cpu = (cpu_seconds () - cpu) * 1000 / (times->len + 1);
  g_array_sort (times, compare);
  print_result (session, inputs, times, load_ms, cpu,
                options_flag (options, "json"));
  return !options_flag (options, "profile")
         || print_profile (session, inputs, options_flag (options, "json"),
                           error);
}
