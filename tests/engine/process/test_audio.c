/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/audio.h"

#include "tests/engine/golden.h"

#include <math.h>

static const D2vAudioProcessorConfig masked = { .do_normalize = TRUE,
                                                .return_attention_mask = TRUE,
                                                .padding_value = 0,
                                                .sampling_rate = 16000 };
static const D2vAudioProcessorConfig unmasked
    = { .do_normalize = TRUE,
        .return_attention_mask = FALSE,
        .padding_value = 0,
        .sampling_rate = 16000 };

/* 1, 2, 3, 4: mean 2.5, variance 1.25. */
static const gfloat ramp[] = { 1, 2, 3, 4 };

static gfloat
ramp_value (gfloat x)
{
  return (x - 2.5f) / sqrtf (1.25f + 1e-7f);
}

static void
test_normalize (void)
{
  gfloat y[4];

  d2v_audio_normalize (ramp, y, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat (y[i], ==, ramp_value (ramp[i]));
  d2v_audio_normalize (NULL, NULL, 0);
}

static void
test_in_place (void)
{
  gfloat x[1001], y[1001];

  for (guint i = 0; i < 1001; i++)
    x[i] = sinf (i * 0.37f) + 0.25f;
  d2v_audio_normalize (x, y, 1001);
  d2v_audio_normalize (x, x, 1001);
  g_assert_cmpmem (x, sizeof x, y, sizeof y);
}

/* Lengths around the number of lanes must not lose a sample: the result has
 * no mean and a variance of one. */
static void
test_every_length (void)
{
  for (gsize n = 2; n < 70; n++)
    {
      gfloat x[70], y[70];
      gdouble sum = 0, squares = 0;

      for (gsize i = 0; i < n; i++)
        x[i] = (gfloat) ((i * 7919) % 101) - 30;
      d2v_audio_normalize (x, y, n);
      for (gsize i = 0; i < n; i++)
        {
          sum += y[i];
          squares += (gdouble) y[i] * y[i];
        }
      g_assert_cmpfloat_with_epsilon (sum / n, 0, 1e-6);
      g_assert_cmpfloat_with_epsilon (squares / n, 1, 1e-6);
    }
}

/* Sums in float lose the whole signal here. */
static void
test_far_offset (void)
{
  enum
  {
    N = 16000
  };
  g_autofree gfloat *x = g_new (gfloat, N);

  for (guint i = 0; i < N; i++)
    x[i] = 4096 + (i % 2 ? 0.5f : -0.5f);
  d2v_audio_normalize (x, x, N);
  for (guint i = 0; i < N; i++)
    g_assert_cmpfloat_with_epsilon (x[i], i % 2 ? 1 : -1, 1e-5);
}

static void
test_constant (void)
{
  gfloat x[1000];

  for (guint i = 0; i < 1000; i++)
    x[i] = 0.1f;
  d2v_audio_normalize (x, x, 1000);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpfloat (fabsf (x[i]), <, 1e-3f);
}

static void
test_not_asked_for (void)
{
  D2vAudioProcessorConfig config = masked;
  gfloat y[4];

  config.do_normalize = FALSE;
  d2v_audio_process (&config, ramp, y, 4);
  g_assert_cmpmem (y, sizeof y, ramp, sizeof ramp);
}

/* ---- batches ---- */

static const D2vAudioClip clips[] = { { ramp, 4 }, { ramp, 2 } };

static const gfloat *
values (D2vTensors *batch, gsize n_rows, gsize width)
{
  D2vTensor *t = d2v_tensors_get (batch, "input_values");

  g_assert_nonnull (t);
  g_assert_cmpuint (d2v_tensor_rank (t), ==, 2);
  g_assert_cmpuint (d2v_tensor_shape (t)[0], ==, n_rows);
  g_assert_cmpuint (d2v_tensor_shape (t)[1], ==, width);
  return d2v_tensor_data (t);
}

static const gint64 *
mask_of (D2vTensors *batch)
{
  D2vTensor *t = d2v_tensors_get (batch, "attention_mask");

  return t != NULL ? d2v_tensor_data (t) : NULL;
}

static void
assert_mask (const gint64 *mask, gsize length, gsize width)
{
  for (gsize i = 0; i < width; i++)
    g_assert_cmpint (mask[i], ==, i < length);
}

static void
test_batch_longest (void)
{
  D2vAudioProcessorConfig config = masked;
  D2vAudioBatchParams params
      = { .padding = D2V_AUDIO_PAD_LONGEST, .pad_to_multiple_of = 3 };
  g_autoptr (GError) error = NULL;

  config.padding_value = -7;
  g_autoptr (D2vTensors) batch
      = d2v_audio_batch (&config, clips, 2, &params, &error);
  g_assert_no_error (error);
  const gfloat *x = values (batch, 2, 6);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat (x[i], ==, ramp_value (ramp[i]));
  g_assert_cmpfloat (x[4], ==, -7);
  g_assert_cmpfloat (x[5], ==, -7);
  /* 1, 2: mean 1.5, variance 0.25. */
  g_assert_cmpfloat (x[6], ==, -0.5f / sqrtf (0.25f + 1e-7f));
  for (guint i = 2; i < 6; i++)
    g_assert_cmpfloat (x[6 + i], ==, -7);
  assert_mask (mask_of (batch), 4, 6);
  assert_mask (mask_of (batch) + 6, 2, 6);
}

/* Without a mask the padding is part of the sound: 1, 2, 0, 0. */
static void
test_batch_unmasked (void)
{
  D2vAudioBatchParams params = { .padding = D2V_AUDIO_PAD_LONGEST };
  g_autoptr (GError) error = NULL;
  const gfloat padded[] = { 1, 2, 0, 0 };

  g_autoptr (D2vTensors) batch
      = d2v_audio_batch (&unmasked, clips, 2, &params, &error);
  g_assert_no_error (error);
  g_assert_null (mask_of (batch));
  const gfloat *x = values (batch, 2, 4);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpfloat (x[i], ==, ramp_value (ramp[i]));
      g_assert_cmpfloat (x[4 + i], ==,
                         (padded[i] - 0.75f) / sqrtf (0.6875f + 1e-7f));
    }
}

static void
test_batch_max_length (void)
{
  D2vAudioBatchParams params = { .padding = D2V_AUDIO_PAD_MAX_LENGTH,
                                 .max_length = 3,
                                 .truncation = TRUE };
  g_autoptr (GError) error = NULL;

  g_autoptr (D2vTensors) cut
      = d2v_audio_batch (&masked, clips, 2, &params, &error);
  g_assert_no_error (error);
  values (cut, 2, 3);
  assert_mask (mask_of (cut), 3, 3);
  assert_mask (mask_of (cut) + 3, 2, 3);

  /* The multiple rounds the cut up, too. */
  params.pad_to_multiple_of = 4;
  g_autoptr (D2vTensors) rounded
      = d2v_audio_batch (&masked, clips, 2, &params, &error);
  g_assert_no_error (error);
  values (rounded, 2, 4);
  assert_mask (mask_of (rounded), 4, 4);

  /* Truncation without padding, to equal lengths. */
  params = (D2vAudioBatchParams){ .max_length = 2, .truncation = TRUE };
  g_autoptr (D2vTensors) equal
      = d2v_audio_batch (&masked, clips, 2, &params, &error);
  g_assert_no_error (error);
  const gfloat *x = values (equal, 2, 2);
  g_assert_cmpmem (x, 8, x + 2, 8);
}

static void
test_batch_one (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (D2vTensors) batch
      = d2v_audio_batch (&masked, clips, 1, NULL, &error);
  g_assert_no_error (error);
  values (batch, 1, 4);
  assert_mask (mask_of (batch), 4, 4);
}

static void
test_batch_refuses (void)
{
  static const D2vAudioClip empty[] = { { ramp, 4 }, { ramp, 0 } };
  static const struct
  {
    const D2vAudioClip *clips;
    gsize n_clips;
    D2vAudioBatchParams params;
    gint code;
  } cases[] = {
    { clips, 0, { 0 }, D2V_ERROR_INPUT },
    { clips, 2, { 0 }, D2V_ERROR_INPUT },
    { empty, 2, { .padding = D2V_AUDIO_PAD_LONGEST }, D2V_ERROR_INPUT },
    { clips, 2, { .truncation = TRUE }, D2V_ERROR_USAGE },
    { clips, 2, { .padding = D2V_AUDIO_PAD_MAX_LENGTH }, D2V_ERROR_USAGE },
    /* one clip is longer than what the other is padded to */
    { clips,
      2,
      { .padding = D2V_AUDIO_PAD_MAX_LENGTH, .max_length = 3 },
      D2V_ERROR_INPUT },
    { clips,
      2,
      { .padding = D2V_AUDIO_PAD_LONGEST, .pad_to_multiple_of = G_MAXSIZE },
      D2V_ERROR_TOO_BIG },
    { clips,
      2,
      { .padding = D2V_AUDIO_PAD_MAX_LENGTH,
        .max_length = G_MAXSIZE - 1,
        .pad_to_multiple_of = 1000 },
      D2V_ERROR_TOO_BIG },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      D2vTensors *batch = d2v_audio_batch (
          &masked, cases[i].clips, cases[i].n_clips, &cases[i].params, &error);

      g_test_message ("case %u: %s", i, error ? error->message : "no error");
      g_assert_null (batch);
      g_assert_error (error, D2V_ERROR, cases[i].code);
    }
}

/* ---- the original's numbers, bit for bit ---- */

static gboolean
flag (const D2vJsonValue *value, const gchar *key)
{
  return d2v_json_bool (d2v_json_member (value, key));
}

static gdouble
number (const D2vJsonValue *value, const gchar *key)
{
  return d2v_json_number (d2v_json_member (value, key));
}

static D2vAudioPadding
padding (const gchar *name)
{
  if (strcmp (name, "longest") == 0)
    return D2V_AUDIO_PAD_LONGEST;
  return strcmp (name, "none") == 0 ? D2V_AUDIO_PAD_NONE
                                    : D2V_AUDIO_PAD_MAX_LENGTH;
}

/* The clips of make_audio.py; exact in float, whatever the order. */
static void
draw_clip (guint32 *state, gdouble scale, gdouble offset, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      *state = *state * 1664525u + 1013904223u;
      out[i]
          = (gfloat) (((gint) (*state >> 20) - 2048) / 2048.0 * scale + offset);
    }
}

static void
assert_checksum (const D2vJsonValue *value, const gchar *key,
                 const D2vTensor *tensor)
{
  g_autofree gchar *found = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, d2v_tensor_data (tensor), d2v_tensor_n_bytes (tensor));

  g_assert_cmpstr (found, ==, golden_string (value, key));
}

static void
check_golden (const D2vJsonValue *value)
{
  D2vAudioProcessorConfig config
      = { .do_normalize = flag (value, "do_normalize"),
          .return_attention_mask = flag (value, "return_attention_mask"),
          .padding_value = (gfloat) number (value, "padding_value") };
  D2vAudioBatchParams params
      = { .padding = padding (golden_string (value, "padding")),
          .max_length = (gsize) golden_integer (value, "max_length"),
          .truncation = flag (value, "truncation"),
          .pad_to_multiple_of
          = (gsize) golden_integer (value, "pad_to_multiple_of") };
  guint32 state = (guint32) golden_integer (value, "seed");
  gsize n = d2v_json_length (d2v_json_member (value, "lengths"));
  g_autofree gfloat *samples = g_new (gfloat, 50000);
  D2vAudioClip golden_clips[3];
  g_autoptr (GError) error = NULL;

  g_test_message ("seed %u", state);
  for (gsize i = 0, at = 0; i < n; i++)
    {
      gsize length = golden_size (value, "lengths", i);

      draw_clip (&state, number (value, "scale"), number (value, "offset"),
                 samples + at, length);
      golden_clips[i] = (D2vAudioClip){ samples + at, length };
      at += length;
    }
  g_autoptr (D2vTensors) batch
      = d2v_audio_batch (&config, golden_clips, n, &params, &error);
  g_assert_no_error (error);
  values (batch, golden_size (value, "shape", 0),
          golden_size (value, "shape", 1));
  assert_checksum (value, "values", d2v_tensors_get (batch, "input_values"));
  g_assert_true ((mask_of (batch) != NULL) == d2v_json_has (value, "mask"));
  if (mask_of (batch) != NULL)
    assert_checksum (value, "mask", d2v_tensors_get (batch, "attention_mask"));
}

static void
test_golden (void)
{
  golden_each ("audio", "audio.json", check_golden);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/audio/normalize", test_normalize);
  g_test_add_func ("/process/audio/in-place", test_in_place);
  g_test_add_func ("/process/audio/every-length", test_every_length);
  g_test_add_func ("/process/audio/far-offset", test_far_offset);
  g_test_add_func ("/process/audio/constant", test_constant);
  g_test_add_func ("/process/audio/not-asked-for", test_not_asked_for);
  g_test_add_func ("/process/audio/golden", test_golden);
  g_test_add_func ("/process/audio/batch-longest", test_batch_longest);
  g_test_add_func ("/process/audio/batch-unmasked", test_batch_unmasked);
  g_test_add_func ("/process/audio/batch-max-length", test_batch_max_length);
  g_test_add_func ("/process/audio/batch-one", test_batch_one);
  g_test_add_func ("/process/audio/batch-refuses", test_batch_refuses);
  return g_test_run ();
}
