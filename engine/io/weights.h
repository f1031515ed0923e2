/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* weights.h: a model directory's tensors, whichever files they are in.
 *
 * model.safetensors, else its index, else pytorch_model.bin, else its index
 * (rules I6, I7: a failed safetensors load never falls back). Floats of any
 * storage become F32; integer tensors are kept as they are; nothing stays
 * mapped or open. */
#pragma once

#include "engine/d2v.h"

typedef struct _D2vWeights D2vWeights;

typedef struct
{
  gboolean allow_nonfinite; /* rule S18 */
  /* Which tensors to keep, by name as stored; NULL keeps all. Others are
   * checked but not held in memory. */
  gboolean (*wanted) (const gchar *name, gpointer user_data);
  gpointer user_data;
  GCancellable *cancellable;
} D2vWeightsParams;

/* @file: the name of the weights file inside @dir, or NULL to look for one.
 * Stops within 200 ms when cancelled. Any thread. */
D2vWeights *d2v_weights_open (const gchar *dir, const gchar *file,
                              const D2vWeightsParams *params, GError **error);
void d2v_weights_free (D2vWeights *weights);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vWeights, d2v_weights_free)

/* By name as stored; NULL when there is none, or when it was not wanted or was
 * stolen. Borrowed. Names that share their numbers in a .bin file share one
 * tensor. */
D2vTensor *d2v_weights_get (const D2vWeights *weights, const gchar *name);
/* All names of the files, in their order, wanted or not. */
guint d2v_weights_size (const D2vWeights *weights);
const gchar *d2v_weights_name (const D2vWeights *weights, guint index);
/* Gives the tensor up: the caller owns it and the set forgets it. */
D2vTensor *d2v_weights_steal (D2vWeights *weights, const gchar *name);
/* Storage type as found in the file ("F16"), for `inspect`. */
D2vDType d2v_weights_stored_dtype (const D2vWeights *weights,
                                   const gchar *name);
/* The main file's name: "model.safetensors". */
const gchar *d2v_weights_file (const D2vWeights *weights);
/* Hash of the bytes loaded, for sharing by content; hex. SHA-256 of every
 * header and of a 64-bit multiply-mix of all numbers, whose key is drawn once
 * per process: nobody can make two files meet, and the same files have
 * another digest in another process. */
const gchar *d2v_weights_digest (const D2vWeights *weights);
