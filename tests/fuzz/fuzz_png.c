/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a PNG: a picture, or one error. */

#include "engine/process/png.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFile) file = d2v_file_from_memory (data, n_bytes, "fuzz.png");
  g_autoptr (D2vImage) image = d2v_png_read_file (file, &error);

  if ((image == NULL) == (error == NULL))
    abort ();
  /* Touches the last byte, for the sanitizer. */
  if (image != NULL
      && image->pixels[image->width * image->height * 3 - 1] > 255)
    abort ();
  return 0;
}
