/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include <math.h>

/* Slots of CONV1D. */
enum
{
  X,
  W,
  BIAS,
  GAIN,
  SHIFT
};

/* Weight of output channel @o, channel @c of its group, tap @k. */
static gdouble
weight (const D2vCall *call, gsize o, gsize c, gsize k)
{
  const D2vShape *shape = call->in_shape[W];

  if (call->node->attributes.tap_major)
    return ((const gfloat *) call
                ->in[W])[o * shape->dim[1] + k * call->in_shape[X]->dim[2] + c];
  return d2v_at3 (call->in[W], shape, o, c, k);
}

static gdouble
one_sum (const D2vCall *call, gsize b, gsize t, gsize o, gdouble *size)
{
  const D2vAttributes *a = &call->node->attributes;
  const D2vShape *x = call->in_shape[X], *w = call->in_shape[W];
  gsize n_kernel = a->tap_major ? w->dim[1] / x->dim[2] : w->dim[2];
  gsize group_c = x->dim[2] / a->groups, group_o = w->dim[0] / a->groups;
  gdouble sum
      = call->in[BIAS] != NULL ? ((const gfloat *) call->in[BIAS])[o] : 0;

  *size = fabs (sum);
  for (gsize k = 0; k < n_kernel; k++)
    {
      gssize from
          = (gssize) (t * a->stride + k * a->dilation) - (gssize) a->padding;
      for (gsize c = 0; c < group_c; c++)
        {
          gdouble number = 0;
          if (from >= 0 && from < (gssize) x->dim[1])
            number = d2v_at3 (call->in[X], x, b, (gsize) from,
                              o / group_o * group_c + c);
          sum += number * weight (call, o, c, k);
          *size += fabs (number * weight (call, o, c, k));
        }
    }
  return sum;
}

static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const D2vAttributes *a = &call->node->attributes;
  const D2vShape *out = &call->node->shape;
  gsize n = out->dim[2];

  for (gsize row = 0; row < d2v_shape_rows (out); row++)
    {
      for (gsize o = 0; o < n; o++)
        y[row * n + o] = one_sum (call, row / out->dim[1], row % out->dim[1], o,
                                  &size[row * n + o]);
      if (a->norm)
        d2v_oracle_norm (y + row * n, size + row * n, n, call->in[GAIN],
                         call->in[SHIFT], a->eps);
      for (gsize o = 0; o < n; o++)
        d2v_oracle_activate (a->activation, &y[row * n + o],
                             &size[row * n + o]);
    }
}

static gdouble
flop (const D2vCall *call)
{
  const D2vShape *w = call->in_shape[W];

  return 2.0 * d2v_shape_size (&call->node->shape) * d2v_shape_size (w)
         / w->dim[0];
}

/* clang-format off */

/* w (O, C / groups, kernel), one number per output channel. */
#define WEIGHT(o, c, k) { { o, c, k }, D2V_FILL_WEIGHT }
#define B(n) { { n } }
#define NO { { 0 } }
#define PLAIN .stride = 1, .dilation = 1, .groups = 1
#define NORM .norm = TRUE, .eps = 1e-5
#define ACTIVATED(NAME)                                          \
  { #NAME, .in = { { { 1, 9, 5 } }, WEIGHT (33, 5, 3), B (33) }, \
    .out = { 1, 7, 33 },                                         \
    .a = { PLAIN, .activation = D2V_ACTIVATION_##NAME } }
/* clang-format on */

static const D2vCheckCase cases[] = {
  { "one of everything", .in = { { { 1, 1, 1 } }, WEIGHT (1, 1, 1) },
    .out = { 1, 1, 1 }, .a = { PLAIN } },
  { "kernel 3", .in = { { { 2, 19, 7 } }, WEIGHT (11, 7, 3), B (11) },
    .out = { 2, 17, 11 }, .a = { PLAIN } },
  { "raw audio", .in = { { { 2, 203, 1 } }, WEIGHT (32, 1, 10) },
    .out = { 2, 39, 32 }, .a = { .stride = 5, .dilation = 1, .groups = 1 } },
  { "raw audio, far offset",
    .in = { { { 1, 203, 1 }, .offset = 100 },
            WEIGHT (32, 1, 10),
            NO,
            B (32),
            B (32) },
    .out = { 1, 39, 32 },
    .a = { .stride = 5,
           .dilation = 1,
           .groups = 1,
           NORM,
           .activation = D2V_ACTIVATION_GELU } },
  { "stride 2", .in = { { { 2, 21, 16 } }, WEIGHT (24, 16, 3) },
    .out = { 2, 10, 24 }, .a = { .stride = 2, .dilation = 1, .groups = 1 } },
  { "kernel 2, stride 2",
    .in = { { { 2, 21, 16 } }, WEIGHT (24, 16, 2), B (24) },
    .out = { 2, 10, 24 }, .a = { .stride = 2, .dilation = 1, .groups = 1 } },
  { "kernel smaller than stride",
    .in = { { { 2, 29, 5 } }, WEIGHT (9, 5, 2), B (9) }, .out = { 2, 7, 9 },
    .a = { .stride = 4, .dilation = 1, .groups = 1 } },
  { "kernel 1, stride 3", .in = { { { 1, 29, 5 } }, WEIGHT (9, 5, 1), B (9) },
    .out = { 1, 10, 9 }, .a = { .stride = 3, .dilation = 1, .groups = 1 } },
  { "padding", .in = { { { 2, 13, 6 } }, WEIGHT (10, 6, 5), B (10) },
    .out = { 2, 13, 10 }, .a = { PLAIN, .padding = 2 } },
  { "padding wider than x",
    .in = { { { 1, 2, 6 } }, WEIGHT (10, 6, 9), B (10) }, .out = { 1, 2, 10 },
    .a = { PLAIN, .padding = 4 } },
  { "even kernel, cut", .in = { { { 2, 13, 6 } }, WEIGHT (10, 6, 4), B (10) },
    .out = { 2, 13, 10 }, .a = { PLAIN, .padding = 2, .n_out = 13 } },
  { "cut to one step", .in = { { { 2, 13, 6 } }, WEIGHT (10, 6, 3), B (10) },
    .out = { 2, 1, 10 }, .a = { PLAIN, .n_out = 1 } },
  { "padding and stride", .in = { { { 2, 14, 6 } }, WEIGHT (10, 6, 3), B (10) },
    .out = { 2, 7, 10 },
    .a = { .stride = 2, .dilation = 1, .groups = 1, .padding = 1 } },
  { "two groups", .in = { { { 2, 15, 6 } }, WEIGHT (10, 3, 3), B (10) },
    .out = { 2, 13, 10 }, .a = { .stride = 1, .dilation = 1, .groups = 2 } },
  { "16 groups, kernel 19",
    .in = { { { 1, 31, 64 } }, WEIGHT (64, 4, 19), B (64) },
    .out = { 1, 31, 64 },
    .a = { .stride = 1,
           .dilation = 1,
           .groups = 16,
           .padding = 9,
           NORM,
           .activation = D2V_ACTIVATION_GELU } },
  { "16 groups of 48",
    .in = { { { 1, 23, 768 } }, WEIGHT (768, 48, 19), B (768) },
    .out = { 1, 23, 768 },
    .a = { .stride = 1,
           .dilation = 1,
           .groups = 16,
           .padding = 9,
           NORM,
           .activation = D2V_ACTIVATION_GELU } },
  { "groups, even kernel, cut",
    .in = { { { 2, 14, 16 } }, WEIGHT (16, 8, 4), B (16) },
    .out = { 2, 14, 16 },
    .a = { .stride = 1,
           .dilation = 1,
           .groups = 2,
           .padding = 2,
           .n_out = 14,
           NORM,
           .activation = D2V_ACTIVATION_GELU } },
  { "depthwise", .in = { { { 2, 15, 7 } }, WEIGHT (7, 1, 3), B (7) },
    .out = { 2, 13, 7 }, .a = { .stride = 1, .dilation = 1, .groups = 7 } },
  { "groups that widen", .in = { { { 2, 15, 6 } }, WEIGHT (21, 2, 3) },
    .out = { 2, 13, 21 }, .a = { .stride = 1, .dilation = 1, .groups = 3 } },
  { "dilation", .in = { { { 2, 25, 6 } }, WEIGHT (10, 6, 3), B (10) },
    .out = { 2, 19, 10 }, .a = { .stride = 1, .dilation = 3, .groups = 1 } },
  { "dilation, stride, padding",
    .in = { { { 2, 25, 6 } }, WEIGHT (10, 6, 3), B (10) }, .out = { 2, 12, 10 },
    .a = { .stride = 2, .dilation = 2, .groups = 1, .padding = 1 } },
  { "tap-major",
    .in = { { { 2, 25, 8 } }, { { 12, 40 }, D2V_FILL_WEIGHT }, B (12) },
    .out = { 2, 21, 12 },
    .a = { PLAIN, .tap_major = TRUE, .activation = D2V_ACTIVATION_RELU } },
  { "tap-major, dilation 3",
    .in = { { { 2, 25, 7 } }, { { 13, 21 }, D2V_FILL_WEIGHT }, B (13) },
    .out = { 2, 19, 13 },
    .a = { .stride = 1,
           .dilation = 3,
           .groups = 1,
           .tap_major = TRUE,
           .activation = D2V_ACTIVATION_RELU } },
  { "tap-major, kernel 1",
    .in = { { { 2, 5, 7 } }, { { 13, 7 }, D2V_FILL_WEIGHT }, B (13) },
    .out = { 2, 5, 13 }, .a = { PLAIN, .tap_major = TRUE } },
  { "norm alone", .in = { { { 2, 19, 7 } }, WEIGHT (37, 7, 3) },
    .out = { 2, 17, 37 }, .a = { PLAIN, NORM } },
  { "norm, gain and shift",
    .in = { { { 2, 19, 7 } }, WEIGHT (37, 7, 3), B (37), B (37), B (37) },
    .out = { 2, 17, 37 },
    .a = { PLAIN, NORM, .activation = D2V_ACTIVATION_GELU } },
  { "norm, gain", .in = { { { 2, 19, 7 } }, WEIGHT (37, 7, 3), B (37), B (37) },
    .out = { 2, 17, 37 }, .a = { PLAIN, NORM } },
  { "norm, shift, no bias",
    .in = { { { 2, 19, 7 } }, WEIGHT (37, 7, 3), NO, NO, B (37) },
    .out = { 2, 17, 37 }, .a = { PLAIN, NORM } },
  { "norm where eps counts",
    .in
    = { { { 2, 19, 7 }, .by = 1e-3 }, WEIGHT (37, 7, 3), NO, B (37), B (37) },
    .out = { 2, 17, 37 },
    .a = { PLAIN, NORM, .activation = D2V_ACTIVATION_GELU } },
  { "norm of one channel",
    .in = { { { 2, 9, 7 } }, WEIGHT (1, 7, 3), NO, B (1), B (1) },
    .out = { 2, 7, 1 }, .a = { PLAIN, NORM } },
  { "feature layer",
    .in = { { { 1, 43, 512 } }, WEIGHT (512, 512, 3), NO, B (512), B (512) },
    .out = { 1, 21, 512 },
    .a = { .stride = 2,
           .dilation = 1,
           .groups = 1,
           NORM,
           .activation = D2V_ACTIVATION_GELU } },
  { "outlier channels",
    .in = { { { 1, 43, 50 }, D2V_FILL_OUTLIERS }, WEIGHT (45, 50, 3), B (45) },
    .out = { 1, 21, 45 }, .a = { .stride = 2, .dilation = 1, .groups = 1 } },
  { "huge",
    .in = { { { 1, 43, 50 }, .by = 1e15 }, { { 45, 50, 3 }, .by = 1e15 } },
    .out = { 1, 21, 45 }, .a = { .stride = 2, .dilation = 1, .groups = 1 } },
  { "tiny",
    .in = { { { 1, 43, 50 }, .by = 1e-15 }, { { 45, 50, 3 }, .by = 1e-15 } },
    .out = { 1, 21, 45 }, .a = { .stride = 2, .dilation = 1, .groups = 1 } },
  { "denormal",
    .in = { { { 1, 43, 5 }, D2V_FILL_DENORMAL }, WEIGHT (45, 5, 3) },
    .out = { 1, 21, 45 }, .a = { .stride = 2, .dilation = 1, .groups = 1 } },
  { "200 steps", .in = { { { 1, 202, 9 } }, WEIGHT (17, 9, 3), B (17) },
    .out = { 1, 200, 17 }, .a = { PLAIN } },
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
  { "audio 10 s: layer 0",
    .in = { { { 1, 160000, 1 } }, WEIGHT (512, 1, 10), NO, B (512), B (512) },
    .out = { 1, 31999, 512 },
    .a = { .stride = 5,
           .dilation = 1,
           .groups = 1,
           NORM,
           .activation = D2V_ACTIVATION_GELU },
    .for_timing = TRUE },
  { "audio 1 s: layer 1",
    .in = { { { 1, 3199, 512 } }, WEIGHT (512, 512, 3), NO, B (512), B (512) },
    .out = { 1, 1599, 512 },
    .a = { .stride = 2,
           .dilation = 1,
           .groups = 1,
           NORM,
           .activation = D2V_ACTIVATION_GELU },
    .for_timing = TRUE },
  { "audio 10 s: positions",
    .in = { { { 1, 499, 768 } }, WEIGHT (768, 48, 19), B (768) },
    .out = { 1, 499, 768 },
    .a = { .stride = 1,
           .dilation = 1,
           .groups = 16,
           .padding = 9,
           NORM,
           .activation = D2V_ACTIVATION_GELU },
    .for_timing = TRUE },
};

const D2vCheck d2v_check_conv1d = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 4e-6,
  .reason = "as for linear: float sums of up to 1536 terms; behind a norm, "
            "beside the largest of them",
  .flop = flop,
};
