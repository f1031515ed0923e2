/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a sharded model's index: names that stay in the directory, or
 * one error. */

#include "engine/io/weights_index.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
check_shard (const gchar *name)
{
  if (*name == '\0' || *name == '.' || strpbrk (name, "/\\:") != NULL
      || strstr (name, "..") != NULL)
    abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  static const gchar *const names[]
      = { "model.safetensors.index.json", "pytorch_model.bin.index.json" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vWeightsIndex) index = d2v_weights_index_parse (
          (const gchar *) data, n_bytes, names[i], &error);
      fuzz_check (index != NULL, error);
      if (index == NULL)
        continue;
      for (guint s = 0; s < d2v_weights_index_n_shards (index); s++)
        check_shard (d2v_weights_index_shard (index, s));
    }
  return 0;
}
