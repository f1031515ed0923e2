/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* media.h: the shipped recordings and the shipped model, for tests. */
#pragma once

#include "engine/d2v.h"

/* Sanitizers cost ten times the time: what is repeated only to be thorough is
 * repeated less often under them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEDIA_THOROUGH 0
#else
#define MEDIA_THOROUGH 1
#endif

/* examples/media/@name as mono float at 16 kHz, decoded by GStreamer; NULL
 * when gst-launch-1.0 or a decoder is missing (then skip). */
GArray *media_load (const gchar *name);
/* A string of examples/media/@name: "text" or "recognised". */
gchar *media_expected (const gchar *name, const gchar *key);
/* The shipped speech model on the CPU; aborts the test when it fails. */
D2vSession *media_session (guint n_threads);
/* Path in the source tree. */
gchar *media_path (const gchar *first, ...) G_GNUC_NULL_TERMINATED;
