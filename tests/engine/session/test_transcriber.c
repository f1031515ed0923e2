/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_transcriber.c: the words of the shipped recordings, whichever way they
 * come in. */

#include "engine/decode/ctc.h"
#include "engine/model/model.h"
#include "engine/process/audio.h"
#include "tests/engine/session/chunks.h"
#include "tests/engine/session/media.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------- help -- */

/* One line per transcript that a user sees; equal lines, equal results. */
static void
describe (GString *out, const D2vTranscript *t)
{
  static const gchar *const names[]
      = { "word", "endpoint", "partial", "position", "dropped", "drained" };

  if (t->type == D2V_TRANSCRIPT_POSITION || t->type == D2V_TRANSCRIPT_PARTIAL)
    return;
  guint32 bits;
  memcpy (&bits, &t->confidence, sizeof bits);
  g_string_append_printf (
      out, "%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %08x %s\n",
      names[t->type], t->start, t->end, bits, t->text != NULL ? t->text : "");
}

/* Pulls until DRAINED; the times of words never go back. */
static gchar *
pull_all (D2vTranscriber *t)
{
  GString *out = g_string_new (NULL);
  gboolean drained = FALSE;
  guint64 last = 0, position = 0;

  while (!drained)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vTranscript) one
          = d2v_transcriber_pull (t, 60 * G_USEC_PER_SEC, &error);

      g_assert_no_error (error);
      g_assert_nonnull (one);
      describe (out, one);
      drained = one->type == D2V_TRANSCRIPT_DRAINED;
      if (one->type == D2V_TRANSCRIPT_WORD)
        {
          g_assert_cmpuint (one->start, >=, last);
          g_assert_cmpuint (one->start, >=, position);
          g_assert_cmpuint (one->end, >, one->start);
          g_assert_cmpfloat (one->confidence, >, 0);
          g_assert_cmpfloat (one->confidence, <=, 1);
          last = one->start;
        }
      if (one->type == D2V_TRANSCRIPT_POSITION)
        {
          g_assert_cmpuint (one->end, >, position);
          position = one->end;
        }
    }
  return g_string_free (out, FALSE);
}

typedef gsize (*PieceFunc) (GRand *random, gsize left);

static gchar *
transcribe (D2vSession *session, const D2vTranscriberParams *params,
            const gfloat *samples, gsize n, PieceFunc piece, guint32 seed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (session, params, &error);
  GRand *random = g_rand_new_with_seed (seed);

  g_assert_no_error (error);
  for (gsize i = 0; i < n;)
    {
      gsize m = piece (random, n - i);
      m = MIN (m, n - i);
      d2v_transcriber_push (t, samples + i, m, &error);
      g_assert_no_error (error);
      i += m;
    }
  g_rand_free (random);
  d2v_transcriber_drain (t);
  return pull_all (t);
}

static gsize
whole (GRand *random, gsize left)
{
  return left;
}

static gsize
one_sample (GRand *random, gsize left)
{
  return 1;
}

/* Of all orders of magnitude, empty ones included. */
static gsize
any_size (GRand *random, gsize left)
{
  return (gsize) exp (g_rand_double_range (random, 0, 13)) - 1;
}

/* Words joined by spaces, out of transcribe()'s lines. */
static gchar *
text_of (const gchar *lines)
{
  g_auto (GStrv) split = g_strsplit (lines, "\n", -1);
  GString *text = g_string_new (NULL);

  for (guint i = 0; split[i] != NULL; i++)
    if (g_str_has_prefix (split[i], "word "))
      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "",
                              strrchr (split[i], ' ') + 1);
  return g_string_free (text, FALSE);
}

/* Recordings are decoded once. NULL: skip. */
static GArray *
recording (const gchar *name)
{
  static GHashTable *loaded;

  if (loaded == NULL)
    loaded = g_hash_table_new (g_str_hash, g_str_equal);
  GArray *samples = g_hash_table_lookup (loaded, name);
  if (samples == NULL && (samples = media_load (name)) != NULL)
    g_hash_table_insert (loaded, (gpointer) name, samples);
  if (samples == NULL)
    g_test_skip ("GStreamer cannot decode the recordings here");
  return samples;
}

#define DATA(array) ((const gfloat *) (gpointer) (array)->data)

static const D2vTranscriberParams recorded = { D2V_REGIME_RECORDED };
static const D2vTranscriberParams live
    = { D2V_REGIME_LIVE, .max_queued_windows = 1000000 };
/* 0 ms where that can be: no context, no overlap. */
static const D2vTranscriberParams recorded_bare
    = { D2V_REGIME_RECORDED, .window_ms = 3000, .stride_ms = D2V_MS_NONE };
static const D2vTranscriberParams live_bare
    = { D2V_REGIME_LIVE, .left_context_ms = D2V_MS_NONE,
        .right_context_ms = D2V_MS_NONE, .max_queued_windows = 1000000 };

/* --------------------------------------------------------------- tests -- */

static void
test_recognises (gconstpointer data)
{
  const gchar *name = data;
  g_autofree gchar *stem = g_strndup (name, strcspn (name, "."));
  g_autofree gchar *expected_name = g_strconcat (stem, ".words.json", NULL);
  GArray *samples = recording (name);

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gchar *lines
      = transcribe (session, &recorded, DATA (samples), samples->len, whole, 0);
  g_autofree gchar *text = text_of (lines);
  g_autofree gchar *expected = media_expected (expected_name, "recognised");
  g_assert_cmpstr (text, ==, expected);
}

/* Up to one window, text and times are those of the whole clip in one pass. */
static void
test_equals_one_pass (void)
{
  GArray *samples = recording ("weather.flac");
  g_autoptr (GError) error = NULL;

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  D2vModel *model = d2v_session_model (session);
  g_autoptr (D2vTensor) x
      = d2v_tensor_new (D2V_F32, 2, (gsize[]){ 1, samples->len });
  d2v_audio_normalize (DATA (samples), d2v_tensor_data (x), samples->len);
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();
  d2v_tensors_set (inputs, "input_values", x);
  g_autoptr (D2vTensors) outputs
      = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, &error);
  g_assert_no_error (error);
  const D2vTensor *logits = d2v_tensors_get (outputs, "logits");
  g_autoptr (D2vCtcResult) result = d2v_ctc_decode_logits (
      model->vocab, d2v_tensor_data (logits), d2v_tensor_shape (logits)[1],
      d2v_tensor_shape (logits)[2], &error);
  g_assert_no_error (error);

  g_autofree gchar *lines
      = transcribe (session, &recorded, DATA (samples), samples->len, whole, 0);
  g_auto (GStrv) split = g_strsplit (lines, "\n", -1);
  gsize n = 0;
  for (guint i = 0; split[i] != NULL; i++)
    {
      guint64 start, end;
      guint32 bits;
      gchar word[64];

      if (sscanf (split[i],
                  "word %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %x %63s",
                  &start, &end, &bits, word)
          != 4)
        continue;
      g_assert_cmpuint (n, <, result->n_words);
      g_assert_cmpstr (word, ==, result->words[n].text);
      g_assert_cmpuint (start, ==, result->words[n].start * 320);
      g_assert_cmpuint (end, ==, result->words[n].end * 320);
      n++;
    }
  g_assert_cmpuint (n, ==, result->n_words);
}

static void
test_equals_chunks (void)
{
  static const struct
  {
    guint window_ms, stride_ms;
  } cases[] = { { 30000, 5000 },
                { 10000, 1660 },
                { 4000, 500 },
                { 7013, 1111 },
                { 2000, 20 },
                { 2000, D2V_MS_NONE },  /* a frame is lost at each joint, */
                { 440, D2V_MS_NONE } }; /* and runs merge across it */
  GArray *samples = recording ("briefing.ogg");

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      D2vTranscriberParams params = { .window_ms = cases[i].window_ms,
                                      .stride_ms = cases[i].stride_ms };
      g_autofree gchar *lines = transcribe (session, &params, DATA (samples),
                                            samples->len, whole, 0);
      g_autofree gchar *text = text_of (lines);
      guint stride = cases[i].stride_ms == D2V_MS_NONE ? 0 : cases[i].stride_ms;
      g_autofree gchar *expected = chunks_text (
          session, DATA (samples), samples->len,
          (gsize) rint (cases[i].window_ms / 20.), (gsize) rint (stride / 20.));
      g_assert_cmpstr (text, ==, expected);
    }
}

/* 50 ways to cut it, one sample at a time and all at once among them. */
static void
test_any_pieces (gconstpointer data)
{
  const D2vTranscriberParams *params = data;
  GArray *samples = recording ("weather.flac");

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gchar *expected
      = transcribe (session, params, DATA (samples), samples->len, whole, 0);
  g_autofree gchar *single = transcribe (session, params, DATA (samples),
                                         samples->len, one_sample, 0);
  g_assert_cmpstr (single, ==, expected);
  for (guint32 seed = 0; seed < (MEDIA_THOROUGH ? 48 : 4); seed++)
    {
      g_autofree gchar *lines = transcribe (session, params, DATA (samples),
                                            samples->len, any_size, seed);
      g_assert_cmpstr (lines, ==, expected);
    }
}

static void
test_any_threads (gconstpointer data)
{
  const D2vTranscriberParams *params = data;
  GArray *samples = recording ("weather.flac");
  g_autofree gchar *expected = NULL;

  if (samples == NULL)
    return;
  for (guint n_threads = 1; n_threads <= (MEDIA_THOROUGH ? 6 : 3); n_threads++)
    {
      g_autoptr (D2vSession) session = media_session (n_threads);
      gchar *lines = transcribe (session, params, DATA (samples), samples->len,
                                 whole, 0);
      if (expected == NULL)
        expected = lines;
      else
        {
          g_assert_cmpstr (lines, ==, expected);
          g_free (lines);
        }
    }
}

typedef struct
{
  const D2vTranscriberParams *params;
  GArray *samples;
  gsize offset;
  gchar *lines;
} Stream;

static gpointer
run_stream (gpointer data)
{
  Stream *stream = data;
  g_autoptr (D2vSession) session = media_session (0);

  stream->lines = transcribe (
      session, stream->params, DATA (stream->samples) + stream->offset,
      stream->samples->len - stream->offset, any_size, 7);
  return NULL;
}

static void
test_beside_others (gconstpointer data)
{
  GArray *samples = recording ("weather.flac");
  Stream streams[8];
  GThread *threads[8];

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gchar *expected
      = transcribe (session, data, DATA (samples), samples->len, whole, 0);
  for (guint i = 0; i < 8; i++)
    {
      streams[i] = (Stream){ data, samples, i * 4000, NULL };
      threads[i] = g_thread_new ("stream", run_stream, &streams[i]);
    }
  for (guint i = 0; i < 8; i++)
    g_thread_join (threads[i]);
  g_assert_cmpstr (streams[0].lines, ==, expected);
  for (guint i = 0; i < 8; i++)
    g_free (streams[i].lines);
}

/* Whatever the tail's length, everything is decided and nothing is lost. */
static void
test_any_tail (gconstpointer data)
{
  const D2vTranscriberParams *params = data;
  GArray *samples = recording ("timer.ogg");

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  for (gsize n = 0; n <= samples->len;
       n += (n < 1000 ? 37 : 1601) * (MEDIA_THOROUGH ? 1 : 5))
    {
      g_autofree gchar *lines
          = transcribe (session, params, DATA (samples), n, whole, 0);
      g_autofree gchar *end
          = g_strdup_printf ("drained 0 %" G_GSIZE_FORMAT " 00000000 \n", n);
      g_assert_true (g_str_has_suffix (lines, end));
    }
}

/* Streams follow each other in one transcriber, and none knows the others. */
static void
test_streams_follow (gconstpointer data)
{
  GArray *samples = recording ("timer.ogg");
  g_autoptr (GError) error = NULL;

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gchar *expected
      = transcribe (session, data, DATA (samples), samples->len, whole, 0);
  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (session, data, &error);
  for (guint i = 0; i < 3; i++)
    {
      d2v_transcriber_push (t, DATA (samples), samples->len, &error);
      g_assert_no_error (error);
      d2v_transcriber_drain (t);
      d2v_transcriber_drain (t); /* an empty stream between them */
    }
  for (guint i = 0; i < 3; i++)
    {
      g_autofree gchar *lines = pull_all (t);
      g_autofree gchar *nothing = pull_all (t);
      g_assert_cmpstr (lines, ==, expected);
      g_assert_cmpstr (nothing, ==, "drained 0 0 00000000 \n");
    }
}

static void
test_flush (gconstpointer data)
{
  GArray *samples = recording ("timer.ogg");
  g_autoptr (GError) error = NULL;

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gchar *expected
      = transcribe (session, data, DATA (samples), samples->len, whole, 0);
  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (session, data, &error);
  for (guint i = 0; i < 50; i++)
    {
      gsize n = samples->len * i / 50;

      d2v_transcriber_push (t, DATA (samples), n, &error);
      g_assert_no_error (error);
      if (i % 2)
        d2v_transcriber_drain (t);
      d2v_transcriber_flush (t, TRUE);
      g_assert_false (d2v_transcriber_push (t, DATA (samples), 1, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
      g_clear_error (&error);
      g_assert_null (d2v_transcriber_pull (t, -1, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
      g_clear_error (&error);
      d2v_transcriber_flush (t, FALSE);
    }
  d2v_transcriber_push (t, DATA (samples), samples->len, &error);
  g_assert_no_error (error);
  d2v_transcriber_drain (t);
  g_autofree gchar *lines = pull_all (t);
  g_assert_cmpstr (lines, ==, expected);
}

/* NaN and Inf anywhere: no made-up words from a window that heard them. */
static void
test_nonfinite (gconstpointer data)
{
  const D2vTranscriberParams *params = data;
  static const gfloat bad[] = { NAN, INFINITY, -INFINITY };
  GArray *samples = recording ("timer.ogg");

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gfloat *copy
      = g_memdup2 (samples->data, samples->len * sizeof (gfloat));
  for (guint i = 0; i < 3; i++)
    {
      copy[samples->len / 2 + i * 100] = bad[i];
      g_autofree gchar *lines
          = transcribe (session, params, copy, samples->len, any_size, 1);
      g_assert_nonnull (strstr (lines, "nonfinite"));
      if (params->regime == D2V_REGIME_RECORDED)
        g_assert_null (strstr (lines, "word"));
    }
  for (gsize i = 0; i < samples->len; i++)
    copy[i] = NAN;
  g_autofree gchar *lines
      = transcribe (session, params, copy, samples->len, any_size, 1);
  g_assert_null (strstr (lines, "word"));
}

/* Loud, silent, constant and denormal input is harmless. */
static void
test_extremes (gconstpointer data)
{
  static const gfloat levels[] = { 0, 1, 1e30f, -1e30f, 1e-40f, 3e38f };
  g_autofree gfloat *samples = g_new (gfloat, 80000);
  g_autoptr (D2vSession) session = media_session (0);

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      for (gsize j = 0; j < 80000; j++)
        samples[j] = j % 2 && i % 2 ? -levels[i] : levels[i];
      g_autofree gchar *lines
          = transcribe (session, data, samples, 80000, any_size, 1);
      g_assert_nonnull (strstr (lines, "drained 0 80000"));
    }
}

static void
test_no_words_from_nothing (gconstpointer data)
{
  GArray *samples = recording ("silence-and-noise.flac");

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gchar *lines
      = transcribe (session, data, DATA (samples), samples->len, whole, 0);
  g_autofree gchar *text = text_of (lines);
  g_assert_cmpstr (text, ==, "");
}

/* Live text of the shipped recordings: what was spoken, or nearly so. */
static void
test_live_text (void)
{
  GArray *samples = recording ("weather.flac");

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_autofree gchar *lines
      = transcribe (session, &live, DATA (samples), samples->len, whole, 0);
  g_autofree gchar *text = text_of (lines);
  g_autofree gchar *spoken = media_expected ("weather.words.json", "text");
  g_auto (GStrv) found = g_strsplit (text, " ", -1);
  g_auto (GStrv) expected = g_strsplit (spoken, " ", -1);
  guint hits = 0;

  for (guint i = 0; expected[i] != NULL; i++)
    hits += g_strv_contains ((const gchar *const *) found, expected[i]);
  g_test_message ("%s", text);
  g_assert_cmpuint (hits * 10, >=, g_strv_length (expected) * 9);
}

static void
test_allocates_nothing (void)
{
  GArray *samples = recording ("weather.flac");
  D2vSessionStats stats;

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) session = media_session (0);
  g_free (
      transcribe (session, &recorded, DATA (samples), samples->len, whole, 0));
  d2v_session_stats (session, &stats);
  g_assert_cmpuint (stats.n_runs, >, 0);
  g_assert_cmpuint (stats.n_allocations, ==, 0);
  g_assert_cmpuint (stats.weight_bytes, >, 2000000 * 4);
}

/* A swap at a window's border: old words before it, new ones after. */
static void
test_swaps_model (gconstpointer data)
{
  GArray *samples = recording ("weather.flac");
  g_autoptr (GError) error = NULL;

  if (samples == NULL)
    return;
  g_autoptr (D2vSession) one = media_session (1);
  g_autoptr (D2vSession) two = media_session (2);
  g_autofree gchar *expected
      = transcribe (one, data, DATA (samples), samples->len, whole, 0);
  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (one, data, &error);
  for (gsize i = 0; i < samples->len; i += 20000)
    {
      gsize n = MIN (20000, samples->len - i);
      d2v_transcriber_push (t, DATA (samples) + i, n, &error);
      g_assert_no_error (error);
      d2v_transcriber_set_session (t, i / 20000 % 2 ? one : two, &error);
      g_assert_no_error (error);
    }
  d2v_transcriber_drain (t);
  g_autofree gchar *lines = pull_all (t);
  g_autofree gchar *text = text_of (lines), *wanted = text_of (expected);
  if (((const D2vTranscriberParams *) data)->regime == D2V_REGIME_RECORDED)
    g_assert_cmpstr (text, ==, wanted);
  else
    g_assert_cmpuint (strlen (text), >, strlen (wanted) / 2);
}

static void
test_wrong_models (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path
      = media_path ("tests", "models", "cases", "audio-model-plain", NULL);

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_free (path);
      path = media_path ("tests", "models", "files", "audio-head-as-model",
                         NULL);
    }
  g_autoptr (D2vModel) model
      = d2v_model_open (path, &(D2vModelParams){ .head = "Model" }, &error);
  g_assert_no_error (error);
  g_autoptr (D2vSession) session = d2v_session_new (model, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (d2v_transcriber_new (session, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_ARCH_HEAD);
}

static void
test_wrong_durations (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vSession) session = media_session (0);
  const D2vTranscriberParams wrong[]
      = { { .window_ms = 10 },
          { .window_ms = 2000, .stride_ms = 1000 },
          { .window_ms = 600001 },
          { .window_ms = D2V_MS_NONE },
          { D2V_REGIME_LIVE, .chunk_ms = D2V_MS_NONE },
          { D2V_REGIME_LIVE, .chunk_ms = 3 } };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_null (d2v_transcriber_new (session, &wrong[i], &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_USAGE);
      g_clear_error (&error);
    }
}

/* The context that is not heard is not waited for either. */
static void
test_bare_latency (void)
{
  g_autoptr (D2vSession) session = media_session (0);
  g_autoptr (D2vTranscriber) t = d2v_transcriber_new (session, &live, NULL);
  g_autoptr (D2vTranscriber) bare
      = d2v_transcriber_new (session, &live_bare, NULL);

  g_assert_cmpuint (d2v_transcriber_latency (t), ==,
                    d2v_transcriber_latency (bare) + 500 * 16);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const gchar *name;
    GTestDataFunc func;
  } both[] = {
    { "any-pieces", test_any_pieces },
    { "any-threads", test_any_threads },
    { "beside-seven-others", test_beside_others },
    { "any-tail", test_any_tail },
    { "streams-follow", test_streams_follow },
    { "flush", test_flush },
    { "nonfinite-B3", test_nonfinite },
    { "extremes-B4", test_extremes },
    { "no-words-from-nothing", test_no_words_from_nothing },
    { "swaps-model", test_swaps_model },
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/transcriber/recognises/weather", "weather.flac",
                        test_recognises);
  g_test_add_data_func ("/transcriber/recognises/timer", "timer.ogg",
                        test_recognises);
  g_test_add_data_func ("/transcriber/recognises/briefing", "briefing.ogg",
                        test_recognises);
  g_test_add_func ("/transcriber/equals-one-pass", test_equals_one_pass);
  g_test_add_func ("/transcriber/equals-the-originals-chunks",
                   test_equals_chunks);
  for (guint i = 0; i < G_N_ELEMENTS (both); i++)
    {
      g_autofree gchar *a
          = g_strdup_printf ("/transcriber/recorded/%s", both[i].name);
      g_autofree gchar *b
          = g_strdup_printf ("/transcriber/live/%s", both[i].name);
      g_test_add_data_func (a, &recorded, both[i].func);
      g_test_add_data_func (b, &live, both[i].func);
    }
  g_test_add_data_func ("/transcriber/recorded/any-pieces/bare", &recorded_bare,
                        test_any_pieces);
  g_test_add_data_func ("/transcriber/live/any-pieces/bare", &live_bare,
                        test_any_pieces);
  g_test_add_data_func ("/transcriber/live/any-tail/bare", &live_bare,
                        test_any_tail);
  g_test_add_func ("/transcriber/live/bare-latency", test_bare_latency);
  g_test_add_func ("/transcriber/live/text", test_live_text);
  g_test_add_func ("/transcriber/allocates-nothing", test_allocates_nothing);
  g_test_add_func ("/transcriber/wrong-models", test_wrong_models);
  g_test_add_func ("/transcriber/wrong-durations", test_wrong_durations);
  return g_test_run ();
}
