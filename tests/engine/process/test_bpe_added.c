/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_bpe_added.c: the search for added tokens, against one that tries every
 * token at every place. */

#include "engine/process/bpe_private.h"

#include "engine/base/alloc.h"

#include <string.h>

typedef struct
{
  D2vTokenizer tokenizer;
  GPtrArray *names; /* of gchar: token i's string, ended by NUL */
  guint32 *block;
} Fixture;

static void
set_up (Fixture *f)
{
  *f = (Fixture){ .names = g_ptr_array_new_with_free_func (g_free),
                  .block = g_new (guint32, D2V_BPE_BLOCK) };
  f->tokenizer.added = g_new0 (D2vAddedToken, 1000);
}

static void
tear_down (Fixture *f)
{
  g_ptr_array_unref (f->names);
  d2v_bpe_trie_clear (&f->tokenizer.tries[0]);
  g_free (f->tokenizer.added);
  g_free (f->block);
}

static void
add (Fixture *f, gchar *name)
{
  guint32 index = f->names->len;

  f->tokenizer.added[index].id = index;
  g_assert_true (
      d2v_bpe_trie_add (&f->tokenizer.tries[0], name, strlen (name), index));
  g_ptr_array_add (f->names, name);
}

/* The longest token at @text, the last of equal ones; its length, or 0. */
static gsize
try_all (const Fixture *f, const gchar *text, gsize n, guint32 *id)
{
  gsize best = 0;

  for (guint i = 0; i < f->names->len; i++)
    {
      const gchar *name = f->names->pdata[i];
      gsize length = strlen (name);

      if (length <= n && length >= best && memcmp (text, name, length) == 0)
        {
          best = length;
          *id = i;
        }
    }
  return best;
}

/* Compares all matches in text[begin..end); returns the steps it took. */
static gsize
check (const Fixture *f, const gchar *text, gsize begin, gsize end)
{
  D2vBpeScan scan = { .tokenizer = &f->tokenizer,
                      .trie = &f->tokenizer.tries[0],
                      .text = text,
                      .begin = begin,
                      .end = end,
                      .at = begin,
                      .done = begin,
                      .block = f->block };
  D2vBpeMatch match;

  for (gsize at = begin; at < end;)
    {
      guint32 id;
      gsize length = try_all (f, text + at, end - at, &id);

      if (length == 0)
        {
          at++;
          continue;
        }
      g_assert_true (d2v_bpe_scan_next (&scan, &match));
      g_assert_cmpuint (match.token->id, ==, id);
      g_assert_cmpuint (match.begin, ==, at);
      g_assert_cmpuint (match.end, ==, at + length);
      at += length;
    }
  g_assert_false (d2v_bpe_scan_next (&scan, &match));
  return scan.n_steps;
}

static gchar *
draw (GRand *random, gsize n, guint n_letters)
{
  gchar *text = g_new0 (gchar, n + 1);

  for (gsize i = 0; i < n; i++)
    text[i] = (gchar) ('a' + g_rand_int_range (random, 0, (gint) n_letters));
  return text;
}

/* Few letters, so that tokens begin, end and overlap everywhere. */
static void
test_random (void)
{
  GRand *random = g_rand_new_with_seed (7);

  for (guint round = 0; round < 400; round++)
    {
      guint n_letters = (guint) g_rand_int_range (random, 1, 4);
      gsize longest = (gsize) g_rand_int_range (random, 1, round % 2 ? 40 : 6);
      gsize n = (gsize) g_rand_int_range (random, 1, 6000);
      Fixture f;

      set_up (&f);
      for (gint i = g_rand_int_range (random, 1, 12); i > 0; i--)
        add (&f, draw (random,
                       1 + (gsize) g_rand_int_range (random, 0, (gint) longest),
                       n_letters));
      g_assert_true (d2v_bpe_trie_finish (&f.tokenizer.tries[0]));
      g_autofree gchar *text = draw (random, n, n_letters);
      check (&f, text, 0, n);
      check (&f, text, n / 3, n - n / 4);
      tear_down (&f);
    }
  g_rand_free (random);
}

/* Made against the search: every place begins what nearly is a long token. The
 * steps stay in proportion to the text. */
static void
test_hostile (void)
{
  static const gchar *const ends[] = { "b", "ab", "" };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      gsize n = 1 << 15;
      g_autofree gchar *text = g_strnfill (n, 'a');
      Fixture f;

      set_up (&f);
      for (gsize length = 1; length < 1000; length = length * 5 + 3)
        {
          g_autofree gchar *run = g_strnfill (length, 'a');
          add (&f, g_strconcat (run, ends[i], NULL));
        }
      if (i == 1)
        add (&f, g_strdup ("a")); /* so that there is a match everywhere */
      text[n / 2] = 'b';
      g_assert_true (d2v_bpe_trie_finish (&f.tokenizer.tries[0]));
      g_assert_cmpuint (check (&f, text, 0, n), <, 18 * n);
      tear_down (&f);
    }
}

/* No memory for the walk back: said when the strings are there (G1). */
static void
test_no_memory (void)
{
  for (guint64 nth = 1; nth < 20; nth++)
    {
      D2vBpeTrie trie = { 0 };

      d2v_alloc_fail_at (nth);
      gboolean ok = d2v_bpe_trie_add (&trie, "<mask>", 6, 0)
                    && d2v_bpe_trie_finish (&trie);
      d2v_alloc_fail_at (0);
      d2v_bpe_trie_clear (&trie);
      if (ok)
        {
          g_assert_cmpuint (nth, >, 4);
          return;
        }
    }
  g_assert_not_reached ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/bpe-added/random", test_random);
  g_test_add_func ("/process/bpe-added/hostile", test_hostile);
  g_test_add_func ("/process/bpe-added/no-memory-G1", test_no_memory);
  return g_test_run ();
}
