/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/kernels/check.h"

#include "engine/base/math.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POISON 0xff

/* The pages before and behind are forbidden: reading too far ends the program
 * without any sanitizer's help. */
D2vGuarded
d2v_guarded_new (gsize n_bytes, gsize alignment)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE);
  gsize inside = d2v_align (d2v_max (n_bytes, 1), page);
  D2vGuarded g = { .n_bytes = n_bytes, .map_bytes = inside + 2 * page };

  g.map
      = mmap (NULL, g.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert (g.map != MAP_FAILED);
  g_assert (mprotect (g.map + page, inside, PROT_READ | PROT_WRITE) == 0);
  g.data = g.map + page + inside - d2v_align (n_bytes, alignment);
  memset (g.map + page, POISON, inside);
  return g;
}

void
d2v_guarded_free (D2vGuarded *g)
{
  if (g->map != NULL)
    munmap (g->map, g->map_bytes);
  *g = (D2vGuarded){ 0 };
}

void
d2v_guarded_poison (D2vGuarded *g)
{
  memset (g->data, POISON, g->n_bytes);
}

gboolean
d2v_guarded_is_whole (const D2vGuarded *g)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE);

  for (const guint8 *p = g->map + page; p < g->data; p++)
    if (*p != POISON)
      return FALSE;
  for (const guint8 *p = g->data + g->n_bytes; p < g->map + g->map_bytes - page;
       p++)
    if (*p != POISON)
      return FALSE;
  return TRUE;
}

static void
permit (D2vGuarded *g, int what)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE);

  g_assert (mprotect (g->map + page, g->map_bytes - 2 * page, what) == 0);
}

void
d2v_guarded_protect (D2vGuarded *g)
{
  permit (g, PROT_READ);
}

void
d2v_guarded_unprotect (D2vGuarded *g)
{
  permit (g, PROT_READ | PROT_WRITE);
}
