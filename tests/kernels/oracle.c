/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* Fast forms by way of e^x are exact to about 1e-7 of 1, however small the
 * result is; nothing in a network notices less. */
#define ACTIVATION_FLOOR 0.1

/* No activation is steeper, but relu2. */
#define STEEPEST 1.5

static long double
tanh_gelu (long double x, long double inner)
{
  return 0.5L * x * (1 + tanhl (inner));
}

static long double
erf_gelu (long double x)
{
  return 0.5L * x * (1 + erfl (x / sqrtl (2)));
}

static long double
logistic (long double x)
{
  return 1 / (1 + expl (-x));
}

gdouble
d2v_oracle_activation (D2vActivation activation, gdouble value)
{
  long double x = value, pi = acosl (-1);

  switch (activation)
    {
    case D2V_ACTIVATION_GELU:
      return erf_gelu (x);
    case D2V_ACTIVATION_GELU_TANH:
      return tanh_gelu (x, sqrtl (2 / pi) * (x + 0.044715L * powl (x, 3)));
    case D2V_ACTIVATION_GELU_FAST:
      return tanh_gelu (x, 0.7978845608L * x * (1 + 0.044715L * x * x));
    case D2V_ACTIVATION_GELU_10:
      return fminl (fmaxl (erf_gelu (x), -10), 10);
    case D2V_ACTIVATION_QUICK_GELU:
      return x * logistic (1.702L * x);
    case D2V_ACTIVATION_RELU:
      return fmaxl (x, 0);
    case D2V_ACTIVATION_RELU2:
      return powl (fmaxl (x, 0), 2);
    case D2V_ACTIVATION_RELU6:
      return fminl (fmaxl (x, 0), 6);
    case D2V_ACTIVATION_LEAKY_RELU:
      return fmaxl (x, 0) + 0.01L * fminl (x, 0);
    case D2V_ACTIVATION_SILU:
      return x * logistic (x);
    case D2V_ACTIVATION_SIGMOID:
      return logistic (x);
    case D2V_ACTIVATION_TANH:
      return tanhl (x);
    case D2V_ACTIVATION_MISH:
      return x * tanhl (x > 100 ? x : log1pl (expl (x)));
    case D2V_ACTIVATION_LAPLACE:
      return 0.5L * (1 + erfl ((x - 0.707107L) / (0.282095L * sqrtl (2))));
    case D2V_ACTIVATION_HARDSWISH:
      return x * fminl (fmaxl (x + 3, 0), 6) / 6;
    case D2V_ACTIVATION_SQRTSOFTPLUS:
      return sqrtl (x > 100 ? x : log1pl (expl (x)));
    default:
      return value;
    }
}

void
d2v_oracle_activate (D2vActivation activation, gdouble *y, gdouble *size)
{
  gdouble slope
      = activation == D2V_ACTIVATION_RELU2 ? 2 * fabs (*y) + 1 : STEEPEST;

  if (activation == D2V_ACTIVATION_NONE)
    return;
  *y = d2v_oracle_activation (activation, *y);
  *size = slope * *size + fabs (*y) + ACTIVATION_FLOOR;
}

/* An error of any number moves the mean and the deviation of all. */
void
d2v_oracle_norm (gdouble *y, gdouble *size, gsize n, const gfloat *gain,
                 const gfloat *shift, gdouble eps)
{
  long double mean = 0, variance = 0, largest = 0;

  for (gsize i = 0; i < n; i++)
    {
      mean += y[i] / (long double) n;
      largest = fmaxl (largest, size[i]);
    }
  for (gsize i = 0; i < n; i++)
    variance += powl (y[i] - mean, 2) / (long double) n;
  for (gsize i = 0; i < n; i++)
    {
      long double spread = sqrtl (variance + eps);
      long double normal = (y[i] - mean) / spread;
      gdouble factor = gain != NULL ? gain[i] : 1;
      gdouble term = shift != NULL ? shift[i] : 0;

      y[i] = normal * factor + term;
      size[i] = fabs (factor) * largest / spread * (2 + fabsl (normal))
                + fabs (term);
    }
}

gfloat
d2v_at3 (const gfloat *x, const D2vShape *shape, gsize a, gsize b, gsize c)
{
  return x[(a * shape->dim[1] + b) * shape->dim[2] + c];
}

gfloat
d2v_at4 (const gfloat *x, const D2vShape *shape, gsize a, gsize b, gsize c,
         gsize d)
{
  return x[((a * shape->dim[1] + b) * shape->dim[2] + c) * shape->dim[3] + d];
}
