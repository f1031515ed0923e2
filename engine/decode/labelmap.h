/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* labelmap.h: logits of a segmentation as a map of classes (spec 4.7): resized
 * to the picture, then the greatest class of each pixel. Any thread. */
#pragma once

#include "engine/d2v.h"

/* What a map may measure in all. */
#define D2V_MAX_MAP_PIXELS ((gsize) 1 << 26)
#define D2V_MAX_MAP_CLASSES 65536

/* @logits: (n_classes, in_height, in_width). The map has @height x @width
 * pixels: logits are interpolated bilinearly (half-pixel centres, no
 * antialias) in float, then the greatest wins, the lowest class where several
 * are equal; NaN never wins. With the logits' own size nothing is
 * interpolated.
 *
 * Memory beside the map: one kilobyte per class. Fails as
 * d2v_label_map_check() does, and with NO_MEMORY. */
D2vLabelMap *d2v_label_map_new (const gfloat *logits, gsize n_classes,
                                gsize in_height, gsize in_width, gsize height,
                                gsize width, GError **error);
/* The same from classes that were found elsewhere, (height, width): what is
 * none of them becomes class 0. */
D2vLabelMap *d2v_label_map_new_from_classes (const gfloat *classes,
                                             gsize n_classes, gsize height,
                                             gsize width, GError **error);
/* TOO_BIG beyond D2V_MAX_MAP_PIXELS, INPUT for a size of 0 or more than
 * D2V_MAX_MAP_CLASSES. */
gboolean d2v_label_map_check (gsize n_classes, gsize height, gsize width,
                              GError **error);
