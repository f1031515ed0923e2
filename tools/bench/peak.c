/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tools/bench/peak.h"

#include <string.h>
#include <time.h>

/* Sums enough to hide the latency of the operation. */
#define N_SUMS 16
#define N_STEPS 20000
#define N_TRIES 8

gdouble
d2v_bench_now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (gdouble) t.tv_sec + 1e-9 * (gdouble) t.tv_nsec;
}

/* One function for each width; the loop is the same. Returns the FLOP done. */
#define SPIN(name, width, level)                                               \
  static gdouble level name (gfloat *sink)                                     \
  {                                                                            \
    typedef gfloat V __attribute__ ((vector_size (width * 4)));                \
    V sum[N_SUMS];                                                             \
    V factor = (V){ 0 } + 0.9999f, term = (V){ 0 } + 1e-3f;                    \
                                                                               \
    for (guint i = 0; i < N_SUMS; i++)                                         \
      sum[i] = (V){ 0 } + (gfloat) i;                                          \
    for (guint k = 0; k < N_STEPS; k++)                                        \
      {                                                                        \
        _Pragma ("GCC unroll 16") for (guint i = 0; i < N_SUMS; i++) sum[i]    \
            = sum[i] * factor + term;                                          \
      }                                                                        \
    for (guint i = 1; i < N_SUMS; i++)                                         \
      sum[0] += sum[i];                                                        \
    memcpy (sink, &sum[0], sizeof sum[0]);                                     \
    return 2.0 * width * N_SUMS * N_STEPS;                                     \
  }

/* clang-format off */
#if defined(__x86_64__)
SPIN (spin_16, 16, __attribute__ ((target ("avx512f"))))
SPIN (spin_8, 8, __attribute__ ((target ("avx2,fma"))))
#endif
SPIN (spin_4, 4, )
/* clang-format on */

static gdouble
spin (gfloat *sink)
{
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx512f"))
    return spin_16 (sink);
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    return spin_8 (sink);
#endif
  return spin_4 (sink);
}

static void
measure (gpointer data, gsize begin, gsize end, guint thread)
{
  gdouble *best = data;
  gfloat sink[16];

  for (gsize item = begin; item < end; item++)
    for (guint i = 0; i < N_TRIES; i++)
      {
        gdouble began = d2v_bench_now ();
        gdouble flop = spin (sink);
        gdouble gflops = flop / (d2v_bench_now () - began) / 1e9;
        best[item] = MAX (best[item], gflops);
      }
}

gdouble
d2v_bench_peak (D2vPool *pool)
{
  guint n = d2v_pool_n_threads (pool);
  g_autofree gdouble *best = g_new0 (gdouble, n);
  gdouble sum = 0;

  d2v_pool_run (pool, n, 1, measure, best);
  for (guint i = 0; i < n; i++)
    sum += best[i];
  return sum;
}
