/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows A and B of the fault matrix: caps and buffers of every quality. */

#include "tests/gst/bench.h"

#include <math.h>
#include <string.h>

#define SOUND "0:200 25:400 0:300 30:200 0:1000 35:300"
#define WORDS "W25 200+400, W30 900+200, W35 2100+300"

/* ------------------------------------------------------------ A: caps -- */

/* The sound before the change is finished as what it was. */
static void
test_caps_change (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  for (guint i = 0; i < 2; i++)
    {
      bench->is_s16 = i;
      gst_harness_set_src_caps_str (bench->harness, i ? CAPS_S16 : CAPS_F32);
      bench_push (bench, "0:100 25:200");
    }
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 100+200, W25 400+200");
}

static void
test_same_caps (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS_F32);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:200");
  gst_harness_push_event (bench->harness, gst_event_new_caps (caps));
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400");
}

/* Refused caps stop nothing that was good, and better ones go on. */
static void
test_unacceptable_caps (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autoptr (GstCaps) stereo = gst_caps_from_string (
      "audio/x-raw, format=F32LE, rate=16000, channels=2, "
      "layout=interleaved");
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS_F32);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:200 0:1500");
  g_assert_true (bench_wait (bench, "src: W25 0+200", 5));
  /* A sticky event is kept for later, so only the buffer tells. */
  gst_harness_push_event (bench->harness, gst_event_new_caps (stereo));
  g_assert_cmpint (bench_push_one (bench, "25:20", MS (1700), 0), ==,
                   GST_FLOW_NOT_NEGOTIATED);
  gst_harness_push_event (bench->harness, gst_event_new_caps (caps));
  bench_push (bench, "30:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W30 1700+200");
}

static void
test_buffer_before_caps (void)
{
  g_autofree gchar *model = make_model ("W", NULL);
  GstElement *element = gst_element_factory_make ("d2vtranscriber", NULL);
  g_autoptr (GstPad) sink = NULL;
  GstSegment segment;

  g_object_set (element, "model", model, NULL);
  gst_object_ref_sink (element);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
                   GST_STATE_CHANGE_SUCCESS);
  sink = gst_element_get_static_pad (element, "sink");
  gst_pad_send_event (sink, gst_event_new_stream_start ("s"));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (sink, gst_event_new_segment (&segment));
  g_assert_cmpint (
      gst_pad_chain (sink, gst_buffer_new_allocate (NULL, 640, NULL)), ==,
      GST_FLOW_NOT_NEGOTIATED);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  remove_model (g_steal_pointer (&model));
}

/* --------------------------------------------------------- B: buffers -- */

static void
test_empty (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  GstBuffer *no_memory = gst_buffer_new ();

  bench_push (bench, "25:200");
  GST_BUFFER_PTS (no_memory) = bench->next;
  gst_harness_push (bench->harness, no_memory);
  bench_push_one (bench, "25:0", bench->next, 0);
  bench_push (bench, "25:200");
  /* An empty buffer's time counts: what follows it begins anew. */
  bench_push_one (bench, "25:0", MS (1000), 0);
  bench->next = MS (1000);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+400, W25 1000+200");
}

/* Whole samples are used; what is left over is damage. */
static void
test_odd_size (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  g_autoptr (GArray) sound = make_sound ("25:200");
  GstBuffer *odd = gst_buffer_new_memdup (sound->data, 3200 * 4 - 1);

  bench_push (bench, "0:100 25:200");
  GST_BUFFER_PTS (odd) = bench->next;
  g_assert_cmpint (gst_harness_push (bench->harness, odd), ==, GST_FLOW_OK);
  bench->next += MS (200);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 100+400, W25 500+200");
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-corrupt"), ==, 1);
}

static void
test_seven_bytes (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  for (guint i = 0; i < 10; i++)
    {
      GstBuffer *odd = gst_buffer_new_allocate (NULL, 7, NULL);

      gst_buffer_memset (odd, 0, 0, 7);
      GST_BUFFER_PTS (odd) = i * GST_SECOND;
      g_assert_cmpint (gst_harness_push (bench->harness, odd), ==, GST_FLOW_OK);
    }
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "");
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-corrupt"), ==, 10);
}

static void
push_with (Bench *bench, gfloat bad, guint every)
{
  g_autoptr (GArray) sound = make_sound ("30:400");
  gfloat *samples = (gfloat *) sound->data;
  GstBuffer *buffer;

  for (guint i = 0; i < sound->len; i += every)
    samples[i] = bad;
  buffer = make_buffer (bench, samples, sound->len);
  GST_BUFFER_PTS (buffer) = bench->next;
  bench->next += MS (400);
  gst_harness_push (bench->harness, buffer);
}

/* At 1 in 100, 1 in 10 and all samples: no word from there, and a GAP. */
static void
test_nonfinite (void)
{
  static const guint every[] = { 100, 10, 1 };

  for (guint i = 0; i < G_N_ELEMENTS (every); i++)
    {
      g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
      g_autofree gchar *words = NULL;

      bench_push (bench, "25:200 0:1000");
      push_with (bench, i % 2 ? NAN : INFINITY, every[i]);
      bench_push (bench, "0:1600 35:200");
      words = bench_words (bench);
      g_assert_cmpstr (words, ==, "W25 0+200, W35 3200+200");
      g_assert_cmpuint (bench_stat (bench, "windows-dropped-nonfinite"), >=, 1);
    }
}

static void
test_nonfinite_error (void)
{
  g_autoptr (Bench) bench = bench_new ("nonfinite=error", FALSE, NULL);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  push_with (bench, NAN, 100);
  bench_eos (bench);
  message = bench_message (bench, GST_MESSAGE_ERROR, 5);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
}

static void
test_amplitudes (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  bench_push (bench, "25:200");
  push_with (bench, 1e30f, 1);
  push_with (bench, 1e-40f, 1);
  bench_push (bench, "30:200");
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W30 1000+200");
}

/* The pieces that sound comes in never change the words. */
static void
test_piece_sizes (void)
{
  static const guint sizes[] = { 1, 7, 20, 333, 2400 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint live = 0; live < 2; live++)
      {
        g_autoptr (Bench) bench = bench_new (NULL, live, NULL);
        g_autofree gchar *words = NULL;

        bench_push_in (bench, SOUND, sizes[i]);
        words = bench_words (bench);
        g_assert_cmpstr (words, ==, WORDS);
      }
}

static void
test_single_samples (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autoptr (GArray) sound = make_sound ("25:100 0:100 30:100");
  g_autofree gchar *words = NULL;

  for (guint i = 0; i < sound->len; i++)
    {
      GstBuffer *buffer
          = make_buffer (bench, (const gfloat *) sound->data + i, 1);

      GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (i, GST_SECOND, 16000);
      gst_harness_push (bench->harness, buffer);
    }
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+100, W30 200+100");
}

/* An hour in one buffer, in memory of its own size and no more than a few
 * windows beside it. */
static void
test_one_hour (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;
  gsize n = 3600u * 16000u;
  gfloat *samples = g_malloc (n * sizeof *samples);
  GstBuffer *buffer;
  guint64 before;

  for (gsize i = 0; i < n; i++)
    samples[i] = i / 16000 % 60 == 59 ? 0.25f : 0;
  buffer = gst_buffer_new_wrapped (samples, n * sizeof *samples);
  GST_BUFFER_PTS (buffer) = 0;
  before = process_rss_kib ();
  g_assert_cmpint (gst_harness_push (bench->harness, buffer), ==, GST_FLOW_OK);
  words = bench_words (bench);
  g_assert_cmpuint (bench_count (bench, "src: W25"), ==, 60);
  g_assert_nonnull (strstr (words, "W25 3599000+1000"));
  g_assert_cmpuint (process_rss_kib (), <, before + 64 * 1024);
}

/* Memories that end inside of samples, at odd addresses, that forbid writing.
 */
static void
test_many_memories (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autoptr (GArray) sound = make_sound (SOUND);
  g_autofree gchar *words = NULL;
  gsize n_bytes = sound->len * sizeof (gfloat);
  GstBuffer *buffer = gst_buffer_new ();
  guint8 *odd = g_malloc (n_bytes + 1);

  memcpy (odd + 1, sound->data, n_bytes);
  for (gsize i = 0, n; i < n_bytes; i += n)
    {
      n = MIN (n_bytes - i, 10007);
      gst_buffer_append_memory (
          buffer, gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, odd + 1 + i,
                                          n, 0, n, NULL, NULL));
    }
  GST_BUFFER_PTS (buffer) = 0;
  g_assert_cmpint (gst_harness_push (bench->harness, buffer), ==, GST_FLOW_OK);
  words = bench_words (bench);
  g_free (odd);
  g_assert_cmpstr (words, ==, WORDS);
}

/* --------------------------------------------- memory that cannot be read --
 */

typedef GstAllocator DeafAllocator;
typedef GstAllocatorClass DeafAllocatorClass;
GType deaf_allocator_get_type (void);
G_DEFINE_TYPE (DeafAllocator, deaf_allocator, GST_TYPE_ALLOCATOR)

static void
deaf_free (GstAllocator *allocator, GstMemory *memory)
{
  g_free (memory);
}

static gpointer
deaf_map (GstMemory *memory, gsize size, GstMapFlags flags)
{
  return NULL;
}

static void
deaf_allocator_class_init (DeafAllocatorClass *klass)
{
  klass->free = deaf_free;
}

static void
deaf_allocator_init (DeafAllocator *allocator)
{
  allocator->mem_type = "deaf";
  allocator->mem_map = deaf_map;
  GST_OBJECT_FLAG_SET (allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

static void
test_unmappable (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  GstAllocator *allocator = g_object_new (deaf_allocator_get_type (), NULL);
  GstMemory *memory = g_new0 (GstMemory, 1);
  GstBuffer *buffer = gst_buffer_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_object_ref_sink (allocator);
  gst_memory_init (memory, 0, allocator, NULL, 640, 0, 0, 640);
  gst_buffer_append_memory (buffer, memory);
  GST_BUFFER_PTS (buffer) = 0;
  g_assert_cmpint (gst_harness_push (bench->harness, buffer), ==,
                   GST_FLOW_ERROR);
  message = bench_message (bench, GST_MESSAGE_ERROR, 1);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
  gst_object_unref (allocator);
}

/* -------------------------------------------------------------- flags -- */

static void
push_flagged (Bench *bench, guint flags)
{
  bench_push (bench, "25:200");
  bench_push_one (bench, "25:200", bench->next, flags);
  bench->next += MS (200);
  bench_push (bench, "25:200");
}

static void
test_corrupted_dropped (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_flagged (bench, GST_BUFFER_FLAG_CORRUPTED);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W25 400+200");
  g_assert_cmpuint (bench_stat (bench, "windows-dropped-corrupt"), ==, 1);
}

static void
test_corrupted_used (void)
{
  g_autoptr (Bench) bench = bench_new ("on-corrupt=use", FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_flagged (bench, GST_BUFFER_FLAG_CORRUPTED);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+600");
}

/* A GAP buffer is silence, whatever is in it. */
static void
test_gap_buffers (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_flagged (bench, GST_BUFFER_FLAG_GAP);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+200, W25 400+200");
}

/* Silence that is marked as such is not computed, however it is cut. */
static void
test_long_gap_of_buffers (void)
{
  g_autoptr (Bench) bench = bench_new ("regime=live", FALSE, NULL);
  g_autofree gchar *words = NULL;
  guint64 n_windows;

  for (guint i = 0; i < 500; i++)
    bench_push_one (bench, "25:20", i * MS (20), GST_BUFFER_FLAG_GAP);
  n_windows = bench_stat (bench, "windows-in");
  bench->next = MS (10000);
  bench_push (bench, "25:200");
  words = bench_words (bench);
  g_assert_cmpuint (n_windows, ==, 0);
  g_assert_cmpstr (words, ==, "W25 10000+200");
  g_assert_true (bench_wait (bench, "src: gap 9980+20", 1));
}

static void
test_other_flags (void)
{
  g_autoptr (Bench) bench = bench_new (NULL, FALSE, NULL);
  g_autofree gchar *words = NULL;

  push_flagged (bench, GST_BUFFER_FLAG_DROPPABLE);
  words = bench_words (bench);
  g_assert_cmpstr (words, ==, "W25 0+600");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/transcriber/" name, func)
  ADD ("fault_A1/format-changes-mid-window", test_caps_change);
  ADD ("fault_A1/same-caps-change-nothing", test_same_caps);
  ADD ("fault_A2/unacceptable-caps", test_unacceptable_caps);
  ADD ("fault_A5/buffer-before-caps", test_buffer_before_caps);
  ADD ("fault_B1/empty-buffers", test_empty);
  ADD ("fault_B2/odd-size", test_odd_size);
  ADD ("fault_B2/seven-bytes", test_seven_bytes);
  ADD ("fault_B3/nonfinite-is-dropped", test_nonfinite);
  ADD ("fault_B3/nonfinite-error", test_nonfinite_error);
  ADD ("fault_B4/amplitudes", test_amplitudes);
  ADD ("fault_B5/piece-sizes", test_piece_sizes);
  ADD ("fault_B5/single-samples", test_single_samples);
  ADD ("fault_B5/one-hour", test_one_hour);
  ADD ("fault_B6/many-memories", test_many_memories);
  ADD ("fault_B7/unmappable", test_unmappable);
  ADD ("fault_B16/corrupted-is-dropped", test_corrupted_dropped);
  ADD ("fault_B16/corrupted-is-used", test_corrupted_used);
  ADD ("fault_B16/gap-buffers", test_gap_buffers);
  ADD ("fault_B16/long-gap-of-buffers", test_long_gap_of_buffers);
  ADD ("fault_B16/other-flags", test_other_flags);
  return g_test_run ();
}
