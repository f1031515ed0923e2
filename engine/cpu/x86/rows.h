/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* rows.h: what is done to a row that lies in cache. */
#pragma once

#include "engine/base/activation.h"
#include "engine/cpu/x86/level.h"

/* y = activation (x); y may be x. */
void LEVEL (activate_row) (D2vActivation activation, const gfloat *x, gfloat *y,
                           gsize n);

/* y = (x - mean) / sqrt (var + eps) * gain + shift; y may be x, gain and shift
 * may be NULL. */
void LEVEL (norm_row) (const gfloat *x, const gfloat *gain, const gfloat *shift,
                       gfloat *y, gsize n, gfloat eps);
