/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* layers.h: layers that the families share. A struct holds a layer's weights
 * (borrowed from the model); the function of its name records its ops. */
#pragma once

#include "engine/graph/graph.h"
#include "engine/model/bind.h"

typedef struct
{
  D2vTensor *weight; /* (out, in) */
  D2vTensor *bias;   /* (out), or NULL */
} D2vLinear;

D2vLinear d2v_bind_linear (D2vBinder *b, gsize out, gsize in, gboolean bias,
                           const gchar *format, ...) G_GNUC_PRINTF (5, 6);
D2vValue d2v_linear (D2vGraph *g, D2vValue x, const D2vLinear *w);

typedef struct
{
  D2vTensor *gain;
  D2vTensor *shift;
  gfloat eps;
} D2vNorm;

D2vNorm d2v_bind_norm (D2vBinder *b, gsize width, gfloat eps,
                       const gchar *format, ...) G_GNUC_PRINTF (4, 5);
D2vValue d2v_norm (D2vGraph *g, D2vValue x, const D2vNorm *w);

/* Multi-head self-attention. All three families name its parts differently. */
typedef struct
{
  D2vLinear query, key, value, out;
  D2vTensor *distance; /* relative_key: (2P - 1, d), or NULL */
  gint distance_mode;
  gsize n_heads;
} D2vAttention;

/* What a layer's attention is told beside its input. Absent: D2V_NONE. */
typedef struct
{
  D2vValue mask;  /* (B, S) */
  D2vValue table; /* relative position biases of the grid */
  gsize grid_h, grid_w;
  gboolean causal;
  D2vValue cache;  /* state (2, B, S, C) */
  D2vValue n_past; /* I64, one number */
} D2vAttentionContext;

#define D2V_NO_CONTEXT                                                         \
  ((D2vAttentionContext){ .mask = D2V_NONE,                                    \
                          .table = D2V_NONE,                                   \
                          .cache = D2V_NONE,                                   \
                          .n_past = D2V_NONE })

/* x (B, T, C) -> (B, T, C), the output projection included. */
D2vValue d2v_self_attention (D2vGraph *g, D2vValue x, const D2vAttention *w,
                             const D2vAttentionContext *context);

/* One transformer layer as audio and text use it: normalised after each
 * residual sum. */
typedef struct
{
  D2vAttention attention;
  D2vNorm attention_norm;
  D2vLinear expand;   /* (I, H) */
  D2vLinear contract; /* (H, I) */
  D2vNorm output_norm;
  D2vActivation activation;
} D2vEncoderLayer;

/* x and the result are (B, T, C). */
D2vValue d2v_encoder_layer (D2vGraph *g, D2vValue x, const D2vEncoderLayer *w,
                            const D2vAttentionContext *context);

/* Names an output "hidden_states.N" when @wanted. */
void d2v_output_hidden (D2vGraph *g, gboolean wanted, guint n, D2vValue x);
