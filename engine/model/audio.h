/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* audio.h: Data2VecAudio, the trunk (spec 2.2 to 2.7) and its heads (2.8). */
#pragma once

#include "engine/model/family.h"
#include "engine/model/layers.h"

/* Convolution, norm over the channels, activation. */
typedef struct
{
  D2vTensor *weight; /* (O, C, kernel) */
  D2vTensor *bias;   /* (O), or NULL */
  D2vNorm norm;      /* of the positional stack: no tensors */
} D2vConvLayer;

typedef struct
{
  D2vTensor *masked_spec_embed; /* (H), or NULL */
  D2vConvLayer features[D2V_MAX_CONV];
  D2vNorm feature_norm;
  D2vLinear projection;
  D2vConvLayer *positions; /* num_conv_pos_embeddings */
  D2vNorm encoder_norm;
  D2vEncoderLayer *layers;      /* num_hidden_layers */
  D2vLinear adapter_projection; /* no weight when O = H */
  D2vNorm adapter_norm;
  D2vConvLayer *adapter; /* num_adapter_layers */
} D2vAudio;

typedef struct
{
  D2vAudio trunk;
  D2vTensor *layer_weights; /* (L + 1), or NULL */
  D2vLinear projector;      /* sequence classification, x-vector */
  D2vLinear tdnn[D2V_MAX_CONV];
  D2vLinear embedding;  /* x-vector: feature_extractor */
  D2vLinear classifier; /* also lm_head */
} D2vAudioWeights;

/* What the trunk gives. */
typedef struct
{
  D2vValue extract_features; /* (B, T, conv_dim[-1]) */
  D2vValue last;             /* (B, T', O): after the adapter, if any */
  D2vValue weighted;         /* weighted sum of the states, or D2V_NONE */
} D2vAudioStates;

void d2v_bind_audio (D2vBinder *b, D2vAudio *w);
/* samples (B, S) -> (B, T, conv_dim[-1]), before any norm of the trunk. */
D2vValue d2v_audio_features (D2vGraph *g, const D2vConfig *c, const D2vAudio *w,
                             D2vValue samples);
/* features as above, frame_mask (B, T) or none, time_mask (B, T) or none. The
 * weighted sum is recorded when @layer_weights is given. */
D2vAudioStates d2v_audio (D2vGraph *g, const D2vConfig *c, const D2vAudio *w,
                          D2vValue features, D2vValue frame_mask,
                          D2vValue time_mask, D2vTensor *layer_weights,
                          gboolean hidden_states);
