/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_task.c: the tasks of the public header, as an application uses them.
 *
 * test_task FOLDER, which tiny.py has filled. That results are the original's
 * is what test_cli.py holds; here it is their types, ownership and threads. */

#include "engine/d2v.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static const gchar *folder;

static D2vTask *
open_task (const gchar *name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  const D2vSessionParams where = { .device = g_getenv ("D2V_TEST_DEVICE") };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vModel) model = d2v_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vSession) session = d2v_session_new (model, &where, &error);
  g_assert_no_error (error);
  D2vTask *task = d2v_task_new (session, &error);
  g_assert_no_error (error);
  g_assert_true (d2v_task_session (task) == session);
  return task;
}

#define N_SAMPLES 24000

/* A chirp: something is different everywhere. */
static const gfloat *
sound (void)
{
  static gfloat samples[N_SAMPLES];

  for (gsize i = 0; i < N_SAMPLES; i++)
    samples[i] = 0.3f * sinf (1e-5f * (gfloat) (i * i) + 0.05f * (gfloat) i);
  return samples;
}

static const D2vString text = { "Anna met Bob in Paris.", -1 };

/* ------------------------------------------------------------------ sound */

static void
test_speech (void)
{
  g_autoptr (D2vTask) task = open_task ("speech");
  const D2vSpeechParams words = { .timestamps = D2V_TIMESTAMPS_WORD };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vSpeech) plain = d2v_task_recognize_speech (
      task, sound (), N_SAMPLES, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vSpeech) timed = d2v_task_recognize_speech (
      task, sound (), N_SAMPLES, &words, NULL, &error);
  g_assert_no_error (error);

  g_assert_cmpstr (plain->text, ==, timed->text);
  g_assert_cmpuint (plain->n_chunks, ==, 0);
  g_assert_cmpuint (timed->n_chunks, >, 0);
  g_autoptr (GString) joined = g_string_new (NULL);
  guint64 before = 0;
  for (gsize i = 0; i < timed->n_chunks; i++)
    {
      const D2vSpeechChunk *chunk = &timed->chunks[i];

      g_assert_cmpuint (chunk->start, >=, before);
      g_assert_cmpuint (chunk->end, >, chunk->start);
      g_assert_cmpuint (chunk->end, <=, N_SAMPLES);
      g_assert_cmpuint (chunk->start % 320, ==, 0);
      before = chunk->end;
      g_string_append_printf (joined, i > 0 ? " %s" : "%s", chunk->text);
    }
  g_assert_cmpstr (joined->str, ==, timed->text);
}

static void
test_sound_classes (void)
{
  g_autoptr (D2vTask) task = open_task ("sound-class");
  const D2vClassifyParams two = { .top_k = 2, .function_to_apply = "none" };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vClasses) all
      = d2v_task_classify_sound (task, sound (), N_SAMPLES, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vClasses) best
      = d2v_task_classify_sound (task, sound (), N_SAMPLES, &two, NULL, &error);
  g_assert_no_error (error);
  const D2vModel *model = d2v_session_model (d2v_task_session (task));
  gdouble sum = 0;

  g_assert_cmpuint (all->n_items, ==, d2v_model_n_labels (model));
  for (gsize i = 0; i < all->n_items; i++)
    {
      sum += all->items[i].score;
      g_assert_cmpstr (all->items[i].label, ==,
                       d2v_model_label (model, (guint) all->items[i].index));
    }
  g_assert_cmpfloat_with_epsilon (sum, 1, 1e-5);
  g_assert_cmpuint (best->n_items, ==, 2);
  g_assert_cmpuint (best->items[0].index, ==, all->items[0].index);
}

static void
test_frames (void)
{
  g_autoptr (D2vTask) task = open_task ("frames");
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFrames) frames
      = d2v_task_classify_frames (task, sound (), N_SAMPLES, NULL, &error);
  gsize n_active = 0;

  g_assert_no_error (error);
  g_assert_cmpuint (frames->n_frames, ==, (N_SAMPLES - 400) / 320 + 1);
  g_assert_cmpuint (frames->n_labels, ==, 3);
  for (gsize i = 0; i < frames->n_frames * frames->n_labels; i++)
    {
      g_assert_cmpint (frames->active[i], ==, frames->scores[i] > 0.5f);
      n_active += frames->active[i];
    }
  g_assert_cmpuint (n_active, >, 0);
  g_assert_cmpuint (n_active, <, frames->n_frames * frames->n_labels);
}

static void
test_speakers (void)
{
  g_autoptr (D2vTask) task = open_task ("speaker");
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTensor) a
      = d2v_task_embed_speaker (task, sound (), N_SAMPLES / 2, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vTensor) b = d2v_task_embed_speaker (
      task, sound () + N_SAMPLES / 2, N_SAMPLES / 2, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vTensor) short_one
      = d2v_tensor_new (D2V_F32, 1, (const gsize[]){ 3 });

  g_assert_cmpuint (d2v_tensor_rank (a), ==, 1);
  g_assert_cmpuint (d2v_tensor_n_elements (a), ==, 12);
  g_assert_cmpfloat_with_epsilon (d2v_speaker_similarity (a, a), 1, 1e-6);
  g_assert_cmpfloat (d2v_speaker_similarity (a, b), <, 0.99999);
  g_assert_true (isnan (d2v_speaker_similarity (a, short_one)));
}

/* ----------------------------------------------------------------- images */

#define SIDE 40

/* The same picture as RGB and as BGRx with a gap after each row. */
static void
draw (guint8 *rgb, guint8 *bgrx, D2vImageView views[2])
{
  for (gsize i = 0; i < SIDE * SIDE; i++)
    for (gsize c = 0; c < 3; c++)
      {
        guint8 value = (guint8) (i * (7 + 5 * c) + (i / SIDE) * 31);

        rgb[3 * i + c] = value;
        bgrx[i / SIDE * (4 * SIDE + 8) + i % SIDE * 4 + 2 - c] = value;
      }
  views[0] = (D2vImageView){ rgb, SIDE, SIDE, 3 * SIDE, 3, 3, { 0, 1, 2 } };
  views[1]
      = (D2vImageView){ bgrx, SIDE, SIDE, 4 * SIDE + 8, 4, 3, { 2, 1, 0 } };
}

static void
test_images (void)
{
  g_autoptr (D2vTask) task = open_task ("image-class");
  guint8 rgb[3 * SIDE * SIDE], bgrx[(4 * SIDE + 8) * SIDE];
  D2vImageView views[2];
  g_autoptr (GError) error = NULL;

  draw (rgb, bgrx, views);
  g_autoptr (D2vClasses) a
      = d2v_task_classify_image (task, &views[0], NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vClasses) b
      = d2v_task_classify_image (task, &views[1], NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (a->n_items, ==, 5);
  for (gsize i = 0; i < a->n_items; i++)
    g_assert_cmpfloat (a->items[i].score, ==, b->items[i].score);
}

static void
test_segments (void)
{
  g_autoptr (D2vTask) task = open_task ("segment");
  guint8 rgb[3 * SIDE * SIDE], bgrx[(4 * SIDE + 8) * SIDE];
  D2vImageView views[2];
  gsize counts[7] = { 0 };
  g_autoptr (GError) error = NULL;

  draw (rgb, bgrx, views);
  views[1].height = SIDE / 2;
  g_autoptr (D2vLabelMap) map
      = d2v_task_segment (task, &views[1], NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (map->width, ==, SIDE);
  g_assert_cmpuint (map->height, ==, SIDE / 2);
  g_assert_cmpuint (map->n_classes, ==, 7);
  for (gsize i = 0; i < map->width * map->height; i++)
    counts[map->labels[i]]++;
  g_assert_cmpmem (counts, sizeof counts, map->counts, sizeof counts);
}

/* ------------------------------------------------------------------ texts */

static void
test_texts (void)
{
  g_autoptr (D2vTask) classes = open_task ("text-class");
  g_autoptr (D2vTask) names = open_task ("tags");
  g_autoptr (D2vTask) answers = open_task ("answer");
  g_autoptr (D2vTask) fills = open_task ("fill");
  g_autoptr (D2vTask) choices = open_task ("choice");
  const D2vTagsParams groups = { .strategy = D2V_TAGS_SIMPLE };
  const D2vString question = { "Who?", 4 }, masked = { "a <mask> b", -1 };
  const D2vString two[] = { { "yes", -1 }, { "no", 2 } };
  g_autoptr (GError) error = NULL;

  g_autoptr (D2vClasses) c
      = d2v_task_classify_text (classes, &text, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (c->n_items, ==, 1);
  g_autoptr (D2vTags) t = d2v_task_tag (names, &text, &groups, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (t->n_items, >, 0);
  g_assert_cmpuint (t->items[0].end, <=, strlen (text.text));
  g_autoptr (D2vAnswers) a
      = d2v_task_answer (answers, &question, &text, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (a->n_items, ==, 1);
  g_assert_cmpmem (a->items[0].text, a->items[0].length,
                   text.text + a->items[0].start,
                   a->items[0].end - a->items[0].start);
  g_autoptr (D2vFills) f
      = d2v_task_fill_mask (fills, &masked, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (f->n_masks, ==, 1);
  g_assert_cmpuint (f->n_candidates, ==, 5);
  g_autoptr (D2vChoice) best
      = d2v_task_choose (choices, &text, two, 2, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (best->n, ==, 2);
  g_assert_cmpfloat (best->scores[best->choice], >=, 0.5);
}

static void
test_features (void)
{
  g_autoptr (D2vTask) task = open_task ("text-model");
  const D2vFeatureParams mean = { .pooling = "mean" };
  const D2vFeatureParams unit = { .pooling = "cls", .normalize = TRUE };
  const D2vFeatureParams wrong = { .pooling = "median" };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTensor) rows
      = d2v_task_embed_text (task, &text, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vTensor) one
      = d2v_task_embed_text (task, &text, &mean, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vTensor) first
      = d2v_task_embed_text (task, &text, &unit, NULL, &error);
  g_assert_no_error (error);
  gsize T = d2v_tensor_shape (rows)[1], H = d2v_tensor_shape (rows)[2];
  const gfloat *x = d2v_tensor_data (rows), *y = d2v_tensor_data (one);
  gdouble length = 0;

  g_assert_cmpuint (d2v_tensor_n_elements (one), ==, H);
  for (gsize c = 0; c < H; c++)
    {
      gdouble sum = 0;

      for (gsize row = 0; row < T; row++)
        sum += x[row * H + c];
      g_assert_cmpfloat_with_epsilon (sum / (gdouble) T, y[c], 1e-5);
      length += pow (((gfloat *) d2v_tensor_data (first))[c], 2);
    }
  g_assert_cmpfloat_with_epsilon (length, 1, 1e-5);
  g_assert_null (d2v_task_embed_text (task, &text, &wrong, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_USAGE);
}

/* ------------------------------------------------------------- generation */

static void
collect (const gchar *piece, gsize length, gpointer data)
{
  g_assert_true (g_utf8_validate (piece, (gssize) length, NULL));
  g_string_append_len (data, piece, (gssize) length);
}

static D2vContinuation *
go_on (D2vTask *task, const D2vGenerateParams *params)
{
  g_autoptr (GError) error = NULL;
  D2vContinuation *c = d2v_task_generate (task, &text, params, NULL, &error);

  g_assert_no_error (error);
  return c;
}

static void
test_pieces (void)
{
  g_autoptr (D2vTask) task = open_task ("generate");
  g_autoptr (GString) pieces = g_string_new (NULL);
  const D2vGenerateParams params = { .max_new_tokens = 15,
                                     .progress = collect,
                                     .progress_data = pieces,
                                     .new_text_only = TRUE };
  g_autoptr (D2vContinuation) c = go_on (task, &params);

  g_assert_cmpuint (c->n_ids, ==, 15);
  g_assert_cmpmem (pieces->str, pieces->len, c->text, c->length);
}

static void
assert_same (const D2vContinuation *a, const D2vContinuation *b, gboolean same)
{
  gboolean equal = a->n_ids == b->n_ids
                   && memcmp (a->ids, b->ids, a->n_ids * sizeof (gint32)) == 0;

  g_assert_cmpint (equal, ==, same);
}

static void
test_sampling (void)
{
  g_autoptr (D2vTask) task = open_task ("generate");
  D2vGenerateParams params
      = { .max_new_tokens = 20, .sampler = { .sample = TRUE, .seed = 7 } };
  g_autoptr (D2vContinuation) a = go_on (task, &params);
  g_autoptr (D2vContinuation) again = go_on (task, &params);

  assert_same (a, again, TRUE);
  params.sampler.seed = 8;
  g_autoptr (D2vContinuation) other = go_on (task, &params);
  assert_same (a, other, FALSE);
  /* The likeliest alone is what greedy takes. */
  params.sampler.top_k = 1;
  g_autoptr (D2vContinuation) one = go_on (task, &params);
  params.sampler = (D2vSamplerParams){ FALSE };
  g_autoptr (D2vContinuation) greedy = go_on (task, &params);
  assert_same (one, greedy, TRUE);
}

static void
test_generation_options (void)
{
  g_autoptr (D2vTask) task = open_task ("generate");
  D2vGenerateParams params = { .max_new_tokens = 12 };
  g_autoptr (D2vContinuation) cached = go_on (task, &params);
  g_assert_cmpuint (cached->n_ids, ==, 12);

  params.no_cache = TRUE;
  g_autoptr (D2vContinuation) plain = go_on (task, &params);
  assert_same (cached, plain, TRUE);
  params
      = (D2vGenerateParams){ .max_new_tokens = 12, .forward_positions = TRUE };
  g_autoptr (D2vContinuation) forward = go_on (task, &params);
  assert_same (cached, forward, FALSE);
  /* Stops with the third token; it is the first time that it comes. */
  params = (D2vGenerateParams){ .max_new_tokens = 12,
                                .stop_ids = &cached->ids[2],
                                .n_stop_ids = 1 };
  g_autoptr (D2vContinuation) stopped = go_on (task, &params);
  g_assert_cmpuint (stopped->n_ids, <=, 3);
  g_assert_cmpint (stopped->ids[stopped->n_ids - 1], ==, cached->ids[2]);
}

/* ---------------------------------------------------------------- failing */

static void
test_wrong_class (void)
{
  g_autoptr (D2vTask) task = open_task ("text-model");
  g_autoptr (GError) error = NULL;

  g_assert_null (d2v_task_tag (task, &text, NULL, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_ARCH_HEAD);
  g_assert_nonnull (strstr (error->message, "ForTokenClassification"));
  g_clear_error (&error);
  g_assert_null (d2v_task_recognize_speech (task, sound (), N_SAMPLES, NULL,
                                            NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_ARCH_HEAD);
}

static void
test_wrong_samples (void)
{
  g_autoptr (D2vTask) task = open_task ("sound-class");
  gfloat samples[800] = { 0.1f };
  g_autoptr (GError) error = NULL;

  samples[500] = NAN;
  g_assert_null (
      d2v_task_classify_sound (task, samples, 800, NULL, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_clear_error (&error);
  g_assert_null (
      d2v_task_classify_sound (task, samples, 399, NULL, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
}

static void
test_cancelled (void)
{
  g_autoptr (D2vTask) task = open_task ("speech");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (d2v_task_recognize_speech (task, sound (), N_SAMPLES, NULL,
                                            cancellable, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
}

/* A text model without its tokenizer still runs; it has no tasks. */
static void
test_no_tokenizer (void)
{
  g_autofree gchar *path = g_build_filename (folder, "text-model", NULL);
  g_autofree gchar *bare = g_dir_make_tmp ("d2v-task-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      const gchar *name = i == 0 ? "config.json" : "model.safetensors";
      g_autofree gchar *from = g_build_filename (path, name, NULL);
      g_autofree gchar *to = g_build_filename (bare, name, NULL);
      g_autoptr (GFile) a = g_file_new_for_path (from);
      g_autoptr (GFile) b = g_file_new_for_path (to);
      g_assert_true (g_file_copy (a, b, 0, NULL, NULL, NULL, NULL));
    }
  g_autoptr (D2vModel) model = d2v_model_open (bare, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vSession) session = d2v_session_new (model, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (d2v_task_new (session, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOK_MISSING);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *name = g_build_filename (
          bare, i == 0 ? "config.json" : "model.safetensors", NULL);
      g_assert_cmpint (g_remove (name), ==, 0);
    }
  g_assert_cmpint (g_rmdir (bare), ==, 0);
}

/* ---------------------------------------------------------------- threads */

static gpointer
classify_often (gpointer task)
{
  guint8 rgb[3 * SIDE * SIDE], bgrx[(4 * SIDE + 8) * SIDE];
  D2vImageView views[2];
  gfloat *score = g_new0 (gfloat, 1);

  draw (rgb, bgrx, views);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (D2vClasses) c
          = d2v_task_classify_image (task, &views[i % 2], NULL, NULL, NULL);

      g_assert_nonnull (c);
      g_assert_true (i == 0 || *score == c->items[0].score);
      *score = c->items[0].score;
    }
  return score;
}

static void
test_threads (void)
{
  g_autoptr (D2vTask) task = open_task ("image-class");
  GThread *threads[4];
  gfloat scores[4];

  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new ("classify", classify_often, task);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree gfloat *score = g_thread_join (threads[i]);
      scores[i] = *score;
    }
  for (guint i = 1; i < 4; i++)
    g_assert_cmpfloat (scores[i], ==, scores[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  folder = argv[1];
  g_test_add_func ("/task/speech", test_speech);
  g_test_add_func ("/task/sound-classes", test_sound_classes);
  g_test_add_func ("/task/frames", test_frames);
  g_test_add_func ("/task/speakers", test_speakers);
  g_test_add_func ("/task/images", test_images);
  g_test_add_func ("/task/segments", test_segments);
  g_test_add_func ("/task/texts", test_texts);
  g_test_add_func ("/task/features", test_features);
  g_test_add_func ("/task/generate/pieces", test_pieces);
  g_test_add_func ("/task/generate/sampling", test_sampling);
  g_test_add_func ("/task/generate/options", test_generation_options);
  g_test_add_func ("/task/refuses/wrong-class", test_wrong_class);
  g_test_add_func ("/task/refuses/wrong-samples", test_wrong_samples);
  g_test_add_func ("/task/refuses/no-tokenizer", test_no_tokenizer);
  g_test_add_func ("/task/cancelled", test_cancelled);
  g_test_add_func ("/task/threads", test_threads);
  return g_test_run ();
}
