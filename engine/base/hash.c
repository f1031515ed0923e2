/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/hash.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define N_KEYS 4
#define STRIPE (8 * N_KEYS)

static guint64 keys[N_KEYS];

static void
draw_keys (void)
{
  if (getrandom (keys, sizeof keys, GRND_NONBLOCK) != sizeof keys)
    for (guint i = 0; i < N_KEYS; i++)
      keys[i] = (guint64) g_random_int () << 32 | g_random_int ();
}

static void
need_keys (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, draw_keys);
}

/* Both halves of the 128-bit product, folded: every bit of the result depends
 * on every bit of both factors. */
static inline guint64
mix (guint64 a, guint64 b)
{
  unsigned __int128 product = (unsigned __int128) a * b;

  return (guint64) product ^ (guint64) (product >> 64);
}

static inline guint64
word_at (const guint8 *p)
{
  guint64 word;

  memcpy (&word, p, sizeof word);
  return word;
}

guint64
d2v_hash (guint64 seed, gconstpointer data, gsize n_bytes)
{
  const guint8 *p = data;
  gsize left = n_bytes;

  need_keys ();

  /* Two chains, so that one multiplication need not wait for the other. */
  guint64 a = seed ^ keys[0];
  guint64 b = seed ^ keys[1];
  for (; left >= STRIPE; left -= STRIPE, p += STRIPE)
    {
      a = mix (word_at (p) ^ keys[0], word_at (p + 8) ^ a);
      b = mix (word_at (p + 16) ^ keys[2], word_at (p + 24) ^ b);
    }

  guint8 tail[STRIPE] = { 0 };
  if (left > 0)
    memcpy (tail, p, left);
  a = mix (word_at (tail) ^ keys[0], word_at (tail + 8) ^ a);
  b = mix (word_at (tail + 16) ^ keys[2], word_at (tail + 24) ^ b);
  return mix (a ^ keys[3], b ^ keys[1] ^ n_bytes);
}

guint
d2v_str_hash (gconstpointer string)
{
  return (guint) d2v_hash (0, string, strlen (string));
}
