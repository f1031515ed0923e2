/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/speaker.h"

#include "tests/engine/golden.h"

static void
check_golden (const D2vJsonValue *value)
{
  gsize n_a, n_b;
  g_autofree gfloat *a = golden_floats (value, "a", &n_a);
  g_autofree gfloat *b = golden_floats (value, "b", &n_b);

  g_assert_cmpuint (n_a, ==, n_b);
  g_assert_cmpfloat_with_epsilon (
      d2v_cosine_similarity (a, b, n_a),
      d2v_json_number (d2v_json_member (value, "similarity")), 3e-7);
}

static void
test_golden (void)
{
  golden_each ("decode", "vectors.json", check_golden);
}

static void
test_plain (void)
{
  static const gfloat x[] = { 3, 0 }, y[] = { 0, 2 }, z[] = { -1, 0 };

  g_assert_cmpfloat (d2v_cosine_similarity (x, x, 2), ==, 1);
  g_assert_cmpfloat (d2v_cosine_similarity (x, y, 2), ==, 0);
  g_assert_cmpfloat (d2v_cosine_similarity (x, z, 2), ==, -1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/speaker/golden", test_golden);
  g_test_add_func ("/decode/speaker/plain", test_plain);
  return g_test_run ();
}
