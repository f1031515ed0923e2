/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* One number of y before the epilogue: column @column of the stacked weights.
 */
static gdouble
product (const D2vCall *call, gsize row, gsize column, gdouble *size)
{
  gsize n_in = d2v_shape_last (call->in_shape[0]);
  const gfloat *x = call->in[0];
  guint slot = 1;

  while (column >= call->in_shape[slot]->dim[0])
    {
      column -= call->in_shape[slot]->dim[0];
      slot += 2;
    }
  const gfloat *w = call->in[slot], *b = call->in[slot + 1];
  gdouble sum = b != NULL ? b[column] : 0;

  *size = fabs (sum);
  for (gsize k = 0; k < n_in; k++)
    {
      gdouble term = (gdouble) x[row * n_in + k] * w[column * n_in + k];
      sum += term;
      *size += fabs (term);
    }
  return sum;
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  gsize n = d2v_shape_last (&call->node->shape);
  const gfloat *residual = call->in[D2V_LINEAR_RESIDUAL];
  const gfloat *scale = call->in[D2V_LINEAR_SCALE];

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    {
      y[i] = product (call, i / n, i % n, &size[i]);
      d2v_oracle_activate (call->node->attributes.activation, &y[i], &size[i]);
      if (scale != NULL)
        {
          y[i] *= scale[i % n];
          size[i] *= fabs (scale[i % n]);
        }
      if (residual != NULL)
        {
          y[i] += residual[i];
          size[i] += fabs (residual[i]);
        }
    }
}

static gdouble
flop (const D2vCall *call)
{
  return 2.0 * d2v_shape_size (&call->node->shape)
         * d2v_shape_last (call->in_shape[0]);
}

/* clang-format off */

/* x (M, K), one weight (N, K), one bias (N). */
#define X(m, k) { { m, k } }
#define W(n, k) { { n, k }, D2V_FILL_WEIGHT }
#define B(n) { { n } }
#define NO { { 0 } }
#define ACTIVATED(NAME)                                               \
  { #NAME, .in = { X (3, 20), W (33, 20), B (33) }, .out = { 3, 33 }, \
    .a = { .activation = D2V_ACTIVATION_##NAME } }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "one product", .in = { X (1, 1), W (1, 1) }, .out = { 1, 1 } },
  { "one row", .in = { X (1, 64), W (48, 64), B (48) }, .out = { 1, 48 } },
  { "no bias", .in = { X (5, 37), W (11, 37) }, .out = { 5, 11 } },
  { "odd everywhere", .in = { X (13, 37), W (67, 37), B (67) },
    .out = { 13, 67 } },
  { "one column", .in = { X (29, 63), W (1, 63), B (1) }, .out = { 29, 1 } },
  { "one channel in", .in = { X (29, 1), W (31, 1), B (31) },
    .out = { 29, 31 } },
  { "two rows", .in = { X (2, 96), W (17, 96), B (17) }, .out = { 2, 17 } },
  { "three rows", .in = { X (3, 96), W (65, 96), B (65) }, .out = { 3, 65 } },
  { "seven rows", .in = { X (7, 96), W (97, 96), B (97) }, .out = { 7, 97 } },
  { "15 rows", .in = { X (15, 33), W (63, 33), B (63) }, .out = { 15, 63 } },
  { "16 rows", .in = { X (16, 32), W (64, 32), B (64) }, .out = { 16, 64 } },
  { "17 rows", .in = { X (17, 31), W (129, 31), B (129) }, .out = { 17, 129 } },
  { "200 rows", .in = { X (200, 50), W (70, 50), B (70) }, .out = { 200, 70 } },
  { "rank 3", .in = { { { 2, 5, 24 } }, W (18, 24), B (18) },
    .out = { 2, 5, 18 } },
  { "rank 1", .in = { { { 24 } }, W (18, 24), B (18) }, .out = { 18 } },
  { "long sums", .in = { X (9, 3072), W (50, 3072), B (50) },
    .out = { 9, 50 } },
  { "long odd sums", .in = { X (5, 3071), W (19, 3071), B (19) },
    .out = { 5, 19 } },
  /* As a segmentation head of large size has in its 3 x 3 convolutions. */
  { "sums of 46080", .in = { X (3, 46080), W (5, 46080), B (5) },
    .out = { 3, 5 } },
  { "long, one row", .in = { X (1, 3072), W (768, 3072), B (768) },
    .out = { 1, 768 } },
  { "sums that only grow",
    .in = { { { 5, 3072 }, D2V_FILL_POSITIVE },
            { { 19, 3072 }, D2V_FILL_POSITIVE, .by = 1e-3 },
            B (19) },
    .out = { 5, 19 } },
  { "base", .in = { X (33, 768), W (257, 768), B (257) }, .out = { 33, 257 } },
  { "outlier channels",
    .in = { { { 21, 200 }, D2V_FILL_OUTLIERS }, W (45, 200), B (45) },
    .out = { 21, 45 } },
  { "huge",
    .in = { { { 6, 80 }, .by = 1e15 }, { { 45, 80 }, .by = 1e15 }, B (45) },
    .out = { 6, 45 } },
  { "tiny", .in = { { { 6, 80 }, .by = 1e-15 }, { { 45, 80 }, .by = 1e-15 } },
    .out = { 6, 45 } },
  { "denormal", .in = { { { 6, 80 }, D2V_FILL_DENORMAL }, W (45, 80) },
    .out = { 6, 45 } },
  { "far offset", .in = { { { 6, 80 }, .offset = 1000 }, W (45, 80), B (45) },
    .out = { 6, 45 } },
  { "hostile rows",
    .in = { { { 6, 80 }, D2V_FILL_HOSTILE }, W (45, 80), B (45) },
    .out = { 6, 45 } },
  { "large bias", .in = { X (6, 80), W (45, 80), { { 45 }, .by = 1e4 } },
    .out = { 6, 45 } },
  { "q, k, v",
    .in = { X (11, 48), W (48, 48), B (48), W (48, 48), B (48), W (48, 48),
            B (48) },
    .out = { 11, 144 } },
  { "q, k without bias, v",
    .in
    = { X (11, 48), W (48, 48), B (48), W (48, 48), NO, W (48, 48), B (48) },
    .out = { 11, 144 } },
  { "q, k, v of odd width",
    .in
    = { X (11, 36), W (36, 36), B (36), W (36, 36), NO, W (36, 36), B (36) },
    .out = { 11, 108 } },
  { "stacked, unequal",
    .in = { X (4, 25), W (7, 25), NO, W (33, 25), B (33), W (1, 25), B (1) },
    .out = { 4, 41 } },
  { "two stacked", .in = { X (4, 25), W (7, 25), B (7), W (33, 25), B (33) },
    .out = { 4, 40 } },
  { "stacked, with everything",
    .in = { X (9, 25),
            W (7, 25),
            B (7),
            W (33, 25),
            NO,
            W (9, 25),
            B (9),
            { { 9, 49 } },
            B (49) },
    .out = { 9, 49 }, .a = { .activation = D2V_ACTIVATION_GELU } },
  { "residual",
    .in = { X (9, 40), W (35, 40), B (35), NO, NO, NO, NO, { { 9, 35 } } },
    .out = { 9, 35 } },
  { "residual, no bias",
    .in = { X (9, 40), W (35, 40), NO, NO, NO, NO, NO, { { 9, 35 } } },
    .out = { 9, 35 } },
  { "residual of rank 3",
    .in = { { { 3, 3, 40 } },
            W (35, 40),
            B (35),
            NO,
            NO,
            NO,
            NO,
            { { 3, 3, 35 } } },
    .out = { 3, 3, 35 } },
  { "scale",
    .in = { X (9, 40), W (35, 40), B (35), NO, NO, NO, NO, NO, B (35) },
    .out = { 9, 35 } },
  { "scale and residual",
    .in = { X (9, 40),
            W (35, 40),
            B (35),
            NO,
            NO,
            NO,
            NO,
            { { 9, 35 } },
            { { 35 }, .by = 0.1 } },
    .out = { 9, 35 } },
  { "activation, scale, residual",
    .in
    = { X (9, 40), W (35, 40), B (35), NO, NO, NO, NO, { { 9, 35 } }, B (35) },
    .out = { 9, 35 }, .a = { .activation = D2V_ACTIVATION_GELU } },
  { "large residual",
    .in = { X (9, 40),
            W (35, 40),
            B (35),
            NO,
            NO,
            NO,
            NO,
            { { 9, 35 }, .by = 1e4 } },
    .out = { 9, 35 } },
  ACTIVATED (NONE),
  ACTIVATED (GELU),
  ACTIVATED (GELU_TANH),
  ACTIVATED (GELU_FAST),
  ACTIVATED (GELU_10),
  ACTIVATED (QUICK_GELU),
  ACTIVATED (RELU),
  ACTIVATED (RELU2),
  ACTIVATED (RELU6),
  ACTIVATED (LEAKY_RELU),
  ACTIVATED (SILU),
  ACTIVATED (SIGMOID),
  ACTIVATED (TANH),
  ACTIVATED (MISH),
  ACTIVATED (LAPLACE),
  ACTIVATED (HARDSWISH),
  ACTIVATED (SQRTSOFTPLUS),
  { "gelu of long sums", .in = { X (7, 3072), W (50, 3072), B (50) },
    .out = { 7, 50 }, .a = { .activation = D2V_ACTIVATION_GELU } },
  { "gelu, 200 rows", .in = { X (200, 30), W (40, 30), B (40) },
    .out = { 200, 40 }, .a = { .activation = D2V_ACTIVATION_GELU } },
  { "text 32: qkv",
    .in = { X (32, 768), W (768, 768), B (768), W (768, 768), B (768),
            W (768, 768), B (768) },
    .out = { 32, 2304 }, .for_timing = TRUE },
  { "audio 10 s: qkv",
    .in = { X (499, 768), W (768, 768), B (768), W (768, 768), B (768),
            W (768, 768), B (768) },
    .out = { 499, 2304 }, .for_timing = TRUE },
  { "audio 10 s: expand", .in = { X (499, 768), W (3072, 768), B (3072) },
    .out = { 499, 3072 }, .a = { .activation = D2V_ACTIVATION_GELU },
    .for_timing = TRUE },
  { "audio 10 s: contract",
    .in = { X (499, 3072),
            W (768, 3072),
            B (768),
            NO,
            NO,
            NO,
            NO,
            { { 499, 768 } } },
    .out = { 499, 768 }, .for_timing = TRUE },
  { "one token: expand", .in = { X (1, 768), W (3072, 768), B (3072) },
    .out = { 1, 3072 }, .a = { .activation = D2V_ACTIVATION_GELU },
    .for_timing = TRUE },
};

const D2vCheck d2v_check_linear = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 4e-6,
  .reason = "float sums of up to 3072 terms: 2^-24 times the square root of "
            "their number, beside the sum of their magnitudes; for normal "
            "numbers that is 2e-4 at most, the wrong gelu is off by 4.7e-4",
  .flop = flop,
};
