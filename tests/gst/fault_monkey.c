/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row D13: everything at random.
 *
 *     fault_monkey [--seed N] [--runs N] [--print] [SCRIPT...]
 *
 * Makes up scripts (script.h) of legal and illegal events, sound of every
 * kind, states, properties and pads, on two threads, and runs them. A seed
 * always makes the same script; --print shows it instead. With files, runs
 * those: what the monkey or the fuzzer found goes into tests/data/scripts. */

#include "tests/gst/bench.h"
#include "tests/gst/script.h"

#include <stdio.h>

static GRand *rand_now;
static gchar *models[2];

static guint
below (guint n)
{
  return (guint) g_rand_int_range (rand_now, 0, (gint32) n);
}

static const gchar *
one_of (const gchar *const *texts, guint n)
{
  return texts[below (n)];
}
#define ONE_OF(texts) one_of (texts, G_N_ELEMENTS (texts))

static void
add_push (GString *script)
{
  static const gchar *const levels[]
      = { "0", "0", "25", "30", "35", "99", "nan", "inf" };

  g_string_append (script, "push");
  for (guint i = 1 + below (4); i > 0; i--)
    g_string_append_printf (script, " %s:%u", ONE_OF (levels),
                            below (4) ? below (400) : below (4000));
  if (below (4) == 0)
    g_string_append_printf (script, " pts=%u", below (20000));
  if (below (8) == 0)
    g_string_append (script, " pts=none");
  if (below (2))
    g_string_append_printf (script, " buffer=%u", 1 + below (200));
  if (below (6) == 0)
    g_string_append_printf (script, " flags=%u", below (0x4000));
  if (below (6) == 0)
    g_string_append_printf (script, " split=%u", 1 + below (5000));
  if (below (10) == 0)
    g_string_append_printf (script, " odd=%u", below (8));
}

static void
add_property (GString *script)
{
  static const gchar *const properties[] = {
    "regime auto",
    "regime live",
    "regime recorded",
    "output word",
    "output sentence",
    "text-case lower",
    "text-case vocabulary",
    "partial-results true",
    "partial-results false",
    "language-code en",
    "nonfinite drop",
    "nonfinite error",
    "on-late drop",
    "on-late pass",
    "on-corrupt use",
    "on-corrupt drop",
    "lateness 200",
    "lateness 0",
    "latency 20",
    "latency 0",
    "chunk-duration 200",
    "chunk-duration 400",
    "window-duration 1000",
    "window-duration 30000",
    "stride-duration 100",
    "stride-duration 0",
    "left-context 0",
    "right-context 0",
    "post-messages false",
    "endpoint-silence 200",
    "word-confidence-threshold 0.5",
    "model /nowhere",
  };

  if (below (4))
    g_string_append_printf (script, "property %s", ONE_OF (properties));
  else
    g_string_append_printf (script, "property model %s", models[below (2)]);
}

static void
add_event (GString *script)
{
  static const gchar *const events[] = {
    "eos",
    "tag",
    "segment-done",
    "flush",
    "flush",
    "latency",
    "caps f32",
    "caps s16",
    "caps stereo",
    "segment time 1 0",
    "segment time 1 500 1500",
    "segment time 2 0",
    "segment time -1 0 1000",
    "segment bytes 1 0",
    "stream-start a",
    "stream-start b",
    "gap none 100",
    "gap 1000 none",
    "live yes",
    "live no",
    "answer ok",
    "answer ok",
    "answer eos",
    "answer error",
    "answer not-linked",
    "reconfigure markup",
    "reconfigure text",
    "reconfigure none",
    "request json_src",
    "request partial_src",
    "release json_src",
    "release partial_src",
  };

  switch (below (6))
    {
    case 0:
      g_string_append_printf (script, "gap %u %u", below (20000), below (3000));
      break;
    case 1:
      g_string_append_printf (script, "seek %u %d", below (20000),
                              below (8) ? 1 : -1);
      break;
    default:
      g_string_append (script, ONE_OF (events));
    }
}

/* A stream that is set up again after whatever happened. */
static void
add_recovery (GString *script)
{
  g_string_append (script, "answer ok\nreconfigure\nstate playing\nflush\n"
                           "stream-start r\ncaps f32\nsegment time 1 0\n"
                           "push 25:300 0:200 pts=0\n");
}

static void
add_line (GString *script)
{
  static const gchar *const states[] = { "null", "ready", "paused", "playing" };
  guint kind = below (20);

  /* Only sound goes to the second thread, as a streaming thread's work; states
   * and flushes come from elsewhere. */
  if (kind < 9)
    {
      if (below (3) == 0)
        g_string_append (script, "& ");
      add_push (script);
    }
  else if (kind < 14)
    add_event (script);
  else if (kind < 17)
    add_property (script);
  else if (kind == 17)
    g_string_append_printf (script, "state %s", ONE_OF (states));
  else if (kind == 18)
    g_string_append_printf (script, "sleep %u", below (10));
  else
    {
      g_string_append (script, "join\n");
      add_recovery (script);
    }
  g_string_append_c (script, '\n');
}

static gchar *
make_script (guint32 seed)
{
  GString *script = g_string_new (NULL);

  g_rand_set_seed (rand_now, seed);
  add_recovery (script);
  for (guint i = 20 + below (60); i > 0; i--)
    add_line (script);
  return g_string_free (script, FALSE);
}

/* Whatever happened: in the end it has to work again. */
static gchar *
make_finale (void)
{
  GString *script = g_string_new (
      "property regime recorded\nproperty output word\n"
      "property nonfinite drop\nproperty word-confidence-threshold 0\n"
      "property window-duration 30000\nproperty stride-duration -1\n");

  g_string_append_printf (script, "property model %s\n", models[0]);
  add_recovery (script);
  g_string_append (script, "eos\n");
  return g_string_free (script, FALSE);
}

/* Words, and then the end, within some seconds. */
static gboolean
play_finale (Player *player)
{
  g_autofree gchar *finale = make_finale ();
  guint n_buffers, n_eos;

  player_run (player, "state null");
  n_buffers = player_n_buffers (player);
  n_eos = player_n_eos (player);
  player_run (player, finale);
  for (guint i = 0; i < 1000 && player_n_eos (player) == n_eos; i++)
    g_usleep (10000);
  return player_n_eos (player) > n_eos && player_n_buffers (player) > n_buffers;
}

static gboolean
play (const gchar *script)
{
  GstElement *element = gst_element_factory_make ("d2vtranscriber", NULL);
  Player *player;
  gboolean good;

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  g_object_set (element, "model", models[0], NULL);
  player = player_new (element);
  player_run (player, script);
  good = play_finale (player);
  player_free (player);
  gst_object_unref (element);
  return good;
}

static gboolean
play_file (const gchar *path)
{
  g_autofree gchar *script = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_file_get_contents (path, &script, NULL, &error))
    {
      g_printerr ("%s\n", error->message);
      return FALSE;
    }
  return play (script);
}

static gboolean
play_seeds (guint seed, guint n_runs, gboolean print)
{
  for (guint i = 0; i < n_runs; i++)
    {
      g_autofree gchar *script = make_script (seed + i);

      if (print)
        g_print ("%s", script);
      else if (!play (script))
        {
          g_printerr ("seed %u: no words, or no end\n", seed + i);
          return FALSE;
        }
    }
  g_print ("%u runs from seed %u\n", n_runs, seed);
  return TRUE;
}

int
main (int argc, char **argv)
{
  static gint seed = 1, n_runs = 50;
  static gboolean print = FALSE;
  static gchar **files = NULL;
  static const GOptionEntry entries[]
      = { { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "The first seed", "N" },
          { "runs", 0, 0, G_OPTION_ARG_INT, &n_runs, "How many", "N" },
          { "print", 0, 0, G_OPTION_ARG_NONE, &print, "Show the scripts",
            NULL },
          { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL,
            "SCRIPT" },
          { 0 } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean good = TRUE;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  rand_now = g_rand_new ();
  models[0] = make_model ("W", "window_ms 1");
  models[1] = make_model ("X", "load_ms 20\nwindow_ms 3");
  for (guint i = 0; files && files[i]; i++)
    good = play_file (files[i]) && good;
  if (!files)
    good = play_seeds ((guint) seed, (guint) n_runs, print);
  for (guint i = 0; i < 2; i++)
    remove_model (models[i]);
  g_rand_free (rand_now);
  return good ? 0 : 1;
}
