/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

/* The size is that of the activation alone: x is exact. */
static void
oracle (const D2vCall *call, gdouble *y, gdouble *size)
{
  const gfloat *x = call->in[0];

  for (gsize i = 0; i < d2v_shape_size (&call->node->shape); i++)
    {
      y[i] = x[i];
      size[i] = 0;
      d2v_oracle_activate (call->node->attributes.activation, &y[i], &size[i]);
    }
}

/* clang-format off */
#define SWEEP(NAME)                                                \
  { #NAME, .in = { { { 3, 4001 }, D2V_FILL_SWEEP } },              \
    .out = { 3, 4001 }, .a = { .activation = D2V_ACTIVATION_##NAME } }
/* clang-format on */

static const D2vCheckCase cases[] = {
  SWEEP (NONE),
  SWEEP (GELU),
  SWEEP (GELU_TANH),
  SWEEP (GELU_FAST),
  SWEEP (GELU_10),
  SWEEP (QUICK_GELU),
  SWEEP (RELU),
  SWEEP (RELU2),
  SWEEP (RELU6),
  SWEEP (LEAKY_RELU),
  SWEEP (SILU),
  SWEEP (SIGMOID),
  SWEEP (TANH),
  SWEEP (MISH),
  SWEEP (LAPLACE),
  SWEEP (HARDSWISH),
  SWEEP (SQRTSOFTPLUS),
  { "one number", .in = { { { 1 } } }, .out = { 1 },
    .a = { .activation = D2V_ACTIVATION_GELU } },
  { "odd", .in = { { { 3, 5, 37 } } }, .out = { 3, 5, 37 },
    .a = { .activation = D2V_ACTIVATION_GELU } },
  { "around the steps of erf",
    .in = { { { 2, 3000 }, .by = 0.5, .offset = -2.5 } }, .out = { 2, 3000 },
    .a = { .activation = D2V_ACTIVATION_GELU } },
  { "denormal", .in = { { { 333 }, D2V_FILL_DENORMAL } }, .out = { 333 },
    .a = { .activation = D2V_ACTIVATION_GELU } },
  { "outliers", .in = { { { 4, 100 }, D2V_FILL_OUTLIERS } }, .out = { 4, 100 },
    .a = { .activation = D2V_ACTIVATION_GELU } },
  { "expand, 10 s", .in = { { { 499, 3072 } } }, .out = { 499, 3072 },
    .a = { .activation = D2V_ACTIVATION_GELU }, .for_timing = TRUE },
};

const D2vCheck d2v_check_activate = {
  D2V_CASES (cases),
  .oracle = oracle,
  .tolerance = 2e-6,
  .reason = "2e-6 of the result and 2e-7 of 1 for short polynomials in float; "
            "the wrong gelu is off by 4.7e-4",
};
