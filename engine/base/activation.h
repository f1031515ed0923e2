/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* activation.h: the activations that a configuration may name. */
#pragma once

#include <glib.h>

/* The activations of the original's registry, in exact arithmetic. */
typedef enum
{
  D2V_ACTIVATION_NONE,      /* "linear" */
  D2V_ACTIVATION_GELU,      /* gelu, gelu_python: erf */
  D2V_ACTIVATION_GELU_TANH, /* gelu_new, gelu_pytorch_tanh, ... */
  D2V_ACTIVATION_GELU_FAST,
  D2V_ACTIVATION_GELU_10,
  D2V_ACTIVATION_QUICK_GELU,
  D2V_ACTIVATION_RELU,
  D2V_ACTIVATION_RELU2,
  D2V_ACTIVATION_RELU6,
  D2V_ACTIVATION_LEAKY_RELU,
  D2V_ACTIVATION_SILU,
  D2V_ACTIVATION_SIGMOID,
  D2V_ACTIVATION_TANH,
  D2V_ACTIVATION_MISH,
  D2V_ACTIVATION_LAPLACE,
  D2V_ACTIVATION_HARDSWISH,
  D2V_ACTIVATION_SQRTSOFTPLUS,
  D2V_N_ACTIVATIONS
} D2vActivation;

/* FALSE when @name is not in the registry, or needs learned tensors. */
gboolean d2v_activation_from_name (const gchar *name, D2vActivation *out);
