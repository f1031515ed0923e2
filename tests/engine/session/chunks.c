/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/engine/session/chunks.h"

#include "engine/decode/ctc.h"
#include "engine/model/model.h"
#include "engine/process/audio.h"

#include <math.h>

/* The best token of each frame of @m samples, normalised by themselves. */
static GArray *
best_ids (D2vSession *session, const gfloat *samples, gsize m)
{
  const D2vModel *model = d2v_session_model (session);
  g_autoptr (D2vTensor) x = d2v_tensor_new (D2V_F32, 2, (gsize[]){ 1, m });
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();
  g_autoptr (GError) error = NULL;

  d2v_audio_process (&model->audio, samples, d2v_tensor_data (x), m);
  d2v_tensors_set (inputs, "input_values", x);
  g_autoptr (D2vTensors) outputs
      = d2v_session_run (session, inputs, D2V_RUN_DEFAULT, NULL, &error);
  g_assert_no_error (error);
  const D2vTensor *logits = d2v_tensors_get (outputs, "logits");
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_array_set_size (ids, (guint) d2v_tensor_shape (logits)[1]);
  d2v_ctc_best (d2v_tensor_data (logits), ids->len,
                d2v_tensor_shape (logits)[2], (gint64 *) (gpointer) ids->data,
                NULL);
  return ids;
}

/* One space where there are several: words have none. */
static void
squeeze (gchar *text)
{
  gchar *out = text;

  for (const gchar *in = text; *in != '\0'; in++)
    if (*in != ' ' || in[1] != ' ')
      *out++ = *in;
  *out = '\0';
}

gchar *
chunks_text (D2vSession *session, const gfloat *samples, gsize n, gsize length,
             gsize stride)
{
  const D2vModel *model = d2v_session_model (session);
  gsize frame = d2v_config_frame_stride (model->config);
  gsize field = d2v_config_receptive_field (model->config);
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gint64));
  gboolean last = FALSE;

  length *= frame;
  stride *= frame;
  for (gsize start = 0; !last; start += length - 2 * stride)
    {
      gsize m = MIN (length, n - start);
      gsize left = start == 0 ? 0 : stride;

      last = start + length >= n;
      /* Below one frame the original fails instead. */
      if (m <= left || m < field)
        break;
      g_autoptr (GArray) ids = best_ids (session, samples + start, m);
      gdouble total = rint ((gdouble) m / (gdouble) frame);
      gdouble right = last ? 0 : (gdouble) stride;
      gsize from = (gsize) rint ((gdouble) left / (gdouble) m * total);
      gsize to = (gsize) (total - rint (right / (gdouble) m * total));
      for (gsize i = from; i < MIN (to, ids->len); i++)
        g_array_append_val (all, g_array_index (ids, gint64, i));
    }
  g_autoptr (D2vCtcResult) result
      = d2v_ctc_decode (model->vocab, (const gint64 *) (gpointer) all->data,
                        NULL, all->len, NULL);
  gchar *text = g_strdup (result->text);
  squeeze (text);
  return text;
}
