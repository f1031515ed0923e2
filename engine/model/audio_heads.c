/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* audio_heads.c: the five audio classes, and their inputs. */

#include "engine/base/error.h"
#include "engine/model/audio.h"

/* ----------------------------------------------------------- binding -- */

static void
bind_weighted_sum (D2vBinder *b, D2vAudioWeights *w)
{
  const D2vConfig *c = d2v_bind_config (b);

  if (c->use_weighted_layer_sum)
    w->layer_weights
        = d2v_bind (b, d2v_shape (c->num_hidden_layers + 1), "/layer_weights");
}

/* The heads that take the trunk's width cannot sit on an adapter. */
static void
refuse_adapter (D2vBinder *b, D2vHead head)
{
  if (d2v_bind_config (b)->add_adapter)
    d2v_bind_fail (b, D2V_ERROR_UNSUPPORTED,
                   "%s with add_adapter: the original refuses it too",
                   d2v_head_name (head));
}

static void
bind_xvector (D2vBinder *b, D2vAudioWeights *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize in = c->tdnn_dim[0];

  if (c->add_adapter && !c->use_weighted_layer_sum
      && c->output_hidden_size != c->hidden_size)
    d2v_bind_fail (b, D2V_ERROR_UNSUPPORTED,
                   "ForXVector with an adapter of another width");
  bind_weighted_sum (b, w);
  w->projector = d2v_bind_linear (b, in, c->hidden_size, TRUE, "/projector");
  for (guint i = 0; i < c->n_tdnn; i++)
    {
      w->tdnn[i] = d2v_bind_linear (b, c->tdnn_dim[i], in * c->tdnn_kernel[i],
                                    TRUE, "/tdnn.%u.kernel", i);
      in = c->tdnn_dim[i];
    }
  w->embedding = d2v_bind_linear (b, c->xvector_output_dim, 2 * in, TRUE,
                                  "/feature_extractor");
  w->classifier = d2v_bind_linear (b, c->xvector_output_dim,
                                   c->xvector_output_dim, TRUE, "/classifier");
}

static gpointer
bind (D2vBinder *b, D2vHead head)
{
  const D2vConfig *c = d2v_bind_config (b);
  D2vAudioWeights *w = g_new0 (D2vAudioWeights, 1);

  d2v_bind_audio (b, &w->trunk);
  switch (head)
    {
    case D2V_HEAD_CTC:
      w->classifier = d2v_bind_linear (b, c->vocab_size,
                                       c->add_adapter ? c->output_hidden_size
                                                      : c->hidden_size,
                                       TRUE, "/lm_head");
      break;
    case D2V_HEAD_AUDIO_FRAME_CLASSIFICATION:
      refuse_adapter (b, head);
      bind_weighted_sum (b, w);
      w->classifier = d2v_bind_linear (b, c->num_labels, c->hidden_size, TRUE,
                                       "/classifier");
      break;
    case D2V_HEAD_SEQUENCE_CLASSIFICATION:
      refuse_adapter (b, head);
      bind_weighted_sum (b, w);
      w->projector = d2v_bind_linear (b, c->classifier_proj_size,
                                      c->hidden_size, TRUE, "/projector");
      w->classifier = d2v_bind_linear (
          b, c->num_labels, c->classifier_proj_size, TRUE, "/classifier");
      break;
    case D2V_HEAD_XVECTOR:
      bind_xvector (b, w);
      break;
    default:
      break;
    }
  return w;
}

static void
free_weights (gpointer weights)
{
  D2vAudioWeights *w = weights;

  g_free (w->trunk.positions);
  g_free (w->trunk.layers);
  g_free (w->trunk.adapter);
  g_free (w);
}

/* ------------------------------------------------------------ inputs -- */

/* Samples that count in each clip: the sum of its mask. */
static gsize *
count_samples (const D2vTensor *mask)
{
  gsize n_clips = mask->shape.dim[0], n_samples = mask->shape.dim[1];
  gsize *counts = g_new0 (gsize, n_clips);

  for (gsize b = 0; b < n_clips; b++)
    for (gsize i = 0; i < n_samples; i++)
      counts[b] += ((const gfloat *) mask->data)[b * n_samples + i] != 0;
  return counts;
}

/* A frame counts iff its index is below the number of frames that the clip's
 * own samples give. Every sample's mask being 1 changes nothing but the form
 * of the pooling, and is kept, as the original keeps it. */
static D2vTensor *
frame_mask (const D2vConfig *c, const D2vTensor *mask, const gsize *counts,
            gsize n_frames, GError **error)
{
  gsize n_clips = mask->shape.dim[0];
  D2vShape shape = d2v_shape (n_clips, n_frames);
  g_autoptr (D2vTensor) out = d2v_tensor_new (D2V_F32, 2, shape.dim);

  if (out == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "frame mask");
      return NULL;
    }
  for (gsize b = 0; b < n_clips; b++)
    {
      gsize n = d2v_config_n_frames (c, counts[b]);
      if (n == 0)
        {
          d2v_fail (error, D2V_ERROR_INPUT, NULL,
                    "attention_mask: clip %" G_GSIZE_FORMAT
                    " has %" G_GSIZE_FORMAT
                    " samples, a frame needs %" G_GSIZE_FORMAT,
                    b, counts[b], d2v_config_receptive_field (c));
          return NULL;
        }
      for (gsize t = 0; t < n && t < n_frames; t++)
        ((gfloat *) out->data)[b * n_frames + t] = 1.f;
    }
  return g_steal_pointer (&out);
}

/* Frames that are left after the TDNN stack. */
static gsize
tdnn_length (const D2vConfig *c, gsize n)
{
  for (guint i = 0; i < c->n_tdnn; i++)
    {
      gsize lost = c->tdnn_dilation[i] * (c->tdnn_kernel[i] - 1);
      n = n > lost ? n - lost : 0;
    }
  return n;
}

static gsize
adapter_length (const D2vConfig *c, gsize n)
{
  for (guint i = 0; i < c->num_adapter_layers; i++)
    n = n + 2 >= c->adapter_kernel_size
            ? (n + 2 - c->adapter_kernel_size) / c->adapter_stride + 1
            : 0;
  return n;
}

/* Rows that the x-vector pools: the original forgets the dilation, and its
 * own length rule for the adapter (spec 2.8). */
static gint64
pooled_rows (const D2vConfig *c, gsize n_samples)
{
  gint64 n = (gint64) d2v_config_n_frames (c, n_samples);

  if (c->add_adapter)
    for (guint i = 0; i < c->num_adapter_layers; i++)
      n = (n - 1) / (gint64) c->adapter_stride + 1;
  for (guint i = 0; i < c->n_tdnn; i++)
    n -= (gint64) c->tdnn_kernel[i] - 1;
  return n;
}

static gboolean
check_xvector (const D2vConfig *c, gsize n_frames, const gsize *counts,
               gsize n_clips, D2vTensors *prepared, GError **error)
{
  gsize n = c->add_adapter && !c->use_weighted_layer_sum
                ? adapter_length (c, n_frames)
                : n_frames;
  gsize rows = tdnn_length (c, n);

  if (rows < 2)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "input_values: %" G_GSIZE_FORMAT
                     " frames are too few for the x-vector's statistics",
                     n_frames);
  if (counts == NULL)
    return TRUE;

  g_autoptr (D2vTensor) pooled = d2v_tensor_new (D2V_I64, 1, &n_clips);
  for (gsize b = 0; b < n_clips; b++)
    {
      gint64 m = pooled_rows (c, counts[b]);
      if (m < 2)
        return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                         "attention_mask: clip %" G_GSIZE_FORMAT
                         " is too short for the x-vector's statistics",
                         b);
      ((gint64 *) pooled->data)[b] = MIN (m, (gint64) rows);
    }
  d2v_tensors_set (prepared, "pooled_rows", pooled);
  return TRUE;
}

static gboolean
prepare_mask (const D2vConfig *c, D2vHead head, const D2vTensors *inputs,
              const D2vTensor *samples, gsize n_frames, D2vTensors *prepared,
              GError **error)
{
  g_autofree gsize *counts = NULL;

  if (d2v_tensors_get (inputs, "attention_mask") != NULL)
    {
      g_autoptr (D2vTensor) mask
          = d2v_input_mask (inputs, "attention_mask", &samples->shape, error);
      if (mask == NULL)
        return FALSE;
      counts = count_samples (mask);
      g_autoptr (D2vTensor) frames
          = frame_mask (c, mask, counts, n_frames, error);
      if (frames == NULL)
        return FALSE;
      d2v_tensors_set (prepared, "frame_mask", frames);
    }
  return head != D2V_HEAD_XVECTOR
         || check_xvector (c, n_frames, counts, samples->shape.dim[0], prepared,
                           error);
}

static gboolean
prepare (const D2vConfig *c, D2vHead head, const D2vTensors *inputs,
         D2vTensors *prepared, GError **error)
{
  static const gchar *const known[]
      = { "input_values", "attention_mask", "mask_time_indices", NULL };
  g_autoptr (D2vTensor) samples = NULL;

  if (!d2v_input_check_names (inputs, known, error)
      || (samples = d2v_input_f32 (inputs, "input_values", 2, error)) == NULL)
    return FALSE;

  gsize n_frames = d2v_config_n_frames (c, samples->shape.dim[1]);
  if (n_frames == 0)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "input_values: %" G_GSIZE_FORMAT
                     " samples, one frame needs %" G_GSIZE_FORMAT,
                     samples->shape.dim[1], d2v_config_receptive_field (c));
  d2v_tensors_set (prepared, "input_values", samples);

  if (d2v_tensors_get (inputs, "mask_time_indices") != NULL
      && c->apply_spec_augment)
    {
      D2vShape shape = d2v_shape (samples->shape.dim[0], n_frames);
      if (!c->has_masked_spec_embed)
        return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                         "mask_time_indices: the model has no "
                         "masked_spec_embed");
      g_autoptr (D2vTensor) mask
          = d2v_input_mask (inputs, "mask_time_indices", &shape, error);
      if (mask == NULL)
        return FALSE;
      d2v_tensors_set (prepared, "time_mask", mask);
    }
  return prepare_mask (c, head, inputs, samples, n_frames, prepared, error);
}

/* --------------------------------------------------------- recording -- */

static D2vValue
pool_mean (D2vGraph *g, D2vValue x, D2vValue mask)
{
  return d2v_graph_record (g, D2V_OP_POOL_MEAN, 2, (D2vValue[]){ x, mask },
                           NULL);
}

/* TDNN, statistics, embedding, logits (spec 2.8). */
static void
record_xvector (D2vGraph *g, const D2vConfig *c, const D2vAudioWeights *w,
                D2vValue x, D2vValue pooled_rows)
{
  x = d2v_linear (g, x, &w->projector); /* (B, T, tdnn_dim[0]) */
  for (guint i = 0; i < c->n_tdnn; i++)
    {
      x = d2v_graph_record (
          g, D2V_OP_CONV1D, 3,
          (D2vValue[]){ x, d2v_graph_constant (g, w->tdnn[i].weight),
                        d2v_graph_constant (g, w->tdnn[i].bias) },
          &(D2vAttributes){ .stride = 1,
                            .dilation = c->tdnn_dilation[i],
                            .groups = 1,
                            .tap_major = TRUE });
      x = d2v_op_activate (g, x, D2V_ACTIVATION_RELU);
    }
  x = d2v_graph_record (g, D2V_OP_POOL_STATS, 2, (D2vValue[]){ x, pooled_rows },
                        NULL);
  x = d2v_linear (g, x, &w->embedding); /* (B, xv) */
  d2v_graph_output (g, "embeddings", x);
  d2v_graph_output (g, "logits", d2v_linear (g, x, &w->classifier));
}

static void
record (D2vGraph *g, const D2vConfig *c, D2vHead head, gconstpointer weights,
        const D2vTensors *prepared, const D2vRecordOptions *options)
{
  const D2vAudioWeights *w = weights;
  D2vValue samples = d2v_graph_prepared (g, prepared, "input_values");
  D2vValue features = d2v_graph_prepared (g, prepared, "features");
  D2vValue mask = d2v_graph_prepared (g, prepared, "frame_mask");
  D2vValue time_mask = d2v_graph_prepared (g, prepared, "time_mask");
  D2vValue rows = d2v_graph_prepared (g, prepared, "pooled_rows");

  if (options->stage != D2V_STAGE_FROM_FEATURES)
    features = d2v_audio_features (g, c, &w->trunk, samples);
  if (options->stage == D2V_STAGE_FEATURES)
    {
      d2v_graph_output (g, "features", features);
      return;
    }
  D2vAudioStates states = d2v_audio (g, c, &w->trunk, features, mask, time_mask,
                                     w->layer_weights, options->hidden_states);
  D2vValue x = d2v_is_none (states.weighted) ? states.last : states.weighted;

  switch (head)
    {
    case D2V_HEAD_MODEL:
      d2v_graph_output (g, "last_hidden_state", states.last);
      d2v_graph_output (g, "extract_features", states.extract_features);
      break;
    case D2V_HEAD_SEQUENCE_CLASSIFICATION:
      x = pool_mean (g, d2v_linear (g, x, &w->projector), mask);
      d2v_graph_output (g, "logits", d2v_linear (g, x, &w->classifier));
      break;
    case D2V_HEAD_XVECTOR:
      record_xvector (g, c, w, x, rows);
      break;
    default: /* CTC and frame classification: one product per frame */
      d2v_graph_output (g, "logits", d2v_linear (g, x, &w->classifier));
      break;
    }
}

const D2vFamily d2v_family_audio = {
  .prefix = "data2vec_audio.",
  .bind = bind,
  .free = free_weights,
  .prepare = prepare,
  .record = record,
};
