/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "engine/decode/scores.h"

#define N_RANDOM 4000

static void
assert_near (gdouble found, gdouble expected)
{
  if (!(fabs (found - expected) <= 1e-6 * fmax (1e-3, fabs (expected))))
    g_error ("expected %.9g, found %.9g", expected, found);
}

static void
test_softmax_values (void)
{
  const gfloat x[] = { 1, 2, 3 };
  gfloat y[3];

  d2v_softmax (x, y, 3);
  assert_near (y[0], 0.0900305732);
  assert_near (y[1], 0.2447284711);
  assert_near (y[2], 0.6652409558);
}

/* exp (400) is infinite in float: only differences may be looked at. */
static void
test_softmax_large (void)
{
  gfloat x[] = { 400, 401, -INFINITY };

  d2v_softmax (x, x, 3);
  assert_near (x[0], 0.2689414214);
  assert_near (x[1], 0.7310585786);
  g_assert_cmpfloat (x[2], ==, 0);
}

static void
test_softmax_many (void)
{
  gsize n = 50265;
  g_autofree gfloat *x = g_new0 (gfloat, n);

  d2v_softmax (x, x, n);
  assert_near (x[0], 1.0 / n);
  assert_near (x[n - 1], 1.0 / n);
}

static void
test_sigmoid (void)
{
  const gfloat x[] = { 0, 2, -2, 200, -200 };
  gfloat y[5];

  d2v_sigmoid_n (x, y, 5);
  assert_near (y[0], 0.5);
  assert_near (y[1], 0.8807970780);
  assert_near (y[2], 0.1192029220);
  g_assert_cmpfloat (y[3], ==, 1);
  g_assert_cmpfloat (y[4], ==, 0);
}

static void
test_argmax (void)
{
  const gfloat ties[] = { 1, 3, 3, 2 };
  const gfloat nan_first[] = { NAN, -5, NAN };

  g_assert_cmpuint (d2v_argmax (ties, 4), ==, 1);
  g_assert_cmpuint (d2v_argmax (nan_first, 3), ==, 1);
  g_assert_cmpuint (d2v_argmax (nan_first, 1), ==, 0);
}

static void
test_top_k_ties (void)
{
  const gfloat x[] = { 2, 5, NAN, 5, 2, 7, 5 };
  const gsize expected[] = { 5, 1, 3, 6, 0, 4, 2 };
  gsize order[7];

  for (gsize k = 0; k <= 9; k++)
    {
      gsize n = d2v_top_k (x, 7, k, order);

      g_assert_cmpuint (n, ==, MIN (k, 7));
      for (gsize i = 0; i < n; i++)
        g_assert_cmpuint (order[i], ==, expected[i]);
    }
  g_assert_cmpuint (d2v_top_k (x, 0, 3, order), ==, 0);
}

/* Few different values, so that most neighbours in the order are ties. */
static void
test_top_k_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autofree gfloat *x = g_new (gfloat, N_RANDOM);
  g_autofree gsize *order = g_new (gsize, N_RANDOM);

  for (gsize i = 0; i < N_RANDOM; i++)
    x[i] = g_rand_int_range (rand, 0, 50);
  for (gsize k = 1; k <= N_RANDOM; k = k * 3 + 1)
    {
      gsize n = d2v_top_k (x, N_RANDOM, k, order);
      gsize n_better = 0;

      g_assert_cmpuint (n, ==, k);
      for (gsize i = 1; i < n; i++)
        g_assert_true (
            x[order[i - 1]] > x[order[i]]
            || (x[order[i - 1]] == x[order[i]] && order[i - 1] < order[i]));
      for (gsize i = 0; i < N_RANDOM; i++)
        n_better += x[i] > x[order[n - 1]]
                    || (x[i] == x[order[n - 1]] && i < order[n - 1]);
      g_assert_cmpuint (n_better, ==, n - 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/scores/softmax-values", test_softmax_values);
  g_test_add_func ("/decode/scores/softmax-large", test_softmax_large);
  g_test_add_func ("/decode/scores/softmax-many", test_softmax_many);
  g_test_add_func ("/decode/scores/sigmoid", test_sigmoid);
  g_test_add_func ("/decode/scores/argmax", test_argmax);
  g_test_add_func ("/decode/scores/top-k-ties", test_top_k_ties);
  g_test_add_func ("/decode/scores/top-k-random", test_top_k_random);
  return g_test_run ();
}
