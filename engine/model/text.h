/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* text.h: Data2VecText, the trunk (spec 3.1 to 3.3) and its heads (3.4). */
#pragma once

#include "engine/model/family.h"
#include "engine/model/layers.h"

typedef struct
{
  D2vTensor *words;     /* (V, H) */
  D2vTensor *types;     /* (type_vocab_size, H) */
  D2vTensor *positions; /* (P, H) */
  D2vNorm embedding_norm;
  D2vEncoderLayer *layers; /* num_hidden_layers */
} D2vText;

typedef struct
{
  D2vText trunk;
  D2vLinear pooler;   /* bare model and multiple choice; may be missing */
  D2vLinear dense;    /* language models; sequence classification */
  D2vNorm dense_norm; /* language models */
  D2vLinear classifier;
} D2vTextWeights;

typedef struct
{
  D2vValue ids, types, positions; /* I64 (B, T) */
  D2vValue mask;                  /* (B, T), or D2V_NONE */
  gsize cache_length; /* positions that a cache holds; 0: no cache */
  D2vValue n_past;    /* I64, one number; with a cache */
} D2vTextInputs;

void d2v_bind_text (D2vBinder *b, D2vText *w);
/* -> last hidden state (B, T, H). */
D2vValue d2v_text (D2vGraph *g, const D2vConfig *c, const D2vText *w,
                   const D2vTextInputs *in, gboolean hidden_states);
