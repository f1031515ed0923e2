/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/frames.h"

#include <math.h>

/* sigmoid (x) > 0.5 in float, not x > 0. */
static void
test_active (void)
{
  static const gfloat logits[]
      = { 0, 1e-9f, 1e-3f, -1e-3f, INFINITY, -INFINITY, NAN, 90 };
  static const guint8 expected[] = { 0, 0, 1, 0, 1, 0, 0, 1 };
  guint8 active[8];

  d2v_frames_active (logits, 4, 2, active);
  g_assert_cmpmem (active, sizeof active, expected, sizeof expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/frames/active", test_active);
  return g_test_run ();
}
