/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* subject.h: one case made real: its node, its arrays, and the kernel that
 * works on them. */
#pragma once

#include "tests/kernels/check.h"

typedef struct
{
  const D2vCheck *check;
  const D2vCheckCase *data;
  D2vNode node;
  D2vShape shapes[D2V_MAX_INPUTS];
  D2vGuarded inputs[D2V_MAX_INPUTS]; /* data NULL: absent */
  D2vGuarded out;
  gfloat *first_state; /* what the state slot holds before each run */

  const D2vKernel *kernel;
  D2vGuarded packed[D2V_MAX_INPUTS]; /* data NULL: not packed */
  D2vCall call;                      /* as run() gets it */
  gdouble seconds;                   /* that the last run took */
} D2vSubject;

void d2v_subject_init (D2vSubject *s, D2vOp op, const D2vCheck *check,
                       const D2vCheckCase *data, guint64 seed);
void d2v_subject_clear (D2vSubject *s);

/* What follows prints what is wrong as a TAP comment and returns FALSE. */

/* Gives the work to @kernel: packs what it wants packed. */
gboolean d2v_subject_load (D2vSubject *s, const D2vKernel *kernel);
/* Runs it on @pool; without a pool item by item, the last one first. */
gboolean d2v_subject_run (D2vSubject *s, D2vPool *pool);

/* Numbers of the result, and of the state (0: the op has none). */
gsize d2v_subject_n_out (const D2vSubject *s);
gsize d2v_subject_n_state (const D2vSubject *s);
const gfloat *d2v_subject_out (const D2vSubject *s);
const gfloat *d2v_subject_state (const D2vSubject *s);
