/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fake_engine.h: an engine that does as it is told.
 *
 * It has the API of engine/d2v.h as far as the plugin uses it, so that tests
 * of the elements know every word in advance, and can have windows that take
 * long, fail, or hang. A fake model is a directory with two files:
 *
 *   fake.conf   lines of `key value`, see FakeConfig
 *   weights     its first line begins every word
 *
 * Sound is heard by its level: in frames of `frame` samples, the level of a
 * frame is its first sample times 100, rounded, and frames of the same level
 * other than 0 make one word: "W25" where a quarter of the full scale was
 * heard. */
#pragma once

#include "engine/d2v.h"

typedef struct
{
  gchar *prefix;
  guint frame; /* samples in a frame */
  guint rate;
  D2vHead head;
  D2vModality modality;
  guint load_ms;    /* opening with weights takes this long */
  guint session_ms; /* ... and opening a session this */
  guint window_ms;  /* computing one window takes this long */
  guint slow_after; /* ... but for a transcriber's first ones */
  gint fail_at;     /* this window fails (-1: none) */
  gint lost_at;     /* ... before this one the device is lost */
} FakeConfig;

/* Sleeps, but not past @cancellable. FALSE when it was cancelled. */
gboolean fake_sleep (guint ms, GCancellable *cancellable);

const FakeConfig *fake_session_config (const D2vSession *session);
/* Tells everyone who listens to @session. */
void fake_session_tell (D2vSession *session, const gchar *message);
void fake_session_count_run (D2vSession *session, gdouble seconds);
gboolean fake_fail (GError **error, D2vErrorCode code, const gchar *file,
                    const gchar *reason);
