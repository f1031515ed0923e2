/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* scores.h: from logits to scores and ranks, as every task ends.
 *
 * All in float32, as the original computes them. Any thread; nothing is
 * allocated. In and out may be the same array. */
#pragma once

#include <glib.h>

/* out[i] = exp (x[i] - max) / sum over j of exp (x[j] - max), i < n. Minus
 * infinity gives 0; NaN anywhere, or nothing above minus infinity, makes
 * every score NaN. */
void d2v_softmax (const gfloat *logits, gfloat *out, gsize n);

/* out[i] = 1 / (1 + exp (-x[i])), i < n. */
void d2v_sigmoid_n (const gfloat *logits, gfloat *out, gsize n);

/* The first index of the greatest score; n must not be 0. NaN loses against
 * every number. */
gsize d2v_argmax (const gfloat *scores, gsize n);

/* Writes the indices of the min (top_k, n) best scores to @order, best first,
 * equal ones by ascending index, NaN last, and returns how many they are.
 * O(n log top_k). */
gsize d2v_top_k (const gfloat *scores, gsize n, gsize top_k, gsize *order);
