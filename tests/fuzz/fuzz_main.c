/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuzz_main.c: runs a target without libFuzzer.
 *
 *     fuzz-TARGET N [SEED] PATH...
 *
 * First every file found under the paths as it is, then N inputs made from
 * them by a mutator that is fully determined by SEED. A target that finds a
 * bug aborts; the input is then in the file crash-TARGET. Folders and files
 * that are not there are passed over. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_SEED_BYTES (64 << 10)
#define MAX_INPUT_BYTES (128 << 10)

/* ------------------------------------------------------------- seeds -- */

static void
add_path (GPtrArray *seeds, const gchar *path)
{
  g_autofree gchar *bytes = NULL;
  GStatBuf s;
  gsize n;

  if (g_lstat (path, &s) != 0)
    return;
  if (S_ISDIR (s.st_mode))
    {
      g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
      const gchar *name;
      while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
        {
          g_autofree gchar *inner = g_build_filename (path, name, NULL);
          add_path (seeds, inner);
        }
    }
  else if (S_ISREG (s.st_mode) && s.st_size <= MAX_SEED_BYTES
           && g_file_get_contents (path, &bytes, &n, NULL))
    g_ptr_array_add (seeds, g_bytes_new_take (g_steal_pointer (&bytes), n));
}

/* Folders list their files in any order; the run must not depend on it. */
static gint
compare_seeds (gconstpointer a, gconstpointer b)
{
  return g_bytes_compare (*(GBytes *const *) a, *(GBytes *const *) b);
}

/* ----------------------------------------------------------- mutations -- */

typedef struct
{
  GRand *rand;
  GPtrArray *seeds;
  GByteArray *input;
} Mutator;

static guint
below (Mutator *m, guint n)
{
  return n > 0 ? g_rand_int (m->rand) % n : 0;
}

static void
flip_bit (Mutator *m)
{
  m->input->data[below (m, m->input->len)] ^= 1u << below (m, 8);
}

static void
set_byte (Mutator *m)
{
  static const guint8 values[]
      = { 0,   1,   0x7f, 0x80, 0xff, ' ', '"',  ',', ':', '[', ']', '{',
          '}', '-', '.',  '0',  '9',  'e', '\\', 'u', '(', ')', 'q' };
  guint at = below (m, m->input->len);

  m->input->data[at] = below (m, 2) ? values[below (m, sizeof values)]
                                    : (guint8) g_rand_int (m->rand);
}

static void
set_number (Mutator *m)
{
  static const guint64 values[]
      = { 0,          1,          2,          0x7f,
          0xff,       0x7fff,     0xffff,     0x10000,
          0x7fffffff, 0xffffffff, 1ull << 40, 1ull << 48,
          1ull << 63, ~0ull,      ~0ull - 7,  (1ull << 63) - 1 };
  guint64 value = GUINT64_TO_LE (values[below (m, G_N_ELEMENTS (values))]);
  guint n = 1u << below (m, 4);

  if (n <= m->input->len)
    memcpy (m->input->data + below (m, m->input->len - n + 1), &value, n);
}

static void
remove_block (Mutator *m)
{
  guint at = below (m, m->input->len);

  g_byte_array_remove_range (m->input, at,
                             1 + below (m, MIN (64, m->input->len - at)));
}

/* Some bytes of @from in front of place @at. */
static void
insert_block (Mutator *m, const guint8 *from, guint n_from)
{
  guint begin = below (m, n_from);
  guint n = 1 + below (m, MIN (64, n_from - begin));
  guint at = below (m, m->input->len + 1);
  g_autofree guint8 *block = g_memdup2 (from + begin, n);

  if (n_from == 0 || m->input->len + n > MAX_INPUT_BYTES)
    return;
  g_byte_array_set_size (m->input, m->input->len + n);
  memmove (m->input->data + at + n, m->input->data + at,
           m->input->len - n - at);
  memcpy (m->input->data + at, block, n);
}

static void
insert_from_another (Mutator *m)
{
  gsize n;
  const guint8 *other = g_bytes_get_data (
      g_ptr_array_index (m->seeds, below (m, m->seeds->len)), &n);

  if (n > 0)
    insert_block (m, other, (guint) n);
}

static void
mutate_once (Mutator *m)
{
  if (m->input->len == 0)
    {
      insert_from_another (m);
      return;
    }
  switch (below (m, 7))
    {
    case 0:
      flip_bit (m);
      break;
    case 1:
    case 2:
      set_byte (m);
      break;
    case 3:
      set_number (m);
      break;
    case 4:
      remove_block (m);
      break;
    case 5:
      insert_block (m, m->input->data, m->input->len);
      break;
    default:
      insert_from_another (m);
      break;
    }
}

/* ------------------------------------------------------------- running -- */

static GByteArray *running;
static gchar *crash_name;

/* Only calls that a signal handler may make. */
static void
keep_crash (int signal_number)
{
  int fd = open (crash_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

  if (fd >= 0 && write (fd, running->data, running->len) >= 0)
    close (fd);
  signal (signal_number, SIG_DFL);
  raise (signal_number);
}

/* A copy of exactly the input's size, so that a read beyond it is seen. */
static void
run_one (GByteArray *input)
{
  g_autofree guint8 *copy = g_memdup2 (input->data, input->len);

  running = input;
  LLVMFuzzerTestOneInput (copy, input->len);
}

static void
run_all (Mutator *m, guint n_inputs)
{
  for (guint i = 0; i < m->seeds->len + n_inputs; i++)
    {
      gsize n;
      guint which = i < m->seeds->len ? i : below (m, m->seeds->len);
      const guint8 *seed
          = g_bytes_get_data (g_ptr_array_index (m->seeds, which), &n);
      g_byte_array_set_size (m->input, 0);
      if (n > 0)
        g_byte_array_append (m->input, seed, (guint) n);
      for (guint k = 1 + below (m, 4); k > 0 && i >= m->seeds->len; k--)
        mutate_once (m);
      run_one (m->input);
    }
}

int
main (int argc, char **argv)
{
  g_autofree gchar *program = g_path_get_basename (argv[0]);
  Mutator m = { .rand = g_rand_new_with_seed (1),
                .seeds = g_ptr_array_new_with_free_func (
                    (GDestroyNotify) g_bytes_unref),
                .input = g_byte_array_new () };
  gint first = 2;
  guint64 seed;

  if (argc < 2)
    {
      g_printerr ("usage: %s N [SEED] PATH...\n", program);
      return 2;
    }
  if (argc > 2
      && g_ascii_string_to_unsigned (argv[2], 10, 0, G_MAXUINT32, &seed, NULL))
    {
      g_rand_set_seed (m.rand, (guint32) seed);
      first = 3;
    }
  for (gint i = first; i < argc; i++)
    add_path (m.seeds, argv[i]);
  g_ptr_array_sort (m.seeds, compare_seeds);
  if (m.seeds->len == 0)
    g_ptr_array_add (m.seeds, g_bytes_new_static ("{}", 2));

  crash_name = g_strdup_printf ("crash-%s", program);
  signal (SIGABRT, keep_crash);
  signal (SIGSEGV, keep_crash);
  signal (SIGTRAP, keep_crash);
  run_all (&m, (guint) g_ascii_strtoull (argv[1], NULL, 10));
  g_print ("%s: %u seeds and %s mutations\n", program, m.seeds->len, argv[1]);

  g_rand_free (m.rand);
  g_ptr_array_unref (m.seeds);
  g_byte_array_unref (m.input);
  g_free (crash_name);
  return 0;
}
