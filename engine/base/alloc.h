/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* alloc.h: memory whose size comes from outside.
 *
 * GLib's allocator aborts the process when memory is short, so anything large
 * or sized by a file or a stream is allocated here. Any thread. */
#pragma once

#include <glib.h>

/* 64-byte aligned, not zeroed; NULL when memory is short or @n_bytes is 0.
 * Free with d2v_free(). */
gpointer d2v_malloc (gsize n_bytes);
gpointer d2v_malloc0 (gsize n_bytes);
/* NULL when n * size overflows. */
gpointer d2v_malloc_n (gsize n, gsize size);
void d2v_free (gpointer memory);

/* Whole pages of @n_bytes at @memory, which stays allocated but will not be
 * read again, go back to the system. What they held is lost. */
void d2v_give_back (gpointer memory, gsize n_bytes);

/* How many allocations were made so far, in the process or by this thread
 * alone, for the tests that running a plan makes none. */
guint64 d2v_alloc_count (void);
guint64 d2v_alloc_count_here (void);

/* Makes the @nth allocation from now on fail, once; 0 turns it off. For
 * tests. */
void d2v_alloc_fail_at (guint64 nth);
