/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a PPM or PGM: a picture, or one error. */

#include "engine/process/ppm.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFile) file = d2v_file_from_memory (data, n_bytes, "fuzz.ppm");
  g_autoptr (D2vImage) image = d2v_ppm_read_file (file, &error);

  fuzz_check (image != NULL, error);
  /* A grey byte becomes three. */
  if (image != NULL && image->width * image->height > n_bytes)
    abort ();
  return 0;
}
