/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/audio.h"

#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/tensor/tensor.h"

#include <math.h>
#include <string.h>

/* NumPy's pairwise summation: its leaves are this long, with this many partial
 * sums in each. Part of the result, not a tuning knob. */
#define LEAF 128
#define LANES 8

/* In the original's class, not in any file. */
#define VARIANCE_FLOOR 1e-7f

/* A batch beyond this is a mistake in the request: 2^31 samples are 37 hours
 * and 8 GiB. */
#define MAX_BATCH_SAMPLES ((gsize) 1 << 31)

/* What is summed: the samples, or their squared distances from a mean. */
typedef gfloat (*LeafFunc) (const gfloat *x, gsize n, gfloat mean);

static inline gfloat
sum_lanes (const gfloat lane[LANES])
{
  return ((lane[0] + lane[1]) + (lane[2] + lane[3]))
         + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static gfloat
leaf_sum (const gfloat *x, gsize n, gfloat mean)
{
  gfloat lane[LANES] = { 0 };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    for (guint j = 0; j < LANES; j++)
      lane[j] += x[i + j];
  gfloat sum = sum_lanes (lane);
  for (; i < n; i++)
    sum += x[i];
  return sum;
}

static gfloat
leaf_squares (const gfloat *x, gsize n, gfloat mean)
{
  gfloat lane[LANES] = { 0 };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    for (guint j = 0; j < LANES; j++)
      lane[j] += (x[i + j] - mean) * (x[i + j] - mean);
  gfloat sum = sum_lanes (lane);
  for (; i < n; i++)
    sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

/* The sum of halves of halves, in float and in NumPy's order. A sum in double
 * would be nearer the truth but farther from the original: with a constant
 * offset of 1000 the clips differ by a hundredth. */
static gfloat
pairwise (LeafFunc leaf, const gfloat *x, gsize n, gfloat mean)
{
  if (n <= LEAF)
    return leaf (x, n, mean);
  gsize half = n / 2 - n / 2 % LANES;

  return pairwise (leaf, x, half, mean)
         + pairwise (leaf, x + half, n - half, mean);
}

void
d2v_audio_normalize (const gfloat *x, gfloat *y, gsize n_samples)
{
  if (n_samples == 0)
    return;

  /* Rounded to float after each step, as there. */
  gfloat mean
      = (gfloat) (pairwise (leaf_sum, x, n_samples, 0) / (gdouble) n_samples);
  gfloat variance = (gfloat) (pairwise (leaf_squares, x, n_samples, mean)
                              / (gdouble) n_samples);
  gfloat spread = sqrtf (variance + VARIANCE_FLOOR);

  for (gsize i = 0; i < n_samples; i++)
    y[i] = (x[i] - mean) / spread;
}

void
d2v_audio_process (const D2vAudioProcessorConfig *config, const gfloat *x,
                   gfloat *y, gsize n_samples)
{
  if (config->do_normalize)
    d2v_audio_normalize (x, y, n_samples);
  else if (x != y && n_samples > 0)
    memcpy (y, x, n_samples * sizeof *x);
}

static gboolean
check_params (const D2vAudioBatchParams *params, GError **error)
{
  if (params->truncation && params->max_length == 0)
    return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                     "expected a max_length with truncation, found none");
  if (params->padding == D2V_AUDIO_PAD_MAX_LENGTH && params->max_length == 0)
    return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                     "expected a max_length to pad to, found none");
  return TRUE;
}

static gboolean
round_up (gsize *length, gsize step, GError **error)
{
  if (step > 1 && !d2v_mul (d2v_ceil_div (*length, step), step, length))
    return d2v_fail (error, D2V_ERROR_TOO_BIG, NULL,
                     "expected a length that fits in memory, found a multiple "
                     "of %" G_GSIZE_FORMAT,
                     step);
  return TRUE;
}

/* Samples of @clip that are used, given the rounded @max_length. */
static gsize
used_length (const D2vAudioClip *clip, const D2vAudioBatchParams *params,
             gsize max_length)
{
  return params->truncation ? d2v_min (clip->n_samples, max_length)
                            : clip->n_samples;
}

/* The width S of the batch. */
static gboolean
batch_width (const D2vAudioClip *clips, gsize n_clips,
             const D2vAudioBatchParams *params, gsize max_length, gsize *width,
             GError **error)
{
  gsize longest = 0, shortest = G_MAXSIZE;

  for (gsize i = 0; i < n_clips; i++)
    {
      gsize n = used_length (&clips[i], params, max_length);

      longest = d2v_max (longest, n);
      shortest = d2v_min (shortest, n);
    }
  if (shortest == 0)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected clips of at least one sample, found an empty "
                     "one");

  *width = longest;
  if (params->padding == D2V_AUDIO_PAD_LONGEST)
    return round_up (width, params->pad_to_multiple_of, error);
  if (params->padding == D2V_AUDIO_PAD_MAX_LENGTH && longest <= max_length)
    {
      *width = max_length;
      return TRUE;
    }
  /* Without padding, or beside a clip longer than max_length, nothing makes
   * the lengths equal. */
  if (shortest != longest)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected clips of one length without padding, found "
                     "%" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT " samples",
                     shortest, longest);
  return TRUE;
}

/* @row: (width). */
static void
fill_row (const D2vAudioProcessorConfig *config, const D2vAudioClip *clip,
          gsize length, gfloat *row, gsize width)
{
  gboolean alone = config->return_attention_mask || length == width;

  for (gsize i = length; i < width; i++)
    row[i] = config->padding_value;
  if (alone)
    {
      d2v_audio_process (config, clip->samples, row, length);
      return;
    }
  /* The original cannot tell padding from sound without a mask, and
   * normalises both. */
  memcpy (row, clip->samples, length * sizeof *row);
  d2v_audio_process (config, row, row, width);
}

static void
fill_mask (gint64 *row, gsize length, gsize width)
{
  for (gsize i = 0; i < width; i++)
    row[i] = i < length;
}

/* Zeroed (n_rows, width), or NULL. */
static D2vTensor *
new_matrix (D2vDType dtype, gsize n_rows, gsize width, GError **error)
{
  D2vTensor *tensor
      = d2v_tensor_new (dtype, 2, (const gsize[]){ n_rows, width });

  if (tensor == NULL)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
              "expected memory for %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
              " samples, found none",
              n_rows, width);
  return tensor;
}

D2vTensors *
d2v_audio_batch (const D2vAudioProcessorConfig *config,
                 const D2vAudioClip *clips, gsize n_clips,
                 const D2vAudioBatchParams *params, GError **error)
{
  static const D2vAudioBatchParams defaults = { 0 };
  gsize width = 0, n_total;

  if (params == NULL)
    params = &defaults;
  gsize max_length = params->max_length;
  if (n_clips == 0)
    {
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "expected at least one clip, found none");
      return NULL;
    }
  if (!check_params (params, error)
      || !round_up (&max_length, params->pad_to_multiple_of, error)
      || !batch_width (clips, n_clips, params, max_length, &width, error))
    return NULL;
  if (!d2v_mul (n_clips, width, &n_total) || n_total > MAX_BATCH_SAMPLES)
    {
      d2v_fail (error, D2V_ERROR_TOO_BIG, NULL,
                "expected a batch of at most %" G_GSIZE_FORMAT
                " samples, found %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT,
                MAX_BATCH_SAMPLES, n_clips, width);
      return NULL;
    }

  g_autoptr (D2vTensors) batch = d2v_tensors_new ();
  g_autoptr (D2vTensor) values = new_matrix (D2V_F32, n_clips, width, error);
  g_autoptr (D2vTensor) mask = NULL;
  if (values == NULL)
    return NULL;
  d2v_tensors_set (batch, "input_values", values);
  if (config->return_attention_mask)
    {
      mask = new_matrix (D2V_I64, n_clips, width, error);
      if (mask == NULL)
        return NULL;
      d2v_tensors_set (batch, "attention_mask", mask);
    }

  for (gsize i = 0; i < n_clips; i++)
    {
      gsize length = used_length (&clips[i], params, max_length);

      fill_row (config, &clips[i], length, (gfloat *) values->data + i * width,
                width);
      if (mask != NULL)
        fill_mask ((gint64 *) mask->data + i * width, length, width);
    }
  return g_steal_pointer (&batch);
}
