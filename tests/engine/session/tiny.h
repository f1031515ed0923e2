/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tiny.h: a speech model with random weights, small enough for long streams.
 * It hears nonsense, but the same nonsense in the same samples. */
#pragma once

#include "engine/d2v.h"

typedef struct
{
  guint n_conv; /* 0: one convolution, kernel 400, stride 320 */
  guint kernel[4];
  guint stride[4];
  guint n_heads;         /* 0: 1 */
  gboolean as_is;        /* do_normalize false */
  const gchar *alphabet; /* NULL: "ABC" */
} TinyParams;

/* A new directory with the model; remove it with tiny_remove(). */
gchar *tiny_write (const TinyParams *params);
/* Writes once more all that stands beside the weights. */
void tiny_describe (const gchar *dir, const TinyParams *params);
void tiny_remove (gchar *dir);
/* Opens it on the CPU. */
D2vSession *tiny_session (const gchar *dir, const D2vSessionParams *params);
