/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* math.h: sizes that cannot wrap. Every product or sum of numbers that came
 * from a file goes through these; each returns FALSE on overflow. */
#pragma once

#include <glib.h>

static inline gboolean
d2v_mul (gsize a, gsize b, gsize *out)
{
  return !__builtin_mul_overflow (a, b, out);
}

static inline gboolean
d2v_add (gsize a, gsize b, gsize *out)
{
  return !__builtin_add_overflow (a, b, out);
}

static inline gsize
d2v_min (gsize a, gsize b)
{
  return a < b ? a : b;
}

static inline gsize
d2v_max (gsize a, gsize b)
{
  return a > b ? a : b;
}

static inline gsize
d2v_ceil_div (gsize a, gsize b)
{
  return a / b + (a % b != 0);
}

/* Rounds @n up to a multiple of @step, a power of two. */
static inline gsize
d2v_align (gsize n, gsize step)
{
  return (n + step - 1) & ~(step - 1);
}
