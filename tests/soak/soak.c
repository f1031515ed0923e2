/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* soak.c: hours of speech through transcribers, and nothing grows.
 *
 * soak tiny|shipped MINUTES: so many minutes of sound live and as many
 * recorded, as fast as they go, in streams of a few minutes; between them
 * sessions and transcribers are closed and opened. Memory in use, resident
 * memory, open files and threads are looked at at the same point of each
 * round. With D2V_SOAK_PLANT 16 bytes a window leak on purpose. */

#include "engine/session/session.h"
#include "tests/engine/session/media.h"
#include "tests/engine/session/tiny.h"

#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RATE 16000
#define ROUNDS 12
#define WARM_UP 3 /* rounds until caches are full */
#define PUSH 1600
/* The last round may have so much more than the one after warming up. Without
 * GLib's slices and malloc's caches of freed pieces, which count as in use
 * (see meson.build), there is no difference at all. */
#define MAX_HEAP_BYTES 1024
#define MAX_RESIDENT_BYTES (2 * 1024 * 1024)

typedef struct
{
  gsize heap, resident;
  guint files, tasks;
  guint64 n_words, n_windows;
} Sample;

static const D2vTranscriberParams regimes[]
    = { { D2V_REGIME_LIVE, .partial_results = TRUE },
        { D2V_REGIME_RECORDED, .window_ms = 10000 } };
static const gchar *const regime_names[] = { "live", "recorded" };

static gchar *tiny;
static GArray *sound;
static gboolean planted;

/* -------------------------------------------------------------- measuring --
 */

static guint
count_entries (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static gsize
resident_bytes (void)
{
  g_autofree gchar *text = NULL;
  gsize n_pages = 0;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL)
      || sscanf (text, "%*u %" G_GSIZE_FORMAT, &n_pages) != 1)
    return 0;
  return n_pages * (gsize) sysconf (_SC_PAGESIZE);
}

static Sample
measure (guint64 n_words, guint64 n_windows)
{
  struct mallinfo2 info = mallinfo2 ();

  return (Sample){ info.uordblks + info.hblkhd,
                   resident_bytes (),
                   count_entries ("/proc/self/fd"),
                   count_entries ("/proc/self/task"),
                   n_words,
                   n_windows };
}

/* -------------------------------------------------------------- streaming --
 */

static D2vSession *
open_session (void)
{
  return tiny != NULL ? tiny_session (tiny, NULL) : media_session (0);
}

/* Takes what is there. TRUE at the end of the stream. */
static gboolean
pull (D2vTranscriber *t, gint64 timeout_us, guint64 *n_words)
{
  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vTranscript) one
          = d2v_transcriber_pull (t, timeout_us, &error);

      g_assert_no_error (error);
      if (one == NULL)
        return FALSE;
      *n_words += one->type == D2V_TRANSCRIPT_WORD;
      if (one->type == D2V_TRANSCRIPT_DRAINED)
        return TRUE;
    }
}

/* As soon as there is room, so that nothing is dropped. */
static void
push (D2vTranscriber *t, const gfloat *samples, gsize n, guint64 *n_words)
{
  g_autoptr (GError) error = NULL;
  D2vTranscriberStats stats;

  for (;;)
    {
      d2v_transcriber_stats (t, &stats);
      if (stats.queue_depth < 2)
        break;
      pull (t, 2000, n_words);
    }
  d2v_transcriber_push (t, samples, n, &error);
  g_assert_no_error (error);
  pull (t, 0, n_words);
}

/* The worker lets go of its last window after it was told of. */
typedef struct
{
  D2vJob job;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean done;
} Last;

static void
finish (D2vJob *job)
{
  Last *last = (Last *) job;

  pthread_mutex_lock (&last->lock);
  last->done = TRUE;
  pthread_cond_signal (&last->changed);
  pthread_mutex_unlock (&last->lock);
}

static void
settle (D2vWorker *worker)
{
  Last last = { { .run = finish, .deadline_us = G_MAXINT64 },
                PTHREAD_MUTEX_INITIALIZER,
                PTHREAD_COND_INITIALIZER,
                FALSE };

  d2v_worker_submit (worker, &last.job);
  pthread_mutex_lock (&last.lock);
  while (!last.done)
    pthread_cond_wait (&last.changed, &last.lock);
  pthread_mutex_unlock (&last.lock);
}

static void
leak (guint64 n_windows)
{
  for (guint64 i = 0; i < n_windows; i++)
    {
      gpointer volatile lost = malloc (16);
      memset (lost, 1, 16);
    }
}

static Sample
run_round (const D2vTranscriberParams *params, guint64 n_samples)
{
  D2vSession *session = open_session ();
  D2vTranscriber *t = d2v_transcriber_new (session, params, NULL);
  D2vTranscriberStats stats;
  guint64 n_words = 0;

  for (guint64 at = 0; at < n_samples; at += PUSH)
    {
      gsize from = (gsize) (at % (sound->len - PUSH));
      push (t, &g_array_index (sound, gfloat, from),
            (gsize) MIN (PUSH, n_samples - at), &n_words);
    }
  d2v_transcriber_drain (t);
  g_assert_true (pull (t, -1, &n_words));
  d2v_transcriber_stats (t, &stats);
  g_assert_cmpuint (stats.dropped_late, ==, 0);
  settle (d2v_session_worker (session));
  if (planted)
    leak (stats.windows_out);
  d2v_transcriber_unref (t);
  d2v_session_unref (session);
  return measure (n_words, stats.windows_out);
}

/* ----------------------------------------------------------------- judging --
 */

static gboolean
is_flat (const Sample *warm, const Sample *last)
{
  return last->heap <= warm->heap + MAX_HEAP_BYTES
         && last->resident <= warm->resident + MAX_RESIDENT_BYTES
         && last->files <= warm->files && last->tasks <= warm->tasks;
}

static gboolean
soak (guint regime, guint64 n_samples)
{
  Sample warm = { 0 }, last = { 0 };
  guint64 n_words = 0;

  for (guint i = 0; i < ROUNDS; i++)
    {
      last = run_round (&regimes[regime], n_samples / ROUNDS);
      n_words += last.n_words;
      if (i + 1 == WARM_UP)
        warm = last;
      printf ("# %s %2u: %" G_GUINT64_FORMAT " windows, %" G_GUINT64_FORMAT
              " words, heap %.1f kB, resident %.1f MB, %u files, %u threads\n",
              regime_names[regime], i + 1, last.n_windows, last.n_words,
              (gdouble) last.heap / 1e3, (gdouble) last.resident / 1e6,
              last.files, last.tasks);
    }
  gboolean ok = n_words > 0 && is_flat (&warm, &last);
  printf ("%s %u %s\n", ok ? "ok" : "not ok", regime + 1, regime_names[regime]);
  fflush (stdout);
  return ok;
}

/* A minute of changing tones with pauses, where recordings cannot be read. */
static GArray *
make_tones (void)
{
  GArray *out = g_array_new (FALSE, FALSE, sizeof (gfloat));

  for (guint i = 0; i < 60 * RATE; i++)
    {
      guint piece = i / 2000;
      gfloat x = piece % 5 == 4
                     ? 0
                     : (gfloat) (0.3 * sin (0.01 * i * (1 + piece * 7 % 29)));
      g_array_append_val (out, x);
    }
  return out;
}

int
main (int argc, char **argv)
{
  if (argc != 3)
    {
      fprintf (stderr, "soak tiny|shipped MINUTES\n");
      return 2;
    }
  gdouble minutes = g_ascii_strtod (argv[2], NULL);
  gboolean is_tiny = strcmp (argv[1], "tiny") == 0, ok = TRUE;

  planted = g_getenv ("D2V_SOAK_PLANT") != NULL;
  if (is_tiny)
    tiny = tiny_write (NULL);
  sound = is_tiny ? NULL : media_load ("briefing.ogg");
  if (sound == NULL)
    sound = make_tones ();
  printf ("1..2\n");
  for (guint regime = 0; regime < 2; regime++)
    ok &= soak (regime, (guint64) (minutes * 60 * RATE));
  if (tiny != NULL)
    tiny_remove (tiny);
  g_array_unref (sound);
  return !ok;
}
