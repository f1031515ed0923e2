/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a safetensors file: tensors, or one error.
 *
 * With D2V_FUZZ_PLANT set, a bug that is easy to meet: what runs this target
 * must report it, or it would report nothing else either. */

#include "engine/io/safetensors.h"
#include "tests/fuzz/fuzz.h"

static gboolean
load_all (D2vSafetensors *st, GError **error)
{
  guint n = d2v_safetensors_size (st);
  g_autofree D2vTensor **out = g_new0 (D2vTensor *, n);
  D2vLoad load = { .as_f32 = TRUE };
  gboolean fine = d2v_load_init (&load, error)
                  && d2v_safetensors_load (st, NULL, &load, out, error);

  d2v_load_clear (&load);
  for (guint i = 0; i < n; i++)
    d2v_tensor_unref (out[i]);
  return fine;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFile) file = d2v_file_from_memory (data, n_bytes, "fuzz");
  g_autoptr (D2vSafetensors) st = d2v_safetensors_open (file, &error);

  if (n_bytes > 8 && data[n_bytes - 1] == '{'
      && g_getenv ("D2V_FUZZ_PLANT") != NULL)
    abort ();
  fuzz_check (st != NULL, error);
  if (st == NULL)
    return 0;
  gboolean loaded = load_all (st, &error);
  fuzz_check (loaded, error);
  return 0;
}
