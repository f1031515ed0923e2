/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/parallel.h"

#include "engine/base/math.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* How long a thread looks for work, or for the others to finish, before it
 * sleeps. Long enough to bridge the gap between two ops of a plan, short
 * enough that an idle pipeline burns nothing. */
#define SPIN_NS 20000
#define MAX_THREADS 256

typedef struct
{
  D2vPool *pool;
  pthread_t thread;
  guint index;
} Worker;

/* Locks are pthread's own: thread sanitizers know them, GLib's they do not. */
struct _D2vPool
{
  guint n_threads; /* the caller included */
  Worker *workers; /* n_threads - 1 */

  D2vPoolFunc func;
  gpointer data;
  gsize n_items;
  gsize grain;

  _Atomic gsize next;     /* first item that nobody has taken */
  _Atomic guint running;  /* workers that have not finished this loop */
  _Atomic guint64 serial; /* counts loops */
  _Atomic gboolean quit;

  pthread_mutex_t lock;
  pthread_cond_t work; /* serial changed, or quit */
  pthread_cond_t done; /* running reached 0 */
};

static guint64
now_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (guint64) t.tv_sec * 1000000000u + (guint64) t.tv_nsec;
}

static inline void
pause_cpu (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#endif
}

static void
take_items (D2vPool *pool, guint thread)
{
  for (;;)
    {
      gsize begin = atomic_fetch_add (&pool->next, pool->grain);
      if (begin >= pool->n_items)
        return;
      pool->func (pool->data, begin,
                  d2v_min (begin + pool->grain, pool->n_items), thread);
    }
}

/* Waits, spinning first, until the serial differs from @seen. */
static guint64
wait_for_work (D2vPool *pool, guint64 seen)
{
  guint64 until = now_ns () + SPIN_NS;

  do
    {
      for (guint i = 0; i < 64; i++)
        {
          guint64 serial = atomic_load (&pool->serial);
          if (serial != seen || atomic_load (&pool->quit))
            return serial;
          pause_cpu ();
        }
    }
  while (now_ns () < until);

  pthread_mutex_lock (&pool->lock);
  while (atomic_load (&pool->serial) == seen && !atomic_load (&pool->quit))
    pthread_cond_wait (&pool->work, &pool->lock);
  pthread_mutex_unlock (&pool->lock);
  return atomic_load (&pool->serial);
}

static void *
work (void *user_data)
{
  Worker *self = user_data;
  D2vPool *pool = self->pool;
  guint64 seen = 0;

  for (;;)
    {
      seen = wait_for_work (pool, seen);
      if (atomic_load (&pool->quit))
        return NULL;
      take_items (pool, self->index);
      if (atomic_fetch_sub (&pool->running, 1) == 1)
        {
          /* The lock orders this signal after the caller's last look. */
          pthread_mutex_lock (&pool->lock);
          pthread_cond_signal (&pool->done);
          pthread_mutex_unlock (&pool->lock);
        }
    }
}

D2vPool *
d2v_pool_new (guint n_threads)
{
  D2vPool *pool = g_new0 (D2vPool, 1);

  if (n_threads == 0)
    n_threads = g_get_num_processors ();
  n_threads = CLAMP (n_threads, 1, MAX_THREADS);
  pthread_mutex_init (&pool->lock, NULL);
  pthread_cond_init (&pool->work, NULL);
  pthread_cond_init (&pool->done, NULL);
  pool->workers = g_new0 (Worker, n_threads);
  pool->n_threads = 1;
  for (guint i = 1; i < n_threads; i++)
    {
      Worker *worker = &pool->workers[i - 1];
      worker->pool = pool;
      worker->index = i;
      if (pthread_create (&worker->thread, NULL, work, worker) != 0)
        break;
      pool->n_threads++;
    }
  return pool;
}

void
d2v_pool_free (D2vPool *pool)
{
  if (pool == NULL)
    return;
  pthread_mutex_lock (&pool->lock);
  atomic_store (&pool->quit, TRUE);
  pthread_cond_broadcast (&pool->work);
  pthread_mutex_unlock (&pool->lock);
  for (guint i = 1; i < pool->n_threads; i++)
    pthread_join (pool->workers[i - 1].thread, NULL);
  pthread_cond_destroy (&pool->work);
  pthread_cond_destroy (&pool->done);
  pthread_mutex_destroy (&pool->lock);
  g_free (pool->workers);
  g_free (pool);
}

guint
d2v_pool_n_threads (const D2vPool *pool)
{
  return pool->n_threads;
}

static void
wait_for_others (D2vPool *pool)
{
  guint64 until = now_ns () + SPIN_NS;

  do
    {
      for (guint i = 0; i < 64; i++)
        {
          if (atomic_load (&pool->running) == 0)
            return;
          pause_cpu ();
        }
    }
  while (now_ns () < until);

  pthread_mutex_lock (&pool->lock);
  while (atomic_load (&pool->running) != 0)
    pthread_cond_wait (&pool->done, &pool->lock);
  pthread_mutex_unlock (&pool->lock);
}

void
d2v_pool_run (D2vPool *pool, gsize n_items, gsize grain, D2vPoolFunc func,
              gpointer data)
{
  if (n_items == 0)
    return;
  if (grain == 0)
    grain = d2v_ceil_div (n_items, pool->n_threads);
  if (pool->n_threads == 1 || n_items <= grain)
    {
      func (data, 0, n_items, 0);
      return;
    }

  pool->func = func;
  pool->data = data;
  pool->n_items = n_items;
  pool->grain = grain;
  atomic_store (&pool->next, 0);
  atomic_store (&pool->running, pool->n_threads - 1);
  pthread_mutex_lock (&pool->lock);
  atomic_fetch_add (&pool->serial, 1);
  pthread_cond_broadcast (&pool->work);
  pthread_mutex_unlock (&pool->lock);

  take_items (pool, 0);
  wait_for_others (pool);
}
