/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/alloc.h"

#include "engine/base/math.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 64

static _Atomic guint64 n_allocations;
static _Atomic guint64 fail_at;
static _Thread_local guint64 n_here;

gpointer
d2v_malloc (gsize n_bytes)
{
  gsize rounded;

  if (n_bytes == 0 || !d2v_add (n_bytes, ALIGNMENT - 1, &rounded))
    return NULL;
  guint64 index = atomic_fetch_add (&n_allocations, 1) + 1;
  n_here++;
  if (index == atomic_load (&fail_at))
    return NULL;
  return aligned_alloc (ALIGNMENT, rounded & ~(gsize) (ALIGNMENT - 1));
}

gpointer
d2v_malloc0 (gsize n_bytes)
{
  gpointer memory = d2v_malloc (n_bytes);

  if (memory != NULL)
    memset (memory, 0, n_bytes);
  return memory;
}

gpointer
d2v_malloc_n (gsize n, gsize size)
{
  gsize n_bytes;

  return d2v_mul (n, size, &n_bytes) ? d2v_malloc (n_bytes) : NULL;
}

void
d2v_free (gpointer memory)
{
  free (memory);
}

void
d2v_give_back (gpointer memory, gsize n_bytes)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE);
  gsize first = ((gsize) memory + page - 1) / page * page;
  gsize end = ((gsize) memory + n_bytes) / page * page;

  if (first < end)
    madvise ((gpointer) first, end - first, MADV_DONTNEED);
}

guint64
d2v_alloc_count (void)
{
  return atomic_load (&n_allocations);
}

guint64
d2v_alloc_count_here (void)
{
  return n_here;
}

void
d2v_alloc_fail_at (guint64 nth)
{
  atomic_store (&fail_at, nth == 0 ? 0 : atomic_load (&n_allocations) + nth);
}
