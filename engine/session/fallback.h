/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fallback.h: a GPU with the CPU behind it.
 *
 * What the GPU cannot do (lost, hung, out of memory, not a number where there
 * should be one) is done again by the CPU, the same run, so that no window is
 * lost; notify() says so. A lost device is opened again after 5, 30 and 120
 * seconds, then never; one that hung never. */
#pragma once

#include "engine/graph/backend.h"

/* @device: canonical, as d2v_vulkan_resolve() gives it. Fails when it cannot
 * be opened or gives wrong results. @named: the user chose it, so that a model
 * whose weights it cannot hold is refused (NO_MEMORY) when a plan is prepared,
 * and not left to the CPU. */
D2vBackend *d2v_fallback_backend_new (const gchar *device, gboolean named,
                                      D2vPrecision precision, guint n_threads,
                                      GError **error);

/* selftest.c: how far @n results are from those expected: the largest
 * difference, as a share of the largest number. Infinite where either is not a
 * number. */
gdouble d2v_distance (const gfloat *found, const gfloat *expected, gsize n);
/* The same for classes: the share of those that are others. */
gdouble d2v_distance_of_classes (const gfloat *found, const gfloat *expected,
                                 gsize n);

/* Runs a small graph of most ops on @backend and on @reference.
 * FALSE with DEVICE when the results differ by more than the backend's
 * tolerance. */
gboolean d2v_selftest (D2vBackend *backend, D2vBackend *reference,
                       GError **error);
