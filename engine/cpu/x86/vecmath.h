/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vecmath.h: the functions behind activations and softmax, a vector at a
 * time. Coefficients are weighted minimax fits; the bounds given were measured
 * over every range of the argument against double precision. */
#pragma once

#include "engine/base/activation.h"
#include "engine/cpu/x86/level.h"

#include <math.h>

/* 2^x for |x| <= 126, relative error 1e-7; below -126 it is 0, above 127 it
 * stays at 2^127. */
static inline Vf
v_exp2 (Vf x)
{
  /* Adding 1.5 * 2^23 leaves the nearest integer in the low bits. */
  const gfloat magic = 12582912.0f;
  Vf limited = v_min (v_max (x, v_set (-127.0f)), v_set (127.0f));
  Vf shifted = limited + magic;
  Vf r = limited - (shifted - magic); /* -0.5..0.5 */
  Vf y = v_set (1.5403530e-4f);

  y = y * r + 1.3333558e-3f;
  y = y * r + 9.6181291e-3f;
  y = y * r + 5.5504109e-2f;
  y = y * r + 2.4022651e-1f;
  y = y * r + 6.9314718e-1f;
  y = y * r + 1.0f;
  Vi exponent = (Vi) shifted << 23; /* the magic's own bits fall off */
  y = (Vf) ((Vi) y + exponent);
  return v_if_less (x, v_set (-126.0f), (Vf){ 0 }, y);
}

/* e^x, relative error 2e-7; 0 below -87.3, at most 1.7e38. */
static inline Vf
v_exp (Vf x)
{
  /* In two pieces, so that a large x does not lose digits to rounding. */
  const gfloat magic = 12582912.0f;
  Vf limited = v_min (v_max (x, v_set (-88.0f)), v_set (88.0f));
  Vf shifted = limited * 1.44269504f + magic;
  Vf n = shifted - magic;
  Vf r = limited - n * 0.693145752f;
  r = r - n * 1.42860677e-6f; /* -0.35..0.35 */
  Vf y = v_set (1.3888889e-3f);

  y = y * r + 8.3333333e-3f;
  y = y * r + 4.1666667e-2f;
  y = y * r + 1.6666667e-1f;
  y = y * r + 0.5f;
  y = y * r + 1.0f;
  y = y * r + 1.0f;
  Vi exponent = (Vi) shifted << 23;
  y = (Vf) ((Vi) y + exponent);
  return v_if_less (x, v_set (-87.3f), (Vf){ 0 }, y);
}

/* The normal distribution below -|x|: 2^L (|x|), with L a polynomial. The
 * absolute error is 6e-8 even after multiplying by x. */
static inline Vf
v_normal_tail (Vf x)
{
  Vf a = v_abs (x);
  Vf a7 = v_min (a, v_set (7.0f)); /* beyond, it is below 2e-12 */
  Vf y = v_set (3.703153038e-7f);

  y = y * a7 - 7.426541196e-6f;
  y = y * a7 + 6.181638914e-5f;
  y = y * a7 - 2.409207061e-4f;
  y = y * a7 - 6.845632065e-5f;
  y = y * a7 + 7.026260247e-3f;
  y = y * a7 - 5.249758795e-2f;
  y = y * a7 - 4.591990973e-1f;
  y = y * a7 - 1.151107937f;
  y = y * a7 - 1.0f;
  return v_if_less (v_set (7.0f), a, (Vf){ 0 }, v_exp2 (y));
}

/* x * normal (x), which is 0.5 x (1 + erf (x / sqrt (2))). Written with the
 * tail, both sides keep their digits; the absolute error is 1e-7, or one
 * unit in the last place where that is more. */
static inline Vf
v_gelu (Vf x)
{
  Vf a = v_abs (x);

  return v_max (x, (Vf){ 0 }) - a * v_normal_tail (x);
}

/* Relative error 4e-7. */
static inline Vf
v_tanh (Vf x)
{
  Vf a = v_min (v_max (x, v_set (-9.0f)), v_set (9.0f));
  Vf z = a * a;
  Vf p = v_set (1.335469246e-8f);
  Vf q = v_set (7.776571956e-7f);

  p = p * z + 2.060910803e-5f;
  p = p * z + 3.495589845e-3f;
  p = p * z + 1.338102714e-1f;
  p = p * z + 9.999999795e-1f;
  q = q * z + 3.285637516e-4f;
  q = q * z + 2.587698891e-2f;
  q = q * z + 4.671434274e-1f;
  q = q * z + 1.0f;
  return v_min (v_max (a * p / q, v_set (-1.0f)), v_set (1.0f));
}

static inline Vf
v_sigmoid (Vf x)
{
  return 1.0f / (1.0f + v_exp (-x));
}

/* x * tanh (ln (1 + e^x)), with the tanh written in e^x. */
static inline Vf
v_mish (Vf x)
{
  Vf e = v_exp (v_min (x, v_set (20.0f)));
  Vf n = e * e + 2.0f * e;

  return v_if_less (v_set (20.0f), x, x, x * n / (n + 2.0f));
}

/* Rare, and it needs a logarithm: lane by lane. */
static inline Vf
v_sqrtsoftplus (Vf x)
{
  gfloat lane[LANES];
  Vf y;

  memcpy (lane, &x, sizeof lane);
  for (gsize i = 0; i < LANES; i++)
    lane[i] = sqrtf (fmaxf (lane[i], 0.0f) + log1pf (expf (-fabsf (lane[i]))));
  memcpy (&y, lane, sizeof y);
  return y;
}

static inline Vf
v_gelu_tanh (Vf x)
{
  Vf inner = 0.79788456f * (x + 0.044715f * x * x * x);

  return 0.5f * x * (1.0f + v_tanh (inner));
}

static inline Vf
v_gelu_fast (Vf x)
{
  Vf inner = x * 0.7978845608f * (1.0f + 0.044715f * x * x);

  return 0.5f * x * (1.0f + v_tanh (inner));
}

/* @activation is meant to be a constant after inlining. */
static inline __attribute__ ((always_inline)) Vf
v_activate (D2vActivation activation, Vf x)
{
  const Vf zero = { 0 };

  switch (activation)
    {
    case D2V_ACTIVATION_GELU:
      return v_gelu (x);
    case D2V_ACTIVATION_GELU_TANH:
      return v_gelu_tanh (x);
    case D2V_ACTIVATION_GELU_FAST:
      return v_gelu_fast (x);
    case D2V_ACTIVATION_GELU_10:
      return v_min (v_max (v_gelu (x), v_set (-10.0f)), v_set (10.0f));
    case D2V_ACTIVATION_QUICK_GELU:
      return x * v_sigmoid (1.702f * x);
    case D2V_ACTIVATION_RELU:
      return v_max (x, zero);
    case D2V_ACTIVATION_RELU2:
      x = v_max (x, zero);
      return x * x;
    case D2V_ACTIVATION_RELU6:
      return v_min (v_max (x, zero), v_set (6.0f));
    case D2V_ACTIVATION_LEAKY_RELU:
      return v_if_less (x, zero, 0.01f * x, x);
    case D2V_ACTIVATION_SILU:
      return x * v_sigmoid (x);
    case D2V_ACTIVATION_SIGMOID:
      return v_sigmoid (x);
    case D2V_ACTIVATION_TANH:
      return v_tanh (x);
    case D2V_ACTIVATION_MISH:
      return v_mish (x);
    case D2V_ACTIVATION_LAPLACE:
      {
        /* 0.5 (1 + erf (u)) is the normal distribution of u sqrt (2). */
        Vf u = (x - 0.707107f) * (1.0f / 0.282095f);
        Vf tail = v_normal_tail (u);
        return v_if_less (zero, u, 1.0f - tail, tail);
      }
    case D2V_ACTIVATION_HARDSWISH:
      return x * v_min (v_max (x + 3.0f, zero), v_set (6.0f)) * (1.0f / 6.0f);
    case D2V_ACTIVATION_SQRTSOFTPLUS:
      return v_sqrtsoftplus (x);
    case D2V_ACTIVATION_NONE:
    case D2V_N_ACTIVATIONS:
      break;
    }
  return x;
}
