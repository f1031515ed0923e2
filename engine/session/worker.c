/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/worker.h"

#include <pthread.h>

struct _D2vWorker
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue jobs; /* of D2vJob, the next one first */
};

static pthread_mutex_t workers_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *workers; /* device -> D2vWorker */

/* @x came later than @y; does it go first all the same? */
static gboolean
overtakes (const D2vJob *x, const D2vJob *y)
{
  return x->live != y->live ? x->live : x->deadline_us < y->deadline_us;
}

static void *
work (void *data)
{
  D2vWorker *worker = data;

  for (;;)
    {
      pthread_mutex_lock (&worker->lock);
      while (g_queue_is_empty (&worker->jobs))
        pthread_cond_wait (&worker->changed, &worker->lock);
      D2vJob *job = g_queue_pop_head (&worker->jobs);
      pthread_mutex_unlock (&worker->lock);
      job->run (job);
    }
  return NULL;
}

D2vWorker *
d2v_worker_get (const gchar *device)
{
  pthread_mutex_lock (&workers_lock);
  if (workers == NULL)
    workers = g_hash_table_new (g_str_hash, g_str_equal);
  D2vWorker *worker = g_hash_table_lookup (workers, device);
  if (worker == NULL)
    {
      pthread_t thread;

      worker = g_new0 (D2vWorker, 1);
      pthread_mutex_init (&worker->lock, NULL);
      pthread_cond_init (&worker->changed, NULL);
      g_queue_init (&worker->jobs);
      if (pthread_create (&thread, NULL, work, worker) == 0)
        {
          pthread_detach (thread);
          g_hash_table_insert (workers, g_strdup (device), worker);
        }
      else
        g_clear_pointer (&worker, g_free);
    }
  pthread_mutex_unlock (&workers_lock);
  return worker;
}

void
d2v_worker_submit (D2vWorker *worker, D2vJob *job)
{
  pthread_mutex_lock (&worker->lock);
  GList *before = worker->jobs.tail;
  while (before != NULL && overtakes (job, before->data))
    before = before->prev;
  g_queue_insert_after (&worker->jobs, before, job);
  pthread_cond_signal (&worker->changed);
  pthread_mutex_unlock (&worker->lock);
}

gboolean
d2v_worker_withdraw (D2vWorker *worker, D2vJob *job)
{
  pthread_mutex_lock (&worker->lock);
  gboolean waited = g_queue_remove (&worker->jobs, job);
  pthread_mutex_unlock (&worker->lock);
  return waited;
}

guint
d2v_worker_depth (D2vWorker *worker)
{
  pthread_mutex_lock (&worker->lock);
  guint depth = g_queue_get_length (&worker->jobs);
  pthread_mutex_unlock (&worker->lock);
  return depth;
}
