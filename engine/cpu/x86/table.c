/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernels of one level. Ops that are not here only move numbers, or run
 * once per model, and are as fast in their plain form. */

#include "engine/cpu/cpu_private.h"
#include "engine/cpu/x86/level.h"

#define KERNELS(KERNEL)                                                        \
  KERNEL (ADD, add)                                                            \
  KERNEL (MUL, mul)                                                            \
  KERNEL (ACTIVATE, activate)                                                  \
  KERNEL (LAYER_NORM, layer_norm)                                              \
  KERNEL (LINEAR, linear)                                                      \
  KERNEL (CONV1D, conv1d)                                                      \
  KERNEL (ATTENTION, attention)                                                \
  KERNEL (EMBED, embed)                                                        \
  KERNEL (GLU, glu)                                                            \
  KERNEL (CONV2D, conv2d)                                                      \
  KERNEL (RESIZE_BILINEAR, resize_bilinear)                                    \
  KERNEL (RESIZE_TAPS, resize_taps)                                            \

#define KERNEL(NAME, name) extern const D2vKernel LEVEL (name);
KERNELS (KERNEL)
#undef KERNEL

const D2vKernel *const LEVEL (kernels)[D2V_N_OPS] = {
#define KERNEL(NAME, name) [D2V_OP_##NAME] = &LEVEL (name),
  KERNELS (KERNEL)
#undef KERNEL
};
