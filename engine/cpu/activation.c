/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/activation.h"

#include <math.h>

/* 1 / (1 + e^-x) */
static gdouble
sigmoid (gdouble x)
{
  return 1 / (1 + exp (-x));
}

/* ln (1 + e^x), written so that e^x cannot overflow. */
static gdouble
softplus (gdouble x)
{
  return fmax (x, 0) + log1p (exp (-fabs (x)));
}

/* Comparisons are false for NaN, which therefore passes. */
static gdouble
clamp (gdouble x, gdouble low, gdouble high)
{
  return x < low ? low : x > high ? high : x;
}

/* x (1 + erf (x / sqrt (2))) / 2; erfc keeps the digits that 1 + erf loses
 * where x is far below 0. */
static gdouble
gelu (gdouble x)
{
  return 0.5 * x * erfc (-x * M_SQRT1_2);
}

static gdouble
gelu_tanh (gdouble x)
{
  return 0.5 * x * (1 + tanh (sqrt (2 / M_PI) * (x + 0.044715 * x * x * x)));
}

/* The constants of `gelu_fast` and `laplace` are the original's, digit by
 * digit: they are part of the definition. */
static gdouble
gelu_fast (gdouble x)
{
  return 0.5 * x * (1 + tanh (0.7978845608 * x * (1 + 0.044715 * x * x)));
}

static gdouble
laplace (gdouble x)
{
  return 0.5 * (1 + erf ((x - 0.707107) / (0.282095 * M_SQRT2)));
}

gdouble
d2v_activation_value (D2vActivation activation, gdouble x)
{
  switch (activation)
    {
    case D2V_ACTIVATION_NONE:
      return x;
    case D2V_ACTIVATION_GELU:
      return gelu (x);
    case D2V_ACTIVATION_GELU_TANH:
      return gelu_tanh (x);
    case D2V_ACTIVATION_GELU_FAST:
      return gelu_fast (x);
    case D2V_ACTIVATION_GELU_10:
      return clamp (gelu (x), -10, 10);
    case D2V_ACTIVATION_QUICK_GELU:
      return x * sigmoid (1.702 * x);
    case D2V_ACTIVATION_RELU:
      return x < 0 ? 0 : x;
    case D2V_ACTIVATION_RELU2:
      return x < 0 ? 0 : x * x;
    case D2V_ACTIVATION_RELU6:
      return clamp (x, 0, 6);
    case D2V_ACTIVATION_LEAKY_RELU:
      return x < 0 ? 0.01 * x : x;
    case D2V_ACTIVATION_SILU:
      return x * sigmoid (x);
    case D2V_ACTIVATION_SIGMOID:
      return sigmoid (x);
    case D2V_ACTIVATION_TANH:
      return tanh (x);
    case D2V_ACTIVATION_MISH:
      return x * tanh (softplus (x));
    case D2V_ACTIVATION_LAPLACE:
      return laplace (x);
    case D2V_ACTIVATION_HARDSWISH:
      return x * clamp (x + 3, 0, 6) / 6;
    case D2V_ACTIVATION_SQRTSOFTPLUS:
      return sqrt (softplus (x));
    case D2V_N_ACTIVATIONS:
      break;
    }
  g_assert_not_reached ();
}
