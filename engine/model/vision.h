/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vision.h: Data2VecVision, the trunk (spec 4.1 to 4.3), its heads (4.4, 4.5)
 * and UperNet for segmentation (4.6, 4.7). */
#pragma once

#include "engine/model/family.h"
#include "engine/model/layers.h"

/* One layer: normalised before each part, scaled after it. */
typedef struct
{
  D2vNorm attention_norm;
  D2vAttention attention;
  D2vTensor *table;    /* (R, heads), or NULL */
  D2vTensor *lambda_1; /* (H), or NULL */
  D2vNorm output_norm;
  D2vLinear expand, contract;
  D2vTensor *lambda_2;
} D2vVisionLayer;

typedef struct
{
  D2vTensor *cls_token;    /* (1, 1, H) */
  D2vTensor *mask_token;   /* (1, 1, H), or NULL */
  D2vTensor *positions;    /* (1, G + 1, H), or NULL */
  D2vTensor *patch_weight; /* (H, C, p, p) */
  D2vTensor *patch_bias;   /* (H) */
  D2vTensor *shared_table; /* (R, heads), or NULL */
  D2vVisionLayer *layers;
  gsize n_layers; /* those that are run */
} D2vVision;

/* Convolution with its batch norm folded in. */
typedef struct
{
  D2vTensor *weight; /* (O, C, k, k) */
  D2vTensor *bias;   /* (O) */
} D2vConvModule;

/* UperNet. Transposed convolutions are products to four blocks of channels,
 * then a shuffle: weight (4 O, C), bias (4 O). */
typedef struct
{
  D2vLinear fpn1_a, fpn1_b, fpn2;
  D2vConvModule psp[D2V_MAX_SCALES];
  D2vConvModule bottleneck;
  D2vConvModule lateral[3];
  D2vConvModule fpn[3];
  D2vConvModule fine;  /* the bottleneck's part for the finest map */
  D2vLinear coarse[3]; /* (9 O, C): its parts for the others, no bias */
  D2vConvModule classifier;
} D2vUperNet;

typedef struct
{
  D2vVision trunk;
  D2vNorm final_norm;  /* no mean pooling: of the trunk */
  D2vNorm pooler_norm; /* mean pooling: of classification */
  D2vLinear classifier;
  D2vUperNet upernet;
} D2vVisionWeights;

/* Where states that the segmentation head reads are put. */
typedef struct
{
  D2vValue feature[8]; /* (B, N, H), ascending */
  guint n;
} D2vFeatures;

void d2v_bind_vision (D2vBinder *b, D2vVision *w, gsize n_layers);
/* pixels (B, C, Hp, Wp), masked (B, gh * gw) or D2V_NONE -> (B, N, H) before
 * any final norm. @features may be NULL. */
D2vValue d2v_vision (D2vGraph *g, const D2vConfig *c, const D2vVision *w,
                     D2vValue pixels, D2vValue masked, D2vFeatures *features,
                     gboolean hidden_states);

void d2v_bind_upernet (D2vBinder *b, D2vUperNet *w);
/* -> logits (B, 4g, 4g, NL) */
D2vValue d2v_upernet (D2vGraph *g, const D2vConfig *c, const D2vUperNet *w,
                      const D2vFeatures *features);

/* Is hidden state @index one that out_indices selects (spec 4.7, 1)? */
gboolean d2v_vision_selects (const D2vConfig *c, gsize index);
