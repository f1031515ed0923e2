/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include "tests/kernels/subject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One rounding to float, and what double makes of sums of many terms. */
#define PLAIN_ROUNDING (0x1p-24 * 1.0001)
#define PLAIN_SUMS 1e-12
/* Half of the smallest float. */
#define PLAIN_FLOOR 0x1p-150
/* A faster level may take denormal numbers for 0. */
#define FAST_FLOOR 1e-37

#define MAX_THREADS 3
#define N_SHOWN 5

/* What one number should be, and how far off it may be. */
typedef struct
{
  const gdouble *expected;
  const gdouble *size;
  gdouble relative; /* times expected */
  gdouble share;    /* times size */
  gdouble floor;
} Target;

typedef struct
{
  const D2vCheckOptions *options;
  D2vOp op;
  const D2vCheck *check;
  D2vPool *pools[MAX_THREADS]; /* 1, 2, 3 threads */
  guint *n_lines;
  guint n_failed;
} Session;

const gchar *volatile d2v_check_running = "";

static const gchar *const op_names[D2V_N_OPS] = {
#define OP(NAME, name, fewest, most) [D2V_OP_##NAME] = #name,
  D2V_OP_LIST (OP)
#undef OP
};

/* By how much @found misses, as a share of what is allowed. */
static gdouble
miss (const Target *t, gsize i, gfloat found)
{
  gdouble expected = t->expected[i];

  if (isnan (expected) || isnan (found))
    return isnan (expected) && isnan (found) ? 0 : INFINITY;
  if (found == expected || found == (gfloat) expected)
    return 0;
  gdouble allowed
      = t->relative * fabs (expected) + t->share * t->size[i] + t->floor;
  return allowed > 0 ? fabs (found - expected) / allowed : INFINITY;
}

/* The largest miss; above 1 it has been told. */
static gdouble
compare (const Target *t, const gfloat *found, gsize n, const gchar *reason)
{
  gdouble worst = 0;
  guint n_wrong = 0;

  for (gsize i = 0; i < n; i++)
    {
      gdouble m = miss (t, i, found[i]);

      worst = MAX (worst, m);
      if (m > 1 && n_wrong++ < N_SHOWN)
        printf ("# [%" G_GSIZE_FORMAT "] expected %.9g found %.9g, off by "
                "%.3g, %.3g of what is allowed\n",
                i, t->expected[i], found[i], fabs (found[i] - t->expected[i]),
                m);
    }
  if (n_wrong != 0)
    printf ("# %u of %" G_GSIZE_FORMAT " numbers are wrong; allowed: %s\n",
            n_wrong, n, reason);
  return worst;
}

static gboolean
compare_bits (const gchar *what, const gfloat *expected, const gfloat *found,
              gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (memcmp (&expected[i], &found[i], sizeof (gfloat)) != 0)
      {
        printf ("# %s: [%" G_GSIZE_FORMAT "] expected %.9g found %.9g\n", what,
                i, expected[i], found[i]);
        return FALSE;
      }
  return TRUE;
}

static gboolean
state_is_right (const D2vSubject *s)
{
  gsize n = d2v_subject_n_state (s);
  g_autofree gfloat *expected = NULL;

  if (n == 0)
    return TRUE;
  expected = g_memdup2 (s->first_state, n * sizeof (gfloat));
  s->check->state (&s->call, expected);
  return compare_bits ("state", expected, d2v_subject_state (s), n);
}

/* The same bits however the items are shared out. */
static gboolean
sharing_changes_nothing (Session *session, D2vSubject *s, const gfloat *first)
{
  for (guint n_threads = 2; n_threads <= MAX_THREADS + 1; n_threads++)
    {
      gboolean backwards = n_threads > MAX_THREADS;
      g_autofree gchar *what
          = backwards ? g_strdup ("item by item from the last")
                      : g_strdup_printf ("with %u threads", n_threads);

      if (!d2v_subject_run (s, backwards ? NULL : session->pools[n_threads - 1])
          || !compare_bits (what, first, d2v_subject_out (s),
                            d2v_subject_n_out (s))
          || !state_is_right (s))
        return FALSE;
    }
  return TRUE;
}

static void
tell (Session *session, const D2vSubject *s, D2vCpuLevel level, gboolean right,
      gdouble worst)
{
  printf ("%s %u - %s, %s, %s (seed %" G_GUINT64_FORMAT
          "; %.2g of what is allowed)\n",
          right ? "ok" : "not ok", ++*session->n_lines, op_names[session->op],
          d2v_cpu_level_name (level), s->data->name, session->options->seed,
          worst);
  session->n_failed += !right;
}

/* Checks what is loaded, at @level, and leaves its result in @result. */
static void
check_level (Session *session, D2vSubject *s, D2vCpuLevel level,
             const Target *target, const gchar *reason, gfloat *result)
{
  gsize n = d2v_subject_n_out (s);
  gdouble worst = 0;
  gboolean right = d2v_subject_load (s, d2v_cpu_kernel (session->op, level))
                   && d2v_subject_run (s, session->pools[0])
                   && state_is_right (s);

  if (right)
    {
      memcpy (result, d2v_subject_out (s), n * sizeof (gfloat));
      worst = compare (target, result, n, reason);
      right = worst <= 1 && sharing_changes_nothing (session, s, result);
    }
  tell (session, s, level, right, worst);
}

/* TRUE when @level has a kernel of its own and this processor can run it. */
static gboolean
is_own (D2vOp op, D2vCpuLevel level)
{
  return level <= d2v_cpu_level ()
         && d2v_cpu_kernel (op, level) != d2v_cpu_kernel (op, level - 1);
}

static void
check_case (Session *session, const D2vCheckCase *data)
{
  const D2vCheck *check = session->check;
  D2vSubject s;

  d2v_subject_init (&s, session->op, check, data, session->options->seed);
  gsize n = d2v_subject_n_out (&s);
  g_autofree gdouble *expected = g_new (gdouble, n);
  g_autofree gdouble *size = g_new (gdouble, n);
  g_autofree gfloat *result = g_new (gfloat, n);
  Target target = { .expected = expected, .size = size };

  check->oracle (&s.call, expected, size);
  if (check->tolerance != 0)
    {
      target.relative = PLAIN_ROUNDING;
      target.share = PLAIN_SUMS;
      target.floor = PLAIN_FLOOR;
    }
  check_level (session, &s, D2V_CPU_PLAIN, &target,
               "one rounding from double to float", result);

  for (gsize i = 0; i < n; i++)
    expected[i] = result[i];
  target.relative = 0;
  target.share = check->tolerance;
  target.floor = check->tolerance != 0 ? FAST_FLOOR : 0;
  for (D2vCpuLevel level = D2V_CPU_PLAIN + 1; level < D2V_N_CPU_LEVELS; level++)
    if (is_own (session->op, level))
      check_level (session, &s, level, &target, check->reason, result);
  d2v_subject_clear (&s);
}

/* A level that this processor lacks, or that D2V_CPU_LEVEL rules out, is
 * skipped, not passed. */
static void
tell_skipped (Session *session)
{
  for (D2vCpuLevel level = d2v_cpu_level () + 1; level < D2V_N_CPU_LEVELS;
       level++)
    if (d2v_cpu_kernel (session->op, level)
        != d2v_cpu_kernel (session->op, level - 1))
      printf ("ok %u - %s, %s # SKIP above the level of this run\n",
              ++*session->n_lines, op_names[session->op],
              d2v_cpu_level_name (level));
}

/* Seconds of the fastest of several runs that take a fifth of a second. */
static gdouble
time_run (D2vSubject *s, D2vPool *pool)
{
  gdouble best = INFINITY;
  gint64 until = g_get_monotonic_time () + G_USEC_PER_SEC / 5;

  do
    {
      d2v_subject_run (s, pool);
      best = MIN (best, s->seconds);
    }
  while (g_get_monotonic_time () < until);
  return best;
}

static void
time_case (Session *session, const D2vCheckCase *data, D2vPool *pool)
{
  D2vSubject s;

  d2v_subject_init (&s, session->op, session->check, data,
                    session->options->seed);
  for (D2vCpuLevel level = D2V_CPU_PLAIN; level <= d2v_cpu_level (); level++)
    {
      if (level != D2V_CPU_PLAIN && !is_own (session->op, level))
        continue;
      d2v_subject_load (&s, d2v_cpu_kernel (session->op, level));
      gdouble seconds = time_run (&s, pool);
      printf ("# %-16s %-7s %10.4f ms", op_names[session->op],
              d2v_cpu_level_name (level), seconds * 1e3);
      if (session->check->flop != NULL)
        printf (" %8.2f GFLOP/s",
                session->check->flop (&s.call) / seconds / 1e9);
      printf ("  %s\n", data->name);
    }
  d2v_subject_clear (&s);
}

guint
d2v_check_op (D2vOp op, const D2vCheck *check, const D2vCheckOptions *options,
              guint *n_lines)
{
  Session session
      = { .options = options, .op = op, .check = check, .n_lines = n_lines };
  D2vPool *timing_pool = d2v_pool_new (MAX (options->n_threads, 1));

  for (guint i = 0; i < MAX_THREADS; i++)
    session.pools[i] = d2v_pool_new (i + 1);
  for (guint i = 0; i < check->n_cases; i++)
    {
      if (options->timing)
        time_case (&session, &check->cases[i], timing_pool);
      else if (!check->cases[i].for_timing)
        check_case (&session, &check->cases[i]);
    }
  if (!options->timing)
    tell_skipped (&session);
  for (guint i = 0; i < MAX_THREADS; i++)
    d2v_pool_free (session.pools[i]);
  d2v_pool_free (timing_pool);
  return session.n_failed;
}
