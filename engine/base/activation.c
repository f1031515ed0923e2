/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/activation.h"

#include <string.h>

/* Names as in the original's registry. `prelu` and `xielu` carry learned
 * tensors and are not here. */
static const struct
{
  const gchar *name;
  D2vActivation activation;
} names[] = {
  { "gelu", D2V_ACTIVATION_GELU },
  { "gelu_python", D2V_ACTIVATION_GELU },
  { "gelu_new", D2V_ACTIVATION_GELU_TANH },
  { "gelu_pytorch_tanh", D2V_ACTIVATION_GELU_TANH },
  { "gelu_accurate", D2V_ACTIVATION_GELU_TANH },
  { "gelu_python_tanh", D2V_ACTIVATION_GELU_TANH },
  { "gelu_fast", D2V_ACTIVATION_GELU_FAST },
  { "gelu_10", D2V_ACTIVATION_GELU_10 },
  { "quick_gelu", D2V_ACTIVATION_QUICK_GELU },
  { "relu", D2V_ACTIVATION_RELU },
  { "relu2", D2V_ACTIVATION_RELU2 },
  { "relu6", D2V_ACTIVATION_RELU6 },
  { "leaky_relu", D2V_ACTIVATION_LEAKY_RELU },
  { "silu", D2V_ACTIVATION_SILU },
  { "swish", D2V_ACTIVATION_SILU },
  { "sigmoid", D2V_ACTIVATION_SIGMOID },
  { "tanh", D2V_ACTIVATION_TANH },
  { "mish", D2V_ACTIVATION_MISH },
  { "linear", D2V_ACTIVATION_NONE },
  { "laplace", D2V_ACTIVATION_LAPLACE },
  { "hardswish", D2V_ACTIVATION_HARDSWISH },
  { "sqrtsoftplus", D2V_ACTIVATION_SQRTSOFTPLUS },
};

gboolean
d2v_activation_from_name (const gchar *name, D2vActivation *out)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i].name, name) == 0)
      {
        *out = names[i].activation;
        return TRUE;
      }
  return FALSE;
}
