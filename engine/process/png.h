/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* png.h: PNG files, through libpng. */
#pragma once

#include "engine/io/file.h"
#include "engine/process/image.h"

#define D2V_PNG_MAGIC_BYTES 8

/* Whether a file that begins with these eight bytes is a PNG. */
gboolean d2v_png_is (const guint8 *head);

/* Any colour type and depth, interlaced or not, as Pillow's convert ("RGB")
 * gives it: palettes looked up (black beyond their end), grey repeated, alpha
 * and transparent colours dropped, 16 bits cut to the upper 8, but 16-bit grey
 * without alpha cut off at 255. Gamma and colour profiles are not applied. The
 * image is turned as its EXIF chunk says. PNG, TOO_BIG, NO_MEMORY. */
D2vImage *d2v_png_read_file (D2vFile *file, GError **error);
