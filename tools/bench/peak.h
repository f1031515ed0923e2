/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* peak.h: what the processor can do at best, now. */
#pragma once

#include "engine/base/parallel.h"

/* GFLOP/s of all threads of @pool together: fused multiply and add on numbers
 * in registers, the best of a few tries over some 20 ms. */
gdouble d2v_bench_peak (D2vPool *pool);

/* Seconds on the monotonic clock. */
gdouble d2v_bench_now (void);
