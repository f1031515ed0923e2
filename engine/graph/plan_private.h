/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph/plan.h"

/* Lets nodes swallow their producers where @fusions allows. @n_uses: how
 * often each value is used, before fusing. */
void d2v_fuse (D2vGraph *graph, const guint *n_uses, D2vFusions fusions);
