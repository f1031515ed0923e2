/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* error.h: the one way in which errors are made. */
#pragma once

#include "engine/d2v.h"

/* Sets @error to "CODE, file, reason". @file: path or name, NULL when no file
 * is involved ("-" is printed). The reason says what was expected and found;
 * it never quotes contents of a file beyond a name, and names are escaped
 * with d2v_escape_name(). Always returns FALSE, so that a reader can
 * `return d2v_fail (...)`. */
gboolean d2v_fail (GError **error, D2vErrorCode code, const gchar *file,
                   const gchar *format, ...) G_GNUC_PRINTF (4, 5);

/* @name made printable: control characters and invalid UTF-8 become \xNN, and
 * it is cut to 128 bytes. @length: in bytes, -1 for a C string. Free with
 * g_free(). */
gchar *d2v_escape_name (const gchar *name, gssize length);
