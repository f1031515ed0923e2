/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vecmath.h: the functions behind activations and softmax, a vector at a
 * time. Coefficients are weighted minimax fits; the bounds given were measured
 * over every range of the argument against double precision. */
#pragma once

#include "engine/base/activation.h"
#include "engine/cpu/x86/level.h"

#include <math.h>

/* Adding it leaves the nearest integer in the low bits: 1.5 * 2^23. */
#define ROUNDER 12582912.0f

/* y * 2^n, n as left by ROUNDER, whose own bits fall off. */
static inline Vf
v_scale (Vf y, Vf rounded)
{
  return (Vf) ((Vi) y + ((Vi) rounded << 23));
}

/* 2^x for -125 < x < 127 and no other; relative error 1.5e-7. */
static inline Vf
v_exp2 (Vf x)
{
  Vf rounded = x + ROUNDER;
  Vf r = x - (rounded - ROUNDER); /* -0.5..0.5 */
  Vf y = v_set (1.326472728e-3f);

  y = y * r + 9.671512762e-3f;
  y = y * r + 5.550733744e-2f;
  y = y * r + 2.402224208e-1f;
  y = y * r + 6.931469776e-1f;
  y = y * r + 1.0f;
  return v_scale (y, rounded);
}

/* 2^x for x <= 127, relative error 1.5e-7; 0 below -125. */
static inline Vf
v_power (Vf x)
{
  Vf y = v_exp2 (v_max (x, v_set (-126.0f)));

  return v_if_less (x, v_set (-125.0f), (Vf){ 0 }, y);
}

/* e^x, relative error 2e-7; 0 below -87, at most 1.6e38. */
static inline Vf
v_exp (Vf x)
{
  Vf limited = v_min (v_max (x, v_set (-88.0f)), v_set (88.0f));
  Vf rounded = limited * 1.44269504f + ROUNDER;
  Vf n = rounded - ROUNDER;
  /* ln (2) in two pieces, the first short enough for an exact product. */
  Vf r = limited - n * 0.693145752f;
  r = r - n * 1.42860677e-6f; /* -0.35..0.35 */
  Vf y = v_set (8.312524992e-3f);

  y = y * r + 4.189011370e-2f;
  y = y * r + 1.666711447e-1f;
  y = y * r + 4.999923179e-1f;
  y = y * r + 1.0f;
  y = y * r + 1.0f;
  return v_if_less (x, v_set (-87.0f), (Vf){ 0 }, v_scale (y, rounded));
}

/* The normal distribution below -|x|: 2^L (|x|), with L a polynomial. The
 * absolute error is 1e-7 even after multiplying by x. From 7 on it stays at
 * 1.3e-12. */
static inline Vf
v_normal_tail (Vf x)
{
  Vf a = v_min (v_abs (x), v_set (7.0f));
  Vf y = v_set (-1.902066262e-6f);

  y = y * a + 2.805694928e-5f;
  y = y * a - 1.314732703e-4f;
  y = y * a - 2.720756027e-4f;
  y = y * a + 7.245421031e-3f;
  y = y * a - 5.262761066e-2f;
  y = y * a - 4.591621432e-1f;
  y = y * a - 1.151111046f;
  y = y * a - 1.0f;
  return v_exp2 (y);
}

/* x * normal (x), which is 0.5 x (1 + erf (x / sqrt (2))). Written with the
 * tail, both sides keep their digits: the error is 1.5e-7, absolute below 1
 * and relative above. Far below 0 it ends at -9e-12. */
static inline Vf
v_gelu (Vf x)
{
  Vf a = v_min (v_abs (x), v_set (7.0f));

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

/* 0.5 (1 + tanh (u)) is sigmoid (2 u), which keeps its digits where u is far
 * below 0. */
static inline Vf
v_gelu_tanh (Vf x)
{
  Vf inner = 0.79788456f * (x + 0.044715f * x * x * x);

  return x * v_sigmoid (2.0f * inner);
}

static inline Vf
v_gelu_fast (Vf x)
{
  Vf inner = x * 0.7978845608f * (1.0f + 0.044715f * x * x);

  return x * v_sigmoid (2.0f * inner);
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
