/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element with the real engine and the shipped model: what must hold
 * whatever the words are. Skipped where the model is not. */

#include "tests/gst/bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static gchar *model;
static GArray *timer;   /* samples of examples/media/timer.ogg */
static gchar *expected; /* its words, as the original hears them */

static gchar *
source_file (const gchar *name)
{
  return g_build_filename (g_getenv ("D2V_SOURCE_ROOT"), "examples", name,
                           NULL);
}

/* The decoded recording, by a pipeline of its own. */
static GArray *
decode (const gchar *path)
{
  g_autofree gchar *out
      = g_strdup_printf ("%s/d2v-%u.f32", g_get_tmp_dir (), g_random_int ());
  g_autofree gchar *line = g_strdup_printf (
      "filesrc location=%s ! decodebin ! audioconvert ! audioresample ! "
      "capsfilter caps=\"" CAPS_F32 "\" ! filesink location=%s",
      path, out);
  GstElement *pipeline = gst_parse_launch (line, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  GArray *samples = g_array_new (FALSE, FALSE, sizeof (gfloat));
  g_autofree gchar *bytes = NULL;
  gsize n;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
                                        GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_assert_true (g_file_get_contents (out, &bytes, &n, NULL));
  g_array_append_vals (samples, bytes, (guint) (n / sizeof (gfloat)));
  remove (out);
  return samples;
}

/* "recognised_words" of a .words.json, as a bench writes them; @shift: added to
 * the times, in milliseconds. */
static gchar *
read_words (const gchar *path, guint shift)
{
  g_autofree gchar *text = NULL;
  GString *words = g_string_new (NULL);
  const gchar *at;
  gchar word[64];
  gdouble start, end;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  at = strstr (text, "\"recognised_words\"");
  g_assert_nonnull (at);
  while ((at = strstr (at, "{\"word\": \"")))
    {
      g_assert_cmpint (sscanf (at,
                               "{\"word\": \"%63[^\"]\", \"start\": %lf, "
                               "\"end\": %lf}",
                               word, &start, &end),
                       ==, 3);
      g_string_append_printf (words, "%s%s %.0f+%.0f", words->len ? ", " : "",
                              word, start * 1000 + shift, (end - start) * 1000);
      at++;
    }
  return g_string_free (words, FALSE);
}

static void
push_timer (Bench *bench, guint buffer_ms)
{
  bench_push_samples (bench, (const gfloat *) timer->data, timer->len,
                      buffer_ms);
}

static void
test_words (void)
{
  static const guint sizes[] = { 5, 20, 333, 5000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (Bench) bench = bench_new_real (NULL, FALSE, model);
      g_autofree gchar *words = NULL;

      push_timer (bench, sizes[i]);
      words = bench_words (bench);
      g_assert_cmpstr (words, ==, expected);
    }
}

/* Live, the pieces do not matter either; nor does a stream before. */
static void
test_words_live (void)
{
  g_autofree gchar *first = NULL;
  static const guint sizes[] = { 20, 7, 100, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (Bench) bench = bench_new_real (NULL, TRUE, model);
      g_autofree gchar *words = NULL;

      push_timer (bench, sizes[i]);
      words = bench_words (bench);
      if (!first)
        first = g_strdup (words);
      g_assert_cmpstr (words, ==, first);
      g_assert_nonnull (strstr (words, "TIMER"));
      g_assert_cmpuint (bench_stat (bench, "windows-dropped-late"), ==, 0);
    }
}

/* Concatenated utterances equal separate ones. */
static void
test_break (void)
{
  g_autoptr (Bench) bench = bench_new_real (NULL, FALSE, model);
  g_autofree gchar *file = source_file ("media/timer.words.json");
  g_autofree gchar *later = read_words (file, 10000);
  g_autofree gchar *both = g_strdup_printf ("%s, %s", expected, later);
  g_autofree gchar *words = NULL;

  push_timer (bench, 20);
  bench->next = 10 * GST_SECOND;
  push_timer (bench, 20);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, both);
}

/* No words are made up from nothing, nor from what is no sound. */
static void
test_no_sound (void)
{
  static const gfloat levels[] = { 0, 1e-20f, 0.5f, 1e30f, NAN, INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    for (guint live = 0; live < 2; live++)
      {
        g_autoptr (Bench) bench = bench_new_real (NULL, live, model);
        g_autofree gchar *words = NULL;
        g_autofree gfloat *samples = g_new (gfloat, 64000);

        for (guint n = 0; n < 64000; n++)
          samples[n] = levels[i];
        bench_push_samples (bench, samples, 64000, 100);
        words = bench_words (bench);
        g_assert_cmpstr (words, ==, "");
        g_assert_true (bench_wait (bench, "src: gap", 0));
      }
}

/* Row D2: words after a flush are those of a fresh element. */
static void
test_flushes (void)
{
  g_autoptr (Bench) bench = bench_new_real (NULL, FALSE, model);
  g_autofree gchar *words = NULL;

  for (guint i = 1; i < 60; i++)
    {
      gint64 began;

      bench_push_samples (bench, (const gfloat *) timer->data,
                          timer->len * i / 60, 20);
      if (i % 2)
        bench_eos (bench);
      began = g_get_monotonic_time ();
      bench_flush (bench);
      g_assert_cmpint (g_get_monotonic_time () - began, <,
                       200 * G_TIME_SPAN_MILLISECOND);
    }
  bench_clear_log (bench);
  push_timer (bench, 20);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, expected);
}

/* Tails of every length end, and the words that are whole stay. */
static void
test_tails (void)
{
  for (guint i = 0; i <= 40; i++)
    for (guint live = 0; live < 2; live++)
      {
        g_autoptr (Bench) bench = bench_new_real (NULL, live, model);
        g_autofree gchar *words = NULL;
        guint n = 1200 * 16 + i * (timer->len - 1200 * 16) / 40;

        bench_push_samples (bench, (const gfloat *) timer->data, n, 20);
        words = bench_words (bench);
        g_assert_true (g_str_has_prefix (words, "SET "));
        g_assert_cmpuint (bench_count (bench, "src: eos"), ==, 1);
      }
}

static void
test_swap (void)
{
  g_autoptr (Bench) bench = bench_new_real ("regime=live", FALSE, model);
  g_autofree gchar *words = NULL;

  push_timer (bench, 20);
  g_object_set (bench->element, "model", model, NULL);
  for (guint i = 0; i < 5; i++)
    {
      push_timer (bench, 20);
      g_usleep (50000);
    }
  words = bench_words (bench);
  g_assert_cmpuint (bench_count (bench, "src: TIMER"), ==, 6);
  g_assert_null (bench_message (bench, GST_MESSAGE_ERROR, 0));
}

/* Row D4: stopping in the middle of a window. */
static void
test_stop (void)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (Bench) bench = bench_new_real (NULL, FALSE, model);
      gint64 began;

      push_timer (bench, 20);
      bench_eos (bench);
      g_usleep (i * 500);
      began = g_get_monotonic_time ();
      gst_element_set_state (bench->element, GST_STATE_NULL);
      g_assert_cmpint (g_get_monotonic_time () - began, <,
                       500 * G_TIME_SPAN_MILLISECOND);
    }
}

/* Row D11: one copy of the weights, and one that stops leaves the others. */
static void
test_sharing (void)
{
  Bench *benches[8];

  for (guint i = 0; i < 8; i++)
    benches[i] = bench_new_real (NULL, i % 2, model);
  for (guint i = 0; i < 8; i++)
    push_timer (benches[i], 20);
  gst_element_set_state (benches[2]->element, GST_STATE_NULL);
  for (guint i = 0; i < 8; i++)
    {
      g_autofree gchar *words = NULL;

      if (i == 2)
        continue;
      words = bench_words (benches[i]);
      g_assert_nonnull (strstr (words, "TIMER"));
      /* Runs are the model's, not the element's. */
      g_assert_cmpuint (bench_stat (benches[i], "model-runs"), >=, 3);
    }
  for (guint i = 0; i < 8; i++)
    bench_free (benches[i]);
}

static void
test_refusals (void)
{
  static const gchar *const lines[] = { "precision=int8", "device=nonsense" };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (Bench) bench = bench_new_real (lines[i], FALSE, model);
      g_autoptr (GstMessage) message
          = bench_message (bench, GST_MESSAGE_ERROR, 5);
      g_autoptr (GError) error = NULL;

      g_assert_nonnull (message);
      gst_message_parse_error (message, &error, NULL);
      g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    }
}

int
main (int argc, char **argv)
{
  g_autofree gchar *media = NULL, *weights = NULL, *words = NULL;
  gint result;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  model = source_file ("models/asr-small-en");
  media = source_file ("media/timer.ogg");
  weights = g_build_filename (model, "model.safetensors", NULL);
  if (!g_file_test (media, G_FILE_TEST_EXISTS)
      || !g_file_test (weights, G_FILE_TEST_EXISTS))
    {
      g_print ("1..0 # SKIP the shipped model is not there\n");
      return 77;
    }
  timer = decode (media);
  words = source_file ("media/timer.words.json");
  expected = read_words (words, 0);
#define ADD(name, func) g_test_add_func ("/transcriber/real/" name, func)
  ADD ("words", test_words);
  ADD ("words-live", test_words_live);
  ADD ("fault_C3/break", test_break);
  ADD ("fault_B4/no-sound", test_no_sound);
  ADD ("fault_D2/flushes", test_flushes);
  ADD ("fault_D3/tails", test_tails);
  ADD ("swap", test_swap);
  ADD ("fault_D4/stop", test_stop);
  ADD ("fault_D11/sharing", test_sharing);
  ADD ("refusals", test_refusals);
  result = g_test_run ();
  g_array_unref (timer);
  g_free (model);
  g_free (expected);
  return result;
}
