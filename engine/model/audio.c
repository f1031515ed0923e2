/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/model/audio.h"

/* Of the convolution, positional and adapter norms, whatever layer_norm_eps
 * says (spec 1.1). */
#define FIXED_EPS 1e-5f

/* ---------------------------------------------------------- binding -- */

static void
bind_features (D2vBinder *b, D2vAudio *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize in = 1;

  for (guint i = 0; i < c->n_conv; i++)
    {
      D2vConvLayer *layer = &w->features[i];
      const gchar *name = "feature_extractor.conv_layers";

      layer->weight
          = d2v_bind (b, d2v_shape (c->conv_dim[i], in, c->conv_kernel[i]),
                      "%s.%u.conv.weight", name, i);
      if (c->conv_bias)
        layer->bias = d2v_bind (b, d2v_shape (c->conv_dim[i]),
                                "%s.%u.conv.bias", name, i);
      layer->norm = d2v_bind_norm (b, c->conv_dim[i], FIXED_EPS,
                                   "%s.%u.layer_norm", name, i);
      in = c->conv_dim[i];
    }
}

static void
bind_positions (D2vBinder *b, D2vAudio *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size;

  w->positions = g_new0 (D2vConvLayer, c->num_conv_pos_embeddings);
  for (guint i = 0; i < c->num_conv_pos_embeddings; i++)
    {
      const gchar *name = "encoder.pos_conv_embed.layers";

      w->positions[i].weight
          = d2v_bind (b,
                      d2v_shape (h, h / c->num_conv_pos_embedding_groups,
                                 c->conv_pos_kernel_size),
                      "%s.%u.conv.weight", name, i);
      w->positions[i].bias
          = d2v_bind (b, d2v_shape (h), "%s.%u.conv.bias", name, i);
      w->positions[i].norm.eps = FIXED_EPS;
    }
}

static void
bind_layers (D2vBinder *b, D2vAudio *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size, i_size = c->intermediate_size;

  w->layers = g_new0 (D2vEncoderLayer, c->num_hidden_layers);
  for (guint i = 0; i < c->num_hidden_layers; i++)
    {
      D2vEncoderLayer *layer = &w->layers[i];
      g_autofree gchar *n = g_strdup_printf ("encoder.layers.%u", i);

      layer->attention = (D2vAttention){
        .query = d2v_bind_linear (b, h, h, TRUE, "%s.attention.q_proj", n),
        .key = d2v_bind_linear (b, h, h, TRUE, "%s.attention.k_proj", n),
        .value = d2v_bind_linear (b, h, h, TRUE, "%s.attention.v_proj", n),
        .out = d2v_bind_linear (b, h, h, TRUE, "%s.attention.out_proj", n),
        .n_heads = c->num_attention_heads,
      };
      layer->attention_norm
          = d2v_bind_norm (b, h, c->layer_norm_eps, "%s.layer_norm", n);
      layer->expand = d2v_bind_linear (b, i_size, h, TRUE,
                                       "%s.feed_forward.intermediate_dense", n);
      layer->contract = d2v_bind_linear (b, h, i_size, TRUE,
                                         "%s.feed_forward.output_dense", n);
      layer->output_norm
          = d2v_bind_norm (b, h, c->layer_norm_eps, "%s.final_layer_norm", n);
      layer->activation = c->hidden_act;
    }
}

static void
bind_adapter (D2vBinder *b, D2vAudio *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize o = c->output_hidden_size;

  if (o != c->hidden_size)
    {
      w->adapter_projection
          = d2v_bind_linear (b, o, c->hidden_size, TRUE, "adapter.proj");
      w->adapter_norm
          = d2v_bind_norm (b, o, FIXED_EPS, "adapter.proj_layer_norm");
    }
  w->adapter = g_new0 (D2vConvLayer, c->num_adapter_layers);
  for (guint i = 0; i < c->num_adapter_layers; i++)
    {
      w->adapter[i].weight
          = d2v_bind (b, d2v_shape (2 * o, o, c->adapter_kernel_size),
                      "adapter.layers.%u.conv.weight", i);
      w->adapter[i].bias
          = d2v_bind (b, d2v_shape (2 * o), "adapter.layers.%u.conv.bias", i);
    }
}

void
d2v_bind_audio (D2vBinder *b, D2vAudio *w)
{
  const D2vConfig *c = d2v_bind_config (b);

  if (c->has_masked_spec_embed)
    w->masked_spec_embed = d2v_bind_optional (b, d2v_shape (c->hidden_size),
                                              "masked_spec_embed");
  bind_features (b, w);
  w->feature_norm
      = d2v_bind_norm (b, c->conv_dim[c->n_conv - 1], c->layer_norm_eps,
                       "feature_projection.layer_norm");
  w->projection
      = d2v_bind_linear (b, c->hidden_size, c->conv_dim[c->n_conv - 1], TRUE,
                         "feature_projection.projection");
  bind_positions (b, w);
  w->encoder_norm = d2v_bind_norm (b, c->hidden_size, c->layer_norm_eps,
                                   "encoder.layer_norm");
  bind_layers (b, w);
  if (c->add_adapter)
    bind_adapter (b, w);
}

/* --------------------------------------------------------- recording -- */

static D2vValue
convolve (D2vGraph *g, D2vValue x, const D2vConvLayer *w,
          const D2vAttributes *attributes)
{
  return d2v_graph_record (g, D2V_OP_CONV1D, 3,
                           (D2vValue[]){ x, d2v_graph_constant (g, w->weight),
                                         d2v_graph_constant (g, w->bias) },
                           attributes);
}

/* Padding samples are convolved like any others. */
D2vValue
d2v_audio_features (D2vGraph *g, const D2vConfig *c, const D2vAudio *w,
                    D2vValue samples)
{
  const D2vShape *shape = d2v_graph_shape (g, samples);
  D2vValue x = d2v_op_reshape (g, samples,
                               d2v_shape (shape->dim[0], shape->dim[1], 1));

  for (guint i = 0; i < c->n_conv; i++)
    {
      x = convolve (g, x, &w->features[i],
                    &(D2vAttributes){ .stride = c->conv_stride[i],
                                      .dilation = 1,
                                      .groups = 1 });
      x = d2v_norm (g, x, &w->features[i].norm);
      x = d2v_op_activate (g, x, c->feat_extract_activation);
    }
  return x;
}

/* One residual around the whole stack; each step keeps the length, an even
 * kernel's surplus step being dropped (spec 2.5). x is (B, T, H). */
static D2vValue
add_positions (D2vGraph *g, const D2vConfig *c, const D2vAudio *w, D2vValue x)
{
  gsize n_frames = d2v_graph_shape (g, x)->dim[1];
  D2vValue p = x;

  for (guint i = 0; i < c->num_conv_pos_embeddings; i++)
    {
      p = convolve (
          g, p, &w->positions[i],
          &(D2vAttributes){ .stride = 1,
                            .dilation = 1,
                            .padding = c->conv_pos_kernel_size / 2,
                            .groups = c->num_conv_pos_embedding_groups,
                            .n_out = n_frames });
      p = d2v_norm (g, p, &w->positions[i].norm);
      p = d2v_op_activate (g, p, c->feat_extract_activation);
    }
  return d2v_norm (g, d2v_op_add (g, x, p), &w->encoder_norm);
}

/* (B, T, H) -> (B, T', O). The padding is 1 for every kernel (spec 2.7). */
static D2vValue
adapt (D2vGraph *g, const D2vConfig *c, const D2vAudio *w, D2vValue x)
{
  if (w->adapter_projection.weight != NULL)
    x = d2v_norm (g, d2v_linear (g, x, &w->adapter_projection),
                  &w->adapter_norm);
  for (guint i = 0; i < c->num_adapter_layers; i++)
    {
      x = convolve (g, x, &w->adapter[i],
                    &(D2vAttributes){ .stride = c->adapter_stride,
                                      .dilation = 1,
                                      .padding = 1,
                                      .groups = 1 });
      x = d2v_graph_record (g, D2V_OP_GLU, 1, &x, NULL);
    }
  return x;
}

/* sum + softmax (layer_weights)[index] * x */
static D2vValue
add_weighted (D2vGraph *g, D2vValue sum, D2vValue x, D2vTensor *weights,
              gsize index)
{
  if (weights == NULL)
    return D2V_NONE;
  return d2v_graph_record (
      g, D2V_OP_SCALE_ADD, 3,
      (D2vValue[]){ sum, x, d2v_graph_constant (g, weights) },
      &(D2vAttributes){ .index = index });
}

D2vAudioStates
d2v_audio (D2vGraph *g, const D2vConfig *c, const D2vAudio *w,
           D2vValue features, D2vValue frame_mask, D2vValue time_mask,
           D2vTensor *layer_weights, gboolean hidden_states)
{
  D2vAudioStates states;
  D2vAttentionContext context = D2V_NO_CONTEXT;

  D2vValue x = d2v_norm (g, features, &w->feature_norm);
  states.extract_features = x;
  x = d2v_linear (g, x, &w->projection); /* (B, T, H) */
  if (!d2v_is_none (time_mask))
    x = d2v_graph_record (
        g, D2V_OP_SELECT_ROWS, 3,
        (D2vValue[]){ x, time_mask,
                      d2v_graph_constant (g, w->masked_spec_embed) },
        NULL);
  if (!d2v_is_none (frame_mask))
    x = d2v_graph_record (g, D2V_OP_MASK_ROWS, 2, (D2vValue[]){ x, frame_mask },
                          NULL);

  x = add_positions (g, c, w, x);
  d2v_output_hidden (g, hidden_states, 0, x);
  states.weighted = add_weighted (g, D2V_NONE, x, layer_weights, 0);
  context.mask = frame_mask;
  for (guint i = 0; i < c->num_hidden_layers; i++)
    {
      x = d2v_encoder_layer (g, x, &w->layers[i], &context);
      d2v_output_hidden (g, hidden_states, i + 1, x);
      states.weighted
          = add_weighted (g, states.weighted, x, layer_weights, i + 1);
    }
  states.last = c->add_adapter ? adapt (g, c, w, x) : x;
  return states;
}
