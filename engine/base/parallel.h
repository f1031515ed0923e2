/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* parallel.h: a pool of threads that share one loop at a time. */
#pragma once

#include <glib.h>

typedef struct _D2vPool D2vPool;

/* Does items begin..end-1. @thread is 0 for the caller, 1.. for workers, and
 * chooses scratch memory. */
typedef void (*D2vPoolFunc) (gpointer data, gsize begin, gsize end,
                             guint thread);

/* @n_threads: the caller included; 0 means one per online core. Fewer are
 * made, down to the caller alone, when the system gives no more. */
D2vPool *d2v_pool_new (guint n_threads);
void d2v_pool_free (D2vPool *pool);
guint d2v_pool_n_threads (const D2vPool *pool);

/* Calls @func until items 0..n_items-1 are done, in pieces of at most @grain
 * items (0: one equal share a thread), and returns when all are. Which thread
 * takes which piece is open, so the outcome of an item must not depend on it.
 * One caller at a time; no nesting. Allocates nothing. */
void d2v_pool_run (D2vPool *pool, gsize n_items, gsize grain, D2vPoolFunc func,
                   gpointer data);
