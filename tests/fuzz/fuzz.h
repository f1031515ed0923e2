/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuzz.h: what targets and the plain runner share. */
#pragma once

#include <gio/gio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes);

/* Every reader gives a thing or one error with a reason, never both, never
 * neither. */
static inline void
fuzz_check (gboolean loaded, const GError *error)
{
  if (loaded == (error != NULL))
    abort ();
  if (error != NULL && !g_utf8_validate (error->message, -1, NULL))
    abort ();
}
