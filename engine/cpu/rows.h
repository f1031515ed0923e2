/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* rows.h: what several plain kernels do with a row of numbers. Everything is
 * summed in double, so that the plain kernels are nearer to the true result
 * than any float implementation that is compared with them. */
#pragma once

#include <glib.h>

/* sum of a[i] b[i] */
gdouble d2v_row_dot (const gfloat *a, const gfloat *b, gsize n);

/* In place: x = (x - mean) / sqrt (var + eps) * gain + shift, var biased; gain
 * and shift may be NULL. */
void d2v_row_norm (gdouble *x, const gfloat *gain, const gfloat *shift, gsize n,
                   gdouble eps);

/* In place: x = e^x / sum of e^x */
void d2v_row_softmax (gdouble *x, gsize n);
