/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* resize.h: images of 8 bits resized exactly as Pillow does (spec 8.4):
 * antialiased, columns first, rounded to 8 bits between the passes.
 *
 * A D2vResize belongs to one pair of sizes and keeps its weights and its
 * scratch memory; running it allocates nothing. One thread at a time. */
#pragma once

#include "engine/d2v.h"

/* Pillow's numbers, which preprocessor_config.json uses. */
typedef enum
{
  D2V_FILTER_NEAREST,
  D2V_FILTER_LANCZOS,
  D2V_FILTER_BILINEAR,
  D2V_FILTER_BICUBIC,
  D2V_FILTER_BOX,
  D2V_FILTER_HAMMING,
  D2V_N_FILTERS
} D2vFilter;

typedef struct _D2vResize D2vResize;

/* All sizes at least 1. NULL with NO_MEMORY. */
D2vResize *d2v_resize_new (D2vFilter filter, gsize in_width, gsize in_height,
                           gsize out_width, gsize out_height, guint n_channels,
                           GError **error);
void d2v_resize_free (D2vResize *resize);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vResize, d2v_resize_free)

/* Resizes @view, whose size and channels are those of d2v_resize_new(), into
 * @planes: (n_channels, out_height, out_width). Channels do not mix: alpha is
 * one like the others. */
void d2v_resize_run (D2vResize *resize, const D2vImageView *view,
                     guint8 *planes);
