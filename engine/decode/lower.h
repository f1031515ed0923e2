/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lower.h: lower case as the original's language has it, in every locale. */
#pragma once

#include <glib.h>

/* @text, valid UTF-8, in lower case: U+0130 becomes two characters, and a
 * capital sigma that ends a word the final one. Free with g_free(). */
gchar *d2v_lower (const gchar *text);
