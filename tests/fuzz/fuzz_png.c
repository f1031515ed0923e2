/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a PNG: a picture, or one error. */

#include "engine/process/png.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFile) file = d2v_file_from_memory (data, n_bytes, "fuzz.png");
  g_autoptr (D2vImage) image = d2v_png_read_file (file, &error);

  fuzz_check (image != NULL, error);
  if (image != NULL
      && (image->width > D2V_MAX_IMAGE_SIDE
          || image->height > D2V_MAX_IMAGE_SIDE))
    abort ();
  return 0;
}
