/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* chunks.h: the original's chunks with strides (speech recognition over a long
 * clip), written down once more. */
#pragma once

#include "engine/d2v.h"

/* The words of the whole clip, joined by spaces; free with g_free(). Lengths in
 * frames. */
gchar *chunks_text (D2vSession *session, const gfloat *samples, gsize n,
                    gsize length, gsize stride);
