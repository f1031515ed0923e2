/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/x86/rows.h"

#include "engine/cpu/x86/vecmath.h"

/* ---------------------------------------------------------- activation -- */

static inline __attribute__ ((always_inline)) void
activate (D2vActivation activation, const gfloat *x, gfloat *y, gsize n)
{
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    v_store (y + i, v_activate (activation, v_load (x + i)));
  if (i < n)
    v_store_some (y + i, v_activate (activation, v_load_some (x + i, n - i)),
                  n - i);
}

/* A loop for each activation, so that none has a switch inside. */
#define EACH_ACTIVATION(ONE)                                                   \
  ONE (NONE)                                                                   \
  ONE (GELU)                                                                   \
  ONE (GELU_TANH)                                                              \
  ONE (GELU_FAST)                                                              \
  ONE (GELU_10)                                                                \
  ONE (QUICK_GELU)                                                             \
  ONE (RELU)                                                                   \
  ONE (RELU2)                                                                  \
  ONE (RELU6)                                                                  \
  ONE (LEAKY_RELU)                                                             \
  ONE (SILU)                                                                   \
  ONE (SIGMOID)                                                                \
  ONE (TANH)                                                                   \
  ONE (MISH)                                                                   \
  ONE (LAPLACE)                                                                \
  ONE (HARDSWISH)                                                              \
  ONE (SQRTSOFTPLUS)

void
LEVEL (activate_row) (D2vActivation activation, const gfloat *x, gfloat *y,
                      gsize n)
{
  switch (activation)
    {
#define ONE(NAME)                                                              \
  case D2V_ACTIVATION_##NAME:                                                  \
    activate (D2V_ACTIVATION_##NAME, x, y, n);                                 \
    return;
      EACH_ACTIVATION (ONE)
#undef ONE
    case D2V_N_ACTIVATIONS:
      break;
    }
  g_assert_not_reached ();
}

/* ---------------------------------------------------------------- norm -- */

/* Several sums at a time hide the latency of an addition. */
#define N_SUMS 4

static gfloat
row_mean (const gfloat *x, gsize n)
{
  Vf sum[N_SUMS] = { { 0 } };
  gsize i = 0;

  for (; i + N_SUMS * LANES <= n; i += N_SUMS * LANES)
    for (gsize j = 0; j < N_SUMS; j++)
      sum[j] += v_load (x + i + j * LANES);
  for (; i + LANES <= n; i += LANES)
    sum[0] += v_load (x + i);
  if (i < n)
    sum[1] += v_load_some (x + i, n - i);
  return v_sum ((sum[0] + sum[1]) + (sum[2] + sum[3])) / n;
}

/* Sums of the distances from @mean and of their squares. */
typedef struct
{
  Vf first[2], second[2];
} Moments;

static inline void
add_distance (Moments *m, gsize j, Vf d)
{
  m->first[j] += d;
  m->second[j] += d * d;
}

/* The mean's own rounding error goes to @rest. */
static gfloat
row_variance (const gfloat *x, gfloat mean, gsize n, gfloat *rest)
{
  Moments m = { 0 };
  gsize i = 0;

  for (; i + 2 * LANES <= n; i += 2 * LANES)
    for (gsize j = 0; j < 2; j++)
      add_distance (&m, j, v_load (x + i + j * LANES) - mean);
  for (; i + LANES <= n; i += LANES)
    add_distance (&m, 0, v_load (x + i) - mean);
  if (i < n)
    {
      gfloat lane[LANES] = { 0 };

      for (gsize j = 0; j < n - i; j++)
        lane[j] = x[i + j] - mean;
      add_distance (&m, 1, v_load (lane));
    }
  *rest = v_sum (m.first[0] + m.first[1]) / n;
  return v_sum (m.second[0] + m.second[1]) / n - *rest * *rest;
}

/* Two passes on purpose: E[x^2] - mean^2 loses every digit when the mean is
 * large beside the spread. The second pass also finds how far the mean was
 * rounded, which matters in the same case. */
void
LEVEL (norm_row) (const gfloat *x, const gfloat *gain, const gfloat *shift,
                  gfloat *y, gsize n, gfloat eps)
{
  gfloat rest, mean = row_mean (x, n);
  gfloat factor = 1.0f / sqrtf (row_variance (x, mean, n, &rest) + eps);

  if (gain == NULL && shift == NULL)
    for (gsize i = 0; i < n; i++)
      y[i] = (x[i] - mean - rest) * factor;
  else if (shift == NULL)
    for (gsize i = 0; i < n; i++)
      y[i] = (x[i] - mean - rest) * factor * gain[i];
  else if (gain == NULL)
    for (gsize i = 0; i < n; i++)
      y[i] = (x[i] - mean - rest) * factor + shift[i];
  else
    for (gsize i = 0; i < n; i++)
      y[i] = (x[i] - mean - rest) * factor * gain[i] + shift[i];
}
