/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* worker.h: the one thread that runs plans on a device.
 *
 * Live jobs go before others, the earliest deadline first; equals keep the
 * order in which they came. */
#pragma once

#include <glib.h>

typedef struct _D2vWorker D2vWorker;
typedef struct _D2vJob D2vJob;

/* A piece of work. The submitter embeds it at the head of a struct of its own
 * and keeps that alive until run() was called, which happens exactly once, on
 * the worker's thread; run() may free it. */
struct _D2vJob
{
  void (*run) (D2vJob *job);
  gboolean live;
  gint64 deadline_us; /* monotonic; G_MAXINT64: none */
};

/* The worker of @device, made when first asked for. It lives as long as the
 * process: a sleeping thread. */
D2vWorker *d2v_worker_get (const gchar *device);
/* Any thread. Allocates nothing beyond a queue link. */
void d2v_worker_submit (D2vWorker *worker, D2vJob *job);
/* Takes back a job that waits. FALSE when there is none such any more: run()
 * was called, or is about to be. Any thread. */
gboolean d2v_worker_withdraw (D2vWorker *worker, D2vJob *job);
guint d2v_worker_depth (D2vWorker *worker);
