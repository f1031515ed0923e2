/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_backend.c: what a run costs, and that nothing is left behind. */

#include "engine/cpu/backend.h"
#include "engine/session/device.h"
#include "engine/session/fallback.h"
#include "engine/vulkan/vulkan.h"
#include "tests/vulkan/encoder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Layers and dispatches of a model of base size; its width does not matter to
 * the host. */
#define N_LAYERS 12
#define TOLERANCE 1e-5

static gchar *device;

static D2vBackend *
open_gpu (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = d2v_vulkan_backend_new (device, D2V_PRECISION_F32, &error);

  g_assert_no_error (error);
  return gpu;
}

static void
close_backend (D2vBackend *backend, D2vPrepared *prepared)
{
  backend->functions->free_prepared (backend, prepared);
  backend->functions->free (backend);
}

/* What the CPU makes of input @index with @n_layers. */
static void
expect (guint n_layers, guint index, gfloat *y)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *cpu = d2v_cpu_backend_new (1);
  D2vPrepared *prepared = encoder_prepare (cpu, n_layers, &error);

  g_assert_no_error (error);
  g_assert_true (encoder_run (cpu, prepared, index, y, &error));
  close_backend (cpu, prepared);
}

static void
run_and_compare (D2vBackend *gpu, D2vPrepared *prepared, guint n_layers,
                 guint index)
{
  g_autoptr (GError) error = NULL;
  gfloat found[ENCODER_N], expected[ENCODER_N];

  encoder_run (gpu, prepared, index, found, &error);
  g_assert_no_error (error);
  expect (n_layers, index, expected);
  g_assert_cmpfloat (encoder_error (found, expected, ENCODER_N), <=, TOLERANCE);
}

static void
counts (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *prepared = encoder_prepare (gpu, N_LAYERS, &error);
  D2vVulkanCounts before, after;

  g_assert_no_error (error);
  run_and_compare (gpu, prepared, N_LAYERS, 0);
  d2v_vulkan_counts (gpu, prepared, &before);
  for (guint i = 1; i <= 20; i++)
    {
      gfloat y[ENCODER_N];
      encoder_run (gpu, prepared, i, y, &error);
      g_assert_no_error (error);
    }
  run_and_compare (gpu, prepared, N_LAYERS, 21);
  d2v_vulkan_counts (gpu, prepared, &after);
  g_test_message ("%u dispatches, %u barriers, %u levels", after.n_dispatches,
                  after.n_barriers, after.n_levels);
  g_assert_cmpuint (after.n_submissions - before.n_submissions, ==, 21);
  g_assert_cmpuint (after.n_allocations, ==, before.n_allocations);
  g_assert_cmpuint (after.n_pipelines, ==, before.n_pipelines);
  g_assert_cmpuint (after.n_recordings, ==, 1);
  g_assert_cmpuint (after.n_dispatches, <=, 8 * N_LAYERS);
  g_assert_cmpuint (after.n_barriers, ==, after.n_levels - 1);
  close_backend (gpu, prepared);
}

/* The device's clock: the same dispatches, the same result, and times that fit
 * into the time that passed. */
static void
profile (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *prepared = encoder_prepare (gpu, 2, &error);
  gfloat x[ENCODER_N], y[ENCODER_N], expected[ENCODER_N];
  gdouble seconds[D2V_N_OPS] = { 0 }, sum = 0;
  guint n[D2V_N_OPS] = { 0 }, n_all = 0;
  D2vRunProfile asked = { .op_seconds = seconds, .op_dispatches = n };
  gconstpointer inputs[] = { x };
  gpointer outputs[] = { y };
  const D2vRun run = { inputs, outputs, NULL, &asked };

  g_assert_no_error (error);
  run_and_compare (gpu, prepared, 2, 0);
  encoder_input (1, x);
  gint64 began = g_get_monotonic_time ();
  gpu->functions->run (gpu, prepared, &run, &error);
  gint64 passed_us = g_get_monotonic_time () - began;
  g_assert_no_error (error);
  expect (2, 1, expected);
  g_assert_cmpfloat (encoder_error (y, expected, ENCODER_N), <=, TOLERANCE);
  for (guint op = 0; op < D2V_N_OPS; op++)
    {
      n_all += n[op];
      sum += seconds[op];
      g_assert_true ((n[op] > 0) == (seconds[op] > 0));
    }
  if (n_all == 0)
    g_test_skip ("the device has no clock");
  else
    {
      g_assert_cmpuint (n_all, ==, asked.n_dispatches);
      g_assert_cmpuint (n[D2V_OP_ATTENTION], ==, 2);
      g_assert_cmpfloat (sum, <=, (gdouble) passed_us / G_USEC_PER_SEC);
    }
  /* And as before afterwards. */
  run_and_compare (gpu, prepared, 2, 2);
  close_backend (gpu, prepared);
}

/* What a run costs the host beside waiting. The best of many: others use this
 * machine as well. */
static void
host_time (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *prepared = encoder_prepare (gpu, N_LAYERS, &error);
  gint64 host_us = G_MAXINT64;

  g_assert_no_error (error);
  for (guint i = 0; i < 30; i++)
    {
      gfloat y[ENCODER_N];
      D2vVulkanCounts counts;

      encoder_run (gpu, prepared, i, y, &error);
      g_assert_no_error (error);
      d2v_vulkan_counts (gpu, prepared, &counts);
      host_us = MIN (host_us, counts.host_us);
    }
  g_test_message ("%" G_GINT64_FORMAT " us", host_us);
  g_assert_cmpint (host_us, <=, 100);
  close_backend (gpu, prepared);
}

/* None is missing, and none could be: leaving any one out is seen. */
static void
barriers (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *prepared = encoder_prepare (gpu, 2, &error);
  D2vVulkanCounts counts;

  g_assert_no_error (error);
  d2v_vulkan_counts (gpu, prepared, &counts);
  g_assert_cmpuint (d2v_vulkan_races (prepared, -1), ==, 0);
  for (guint i = 0; i < counts.n_barriers; i++)
    g_assert_cmpuint (d2v_vulkan_races (prepared, (gint) i), >, 0);
  close_backend (gpu, prepared);
}

/* A larger plan moves what plans share; the smaller one must notice. */
static void
two_plans (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *small = encoder_prepare (gpu, 1, &error);

  g_assert_no_error (error);
  run_and_compare (gpu, small, 1, 0);
  D2vPlan *plan = d2v_plan_new (encoder_new (3), gpu->fusions, &error);
  plan->arena_bytes += 1 << 20;
  D2vPrepared *large = gpu->functions->prepare (gpu, plan, &error);
  g_assert_no_error (error);
  run_and_compare (gpu, large, 3, 1);
  run_and_compare (gpu, small, 1, 2);
  run_and_compare (gpu, large, 3, 3);
  gpu->functions->free_prepared (gpu, small);
  close_backend (gpu, large);
}

/* @how: what D2V_VULKAN_HALVES is. The number of values stored so. */
static guint
run_f16 (D2vBackend *gpu, const gchar *how, gfloat *y)
{
  g_autoptr (GError) error = NULL;
  D2vVulkanCounts counted;

  g_setenv ("D2V_VULKAN_HALVES", how, TRUE);
  D2vPrepared *prepared = encoder_prepare (gpu, 4, &error);
  g_assert_no_error (error);
  encoder_run (gpu, prepared, 5, y, &error);
  g_assert_no_error (error);
  d2v_vulkan_counts (gpu, prepared, &counted);
  gpu->functions->free_prepared (gpu, prepared);
  g_unsetenv ("D2V_VULKAN_HALVES");
  return counted.n_halves;
}

/* What is stored as products round it gives the very same numbers. */
static void
halves (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = d2v_vulkan_backend_new (device, D2V_PRECISION_F16, &error);
  gfloat stored[ENCODER_N], rounded[ENCODER_N];

  if (gpu == NULL)
    {
      g_test_skip (error->message);
      return;
    }
  /* What attention and the first product of the feed-forward make; and the
   * norms of every other layer, which are for products alone. */
  g_assert_cmpuint (run_f16 (gpu, "yes", stored), ==, 2 * 2 + 2 * 4);
  g_assert_cmpuint (run_f16 (gpu, "no", rounded), ==, 0);
  g_assert_cmpmem (stored, sizeof stored, rounded, sizeof rounded);
  gpu->functions->free (gpu);
}

/* Beyond 128 MiB, which is as much as a storage buffer may have on llvmpipe:
 * input, weight, activation and output. Everything is exact. */
#define N_LARGE ((gsize) 36 << 20)

static gfloat
large_x (gsize i)
{
  return (gfloat) (gint32) (i * 2654435761u) * 0x1p-31f;
}

static gfloat
large_w (gsize i)
{
  return (gfloat) (i % 8191) * 0x1p-13f;
}

static D2vPrepared *
large_prepare (D2vBackend *gpu, GError **error)
{
  D2vShape shape = d2v_shape (1, 36, N_LARGE / 36);
  g_autoptr (D2vTensor) w = d2v_tensor_new_empty (D2V_F32, &shape);
  D2vGraph *g = d2v_graph_new ();
  D2vValue x = d2v_graph_input (g, "x", D2V_F32, shape);

  for (gsize i = 0; i < N_LARGE; i++)
    ((gfloat *) w->data)[i] = large_w (i);
  x = d2v_op_activate (g, x, D2V_ACTIVATION_RELU);
  d2v_graph_output (g, "y", d2v_op_add (g, x, d2v_graph_constant (g, w)));
  D2vPlan *plan = d2v_plan_new (g, gpu->fusions, error);
  return plan != NULL ? gpu->functions->prepare (gpu, plan, error) : NULL;
}

static void
large (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *prepared = large_prepare (gpu, &error);

  if (g_error_matches (error, D2V_ERROR, D2V_ERROR_NO_MEMORY))
    {
      g_test_skip (error->message);
      gpu->functions->free (gpu);
      return;
    }
  g_assert_no_error (error);
  g_autofree gfloat *x = g_new (gfloat, N_LARGE);
  g_autofree gfloat *y = g_new0 (gfloat, N_LARGE);
  gconstpointer inputs[] = { x };
  gpointer outputs[] = { y };
  const D2vRun run = { inputs, outputs };

  for (gsize i = 0; i < N_LARGE; i++)
    x[i] = large_x (i);
  gpu->functions->run (gpu, prepared, &run, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < N_LARGE; i++)
    if (y[i] != MAX (x[i], 0) + large_w (i))
      g_error ("[%" G_GSIZE_FORMAT "] expected %.9g found %.9g", i,
               MAX (x[i], 0) + large_w (i), y[i]);
  close_backend (gpu, prepared);
}

static void
cancelled (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *prepared = encoder_prepare (gpu, 2, &error);
  gfloat x[ENCODER_N] = { 0 }, y[ENCODER_N];
  gconstpointer inputs[] = { x };
  gpointer outputs[] = { y };
  volatile gint yes = 1;
  const D2vRun run = { inputs, outputs, &yes };

  g_assert_false (gpu->functions->run (gpu, prepared, &run, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
  run_and_compare (gpu, prepared, 2, 4);
  close_backend (gpu, prepared);
}

/* ------------------------------------------------------- nothing is left -- */

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static gsize
resident_kib (void)
{
  g_autofree gchar *text = NULL;
  gulong all = 0, resident = 0;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    sscanf (text, "%lu %lu", &all, &resident);
  return resident * ((gsize) sysconf (_SC_PAGESIZE) >> 10);
}

static void
cycle (void)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu ();
  D2vPrepared *prepared = encoder_prepare (gpu, 1, &error);

  g_assert_no_error (error);
  close_backend (gpu, prepared);
}

/* The first cycles fill the drivers' own pools. */
static void
cycles (void)
{
  for (guint i = 0; i < 50; i++)
    cycle ();
  guint descriptors = count_descriptors ();
  gsize kib = resident_kib ();
  for (guint i = 0; i < 150; i++)
    cycle ();
  g_test_message ("%u descriptors, then %u; %" G_GSIZE_FORMAT
                  " KiB, then %" G_GSIZE_FORMAT,
                  descriptors, count_descriptors (), kib, resident_kib ());
  g_assert_cmpuint (count_descriptors (), ==, descriptors);
  g_assert_cmpuint (resident_kib (), <, kib + 4096);
}

/* ------------------------------------------------------------- choosing -- */

static void
names (void)
{
  g_autoptr (GPtrArray) devices = d2v_devices_list ();
  g_autoptr (GError) error = NULL;
  const gchar *const wrong[]
      = { "vulkan:999", "vulkan:no such name", "vulkan:-1" };

  for (guint i = 1; i < devices->len; i++)
    {
      const D2vDevice *one = g_ptr_array_index (devices, i);
      g_autofree gchar *by_uuid = g_strconcat ("vulkan:", one->uuid, NULL);
      g_autofree gchar *a = d2v_device_resolve (one->id, NULL);
      g_autofree gchar *b = d2v_device_resolve (by_uuid, NULL);

      if (!one->usable)
        continue;
      g_assert_cmpstr (a, ==, by_uuid);
      g_assert_cmpstr (b, ==, by_uuid);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree gchar *none = d2v_device_resolve (wrong[i], &error);
      g_assert_null (none);
      g_assert_error (error, D2V_ERROR, D2V_ERROR_DEVICE);
      g_assert_nonnull (strstr (error->message, "vulkan:0"));
      g_clear_error (&error);
    }
}

static void
precisions (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (d2v_vulkan_backend_new (device, D2V_PRECISION_BF16, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_UNSUPPORTED);
}

/* A process without drivers or a loader lists the CPU and says why. */
static void
nothing_to_find (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) devices = d2v_devices_list ();
      g_autofree gchar *automatic = d2v_device_resolve ("auto", &error);
      g_assert_cmpstr (automatic, ==, "cpu");
      g_autofree gchar *none = d2v_device_resolve ("vulkan", &error);
      g_assert_null (none);
      g_assert_error (error, D2V_ERROR, D2V_ERROR_DEVICE);
      g_assert_cmpuint (devices->len, ==, 2);
      const D2vDevice *gpu = g_ptr_array_index (devices, 1);
      g_assert_false (gpu->usable);
      g_assert_nonnull (gpu->why);
      return;
    }
  g_setenv ("VK_ICD_FILENAMES", "/nonexistent.json", TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_unsetenv ("VK_ICD_FILENAMES");
  g_setenv ("D2V_VULKAN_LOADER", "/nonexistent.so", TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_unsetenv ("D2V_VULKAN_LOADER");
}

/* ----------------------------------------------------------------- cache -- */

static gchar *
cache_file (void)
{
  g_autofree gchar *folder
      = g_build_filename (g_get_user_cache_dir (), "gst-data2vec", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, "vulkan-"))
      return g_build_filename (folder, name, NULL);
  return NULL;
}

/* Whatever stands in the file, the backend works and writes it anew. */
static void
cache (void)
{
  cycle ();
  g_autofree gchar *path = cache_file ();
  g_autofree gchar *good = NULL;
  gsize n_bytes = 0;

  g_assert_nonnull (path);
  g_assert_true (g_file_get_contents (path, &good, &n_bytes, NULL));
  g_assert_cmpuint (n_bytes, >, 64);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree gchar *bad = g_memdup2 (good, n_bytes);
      const gsize sizes[] = { n_bytes, n_bytes, n_bytes / 2, 3 };

      /* Magic, contents, cut, cut below the header. */
      bad[i == 0 ? 0 : n_bytes - 1] ^= 1;
      g_assert_true (g_file_set_contents (path, bad, (gssize) sizes[i], NULL));
      cycle ();
      g_autofree gchar *now = NULL;
      gsize n_now = 0;
      g_assert_true (g_file_get_contents (path, &now, &n_now, NULL));
      g_assert_cmpuint (n_now, >, 64);
      g_assert_true (n_now != sizes[i] || memcmp (now, bad, n_now) != 0);
    }
}

/* -------------------------------------------------------------- self-test --
 */

/* A device whose arithmetic is off is found out: here the CPU's, by one number
 * of the result. */
static D2vBackend *honest;

static D2vPrepared *
liar_prepare (D2vBackend *backend, D2vPlan *plan, GError **error)
{
  return honest->functions->prepare (honest, plan, error);
}

static void
liar_free_prepared (D2vBackend *backend, D2vPrepared *prepared)
{
  honest->functions->free_prepared (honest, prepared);
}

static gboolean
liar_run (D2vBackend *backend, D2vPrepared *prepared, const D2vRun *run,
          GError **error)
{
  gboolean ok = honest->functions->run (honest, prepared, run, error);

  ((gfloat *) run->outputs[0])[7] += 0.5f;
  return ok;
}

/* With fewer digits a sound device passes, too. */
static void
selftest_of (D2vPrecision precision, D2vBackend *cpu)
{
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = d2v_vulkan_backend_new (device, precision, &error);

  if (g_error_matches (error, D2V_ERROR, D2V_ERROR_UNSUPPORTED))
    return;
  g_assert_no_error (error);
  g_assert_true (d2v_selftest (gpu, cpu, &error));
  g_assert_no_error (error);
  gpu->functions->free (gpu);
}

static void
selftest (void)
{
  static const D2vBackendFunctions lies
      = { .prepare = liar_prepare,
          .run = liar_run,
          .free_prepared = liar_free_prepared };
  g_autoptr (GError) error = NULL;
  D2vBackend *gpu = open_gpu (), *cpu = d2v_cpu_backend_new (1);
  D2vBackend liar = *gpu;

  g_assert_true (d2v_selftest (gpu, cpu, &error));
  g_assert_no_error (error);
  selftest_of (D2V_PRECISION_F16, cpu);
  selftest_of (D2V_PRECISION_INT8, cpu);
  honest = cpu;
  liar.functions = &lies;
  g_assert_false (d2v_selftest (&liar, cpu, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_DEVICE);
  g_assert_nonnull (strstr (error->message, gpu->device_name));
  gpu->functions->free (gpu);
  cpu->functions->free (cpu);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!g_test_subprocess () && (device = test_device ()) == NULL)
    return 0; /* TAP: all of it skipped */
  g_test_add_func ("/vulkan/backend/counts", counts);
  g_test_add_func ("/vulkan/backend/profile", profile);
  g_test_add_func ("/vulkan/backend/host-time", host_time);
  g_test_add_func ("/vulkan/backend/barriers", barriers);
  g_test_add_func ("/vulkan/backend/two-plans", two_plans);
  g_test_add_func ("/vulkan/backend/halves", halves);
  g_test_add_func ("/vulkan/backend/large", large);
  g_test_add_func ("/vulkan/backend/cancelled", cancelled);
  g_test_add_func ("/vulkan/backend/cycles", cycles);
  g_test_add_func ("/vulkan/backend/names", names);
  g_test_add_func ("/vulkan/backend/precisions", precisions);
  g_test_add_func ("/vulkan/backend/nothing-to-find", nothing_to_find);
  g_test_add_func ("/vulkan/backend/cache", cache);
  g_test_add_func ("/vulkan/backend/self-test", selftest);
  gint result = g_test_run ();
  g_free (device);
  return result;
}
