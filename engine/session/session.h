/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* session.h: what the task APIs use of a session. */
#pragma once

#include "engine/model/model.h"
#include "engine/session/worker.h"

D2vWorker *d2v_session_worker (D2vSession *session);
/* For tests: as if the session were on another device. Before its first run. */
void d2v_session_set_worker (D2vSession *session, D2vWorker *worker);

/* Tells everybody who listens; on the worker's thread. */
void d2v_session_tell (D2vSession *session, const gchar *message);

/* One run of prepared inputs (d2v_family's prepare(), or made by hand as a
 * task knows them to be right), on the worker's thread only. Output tensors
 * are reused by the next run of the same shape when nobody else holds them by
 * then. */
D2vTensors *d2v_session_execute (D2vSession *session,
                                 const D2vTensors *prepared,
                                 const D2vRecordOptions *options,
                                 const volatile gint *cancelled,
                                 GError **error);

/* Makes a plan for inputs of such shapes ready, with room for its outputs, so
 * that its first run allocates nothing; the numbers in @prepared are not read.
 * On the worker's thread only. A session keeps 64 plans, the last used ones. */
gboolean d2v_session_prepare (D2vSession *session, const D2vTensors *prepared,
                              const D2vRecordOptions *options, GError **error);

/**
 * D2vContext:
 *
 * What runs keep from one to the next: a decoder's keys and values. Runs with
 * one context are all of the same shapes and options, whose cache_length is
 * not 0; one after the other.
 */
typedef struct _D2vContext D2vContext;

D2vContext *d2v_context_new (void);
void d2v_context_free (D2vContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vContext, d2v_context_free)

/* d2v_session_execute() from any thread but the worker's, which it waits for.
 * @context: NULL for runs that keep nothing. */
D2vTensors *
d2v_session_run_prepared (D2vSession *session, const D2vTensors *prepared,
                          const D2vRecordOptions *options, D2vContext *context,
                          GCancellable *cancellable, GError **error);

/* d2v_session_run() with more to choose from. @rows, I64 (1, n), may be NULL:
 * of a language model, the tokens (numbers below B T) whose logits are wanted,
 * which become (1, n, V). */
D2vTensors *d2v_session_run_with (D2vSession *session, const D2vTensors *inputs,
                                  const D2vRecordOptions *options,
                                  D2vTensor *rows, GCancellable *cancellable,
                                  GError **error);
