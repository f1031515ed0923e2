/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* main.c: check_kernels [--time] [--threads N] [--seed N] [OP...]
 *
 * Checks the kernels of the named ops, or of all, and speaks TAP; --time
 * measures them instead. --list OP... passes when the names are the list of
 * ops, so that none is forgotten where the build names them one by one. */

#include "tests/kernels/check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct
{
  const gchar *name;
  const D2vCheck *check;
} checks[D2V_N_OPS] = {
#define OP(NAME, name, fewest, most)                                           \
  [D2V_OP_##NAME] = { #name, &d2v_check_##name },
  D2V_OP_LIST (OP)
#undef OP
};

static void
say (const gchar *text)
{
  if (write (STDOUT_FILENO, text, strlen (text)) < 0)
    _exit (1);
}

/* Forbidden pages lie around every array. Only write() is allowed here; the
 * default action follows, so that a debugger sees the place. */
static void
on_forbidden_page (int number)
{
  say ("\nBail out! touched memory outside the arrays: ");
  say (d2v_check_running);
  say ("\n");
  signal (number, SIG_DFL);
}

static gint
find_op (const gchar *name)
{
  for (guint i = 0; i < D2V_N_OPS; i++)
    if (strcmp (checks[i].name, name) == 0)
      return (gint) i;
  return -1;
}

static gint
compare_list (gchar **names)
{
  guint n = names != NULL ? g_strv_length (names) : 0;
  gboolean right = n == D2V_N_OPS;

  for (guint i = 0; i < D2V_N_OPS; i++)
    if (names == NULL
        || !g_strv_contains ((const gchar *const *) names, checks[i].name))
      {
        printf ("# %s is not in the list\n", checks[i].name);
        right = FALSE;
      }
  printf ("%s 1 - %u ops, %u names\n1..1\n", right ? "ok" : "not ok",
          (guint) D2V_N_OPS, n);
  return right ? 0 : 1;
}

static gint
check_ops (gchar **names, const D2vCheckOptions *options)
{
  guint n_lines = 0, n_failed = 0;

  for (guint i = 0; i < D2V_N_OPS; i++)
    if (names == NULL
        || g_strv_contains ((const gchar *const *) names, checks[i].name))
      n_failed += d2v_check_op (i, checks[i].check, options, &n_lines);
  printf ("1..%u\n", n_lines);
  return n_failed != 0;
}

gint
main (gint argc, gchar **argv)
{
  gboolean list = FALSE, timing = FALSE;
  gint n_threads = 1;
  gint64 seed = 1;
  g_auto (GStrv) names = NULL;
  const GOptionEntry entries[]
      = { { "list", 0, 0, G_OPTION_ARG_NONE, &list, "Compare the list of ops",
            NULL },
          { "time", 0, 0, G_OPTION_ARG_NONE, &timing, "Measure", NULL },
          { "threads", 0, 0, G_OPTION_ARG_INT, &n_threads, "For --time", "N" },
          { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Of all inputs", "N" },
          { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &names, NULL,
            "[OP...]" },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  setvbuf (stdout, NULL, _IOLBF, 0);
  signal (SIGSEGV, on_forbidden_page);
  signal (SIGBUS, on_forbidden_page);
  if (list)
    return compare_list (names);
  for (gchar **name = names; name != NULL && *name != NULL; name++)
    if (find_op (*name) < 0)
      {
        fprintf (stderr, "expected the name of an op, found \"%s\"\n", *name);
        return 1;
      }
  D2vCheckOptions options
      = { .seed = (guint64) seed, .timing = timing, .n_threads = n_threads };
  return check_ops (names, &options);
}
