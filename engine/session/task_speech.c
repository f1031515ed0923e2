/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_speech.c: a whole clip as text, at once or in the original's chunks
 * with strides (spec 8.5). */

#include "engine/base/error.h"
#include "engine/decode/ctc.h"
#include "engine/session/task.h"

#include <math.h>

/* In samples, each a multiple of a frame's stride. */
typedef struct
{
  gsize length, left, right;
} Chunking;

/* -1 when it is not a length. */
static gdouble
round_to_frames (const D2vTask *task, gdouble seconds)
{
  gdouble stride = (gdouble) d2v_config_frame_stride (task->model->config);
  gdouble n = rint (seconds * task->model->audio.sampling_rate / stride);

  return n >= 0 && n * stride <= 1e15 ? n * stride : -1;
}

static gboolean
make_chunking (const D2vTask *task, const D2vSpeechParams *params, Chunking *c,
               GError **error)
{
  gdouble length = round_to_frames (task, params->chunk_length_s), side[2];

  for (guint i = 0; i < 2; i++)
    side[i] = round_to_frames (task, params->has_stride
                                         ? params->stride_length_s[i]
                                         : params->chunk_length_s / 6);
  if (length < 0 || side[0] < 0 || side[1] < 0)
    return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                     "chunk_length_s and stride_length_s: expected seconds");
  if (length <= side[0] + side[1])
    return d2v_fail (error, D2V_ERROR_USAGE, NULL,
                     "chunk_length_s: expected more than both strides "
                     "together, found %.0f samples against %.0f",
                     length, side[0] + side[1]);
  *c = (Chunking){ (gsize) length, (gsize) side[0], (gsize) side[1] };
  return TRUE;
}

/* Appends the best ids of frames @begin..@end-1 of the samples, as far as they
 * exist. */
static gboolean
append_ids (const D2vTask *task, const gfloat *samples, gsize n_samples,
            gsize begin, gsize end, GArray *ids, GCancellable *cancellable,
            GError **error)
{
  g_autoptr (D2vTensors) inputs
      = d2v_task_hear (task, samples, n_samples, error);
  if (inputs == NULL)
    return FALSE;
  g_autoptr (D2vTensor) logits
      = d2v_task_run (task, inputs, "logits", cancellable, error);
  if (logits == NULL)
    return FALSE;

  gsize V = logits->shape.dim[2];
  end = MIN (end, logits->shape.dim[1]);
  if (begin >= end)
    return TRUE;
  guint n_before = ids->len;
  g_array_set_size (ids, n_before + (guint) (end - begin));
  d2v_ctc_best ((const gfloat *) logits->data + begin * V, end - begin, V,
                &g_array_index (ids, gint64, n_before), NULL);
  return TRUE;
}

/* The chunk at @begin: which of its frames count is the original's arithmetic,
 * in which a frame a chunk may get lost. */
static gboolean
append_chunk (const D2vTask *task, const Chunking *c, const gfloat *samples,
              gsize n_samples, gsize begin, GArray *ids,
              GCancellable *cancellable, GError **error)
{
  const D2vConfig *config = task->model->config;
  gboolean last = begin + c->length >= n_samples;
  gsize n = MIN (c->length, n_samples - begin);
  gsize left = begin == 0 ? 0 : c->left, right = last ? 0 : c->right;
  gdouble total
      = rint ((gdouble) n / (gdouble) d2v_config_frame_stride (config));

  /* A tail no longer than the left stride was heard before, and one below a
   * frame says nothing. */
  if (begin > 0 && (n <= left || n < d2v_config_receptive_field (config)))
    return TRUE;
  gdouble first = rint ((gdouble) left / (gdouble) n * total);
  gdouble end = total - rint ((gdouble) right / (gdouble) n * total);
  return append_ids (task, samples + begin, n, (gsize) first,
                     (gsize) MAX (end, first), ids, cancellable, error);
}

static gboolean
append_chunks (const D2vTask *task, const D2vSpeechParams *params,
               const gfloat *samples, gsize n_samples, GArray *ids,
               GCancellable *cancellable, GError **error)
{
  Chunking c = { 0 };

  if (!make_chunking (task, params, &c, error))
    return FALSE;
  for (gsize begin = 0, end = 0; begin == 0 || end < n_samples;
       begin += c.length - c.left - c.right)
    {
      if (!append_chunk (task, &c, samples, n_samples, begin, ids, cancellable,
                         error))
        return FALSE;
      end = begin + c.length;
    }
  return TRUE;
}

/* --------------------------------------------------------------- result -- */

static void
add_chunk (D2vSpeech *speech, const gchar *text, gsize start, gsize end,
           gsize frame_stride)
{
  speech->chunks[speech->n_chunks++]
      = (D2vSpeechChunk){ g_strdup (text), (guint64) start * frame_stride,
                          (guint64) end * frame_stride };
}

static D2vSpeech *
make_speech (const D2vCtcResult *ctc, D2vTimestamps timestamps,
             gsize frame_stride)
{
  D2vSpeech *speech = g_new0 (D2vSpeech, 1);

  speech->text = g_strdup (ctc->text);
  speech->chunks = g_new0 (D2vSpeechChunk, MAX (ctc->n_chars, 1));
  if (timestamps == D2V_TIMESTAMPS_CHAR)
    for (gsize i = 0; i < ctc->n_chars; i++)
      add_chunk (speech, ctc->chars[i].text, ctc->chars[i].start,
                 ctc->chars[i].end, frame_stride);
  if (timestamps == D2V_TIMESTAMPS_WORD)
    for (gsize i = 0; i < ctc->n_words; i++)
      add_chunk (speech, ctc->words[i].text, ctc->words[i].start,
                 ctc->words[i].end, frame_stride);
  return speech;
}

static gboolean
check_speller (const D2vTask *task, GError **error)
{
  if (!d2v_task_check (task, D2V_MODALITY_AUDIO, D2V_HEAD_CTC, error))
    return FALSE;
  if (task->model->vocab == NULL)
    return d2v_fail (error, D2V_ERROR_TOK_MISSING, task->model->dir,
                     "vocab.json is missing: there is no way to spell");
  return TRUE;
}

D2vSpeech *
d2v_task_recognize_speech (D2vTask *task, const gfloat *samples,
                           gsize n_samples, const D2vSpeechParams *params,
                           GCancellable *cancellable, GError **error)
{
  const D2vSpeechParams defaults = { D2V_TIMESTAMPS_NONE };
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));

  if (params == NULL)
    params = &defaults;
  if (!check_speller (task, error))
    return NULL;
  gboolean ok = params->chunk_length_s == 0
                    ? append_ids (task, samples, n_samples, 0, G_MAXSIZE, ids,
                                  cancellable, error)
                    : append_chunks (task, params, samples, n_samples, ids,
                                     cancellable, error);
  if (!ok)
    return NULL;

  /* Decoded together, so that runs merge across the joints. */
  g_autoptr (D2vCtcResult) ctc = d2v_ctc_decode (
      task->model->vocab, (const gint64 *) (gpointer) ids->data, NULL, ids->len,
      error);
  return ctc != NULL
             ? make_speech (ctc, params->timestamps,
                            d2v_config_frame_stride (task->model->config))
             : NULL;
}

void
d2v_speech_free (D2vSpeech *speech)
{
  if (speech == NULL)
    return;
  for (gsize i = 0; i < speech->n_chunks; i++)
    g_free (speech->chunks[i].text);
  g_free (speech->chunks);
  g_free (speech->text);
  g_free (speech);
}
