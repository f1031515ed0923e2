/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/pooling.h"

#include <math.h>

enum
{
  ROWS = 3,
  WIDTH = 37 /* two whole groups of columns and a rest */
};

static void
fill (gfloat *rows)
{
  for (guint i = 0; i < ROWS * WIDTH; i++)
    rows[i] = (gfloat) ((i * 7919) % 101) - 50;
}

static void
test_mean (void)
{
  gfloat rows[ROWS * WIDTH], out[WIDTH];

  fill (rows);
  d2v_pool_rows (D2V_POOLING_MEAN, rows, ROWS, WIDTH, out);
  for (guint i = 0; i < WIDTH; i++)
    g_assert_cmpfloat_with_epsilon (
        out[i], (rows[i] + rows[WIDTH + i] + rows[2 * WIDTH + i]) / 3, 1e-5);
}

static void
test_first (void)
{
  gfloat rows[ROWS * WIDTH], out[WIDTH];

  fill (rows);
  d2v_pool_rows (D2V_POOLING_FIRST, rows, ROWS, WIDTH, out);
  g_assert_cmpmem (out, sizeof out, rows, sizeof out);
}

static void
test_max (void)
{
  gfloat rows[ROWS * WIDTH], out[WIDTH];

  fill (rows);
  rows[WIDTH + 4] = NAN;
  rows[5] = NAN;
  d2v_pool_rows (D2V_POOLING_MAX, rows, ROWS, WIDTH, out);
  for (guint i = 0; i < WIDTH; i++)
    if (i == 4 || i == 5)
      g_assert_true (isnan (out[i]));
    else
      g_assert_cmpfloat (
          out[i], ==,
          MAX (rows[i], MAX (rows[WIDTH + i], rows[2 * WIDTH + i])));
}

static void
test_length (void)
{
  gfloat x[] = { 3, 0, -4 }, zero[] = { 0, 0 };

  d2v_normalize_length (x, 3);
  g_assert_cmpfloat (x[0], ==, 0.6f);
  g_assert_cmpfloat (x[2], ==, -0.8f);
  d2v_normalize_length (zero, 2);
  g_assert_cmpfloat (zero[0], ==, 0);
}

static void
test_names (void)
{
  D2vPooling pooling;

  g_assert_true (d2v_pooling_from_name ("mean", &pooling));
  g_assert_cmpint (pooling, ==, D2V_POOLING_MEAN);
  g_assert_true (d2v_pooling_from_name ("cls", &pooling));
  g_assert_cmpint (pooling, ==, D2V_POOLING_FIRST);
  g_assert_true (d2v_pooling_from_name ("max", &pooling));
  g_assert_cmpint (pooling, ==, D2V_POOLING_MAX);
  g_assert_false (d2v_pooling_from_name ("sum", &pooling));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/pooling/mean", test_mean);
  g_test_add_func ("/decode/pooling/first", test_first);
  g_test_add_func ("/decode/pooling/max", test_max);
  g_test_add_func ("/decode/pooling/length", test_length);
  g_test_add_func ("/decode/pooling/names", test_names);
  return g_test_run ();
}
