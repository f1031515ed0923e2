/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as pytorch_model.bin: tensors, or one error. */

#include "tests/fuzz/torchbin.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  fuzz_torchbin (data, n_bytes);
  return 0;
}
