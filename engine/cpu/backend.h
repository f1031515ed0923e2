/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* backend.h: the CPU as a backend. */
#pragma once

#include "engine/graph/backend.h"

/* @n_threads: 0 means one per core. Its plans share one arena, because one of
 * them runs at a time. */
D2vBackend *d2v_cpu_backend_new (guint n_threads);
/* "CPU (AVX-512)"; free with g_free(). */
gchar *d2v_cpu_describe (void);
