/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/labelmap.h"

#include "engine/base/alloc.h"

#include "tests/engine/golden.h"

#include <math.h>

/* The counts are those of the labels, and every label is a class. */
static void
assert_counts (const D2vLabelMap *map)
{
  g_autofree gsize *counts = g_new0 (gsize, map->n_classes);

  for (gsize i = 0; i < map->width * map->height; i++)
    {
      g_assert_cmpuint (map->labels[i], <, map->n_classes);
      counts[map->labels[i]]++;
    }
  g_assert_cmpmem (map->counts, map->n_classes * sizeof *counts, counts,
                   map->n_classes * sizeof *counts);
}

static void
check_golden (const D2vJsonValue *value)
{
  gsize n, n_bytes;
  g_autofree gfloat *logits = golden_floats (value, "logits", &n);
  g_autofree guint8 *expected = golden_bytes (value, "expected", &n_bytes);
  gsize height = golden_size (value, "out", 0);
  gsize width = golden_size (value, "out", 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vLabelMap) map = d2v_label_map_new (
      logits, golden_size (value, "in", 0), golden_size (value, "in", 1),
      golden_size (value, "in", 2), height, width, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (map->labels, height * width * sizeof *map->labels, expected,
                   n_bytes);
  assert_counts (map);
}

static void
test_golden (void)
{
  golden_each ("decode", "labelmap.json", check_golden);
}

static void
test_ties_and_nan (void)
{
  static const gfloat logits[] = {
    NAN, 1, -INFINITY, /* class 0 */
    2,   1, -INFINITY, /* class 1 */
    2,   1, -INFINITY, /* class 2 */
  };
  g_autoptr (D2vLabelMap) map = d2v_label_map_new (logits, 3, 1, 3, 1, 3, NULL);

  g_assert_cmpuint (map->labels[0], ==, 1);
  g_assert_cmpuint (map->labels[1], ==, 0);
  g_assert_cmpuint (map->labels[2], ==, 0);
}

/* An infinite neighbour does not reach a pixel that has no part in it. */
static void
test_infinite_neighbour (void)
{
  static const gfloat logits[] = { 5, -INFINITY, 1, 1 };
  g_autoptr (D2vLabelMap) map = d2v_label_map_new (logits, 2, 2, 1, 4, 1, NULL);

  g_assert_cmpuint (map->labels[0], ==, 0);
  g_assert_cmpuint (map->labels[3], ==, 1);
}

static void
test_refuses (void)
{
  static const struct
  {
    gsize n, in_height, in_width, height, width;
    gint code;
  } cases[] = {
    { 0, 1, 1, 1, 1, D2V_ERROR_INPUT },
    { 1, 0, 1, 1, 1, D2V_ERROR_INPUT },
    { 1, 1, 0, 1, 1, D2V_ERROR_INPUT },
    { 1, 1, 1, 0, 1, D2V_ERROR_INPUT },
    { 1, 1, 1, 1, 0, D2V_ERROR_INPUT },
    { 65537, 1, 1, 1, 1, D2V_ERROR_INPUT },
    { 1, 1, 1, 16384, 4097, D2V_ERROR_TOO_BIG },
    { 1, 1, 1, G_MAXSIZE, 2, D2V_ERROR_TOO_BIG },
  };
  static const gfloat one = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (d2v_label_map_new (&one, cases[i].n, cases[i].in_height,
                                        cases[i].in_width, cases[i].height,
                                        cases[i].width, &error));
      g_assert_error (error, D2V_ERROR, cases[i].code);
    }
  for (guint64 nth = 1; nth <= 4; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      g_assert_null (d2v_label_map_new (&one, 1, 1, 1, 2, 2, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/labelmap/golden", test_golden);
  g_test_add_func ("/decode/labelmap/ties-and-nan", test_ties_and_nan);
  g_test_add_func ("/decode/labelmap/infinite-neighbour",
                   test_infinite_neighbour);
  g_test_add_func ("/decode/labelmap/refuses", test_refuses);
  return g_test_run ();
}
