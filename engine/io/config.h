/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.h: config.json, checked key by key (reliability rules C).
 *
 * Field names are the file's. Every field holds its default when the file
 * says nothing or null. A key that the model's class does not use is not
 * range-checked. */
#pragma once

#include "engine/base/activation.h"
#include "engine/d2v.h"

#define D2V_MAX_CONV 16
#define D2V_MAX_SCALES 8

typedef enum
{
  D2V_PROBLEM_NONE,
  D2V_PROBLEM_REGRESSION,
  D2V_PROBLEM_SINGLE_LABEL,
  D2V_PROBLEM_MULTI_LABEL
} D2vProblem;

typedef enum
{
  D2V_POSITION_ABSOLUTE,
  D2V_POSITION_RELATIVE_KEY,
  D2V_POSITION_RELATIVE_KEY_QUERY
} D2vPositionType;

typedef struct
{
  D2vModality modality;
  D2vHead head;        /* of `architectures`, or as asked for */
  gboolean head_known; /* FALSE: no architectures and none asked for */

  /* common */
  gsize hidden_size, num_hidden_layers, num_attention_heads;
  gsize intermediate_size, vocab_size;
  gfloat layer_norm_eps;
  D2vActivation hidden_act;
  gint64 pad_token_id, bos_token_id, eos_token_id, mask_token_id;
  gsize num_labels;
  gchar **id2label; /* num_labels strings, NULL-terminated */
  D2vProblem problem_type;

  /* audio */
  D2vActivation feat_extract_activation;
  gsize n_conv;
  gsize conv_dim[D2V_MAX_CONV], conv_kernel[D2V_MAX_CONV],
      conv_stride[D2V_MAX_CONV];
  gboolean conv_bias;
  gsize num_conv_pos_embeddings, conv_pos_kernel_size,
      num_conv_pos_embedding_groups;
  gboolean has_masked_spec_embed; /* either mask probability > 0 */
  gboolean apply_spec_augment;
  gboolean use_weighted_layer_sum;
  gsize classifier_proj_size;
  gsize n_tdnn;
  gsize tdnn_dim[D2V_MAX_CONV], tdnn_kernel[D2V_MAX_CONV],
      tdnn_dilation[D2V_MAX_CONV];
  gsize xvector_output_dim;
  gboolean add_adapter;
  gsize adapter_kernel_size, adapter_stride, num_adapter_layers;
  gsize output_hidden_size; /* hidden_size when null */

  /* text */
  gsize max_position_embeddings, type_vocab_size;
  D2vPositionType position_embedding_type;
  gboolean is_decoder, add_cross_attention, tie_word_embeddings;

  /* vision */
  gsize image_size_h, image_size_w;
  gboolean image_size_is_pair; /* was given as a list */
  gsize patch_size, num_channels;
  gboolean use_mask_token, use_absolute_position_embeddings;
  gboolean use_relative_position_bias, use_shared_relative_position_bias;
  gboolean use_layer_scale; /* layer_scale_init_value > 0 */
  gboolean use_mean_pooling;
  gsize n_out_indices;
  gsize out_indices[8];
  gsize n_pool_scales;
  gsize pool_scales[D2V_MAX_SCALES];
  gboolean use_auxiliary_head, auxiliary_concat_input;
  gsize auxiliary_channels, auxiliary_num_convs;
} D2vConfig;

/* Reads @dir/config.json. @head: class without prefix, or NULL. */
D2vConfig *d2v_config_read (const gchar *dir, const gchar *head,
                            GError **error);
/* The same from memory, for tests and fuzzing; @name stands in messages. */
D2vConfig *d2v_config_parse (const gchar *json, gsize length, const gchar *name,
                             const gchar *head, GError **error);
void d2v_config_free (D2vConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vConfig, d2v_config_free)

/* Frames that @n_samples give: floor ((n - k) / s) + 1 per convolution, 0 when
 * there are too few. */
gsize d2v_config_n_frames (const D2vConfig *config, gsize n_samples);
/* Samples per frame: the product of the strides. */
gsize d2v_config_frame_stride (const D2vConfig *config);
/* Samples that one frame sees. */
gsize d2v_config_receptive_field (const D2vConfig *config);
