/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_faults.c: every Vulkan call fails in every way, at its first, second,
 * middle and last time.
 *
 * Each row is a process of its own (this program with --row): a session's
 * backend is opened, and runs, with and without state, whose results must be
 * those of the CPU. Opening
 * may be refused with a typed error; once open, no run may be lost, and none
 * may wait longer than is bounded. */

#include "engine/cpu/backend.h"
#include "engine/session/fallback.h"
#include "engine/vulkan/vulkan.h"
#include "tests/vulkan/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_LAYERS 1
#define N_RUNS 6
#define TOLERANCE 1e-5
/* A GPU's least bound, which D2V_VULKAN_WAIT gives the software driver, too,
 * where waits fail; and what a busy machine may add. Only where they do not may
 * the first run take longer: then pipelines are compiled. */
#define WAIT_SECONDS 2
#define RUN_SECONDS (WAIT_SECONDS + 3.0)
#define FIRST_SECONDS 60.0

/* From table.h, which only the backend includes. */
void vk_fault_reset (void);
guint vk_fault_n_calls (const gchar *function);

static const gchar *const functions[] = {
  "CreateInstance",
  "EnumeratePhysicalDevices",
  "CreateDevice",
  "QueueSubmit",
  "CreateFence",
  "ResetFences",
  "WaitForFences",
  "AllocateMemory",
  "MapMemory",
  "CreateBuffer",
  "BindBufferMemory",
  "CreateShaderModule",
  "CreatePipelineLayout",
  "CreatePipelineCache",
  "GetPipelineCacheData",
  "CreateComputePipelines",
  "CreateCommandPool",
  "AllocateCommandBuffers",
  "BeginCommandBuffer",
  "EndCommandBuffer",
};
static const gchar *const results[] = { "DEVICE_LOST", "OUT_OF_DEVICE_MEMORY",
                                        "OUT_OF_HOST_MEMORY", "TIMEOUT" };

/* ------------------------------------------------------------------ one row --
 */

static guint n_messages;

static void
hear (gpointer data, const gchar *message)
{
  n_messages++;
  printf ("# says: %s\n", message);
}

static gboolean
is_typed (const GError *error)
{
  return error->domain == D2V_ERROR
         && (error->code == D2V_ERROR_DEVICE
             || error->code == D2V_ERROR_DEVICE_LOST
             || error->code == D2V_ERROR_NO_MEMORY);
}

static gboolean
check_runs (D2vBackend *backend, D2vPrepared *prepared)
{
  D2vBackend *cpu = d2v_cpu_backend_new (1);
  D2vPrepared *reference = encoder_prepare (cpu, N_LAYERS, NULL);
  gboolean ok = TRUE;

  for (guint i = 0; i < N_RUNS && ok; i++)
    {
      gfloat found[ENCODER_N], expected[ENCODER_N];
      g_autoptr (GError) error = NULL;
      gint64 began = g_get_monotonic_time ();

      ok = encoder_run (backend, prepared, i, found, &error);
      gdouble seconds
          = (gdouble) (g_get_monotonic_time () - began) / G_USEC_PER_SEC;
      encoder_run (cpu, reference, i, expected, NULL);
      if (!ok)
        printf ("# run %u is lost: %s\n", i, error->message);
      else if (encoder_error (found, expected, ENCODER_N) > TOLERANCE)
        ok = FALSE;
      if (seconds > (i == 0 && g_getenv ("D2V_VULKAN_WAIT") == NULL
                         ? FIRST_SECONDS
                         : RUN_SECONDS))
        {
          printf ("# run %u took %.1f s\n", i, seconds);
          ok = FALSE;
        }
    }
  cpu->functions->free_prepared (cpu, reference);
  cpu->functions->free (cpu);
  return ok;
}

/* A cache that the CPU takes over in the middle holds what was in it. */
static gboolean
check_state (D2vBackend *backend)
{
  D2vBackend *cpu = d2v_cpu_backend_new (1);
  D2vPrepared *reference = cached_prepare (cpu, NULL);
  D2vPrepared *prepared = cached_prepare (backend, NULL);
  gboolean ok = prepared != NULL;

  for (guint pass = 0; pass < 2 && ok; pass++)
    {
      for (guint i = 0; i < N_RUNS && ok; i++)
        {
          gfloat found[CACHED_N], expected[CACHED_N];

          ok = cached_run (backend, prepared, i, found, NULL)
               && cached_run (cpu, reference, i, expected, NULL)
               && encoder_error (found, expected, CACHED_N) <= TOLERANCE;
          if (!ok)
            printf ("# step %u of pass %u is wrong\n", i, pass);
        }
      backend->functions->reset (backend, prepared);
      cpu->functions->reset (cpu, reference);
    }
  if (prepared != NULL)
    backend->functions->free_prepared (backend, prepared);
  cpu->functions->free_prepared (cpu, reference);
  cpu->functions->free (cpu);
  return ok;
}

static gint
run_row (const gchar *device)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *backend
      = d2v_fallback_backend_new (device, FALSE, D2V_PRECISION_F32, 1, &error);

  if (backend == NULL)
    {
      printf ("# refused: %s\n", error->message);
      return is_typed (error) ? 0 : 1;
    }
  backend->notify = hear;
  D2vPrepared *prepared = encoder_prepare (backend, N_LAYERS, &error);
  if (prepared == NULL)
    {
      printf ("# lost: %s\n", error->message);
      return 1;
    }
  gboolean ok = check_runs (backend, prepared) && check_state (backend);
  /* The CPU never steps in silently. */
  if (g_atomic_int_get (&backend->n_fallbacks) > 0 && n_messages == 0)
    ok = FALSE;
  backend->functions->free_prepared (backend, prepared);
  backend->functions->free (backend);
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    printf ("calls %s %u\n", functions[i], vk_fault_n_calls (functions[i]));
  return ok ? 0 : 1;
}

/* ---------------------------------------------------------------- the table --
 */

static const gchar *self, *device;
static guint n_rows, n_failed;

/* A row's output; NULL when it failed. @hangs: its waits do not end. */
static gchar *
try_once (const gchar *fault, gboolean hangs)
{
  gchar *argv[] = { (gchar *) self, (gchar *) "--row", (gchar *) device, NULL };
  g_auto (GStrv) environment
      = g_environ_setenv (g_get_environ (), "D2V_FAULT", fault, TRUE);
  if (hangs)
    environment = g_environ_setenv (environment, "D2V_VULKAN_WAIT",
                                    G_STRINGIFY (WAIT_SECONDS), TRUE);
  gchar *output = NULL;
  gint status = 0;
  g_autoptr (GError) error = NULL;

  if (g_spawn_sync (NULL, argv, environment, G_SPAWN_DEFAULT, NULL, NULL,
                    &output, NULL, &status, &error)
      && g_spawn_check_wait_status (status, &error))
    return output;
  printf ("# %s\n%s", error->message, output != NULL ? output : "");
  g_free (output);
  return NULL;
}

/* Once more where it failed: a busy machine is slow once, a wait without bound
 * always. */
static gchar *
try_row (const gchar *fault, gboolean hangs)
{
  gchar *output = try_once (fault, hangs);

  return output != NULL ? output : try_once (fault, hangs);
}

static void
check_fault (const gchar *fault, gboolean hangs)
{
  g_autofree gchar *output = try_row (fault, hangs);

  printf ("%s %u - %s\n", output != NULL ? "ok" : "not ok", ++n_rows, fault);
  n_failed += output == NULL;
}

static void
check_row (const gchar *function, guint call, const gchar *result)
{
  g_autofree gchar *fault
      = g_strdup_printf ("vk%s:%u=%s", function, call, result);

  check_fault (fault, FALSE);
}

static guint
calls_in (const gchar *output, const gchar *function)
{
  g_autofree gchar *line = g_strdup_printf ("calls %s ", function);
  const gchar *at = strstr (output, line);

  return at != NULL ? (guint) strtoul (at + strlen (line), NULL, 10) : 0;
}

static void
check_function (const gchar *function, guint n_calls, gboolean quick)
{
  const guint wanted[] = { 1, 2, n_calls / 2, n_calls };

  for (guint r = 0; r < G_N_ELEMENTS (results); r++)
    for (guint i = 0, last = 0; i < G_N_ELEMENTS (wanted); i++)
      {
        /* In short runs only where it hurts most. */
        if (wanted[i] <= last || wanted[i] > n_calls
            || (quick && (i != 2 || r == 2)))
          continue;
        last = wanted[i];
        check_row (function, wanted[i], results[r]);
      }
}

gint
main (gint argc, gchar **argv)
{
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (argc == 3 && strcmp (argv[1], "--row") == 0)
    return run_row (argv[2]);
  g_autofree gchar *found = test_device ();
  if (found == NULL)
    return 0; /* TAP: all of it skipped */
  self = argv[0];
  device = found;
  gboolean quick = argc == 2 && strcmp (argv[1], "--quick") == 0;
  /* A rule that catches nothing makes the calls counted. */
  g_autofree gchar *output = try_row ("vkNothing:1=TIMEOUT", FALSE);
  printf ("%s %u - no fault\n", output != NULL ? "ok" : "not ok", ++n_rows);
  if (output == NULL)
    return 1;
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      guint n_calls = calls_in (output, functions[i]);

      if (n_calls == 0)
        {
          printf ("not ok %u - %s is never called\n", ++n_rows, functions[i]);
          n_failed++;
        }
      check_function (functions[i], n_calls, quick);
    }
  /* Hangs: from the beginning, where opening is refused; and in the middle,
   * where the CPU goes on with the same run. */
  g_autofree gchar *later = g_strdup_printf (
      "vkWaitForFences:%u+=TIMEOUT", calls_in (output, "WaitForFences") / 2);
  check_fault ("vkWaitForFences:*=TIMEOUT", TRUE);
  check_fault (later, TRUE);
  printf ("1..%u\n", n_rows);
  return n_failed != 0;
}
