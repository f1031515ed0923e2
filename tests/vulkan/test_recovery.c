/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_recovery.c: a device is lost, heals, and is used again.
 *
 * D2V_RETRY_MS stands for the seconds between attempts, D2V_FAULT loses the
 * device at will. Every result must be the CPU's, whoever made it. */

#include "engine/cpu/backend.h"
#include "engine/session/fallback.h"
#include "tests/vulkan/encoder.h"

#include <math.h>
#include <string.h>

#define N_LAYERS 1
#define TOLERANCE 1e-5
#define SOON_MS 20

/* From table.h, which only the backend includes. */
void vk_fault_reset (void);
guint vk_fault_n_calls (const gchar *function);

static gchar *device;

typedef struct
{
  D2vBackend *backend, *cpu;
  D2vPrepared *prepared, *reference;
  GString *said;
} Fixture;

static void
hear (gpointer data, const gchar *message)
{
  g_string_append_printf (data, "%s\n", message);
}

/* @named: not NULL where the user asked for the device. */
static void
set_up (Fixture *f, gconstpointer named)
{
  g_autoptr (GError) error = NULL;

  /* A rule that catches nothing has the calls counted from the beginning. */
  g_setenv ("D2V_FAULT", "vkNothing:1=TIMEOUT", TRUE);
  g_setenv ("D2V_RETRY_MS", G_STRINGIFY (SOON_MS), TRUE);
  vk_fault_reset ();
  f->said = g_string_new (NULL);
  f->cpu = d2v_cpu_backend_new (1);
  f->backend = d2v_fallback_backend_new (device, named != NULL,
                                         D2V_PRECISION_F32, 1, &error);
  g_assert_no_error (error);
  f->backend->notify = hear;
  f->backend->notify_data = f->said;
  f->prepared = encoder_prepare (f->backend, N_LAYERS, &error);
  g_assert_no_error (error);
  f->reference = encoder_prepare (f->cpu, N_LAYERS, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  f->backend->functions->free_prepared (f->backend, f->prepared);
  f->backend->functions->free (f->backend);
  f->cpu->functions->free_prepared (f->cpu, f->reference);
  f->cpu->functions->free (f->cpu);
  g_string_free (f->said, TRUE);
}

/* From now on. */
static void
inject (const gchar *fault)
{
  g_setenv ("D2V_FAULT", fault, TRUE);
  vk_fault_reset ();
}

/* Runs input @index; TRUE when the device did it. */
static gboolean
run (Fixture *f, guint index)
{
  g_autoptr (GError) error = NULL;
  gfloat found[ENCODER_N], expected[ENCODER_N];
  gint before = g_atomic_int_get (&f->backend->n_fallbacks);

  encoder_run (f->backend, f->prepared, index, found, &error);
  g_assert_no_error (error);
  encoder_run (f->cpu, f->reference, index, expected, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (encoder_error (found, expected, ENCODER_N), <=, TOLERANCE);
  return g_atomic_int_get (&f->backend->n_fallbacks) == before;
}

static void
rest (void)
{
  g_usleep (2 * SOON_MS * 1000);
}

static void
heals (Fixture *f, gconstpointer data)
{
  for (guint loss = 0; loss < 3; loss++)
    {
      g_assert_true (run (f, 0));
      g_string_set_size (f->said, 0);
      inject ("vkQueueSubmit:2=DEVICE_LOST");
      g_assert_true (run (f, 1));
      g_assert_false (run (f, 2));
      g_assert_nonnull (strstr (f->said->str, "tried again later"));
      rest ();
      /* A new device, tested, prepared and used. */
      g_assert_true (run (f, 3));
      g_assert_cmpuint (vk_fault_n_calls ("CreateDevice"), ==, 1);
      g_assert_nonnull (strstr (f->said->str, "works again"));
      g_assert_true (run (f, 4));
    }
  /* Three losses soon after each other are enough. */
  inject ("vkQueueSubmit:1=DEVICE_LOST");
  g_assert_false (run (f, 5));
  rest ();
  g_assert_false (run (f, 6));
  g_assert_cmpuint (vk_fault_n_calls ("CreateDevice"), ==, 0);
}

static void
waits_for_its_time (Fixture *f, gconstpointer data)
{
  g_setenv ("D2V_RETRY_MS", "3600000", TRUE);
  inject ("vkQueueSubmit:1=DEVICE_LOST");
  for (guint i = 0; i < 5; i++)
    g_assert_false (run (f, i));
  g_assert_cmpuint (vk_fault_n_calls ("CreateDevice"), ==, 0);
}

static void
gives_up (Fixture *f, gconstpointer data)
{
  inject ("vkQueueSubmit:1=DEVICE_LOST;vkCreateDevice:*=INITIALIZATION_FAILED");
  for (guint i = 0; i < 6; i++)
    {
      g_assert_false (run (f, i));
      rest ();
    }
  g_assert_cmpuint (vk_fault_n_calls ("CreateDevice"), ==, 3);
  g_assert_nonnull (strstr (f->said->str, "stays off"));
}

/* A plan of which the device leaves a dispatch out is found out by the run that
 * the CPU repeats; one that is right is left alone. */
static void
canary (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gfloat y[ENCODER_N];

  g_setenv ("D2V_CANARY_RUNS", "3", TRUE);
  for (guint i = 0; i < 7; i++)
    g_assert_true (run (f, i));
  g_assert_cmpstr (f->said->str, ==, "");
  inject ("vkCmdDispatch:4=SKIP");
  D2vPrepared *wrong = encoder_prepare (f->backend, N_LAYERS, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    {
      encoder_run (f->backend, wrong, i, y, &error);
      g_assert_no_error (error);
    }
  g_assert_nonnull (strstr (f->said->str, "its results are not the CPU's"));
  f->backend->functions->free_prepared (f->backend, wrong);
  g_unsetenv ("D2V_CANARY_RUNS");
}

/* Where classes nearly tie, a map may have others; not everywhere. */
static void
distances (void)
{
  const gfloat a[] = { 1, 2, 3, 4 }, b[] = { 1, 2, 3, 8 };
  const gfloat nan[] = { 1, 2, 3, NAN };

  g_assert_cmpfloat (d2v_distance (a, a, 4), ==, 0);
  g_assert_cmpfloat (d2v_distance (a, b, 4), ==, 0.5);
  g_assert_true (isinf (d2v_distance (nan, b, 4)));
  g_assert_cmpfloat (d2v_distance_of_classes (a, a, 4), ==, 0);
  g_assert_cmpfloat (d2v_distance_of_classes (a, b, 4), ==, 0.25);
}

/* What hangs may still be working: GPUs stay off, and nobody is told that one
 * is tried again. In a process of its own, which has no GPU afterwards. */
static void
hangs (Fixture *f, gconstpointer data)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  g_setenv ("D2V_VULKAN_WAIT", "1", TRUE);
  inject ("vkWaitForFences:*=TIMEOUT");
  g_assert_false (run (f, 0));
  g_assert_nonnull (strstr (f->said->str, "no answer in time"));
  g_assert_nonnull (strstr (f->said->str, "stays off"));
  g_assert_null (strstr (f->said->str, "tried again"));
  rest ();
  g_assert_false (run (f, 1));
  g_assert_cmpuint (vk_fault_n_calls ("CreateDevice"), ==, 0);
}

/* The next plan, when its @nth allocation is refused; freed again. TRUE when
 * there was one. */
static gboolean
prepare_without (Fixture *f, guint nth, GError **error)
{
  g_autofree gchar *fault
      = g_strdup_printf ("vkAllocateMemory:%u=OUT_OF_DEVICE_MEMORY", nth);

  g_string_set_size (f->said, 0);
  inject (fault);
  D2vPrepared *prepared = cached_prepare (f->backend, error);
  inject ("vkNothing:1=TIMEOUT");
  if (prepared == NULL)
    return FALSE;
  f->backend->functions->free_prepared (f->backend, prepared);
  return TRUE;
}

/* Allocations of that plan: staging, weights, state. */
#define WEIGHTS 2
#define STATE 3

/* A device that was named and cannot hold the weights is an error, and the
 * session is as good as before. */
static void
refuses_weights (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (prepare_without (f, WEIGHTS, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
  g_assert_nonnull (strstr (error->message, "MiB"));
  g_assert_cmpstr (f->said->str, ==, "");
  g_assert_true (run (f, 0));
  /* For the rest alone the CPU steps in, ... */
  g_assert_true (prepare_without (f, STATE, NULL));
  g_assert_nonnull (strstr (f->said->str, "inputs of this size"));
  /* ... and after a loss there is a stream to go on with. */
  inject ("vkQueueSubmit:1=DEVICE_LOST");
  g_assert_false (run (f, 1));
  rest ();
  g_assert_true (run (f, 2));
  g_assert_true (prepare_without (f, WEIGHTS, NULL));
}

/* One that was found leaves the work to the CPU, and says so. */
static void
does_without_weights (Fixture *f, gconstpointer data)
{
  g_assert_true (prepare_without (f, WEIGHTS, NULL));
  g_assert_nonnull (strstr (f->said->str, "MiB"));
  g_assert_nonnull (strstr (f->said->str, "the CPU runs"));
  g_assert_true (run (f, 0));
}

/* State that moved to the CPU stays there until it is reset, healed or not. */
static void
state_returns (Fixture *f, gconstpointer data)
{
  D2vPrepared *prepared = cached_prepare (f->backend, NULL);
  D2vPrepared *reference = cached_prepare (f->cpu, NULL);

  inject ("vkQueueSubmit:3=DEVICE_LOST");
  for (guint pass = 0; pass < 2; pass++)
    {
      gint before = g_atomic_int_get (&f->backend->n_fallbacks);

      for (guint i = 0; i < 4; i++)
        {
          gfloat found[CACHED_N], expected[CACHED_N];

          g_assert_true (cached_run (f->backend, prepared, i, found, NULL));
          g_assert_true (cached_run (f->cpu, reference, i, expected, NULL));
          g_assert_cmpfloat (encoder_error (found, expected, CACHED_N), <=,
                             TOLERANCE);
          rest ();
        }
      gint on_cpu = g_atomic_int_get (&f->backend->n_fallbacks) - before;
      if (pass == 0)
        g_assert_cmpint (on_cpu, >, 0);
      else
        g_assert_cmpint (on_cpu, ==, 0);
      f->backend->functions->reset (f->backend, prepared);
      f->cpu->functions->reset (f->cpu, reference);
    }
  f->backend->functions->free_prepared (f->backend, prepared);
  f->cpu->functions->free_prepared (f->cpu, reference);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if ((device = test_device ()) == NULL)
    return 0; /* TAP: all of it skipped */
#define ADD_FOR(named, name, function)                                         \
  g_test_add ("/vulkan/recovery/" name, Fixture, named, set_up, function,      \
              tear_down)
#define ADD(name, function) ADD_FOR (NULL, name, function)
  ADD ("heals", heals);
  ADD ("waits-for-its-time", waits_for_its_time);
  ADD ("gives-up", gives_up);
  ADD ("canary", canary);
  ADD ("hangs", hangs);
  ADD_FOR ("named", "refuses-weights", refuses_weights);
  ADD ("does-without-weights", does_without_weights);
  ADD ("state-returns", state_returns);
#undef ADD
#undef ADD_FOR
  g_test_add_func ("/vulkan/recovery/distances", distances);
  gint result = g_test_run ();
  g_free (device);
  return result;
}
