/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pack.h: weights in the layout of the kernels, one copy in memory. */
#pragma once

#include "engine/cpu/cpu_private.h"

/* @tensor as input @slot of @call's kernel wants it: packed now if it was not
 * before, and then its plain form is freed unless somebody reads it. Plain
 * data when the kernel does not pack this slot. The pointer is good as long
 * as the tensor. NULL when memory is short. Any thread. */
gconstpointer d2v_cpu_weight (const D2vKernel *kernel, const D2vCall *call,
                              guint slot, D2vTensor *tensor);
