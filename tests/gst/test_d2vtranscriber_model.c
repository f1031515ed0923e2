/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row E of the fault matrix: models that are missing, wrong, replaced, and
 * swapped while playing. */

#include "tests/gst/bench.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An element that is not played yet, with a bus. */
typedef struct
{
  GstElement *element;
  GstBus *bus;
} Alone;

static Alone
alone_new (const gchar *model)
{
  Alone alone
      = { gst_element_factory_make ("d2vtranscriber", NULL), gst_bus_new () };

  gst_object_ref_sink (alone.element);
  gst_element_set_bus (alone.element, alone.bus);
  g_object_set (alone.element, "model", model, NULL);
  return alone;
}

static void
alone_free (Alone *alone)
{
  gst_element_set_state (alone->element, GST_STATE_NULL);
  gst_element_set_bus (alone->element, NULL);
  gst_object_unref (alone->element);
  gst_object_unref (alone->bus);
}

/* An error of that kind within a second, which names @file. */
static void
expect_error (GstBus *bus, GQuark domain, gint code, const gchar *name,
              const gchar *file)
{
  g_autoptr (GstMessage) message
      = gst_bus_timed_pop_filtered (bus, GST_SECOND, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_nonnull (strstr (error->message, file));
}

static gchar *
path_in (const gchar *dir, const gchar *name)
{
  return g_build_filename (dir, name, NULL);
}

/* --------------------------------------------------- E1: unusable ones -- */

static void
test_no_model (void)
{
  Alone alone = alone_new (NULL);

  g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_READY), ==,
                   GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_PAUSED), ==,
                   GST_STATE_CHANGE_FAILURE);
  expect_error (alone.bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                "model", "model");
  alone_free (&alone);
}

/* Refused at once, by name; and good again when the property is. */
static void
refuse (const gchar *path, GQuark domain, gint code, const gchar *name)
{
  Alone alone = alone_new (path);
  gchar *good = make_model ("W", NULL);
  gint64 began = g_get_monotonic_time ();

  g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_READY), ==,
                   GST_STATE_CHANGE_FAILURE);
  g_assert_cmpint (g_get_monotonic_time () - began, <, G_TIME_SPAN_SECOND);
  expect_error (alone.bus, domain, code, name, path);
  gst_element_set_state (alone.element, GST_STATE_NULL);
  g_object_set (alone.element, "model", good, NULL);
  g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_PLAYING), ==,
                   GST_STATE_CHANGE_SUCCESS);
  alone_free (&alone);
  remove_model (good);
}

static void
test_missing (void)
{
  refuse ("/nowhere/at-all", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
          "NOT_FOUND");
}

static void
test_fifo (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("d2v-XXXXXX", NULL);
  g_autofree gchar *fifo = path_in (dir, "fifo");

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  refuse (fifo, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "FAILED");
  g_remove (fifo);
  g_rmdir (dir);
}

static void
test_empty_directory (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("d2v-XXXXXX", NULL);

  refuse (dir, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "NOT_FOUND");
  g_rmdir (dir);
}

/* The wrong head: the answer names the right element. */
static void
test_wrong_head (void)
{
  gchar *model = make_model ("W", "vision 1\nhead ForImageClassification");
  Alone alone = alone_new (model);

  g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_READY), ==,
                   GST_STATE_CHANGE_FAILURE);
  expect_error (alone.bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                "ARCH_HEAD", "d2vimageclassifier");
  alone_free (&alone);
  remove_model (model);
}

static void
test_wrong_rate (void)
{
  gchar *model = make_model ("W", "rate 8000");
  Alone alone = alone_new (model);

  g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_READY), ==,
                   GST_STATE_CHANGE_FAILURE);
  expect_error (alone.bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                "8000", model);
  alone_free (&alone);
  remove_model (model);
}

/* What only reading the weights shows comes from the thread, and makes the
 * chain function fail. */
static void
test_bad_weights (void)
{
  static const struct
  {
    const gchar *weights; /* NULL: none, "fifo": one */
    gint code;
  } cases[] = { { NULL, GST_RESOURCE_ERROR_NOT_FOUND },
                { "", GST_RESOURCE_ERROR_OPEN_READ },
                { "fifo", GST_RESOURCE_ERROR_OPEN_READ } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gchar *model = make_model ("W", NULL);
      g_autofree gchar *path = path_in (model, "weights");
      Alone alone = alone_new (model);

      g_remove (path);
      if (i == 1)
        g_assert_true (g_file_set_contents (path, "", 0, NULL));
      if (i == 2)
        g_assert_cmpint (mkfifo (path, 0600), ==, 0);
      g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_PAUSED),
                       !=, GST_STATE_CHANGE_FAILURE);
      expect_error (alone.bus, GST_RESOURCE_ERROR, cases[i].code, "weights",
                    path);
      gst_element_set_state (alone.element, GST_STATE_NULL);
      g_remove (path);
      g_assert_true (g_file_set_contents (path, "W", 1, NULL));
      g_assert_cmpint (gst_element_set_state (alone.element, GST_STATE_PAUSED),
                       ==, GST_STATE_CHANGE_SUCCESS);
      alone_free (&alone);
      remove_model (model);
    }
}

static void
test_bad_weights_stop_the_stream (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *path = path_in (bench->model, "weights");

  gst_element_set_state (bench->element, GST_STATE_NULL);
  g_remove (path);
  gst_element_set_state (bench->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (bench->harness, CAPS_F32);
  g_assert_cmpint (bench_push (bench, "25:200"), ==, GST_FLOW_ERROR);
  /* The cause is the first that the bus hears of. */
  expect_error (bench->bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                "NOT_FOUND", path);
}

static void
test_device_and_precision (void)
{
  static const gchar *const lines[]
      = { "device=vulkan:9", "device=nonsense", "precision=int8" };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (Bench) bench = bench_new (lines[i], FALSE, NULL);

      expect_error (bench->bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                    "no such", "FAILED");
    }
}

/* ----------------------------------------- E2, E3: files that change -- */

static void
restart (Bench *bench)
{
  gst_element_set_state (bench->element, GST_STATE_NULL);
  gst_element_set_state (bench->element, GST_STATE_PLAYING);
  gst_harness_push_event (bench->harness, gst_event_new_stream_start ("again"));
  gst_harness_set_src_caps_str (bench->harness, CAPS_F32);
  bench_clear_log (bench);
  bench->next = 0;
}

static void
test_replaced_while_playing (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autofree gchar *weights = path_in (bench->model, "weights");
  g_autofree gchar *other = path_in (bench->model, "other");
  g_autofree gchar *words = NULL, *again = NULL;

  bench_push (bench, "25:200 0:1500");
  g_assert_true (bench_wait (bench, "W25 0+200", 5));
  g_assert_true (g_file_set_contents (other, "X", 1, NULL));
  g_assert_cmpint (g_rename (other, weights), ==, 0);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W25 1700+200");
  restart (bench);
  bench_push (bench, "25:200");
  again = bench_words (bench);
  g_assert_cmpstr (again, ==, "X25 0+200");
}

static void
test_truncated_while_playing (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autofree gchar *weights = path_in (bench->model, "weights");
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:200 0:1500");
  g_assert_true (bench_wait (bench, "W25 0+200", 5));
  g_assert_cmpint (truncate (weights, 0), ==, 0);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W25 1700+200");
}

/* ------------------------------------------------------------ hot swap -- */

/* Until the other model's words come. */
static void
push_until (Bench *bench, const gchar *word)
{
  for (guint i = 0; i < 500 && !bench_wait (bench, word, 0); i++)
    {
      g_assert_cmpint (bench_push (bench, "25:200 0:300"), ==, GST_FLOW_OK);
      g_usleep (2000);
    }
  g_assert_true (bench_wait (bench, word, 0));
}

static void
test_swap (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  gchar *other = make_model ("X", "load_ms 30");
  g_autofree gchar *words = NULL;
  const gchar *first_new;
  guint n_words;

  push_until (bench, "W25");
  g_object_set (bench->element, "model", other, NULL);
  push_until (bench, "X25");
  words = bench_words (bench);
  /* First the old one's words, then the new one's, and none in between. */
  first_new = strstr (words, "X25");
  g_assert_null (strstr (first_new, "W25"));
  /* One window's end may lie inside a word, of which each hears a part. */
  n_words = bench_count (bench, "W25") + bench_count (bench, "X25");
  g_assert_cmpuint (n_words, >=, bench->next / MS (500));
  g_assert_cmpuint (n_words, <=, bench->next / MS (500) + 1);
  g_assert_cmpuint (bench_stat (bench, "resyncs"), ==, 0);
  remove_model (other);
}

/* Frames of another size need a new beginning. */
static void
test_swap_to_other_frames (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  gchar *other = make_model ("X", "frame 160");
  g_autofree gchar *words = NULL;

  push_until (bench, "W25");
  g_object_set (bench->element, "model", other, NULL);
  push_until (bench, "X25");
  words = bench_words (bench);
  g_assert_null (strstr (strstr (words, "X25"), "W25"));
  remove_model (other);
}

static void
test_failed_swap (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *model = NULL, *words = NULL;

  push_until (bench, "W25");
  g_object_set (bench->element, "model", "/nowhere/at-all", NULL);
  message = bench_message (bench, GST_MESSAGE_WARNING, 5);
  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nowhere/at-all"));
  g_assert_cmpint (bench_push (bench, "30:200 0:100"), ==, GST_FLOW_OK);
  words = bench_words (bench);
  g_assert_nonnull (strstr (words, "W30"));
  g_object_get (bench->element, "model", &model, NULL);
  g_assert_cmpstr (model, ==, bench->model);
}

/* Row F3: the CPU goes on, and the bus hears of it; no session is listened to
 * once it is gone. */
static void
test_device_lost (void)
{
  g_autoptr (Bench) bench
      = bench_new ("window-duration=1000", FALSE, "lost_at 1");
  g_autoptr (GError) error = NULL;
  g_autofree gchar *words = NULL;
  GstMessage *message;

  bench_push (bench, "25:2000 0:500");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+2000");
  message = bench_message (bench, GST_MESSAGE_WARNING, 5);
  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "the device was lost");
  gst_message_unref (message);
  g_assert_cmpuint (bench_stat (bench, "model-fallbacks"), ==, 1);
}

/* The bus hears of it also when that happens before the stream begins. */
static void
test_device_lost_while_loading (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, "lost_at 0");
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  bench_push (bench, "0:40");
  message = bench_message (bench, GST_MESSAGE_WARNING, 5);
  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_cmpstr (error->message, ==, "the device was lost");
}

/* A model that does not fit on its device, say, is as good as none: the one
 * before goes on. */
static void
test_swap_to_failing (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, NULL);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *words = NULL;
  gchar *failing = make_model ("X", "fail_at 0");

  bench_push (bench, "25:200 0:1000");
  g_object_set (bench->element, "model", failing, NULL);
  message = bench_message (bench, GST_MESSAGE_WARNING, 5);
  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "a window failed"));
  bench_push (bench, "30:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W30 1200+200");
  remove_model (failing);
}

/* Of many wishes in a row, the last one counts, and none waits. */
static void
test_many_swaps (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  gchar *models[3]
      = { make_model ("X", "load_ms 2000"), make_model ("Y", "session_ms 2000"),
          make_model ("Z", NULL) };
  gint64 began;

  push_until (bench, "W25");
  began = g_get_monotonic_time ();
  for (guint i = 0; i < 30; i++)
    {
      g_object_set (bench->element, "model", models[i % 2], NULL);
      g_usleep (1000);
    }
  g_object_set (bench->element, "model", models[2], NULL);
  push_until (bench, "Z25");
  g_assert_cmpint (g_get_monotonic_time () - began, <, 2 * G_TIME_SPAN_SECOND);
  for (guint i = 0; i < 3; i++)
    remove_model (models[i]);
}

/* A window that hangs while warming up does not keep a swap from ending. */
static void
test_stop_while_warming_up (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, TRUE, "window_ms 10000");
  gint64 began;

  g_usleep (50000);
  began = g_get_monotonic_time ();
  gst_element_set_state (bench->element, GST_STATE_NULL);
  g_assert_cmpint (g_get_monotonic_time () - began, <,
                   200 * G_TIME_SPAN_MILLISECOND);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/transcriber/" name, func)
  ADD ("fault_E1/no-model", test_no_model);
  ADD ("fault_E1/missing", test_missing);
  ADD ("fault_E1/fifo", test_fifo);
  ADD ("fault_E1/empty-directory", test_empty_directory);
  ADD ("fault_E1/bad-weights", test_bad_weights);
  ADD ("fault_E1/bad-weights-stop-the-stream",
       test_bad_weights_stop_the_stream);
  ADD ("fault_E6/wrong-head", test_wrong_head);
  ADD ("fault_E6/wrong-rate", test_wrong_rate);
  ADD ("device-and-precision", test_device_and_precision);
  ADD ("fault_E2/replaced-while-playing", test_replaced_while_playing);
  ADD ("fault_E3/truncated-while-playing", test_truncated_while_playing);
  ADD ("swap", test_swap);
  ADD ("swap-to-other-frames", test_swap_to_other_frames);
  ADD ("failed-swap", test_failed_swap);
  ADD ("many-swaps", test_many_swaps);
  ADD ("fault_F3/device-lost", test_device_lost);
  ADD ("fault_F3/device-lost-while-loading", test_device_lost_while_loading);
  ADD ("fault_F4/swap-to-failing", test_swap_to_failing);
  ADD ("fault_E9/stop-while-warming-up", test_stop_while_warming_up);
  return g_test_run ();
}
