/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* torchbin.h: bytes as pytorch_model.bin, all of it. */
#pragma once

#include "engine/io/torchbin.h"
#include "tests/fuzz/fuzz.h"

static inline gboolean
fuzz_load_torchbin (D2vTorchBin *bin, GError **error)
{
  guint n = d2v_torchbin_size (bin);
  g_autofree D2vTensor **out = g_new0 (D2vTensor *, n);
  D2vLoad load = { .as_f32 = TRUE };
  gboolean fine = d2v_load_init (&load, error)
                  && d2v_torchbin_load (bin, NULL, &load, out, error);

  d2v_load_clear (&load);
  for (guint i = 0; i < n; i++)
    d2v_tensor_unref (out[i]);
  return fine;
}

static inline void
fuzz_torchbin (const guint8 *data, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFile) file = d2v_file_from_memory (data, n_bytes, "fuzz");
  g_autoptr (D2vTorchBin) bin = d2v_torchbin_open (file, &error);

  fuzz_check (bin != NULL, error);
  if (bin == NULL)
    return;
  gboolean loaded = fuzz_load_torchbin (bin, &error);
  fuzz_check (loaded, error);
}
