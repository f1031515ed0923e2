/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/alloc.h"
#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/base/parallel.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static void
test_error_names (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (gint code = 0; code < D2V_N_ERRORS; code++)
    {
      const gchar *name = d2v_error_code_name (code);
      g_assert_nonnull (name);
      g_assert_true (g_hash_table_add (seen, (gpointer) name));
    }
  g_assert_cmpstr (d2v_error_code_name (-1), ==, "UNKNOWN");
  g_assert_cmpstr (d2v_error_code_name (D2V_N_ERRORS), ==, "UNKNOWN");
}

static void
test_error_message (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (d2v_fail (&error, D2V_ERROR_ST_SHAPE, "a/b", "found %d", 7));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_ST_SHAPE);
  g_assert_cmpstr (error->message, ==, "ST_SHAPE, a/b, found 7");
  g_assert_false (d2v_fail (NULL, D2V_ERROR_FAILED, NULL, "nobody asks"));
}

static void
test_escape (void)
{
  g_autofree gchar *plain = d2v_escape_name ("größe", -1);
  g_autofree gchar *odd = d2v_escape_name ("a\n\x1b\xff\0z", 6);
  g_autofree gchar *endless = g_strnfill (100000, 'x');
  g_autofree gchar *cut = d2v_escape_name (endless, -1);

  g_assert_cmpstr (plain, ==, "größe");
  g_assert_cmpstr (odd, ==, "a\\x0a\\x1b\\xff\\x00z");
  g_assert_cmpuint (strlen (cut), ==, 128);
}

static void
test_checked_math (void)
{
  gsize out;

  g_assert_true (d2v_mul (1 << 20, 1 << 20, &out));
  g_assert_cmpuint (out, ==, (gsize) 1 << 40);
  g_assert_false (d2v_mul (G_MAXSIZE / 2, 3, &out));
  g_assert_false (d2v_add (G_MAXSIZE, 1, &out));
  g_assert_cmpuint (d2v_ceil_div (G_MAXSIZE, 2), ==, G_MAXSIZE / 2 + 1);
  g_assert_cmpuint (d2v_align (65, 64), ==, 128);
}

static void
test_alloc (void)
{
  guint64 before = d2v_alloc_count ();
  gpointer memory = d2v_malloc (100);

  g_assert_nonnull (memory);
  g_assert_cmpuint ((guintptr) memory % 64, ==, 0);
  g_assert_cmpuint (d2v_alloc_count (), ==, before + 1);
  d2v_free (memory);
  g_assert_null (d2v_malloc (0));
  g_assert_null (d2v_malloc (G_MAXSIZE));
  g_assert_null (d2v_malloc_n (G_MAXSIZE / 2, 3));

  d2v_alloc_fail_at (2);
  memory = d2v_malloc (8);
  g_assert_nonnull (memory);
  d2v_free (memory);
  g_assert_null (d2v_malloc (8));
  memory = d2v_malloc (8);
  g_assert_nonnull (memory);
  d2v_free (memory);
  d2v_alloc_fail_at (0);
}

static void
count (gpointer data, gsize begin, gsize end, guint thread)
{
  guint *counts = data;

  for (gsize i = begin; i < end; i++)
    counts[i]++;
}

/* Every item exactly once, for any number of threads, items and grain. */
static void
test_pool_covers (void)
{
  static const gsize sizes[] = { 0, 1, 2, 3, 63, 64, 65, 1000 };
  guint counts[1000];

  for (guint n_threads = 1; n_threads <= 5; n_threads++)
    {
      D2vPool *pool = d2v_pool_new (n_threads);

      g_assert_cmpuint (d2v_pool_n_threads (pool), ==, n_threads);
      for (guint round = 0; round < 50; round++)
        for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
          for (gsize grain = 0; grain <= 70; grain += 7)
            {
              memset (counts, 0, sizeof counts);
              d2v_pool_run (pool, sizes[i], grain, count, counts);
              for (gsize j = 0; j < sizes[i]; j++)
                g_assert_cmpuint (counts[j], ==, 1);
            }
      d2v_pool_free (pool);
    }
}

static gdouble
process_cpu_seconds (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (gdouble) t.tv_sec + (gdouble) t.tv_nsec / 1e9;
}

/* A pool that waits burns next to nothing: its spin is bounded. One loop every
 * 20 ms for a second may cost a spin each, 50 x 20 us a thread; the limit is
 * ten times that, for slow machines. */
static void
test_pool_sleeps (void)
{
  D2vPool *pool = d2v_pool_new (4);
  guint counts[8] = { 0 };
  gdouble began = process_cpu_seconds ();

  for (guint i = 0; i < 50; i++)
    {
      d2v_pool_run (pool, 8, 1, count, counts);
      g_usleep (20000);
    }
  gdouble used = process_cpu_seconds () - began;
  d2v_pool_free (pool);
  g_test_message ("%.1f ms of CPU in a second", used * 1000);
  g_assert_cmpfloat (used, <, 0.1);
}

static void
test_buffer (void)
{
  D2vBuffer buffer = { NULL };
  guint32 next = 0, first = 0;

  for (guint i = 0; i < 1000; i++)
    {
      for (guint j = 0; j < i % 50; j++, next++)
        g_assert_true (d2v_buffer_append (&buffer, &next, sizeof next));
      gsize n = buffer.n_bytes / sizeof next, gone = n * (i % 3) / 3;
      d2v_buffer_remove_front (&buffer, gone * sizeof next);
      first += gone;
      g_assert_cmpuint (buffer.n_bytes / sizeof next, ==, next - first);
      for (guint j = 0; j < next - first; j++)
        g_assert_cmpuint (((guint32 *) buffer.data)[j], ==, first + j);
    }

  /* What fails changes nothing. */
  D2vBuffer before = buffer;
  d2v_alloc_fail_at (1);
  g_assert_false (d2v_buffer_reserve (&buffer, buffer.room + 1));
  g_assert_false (d2v_buffer_reserve (&buffer, G_MAXSIZE));
  g_assert_false (d2v_buffer_append (&buffer, &next, G_MAXSIZE));
  g_assert_cmpmem (&buffer, sizeof buffer, &before, sizeof before);
  g_assert_true (d2v_buffer_append (&buffer, NULL, 0));

  /* Known room is used without asking for more. */
  g_assert_true (d2v_buffer_reserve (&buffer, 1 << 20));
  guint64 n_allocations = d2v_alloc_count_here ();
  while (buffer.n_bytes < 1 << 20)
    d2v_buffer_append (&buffer, &next, sizeof next);
  g_assert_cmpuint (d2v_alloc_count_here (), ==, n_allocations);
  d2v_buffer_clear (&buffer);
  g_assert_null (buffer.data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/error/names", test_error_names);
  g_test_add_func ("/base/error/message", test_error_message);
  g_test_add_func ("/base/error/escape", test_escape);
  g_test_add_func ("/base/math/checked", test_checked_math);
  g_test_add_func ("/base/alloc", test_alloc);
  g_test_add_func ("/base/buffer", test_buffer);
  g_test_add_func ("/base/parallel/covers", test_pool_covers);
  g_test_add_func ("/base/parallel/sleeps", test_pool_sleeps);
  return g_test_run ();
}
