/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hash.h: a fast hash of bytes that came from outside.
 *
 * It is keyed with a number drawn once per process, so that nobody can
 * prepare keys that fall into one bucket, or two model files that look equal.
 * Values mean nothing in another process. Any thread. */
#pragma once

#include <glib.h>

/* Multiplies and mixes 64-bit words, above 5 GB/s. @seed chains calls: the
 * hash of two pieces is d2v_hash (d2v_hash (0, a, ..), b, ..), which differs
 * from the hash of their concatenation. */
guint64 d2v_hash (guint64 seed, gconstpointer data, gsize n_bytes);

/* The same as a GHashFunc, in the place of g_str_hash(). */
guint d2v_str_hash (gconstpointer string);
