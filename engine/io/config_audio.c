/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config_audio.c: the keys of data2vec-audio, with the original's defaults. */

#include "engine/io/config_private.h"

#include <string.h>

#define MAX_STRIDE 65536

static void
set_sizes (gsize *out, gsize *length, const gsize *values, gsize n)
{
  memcpy (out, values, n * sizeof *out);
  *length = n;
}

static void
set_defaults (D2vConfig *c)
{
  static const gsize dim[] = { 512, 512, 512, 512, 512, 512, 512 };
  static const gsize kernel[] = { 10, 3, 3, 3, 3, 2, 2 };
  static const gsize stride[] = { 5, 2, 2, 2, 2, 2, 2 };
  static const gsize tdnn_dim[] = { 512, 512, 512, 512, 1500 };
  static const gsize tdnn_kernel[] = { 5, 3, 3, 1, 1 };
  static const gsize tdnn_dilation[] = { 1, 2, 3, 1, 1 };

  c->vocab_size = 32;
  c->layer_norm_eps = 1e-5f;
  c->pad_token_id = 0;
  c->bos_token_id = 1;
  c->eos_token_id = 2;
  c->feat_extract_activation = D2V_ACTIVATION_GELU;
  set_sizes (c->conv_dim, &c->n_conv, dim, G_N_ELEMENTS (dim));
  set_sizes (c->conv_kernel, &c->n_conv, kernel, G_N_ELEMENTS (kernel));
  set_sizes (c->conv_stride, &c->n_conv, stride, G_N_ELEMENTS (stride));
  c->num_conv_pos_embeddings = 5;
  c->conv_pos_kernel_size = 19;
  c->num_conv_pos_embedding_groups = 16;
  c->apply_spec_augment = TRUE;
  c->classifier_proj_size = 256;
  set_sizes (c->tdnn_dim, &c->n_tdnn, tdnn_dim, G_N_ELEMENTS (tdnn_dim));
  set_sizes (c->tdnn_kernel, &c->n_tdnn, tdnn_kernel,
             G_N_ELEMENTS (tdnn_kernel));
  set_sizes (c->tdnn_dilation, &c->n_tdnn, tdnn_dilation,
             G_N_ELEMENTS (tdnn_dilation));
  c->xvector_output_dim = 512;
  c->adapter_kernel_size = 3;
  c->adapter_stride = 2;
  c->num_adapter_layers = 3;
}

static void
read_convolutions (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gsize n_kernel = c->n_conv, n_stride = c->n_conv, total = 1;

  d2v_read_activation (r, "feat_extract_activation",
                       &c->feat_extract_activation);
  d2v_read_sizes (r, TRUE, "conv_dim", 1, 8192, D2V_MAX_CONV, c->conv_dim,
                  &c->n_conv);
  d2v_read_sizes (r, TRUE, "conv_kernel", 1, 1024, D2V_MAX_CONV, c->conv_kernel,
                  &n_kernel);
  d2v_read_sizes (r, TRUE, "conv_stride", 1, 1024, D2V_MAX_CONV, c->conv_stride,
                  &n_stride);
  d2v_require (r, n_kernel == c->n_conv && n_stride == c->n_conv,
               "conv_dim, conv_kernel, conv_stride: expected equal lengths, "
               "found %" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT
               ", %" G_GSIZE_FORMAT,
               c->n_conv, n_kernel, n_stride);
  for (gsize i = 0; i < n_stride && total <= MAX_STRIDE; i++)
    total *= c->conv_stride[i];
  d2v_require (r, total <= MAX_STRIDE,
               "conv_stride: expected a product of at most %d, found more",
               MAX_STRIDE);
  d2v_read_bool (r, "conv_bias", &c->conv_bias);
}

static void
read_positions (D2vConfigReader *r)
{
  D2vConfig *c = r->config;

  d2v_read_size (r, TRUE, "num_conv_pos_embeddings", 1, 64,
                 &c->num_conv_pos_embeddings);
  d2v_read_size (r, TRUE, "conv_pos_kernel_size", 1, 1024,
                 &c->conv_pos_kernel_size);
  d2v_read_size (r, TRUE, "num_conv_pos_embedding_groups", 1, 16384,
                 &c->num_conv_pos_embedding_groups);
  d2v_require (r, c->hidden_size % c->num_conv_pos_embedding_groups == 0,
               "num_conv_pos_embedding_groups: expected a divisor of "
               "hidden_size %" G_GSIZE_FORMAT ", found %" G_GSIZE_FORMAT,
               c->hidden_size, c->num_conv_pos_embedding_groups);
}

/* Only whether they are positive matters: then a tensor exists. */
static void
read_masking (D2vConfigReader *r)
{
  gdouble time_prob = 0.05, feature_prob = 0;

  d2v_read_number (r, "mask_time_prob", 0, 1, &time_prob);
  d2v_read_number (r, "mask_feature_prob", 0, 1, &feature_prob);
  r->config->has_masked_spec_embed = time_prob > 0 || feature_prob > 0;
  d2v_read_bool (r, "apply_spec_augment", &r->config->apply_spec_augment);
}

static void
read_adapter (D2vConfigReader *r)
{
  D2vConfig *c = r->config;

  d2v_read_bool (r, "add_adapter", &c->add_adapter);
  d2v_read_size (r, c->add_adapter, "adapter_kernel_size", 1, 1024,
                 &c->adapter_kernel_size);
  d2v_read_size (r, c->add_adapter, "adapter_stride", 1, 1024,
                 &c->adapter_stride);
  d2v_read_size (r, c->add_adapter, "num_adapter_layers", 1, 64,
                 &c->num_adapter_layers);
  c->output_hidden_size = c->hidden_size;
  d2v_read_size (r, c->add_adapter, "output_hidden_size", 1, 16384,
                 &c->output_hidden_size);
}

static void
read_xvector (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gboolean used = c->head == D2V_HEAD_XVECTOR;
  gsize n_kernel = c->n_tdnn, n_dilation = c->n_tdnn;

  d2v_read_sizes (r, used, "tdnn_dim", 1, 8192, D2V_MAX_CONV, c->tdnn_dim,
                  &c->n_tdnn);
  d2v_read_sizes (r, used, "tdnn_kernel", 1, 1024, D2V_MAX_CONV, c->tdnn_kernel,
                  &n_kernel);
  d2v_read_sizes (r, used, "tdnn_dilation", 1, 1024, D2V_MAX_CONV,
                  c->tdnn_dilation, &n_dilation);
  d2v_require (r, !used || (n_kernel == c->n_tdnn && n_dilation == c->n_tdnn),
               "tdnn_dim, tdnn_kernel, tdnn_dilation: expected equal lengths, "
               "found %" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT
               ", %" G_GSIZE_FORMAT,
               c->n_tdnn, n_kernel, n_dilation);
  d2v_read_size (r, used, "xvector_output_dim", 1, 16384,
                 &c->xvector_output_dim);
}

void
d2v_config_read_audio (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gboolean ctc = c->head == D2V_HEAD_CTC;

  set_defaults (c);
  d2v_read_size (r, ctc, "vocab_size", 2, 1 << 20, &c->vocab_size);
  read_convolutions (r);
  read_positions (r);
  read_masking (r);
  d2v_read_bool (r, "use_weighted_layer_sum", &c->use_weighted_layer_sum);
  d2v_read_size (r, c->head == D2V_HEAD_SEQUENCE_CLASSIFICATION,
                 "classifier_proj_size", 1, 16384, &c->classifier_proj_size);
  read_xvector (r);
  read_adapter (r);
}
