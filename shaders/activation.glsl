/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* activation.glsl: the activations, numbered as D2vActivation is.
 *
 * e^x is our own: what the language promises (3 + 2 |x| units in the last
 * place) is too little far from 0. Coefficients are those of the vector code
 * of the CPU. NaN passes through all of them. */

/* e^x, relative error 2e-7; 0 below -87, at most 1.6e38. */
float
exp_exact (float x)
{
  float limited = clamp (x, -88.0, 88.0);
  float n = roundEven (limited * 1.44269504);
  /* ln (2) in two pieces, the first short enough for an exact product. */
  float r = limited - n * 0.693145752;
  r = r - n * 1.42860677e-6; /* -0.35..0.35 */
  float y = 8.312524992e-3;

  y = y * r + 4.189011370e-2;
  y = y * r + 1.666711447e-1;
  y = y * r + 4.999923179e-1;
  y = y * r + 1.0;
  y = y * r + 1.0;
  y = y * uintBitsToFloat (uint (int (n) + 127) << 23);
  return isnan (x) ? x : x < -87.0 ? 0.0 : y;
}

float
sigmoid (float x)
{
  return 1.0 / (1.0 + exp_exact (-x));
}

/* ln (1 + e^x), written so that e^x cannot overflow: with e = e^-|x| in 0..1,
 * ln (1 + e) = 2 artanh (s), s = e / (2 + e) <= 1 / 3. */
float
softplus (float x)
{
  float e = exp_exact (-abs (x));
  float s = e / (2.0 + e), z = s * s;
  float y = 1.0 / 15.0;

  y = y * z + 1.0 / 13.0;
  y = y * z + 1.0 / 11.0;
  y = y * z + 1.0 / 9.0;
  y = y * z + 1.0 / 7.0;
  y = y * z + 1.0 / 5.0;
  y = y * z + 1.0 / 3.0;
  y = y * z + 1.0;
  return max (x, 0.0) + 2.0 * s * y;
}

/* 2^x for -125 < x < 127 and no other. */
float
exp2_exact (float x)
{
  float n = roundEven (x);
  float r = x - n;
  float y = 1.326472728e-3;

  y = y * r + 9.671512762e-3;
  y = y * r + 5.550733744e-2;
  y = y * r + 2.402224208e-1;
  y = y * r + 6.931469776e-1;
  y = y * r + 1.0;
  return y * uintBitsToFloat (uint (int (n) + 127) << 23);
}

/* The normal distribution below -|x|. From 7 on it stays at 1.3e-12. */
float
normal_tail (float x)
{
  float a = min (abs (x), 7.0);
  float y = -1.902066262e-6;

  y = y * a + 2.805694928e-5;
  y = y * a - 1.314732703e-4;
  y = y * a - 2.720756027e-4;
  y = y * a + 7.245421031e-3;
  y = y * a - 5.262761066e-2;
  y = y * a - 4.591621432e-1;
  y = y * a - 1.151111046;
  y = y * a - 1.0;
  return exp2_exact (y);
}

/* x * normal (x) = x (1 + erf (x / sqrt (2))) / 2. Written with the tail, both
 * sides keep their digits. */
float
gelu (float x)
{
  return max (x, 0.0) - min (abs (x), 7.0) * normal_tail (x);
}

/* (1 - e) / (1 + e) with e = e^-2|x|; near 0 a series, where 1 - e loses its
 * digits. */
float
tanh_exact (float x)
{
  float a = abs (x), z = x * x;
  float e = exp_exact (-2.0 * a);
  float far = (1.0 - e) / (1.0 + e);
  float near
      = a * (1.0
             + z * (-0.333333333 + z * (0.133333333 + z * (-0.0539682540
                 + z * (0.0218694885 + z * -0.0088632355)))));

  return sign (x) * (a < 0.3 ? near : far);
}

/* x tanh (ln (1 + e^x)), with the tanh written in e^x. */
float
mish (float x)
{
  float e = exp_exact (min (x, 20.0));
  float n = e * e + 2.0 * e;

  return x > 20.0 ? x : x * n / (n + 2.0);
}

/* 0.5 (1 + erf (u)) is the normal distribution of u sqrt (2). */
float
laplace (float x)
{
  float u = (x - 0.707107) / 0.282095;
  float tail = normal_tail (u);

  return u > 0.0 ? 1.0 - tail : tail;
}

float
activation_of (uint kind, float x)
{
  switch (kind)
    {
    case 1:
      return gelu (x);
    case 2: /* 0.5 (1 + tanh (u)) is sigmoid (2 u) */
      return x * sigmoid (2.0 * (0.79788456 * (x + 0.044715 * x * x * x)));
    case 3:
      return x * sigmoid (2.0 * (x * 0.7978845608 * (1.0 + 0.044715 * x * x)));
    case 4:
      return clamp (gelu (x), -10.0, 10.0);
    case 5:
      return x * sigmoid (1.702 * x);
    case 6:
      return max (x, 0.0);
    case 7:
      return max (x, 0.0) * max (x, 0.0);
    case 8:
      return clamp (x, 0.0, 6.0);
    case 9:
      return x < 0.0 ? 0.01 * x : x;
    case 10:
      return x * sigmoid (x);
    case 11:
      return sigmoid (x);
    case 12:
      return tanh_exact (x);
    case 13:
      return mish (x);
    case 14:
      return laplace (x);
    case 15:
      return x * (clamp (x + 3.0, 0.0, 6.0) / 6.0);
    case 16:
      return sqrt (softplus (x));
    default:
      return x;
    }
}

/* max, min and clamp may drop NaN; the originals do not. */
float
activate (uint kind, float x)
{
  return isnan (x) ? x : activation_of (kind, x);
}
