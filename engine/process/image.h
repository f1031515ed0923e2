/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* image.h: from pixels to what a vision model sees (spec 8.4): resized,
 * cropped, scaled, normalised, channels first. */
#pragma once

#include "engine/d2v.h"
#include "engine/io/processor.h"
#include "engine/process/resize.h"

/* What any image read from a file may measure; both hold. */
#define D2V_MAX_IMAGE_SIDE 16384
#define D2V_MAX_IMAGE_PIXELS ((gsize) 1 << 26)

/* RGB, 8 bits each, rows without gaps. */
typedef struct
{
  guint8 *pixels; /* (height, width, 3) */
  gsize width;
  gsize height;
} D2vImage;

/* Not cleared. TOO_BIG beyond the limits above, NO_MEMORY; @file stands in the
 * message. Both sides at least 1. */
D2vImage *d2v_image_new (gsize width, gsize height, const gchar *file,
                         GError **error);
void d2v_image_free (D2vImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vImage, d2v_image_free)
D2vImageView d2v_image_view (const D2vImage *image);

/* Reads a PNG or a binary PPM or PGM, whichever it is, and turns it as its
 * EXIF orientation says. PNG, PPM, UNSUPPORTED for any other format, TOO_BIG,
 * and what d2v_file_open() fails with. */
D2vImage *d2v_image_read (const gchar *path, GError **error);

/* @image turned or mirrored as EXIF's @orientation, 1..8, demands; others
 * count as 1. Takes @image; NULL with NO_MEMORY. */
D2vImage *d2v_image_orient (D2vImage *image, guint orientation, GError **error);

/**
 * D2vImageProcessor:
 *
 * The front end of one model. It keeps the weights and the memory of the last
 * size, so that frames of one size cost no allocation. One thread at a time.
 */
typedef struct _D2vImageProcessor D2vImageProcessor;

/* @n_channels: of the model, 1..4. */
D2vImageProcessor *
d2v_image_processor_new (const D2vImageProcessorConfig *config,
                         guint n_channels);
void d2v_image_processor_free (D2vImageProcessor *processor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vImageProcessor, d2v_image_processor_free)

/* Size of what an image of that size becomes. */
void d2v_image_processor_output_size (const D2vImageProcessor *processor,
                                      gsize in_width, gsize in_height,
                                      gsize *out_width, gsize *out_height);

/* @out: (n_channels, out_height, out_width). A view has the model's channels,
 * or, for a model of three: grey, which is repeated; grey and alpha, or RGB
 * and alpha, whose alpha is dropped. INPUT for others, for sides of 0 or
 * beyond D2V_MAX_IMAGE_SIDE; NO_MEMORY. */
gboolean d2v_image_processor_run (D2vImageProcessor *processor,
                                  const D2vImageView *view, gfloat *out,
                                  GError **error);

/* @n_views images as one tensor F32 (B, n_channels, H, W); INPUT when they
 * come out in different sizes, or there are none. */
D2vTensor *d2v_image_processor_batch (D2vImageProcessor *processor,
                                      const D2vImageView *views, gsize n_views,
                                      GError **error);
