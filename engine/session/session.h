/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* session.h: what the task APIs use of a session. */
#pragma once

#include "engine/model/model.h"
#include "engine/session/worker.h"

D2vWorker *d2v_session_worker (D2vSession *session);

/* One run of prepared inputs (d2v_family's prepare(), or made by hand as a
 * task knows them to be right), on the worker's thread only. Output tensors
 * are reused by the next run of the same shape when nobody else holds them by
 * then. */
D2vTensors *d2v_session_execute (D2vSession *session,
                                 const D2vTensors *prepared,
                                 const D2vRecordOptions *options,
                                 const volatile gint *cancelled,
                                 GError **error);
