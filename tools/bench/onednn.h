/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* onednn.h: oneDNN as a peer of the product kernels. Its threads are its own:
 * OMP_NUM_THREADS. */
#pragma once

#include <glib.h>

typedef struct _D2vOneDnn D2vOneDnn;

/* y (m, n) = x (m, k) w (n, k)' + bias (n), the weight packed as oneDNN likes
 * it. NULL when it cannot. */
D2vOneDnn *d2v_onednn_new (gsize m, gsize n, gsize k, const gfloat *w,
                           const gfloat *bias);
void d2v_onednn_run (D2vOneDnn *self, const gfloat *x, gfloat *y);
void d2v_onednn_free (D2vOneDnn *self);
