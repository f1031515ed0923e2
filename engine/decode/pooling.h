/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pooling.h: one vector for a whole clip, text or image, out of the hidden
 * states of its frames, tokens or patches. */
#pragma once

#include <glib.h>

typedef enum
{
  D2V_POOLING_MEAN,
  D2V_POOLING_FIRST, /* the first row: <s> of a text, CLS of an image */
  D2V_POOLING_MAX
} D2vPooling;

/* "mean", "cls" (or "first") or "max". */
gboolean d2v_pooling_from_name (const gchar *name, D2vPooling *out);

/* @rows: (n_rows, width), the valid rows only; n_rows > 0. @out: (width). The
 * mean is summed in double; NaN in a column wins over every number. */
void d2v_pool_rows (D2vPooling pooling, const gfloat *rows, gsize n_rows,
                    gsize width, gfloat *out);

/* x = x / max (|x|, 1e-12), as torch.nn.functional.normalize does. */
void d2v_normalize_length (gfloat *x, gsize n);
