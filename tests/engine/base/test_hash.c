/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/hash.h"

#include <string.h>

static void
test_same_bytes (void)
{
  guint8 bytes[200 + 8];

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 31);
  for (gsize n = 0; n <= 200; n++)
    {
      guint64 expected = d2v_hash (1, bytes, n);
      for (guint shift = 1; shift < 8; shift++)
        {
          guint8 moved[200 + 8];
          memcpy (moved + shift, bytes, n);
          g_assert_cmphex (d2v_hash (1, moved + shift, n), ==, expected);
        }
      g_assert_cmphex (d2v_hash (2, bytes, n), !=, expected);
    }
}

/* Zeros are the easiest to lose: a multiplication by them keeps nothing. */
static void
test_lengths (void)
{
  static const guint8 zeros[300];
  g_autoptr (GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);
  guint64 hashes[300];

  for (gsize n = 0; n < G_N_ELEMENTS (hashes); n++)
    {
      hashes[n] = d2v_hash (0, zeros, n);
      g_assert_true (g_hash_table_add (seen, &hashes[n]));
    }
}

static void
test_every_bit (void)
{
  guint8 bytes[515] = { 0 };
  guint64 expected = d2v_hash (0, bytes, sizeof bytes);

  for (gsize i = 0; i < sizeof bytes * 8; i++)
    {
      bytes[i / 8] ^= 1u << i % 8;
      guint64 other = d2v_hash (0, bytes, sizeof bytes);
      /* A good mix changes about half of the bits. */
      gint changed = __builtin_popcountll (expected ^ other);
      g_assert_cmpint (changed, >, 8);
      g_assert_cmpint (changed, <, 56);
      bytes[i / 8] ^= 1u << i % 8;
    }
}

static void
test_order_of_pieces (void)
{
  const gchar *a = "first", *b = "second";
  guint64 ab = d2v_hash (d2v_hash (0, a, 5), b, 6);
  guint64 ba = d2v_hash (d2v_hash (0, b, 6), a, 5);

  g_assert_cmphex (ab, !=, ba);
  g_assert_cmphex (ab, !=, d2v_hash (0, "firstsecond", 11));
}

/* Names as models have them fall into buckets evenly. */
static void
test_buckets (void)
{
  guint count[256] = { 0 };

  for (guint i = 0; i < 25600; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("layer.%u.weight", i);
      count[d2v_str_hash (name) % 256]++;
    }
  for (guint i = 0; i < 256; i++)
    {
      g_assert_cmpuint (count[i], >, 40);
      g_assert_cmpuint (count[i], <, 180);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/hash/same-bytes", test_same_bytes);
  g_test_add_func ("/base/hash/lengths", test_lengths);
  g_test_add_func ("/base/hash/every-bit", test_every_bit);
  g_test_add_func ("/base/hash/order-of-pieces", test_order_of_pieces);
  g_test_add_func ("/base/hash/buckets", test_buckets);
  return g_test_run ();
}
