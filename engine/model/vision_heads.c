/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vision_heads.c: the three vision classes, and their inputs. */

#include "engine/base/error.h"
#include "engine/model/vision.h"

/* ----------------------------------------------------------- binding -- */

static void
bind_segmentation (D2vBinder *b, D2vVisionWeights *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  guint n_features = 0;

  if (c->n_out_indices != 4 || c->image_size_is_pair)
    d2v_bind_fail (b, D2V_ERROR_UNSUPPORTED,
                   "segmentation: the original needs four out_indices and "
                   "one number as image_size");
  for (gsize i = 0; i <= c->num_hidden_layers; i++)
    n_features += d2v_vision_selects (c, i);
  if (n_features < 3)
    d2v_bind_fail (b, D2V_ERROR_UNSUPPORTED,
                   "segmentation: out_indices select %u hidden states, at "
                   "least three are needed",
                   n_features);
  d2v_bind_upernet (b, &w->upernet);
}

static gpointer
bind (D2vBinder *b, D2vHead head)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size;
  D2vVisionWeights *w = g_new0 (D2vVisionWeights, 1);

  /* All layers, whatever out_indices says: a segmentation model, too, gives
   * every hidden state on request. The plan drops those that nobody reads. */
  d2v_bind_vision (b, &w->trunk, c->num_hidden_layers);
  if (!c->use_mean_pooling)
    w->final_norm = d2v_bind_norm (b, h, c->layer_norm_eps, "layernorm");
  if (head == D2V_HEAD_IMAGE_CLASSIFICATION)
    {
      if (c->use_mean_pooling)
        w->pooler_norm
            = d2v_bind_norm (b, h, c->layer_norm_eps, "pooler.layernorm");
      w->classifier
          = d2v_bind_linear (b, c->num_labels, h, TRUE, "/classifier");
    }
  else if (head == D2V_HEAD_SEMANTIC_SEGMENTATION)
    bind_segmentation (b, w);
  return w;
}

static void
free_weights (gpointer weights)
{
  D2vVisionWeights *w = weights;

  g_free (w->trunk.layers);
  g_free (w);
}

/* ------------------------------------------------------------ inputs -- */

static gboolean
check_image (const D2vConfig *c, D2vHead head, const D2vShape *image,
             GError **error)
{
  gsize p = c->patch_size;

  if (image->dim[1] != c->num_channels)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "pixel_values: expected %" G_GSIZE_FORMAT
                     " channels, found %" G_GSIZE_FORMAT,
                     c->num_channels, image->dim[1]);
  if (image->dim[2] < p || image->dim[3] < p)
    return d2v_fail (
        error, D2V_ERROR_INPUT, NULL,
        "pixel_values: expected at least one patch of %" G_GSIZE_FORMAT
        " x %" G_GSIZE_FORMAT ", found %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT,
        p, p, image->dim[2], image->dim[3]);
  if (image->dim[2] / p > 16384 / (image->dim[3] / p))
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "pixel_values: more than 16384 patches");
  if (head == D2V_HEAD_SEMANTIC_SEGMENTATION
      && (image->dim[2] / p != c->image_size_h / p
          || image->dim[3] / p != c->image_size_w / p))
    return d2v_fail (
        error, D2V_ERROR_INPUT, NULL,
        "pixel_values: segmentation takes images of %" G_GSIZE_FORMAT
        " x %" G_GSIZE_FORMAT " (up to a patch more), found %" G_GSIZE_FORMAT
        " x %" G_GSIZE_FORMAT,
        c->image_size_h / p * p, c->image_size_w / p * p, image->dim[2],
        image->dim[3]);
  return TRUE;
}

static gboolean
prepare_masked (const D2vConfig *c, const D2vTensors *inputs,
                const D2vShape *image, D2vTensors *prepared, GError **error)
{
  gsize p = c->patch_size;
  D2vShape shape
      = d2v_shape (image->dim[0], (image->dim[2] / p) * (image->dim[3] / p));

  if (!c->use_mask_token)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "bool_masked_pos: the model has no mask token");
  g_autoptr (D2vTensor) masked
      = d2v_input_mask (inputs, "bool_masked_pos", &shape, error);
  if (masked == NULL)
    return FALSE;
  d2v_tensors_set (prepared, "masked", masked);
  return TRUE;
}

static gboolean
prepare (const D2vConfig *c, D2vHead head, const D2vTensors *inputs,
         D2vTensors *prepared, GError **error)
{
  static const gchar *const known[]
      = { "pixel_values", "bool_masked_pos", NULL };

  if (!d2v_input_check_names (inputs, known, error))
    return FALSE;
  g_autoptr (D2vTensor) pixels
      = d2v_input_f32 (inputs, "pixel_values", 4, error);
  if (pixels == NULL || !check_image (c, head, &pixels->shape, error))
    return FALSE;
  d2v_tensors_set (prepared, "pixel_values", pixels);
  return d2v_tensors_get (inputs, "bool_masked_pos") == NULL
         || prepare_masked (c, inputs, &pixels->shape, prepared, error);
}

/* --------------------------------------------------------- recording -- */

/* Mean of the patches, CLS left out, then the norm; or the CLS row of the
 * normalised states (spec 4.4). (B, N, H) -> (B, H) */
static D2vValue
pool (D2vGraph *g, const D2vConfig *c, const D2vVisionWeights *w, D2vValue x)
{
  const D2vShape shape = *d2v_graph_shape (g, x);

  if (!c->use_mean_pooling)
    return d2v_op_reshape (g, d2v_op_slice (g, x, 1, 0, 1),
                           d2v_shape (shape.dim[0], shape.dim[2]));
  x = d2v_op_slice (g, x, 1, 1, shape.dim[1] - 1);
  x = d2v_graph_record (g, D2V_OP_POOL_MEAN, 1, &x, NULL);
  return d2v_norm (g, x, &w->pooler_norm);
}

/* Who only wants the classes does not have the logits brought to the host. */
static void
segment (D2vGraph *g, D2vValue logits, const D2vRecordOptions *options)
{
  const D2vAttributes size
      = { .size = options->map_height, .size_w = options->map_width };

  if (options->map_height == 0)
    d2v_graph_output (
        g, "logits",
        d2v_graph_record (g, D2V_OP_CHANNELS_FIRST, 1, &logits, NULL));
  else
    d2v_graph_output (
        g, "labels", d2v_graph_record (g, D2V_OP_LABEL_MAP, 1, &logits, &size));
}

static void
record (D2vGraph *g, const D2vConfig *c, D2vHead head, gconstpointer weights,
        const D2vTensors *prepared, const D2vRecordOptions *options)
{
  const D2vVisionWeights *w = weights;
  D2vFeatures features = { .n = 0 };
  D2vValue pixels = d2v_graph_prepared (g, prepared, "pixel_values");
  D2vValue masked = d2v_graph_prepared (g, prepared, "masked");
  D2vValue x = d2v_vision (g, c, &w->trunk, pixels, masked, &features,
                           options->hidden_states);

  if (head == D2V_HEAD_SEMANTIC_SEGMENTATION)
    {
      segment (g, d2v_upernet (g, c, &w->upernet, &features), options);
      return;
    }
  if (!c->use_mean_pooling)
    x = d2v_norm (g, x, &w->final_norm);
  if (head == D2V_HEAD_IMAGE_CLASSIFICATION)
    d2v_graph_output (g, "logits",
                      d2v_linear (g, pool (g, c, w, x), &w->classifier));
  else
    d2v_graph_output (g, "last_hidden_state", x);
}

const D2vFamily d2v_family_vision = {
  .prefix = "data2vec_vision.",
  .bind = bind,
  .free = free_weights,
  .prepare = prepare,
  .record = record,
};
