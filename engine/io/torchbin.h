/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* torchbin.h: pytorch_model.bin, a zip of a pickle and raw storages (rules Z,
 * P, Q).
 *
 * Nothing in it is ever called or unpacked to disk: the pickle is read as
 * data, and the only meaning it can have is that of a state dict. */
#pragma once

#include "engine/io/stored.h"

typedef struct _D2vTorchBin D2vTorchBin;

/* Reads and checks the container, the pickle and every tensor's place. @file
 * is borrowed and must outlive it. */
D2vTorchBin *d2v_torchbin_open (D2vFile *file, GError **error);
void d2v_torchbin_close (D2vTorchBin *bin);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTorchBin, d2v_torchbin_close)

/* The tensors in the pickle's order. */
guint d2v_torchbin_size (const D2vTorchBin *bin);
const D2vStored *d2v_torchbin_get (const D2vTorchBin *bin, guint index);
/* SHA-256 of the pickle, hex. */
const gchar *d2v_torchbin_digest (const D2vTorchBin *bin);

/* Loads tensor i into out[i] for every i with wanted[i] (all when @wanted is
 * NULL). Names that share the same numbers share one tensor. On failure some
 * are set; they are the caller's to free. */
gboolean d2v_torchbin_load (D2vTorchBin *bin, const gboolean *wanted,
                            D2vLoad *load, D2vTensor **out, GError **error);
