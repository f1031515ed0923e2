/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* safetensors.h: the file format of most models (rules S1 to S17).
 *
 * A 64-bit length, a JSON header that says of each tensor its type, shape and
 * place, and the numbers. Opening checks every entry, wanted or not. */
#pragma once

#include "engine/io/stored.h"

typedef struct _D2vSafetensors D2vSafetensors;

/* Reads and checks the header. @file is borrowed and must outlive it. */
D2vSafetensors *d2v_safetensors_open (D2vFile *file, GError **error);
void d2v_safetensors_close (D2vSafetensors *safetensors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vSafetensors, d2v_safetensors_close)

/* The tensors in the header's order. */
guint d2v_safetensors_size (const D2vSafetensors *safetensors);
const D2vStored *d2v_safetensors_get (const D2vSafetensors *safetensors,
                                      guint index);
/* SHA-256 of the header's bytes, hex. */
const gchar *d2v_safetensors_digest (const D2vSafetensors *safetensors);

/* Loads tensor i into out[i] for every i with wanted[i] (all when @wanted is
 * NULL), in the order of the file. On failure some are set; they are the
 * caller's to free. */
gboolean d2v_safetensors_load (D2vSafetensors *safetensors,
                               const gboolean *wanted, D2vLoad *load,
                               D2vTensor **out, GError **error);
