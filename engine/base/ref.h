/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ref.h: counts of references.
 *
 * As GLib's gatomicrefcount, but of the compiler's atomics, in our own code:
 * what GLib does inside of itself a thread sanitizer cannot see, and it would
 * take every last reference for a race. */
#pragma once

#include <glib.h>

typedef gint D2vRefCount;

static inline void
d2v_ref_init (D2vRefCount *count)
{
  __atomic_store_n (count, 1, __ATOMIC_RELAXED);
}

static inline void
d2v_ref_inc (D2vRefCount *count)
{
  __atomic_fetch_add (count, 1, __ATOMIC_RELAXED);
}

/* TRUE when that was the last one: then everything that the others did with
 * the object is done. */
static inline gboolean
d2v_ref_dec (D2vRefCount *count)
{
  gint before = __atomic_fetch_sub (count, 1, __ATOMIC_ACQ_REL);

  g_assert (before > 0);
  return before == 1;
}

static inline gboolean
d2v_ref_is_only (const D2vRefCount *count)
{
  return __atomic_load_n (count, __ATOMIC_ACQUIRE) == 1;
}
