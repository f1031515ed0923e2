/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/model/layers.h"

#include <math.h>

D2vLinear
d2v_bind_linear (D2vBinder *b, gsize out, gsize in, gboolean bias,
                 const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *name = g_strdup_vprintf (format, args);
  va_end (args);

  return (D2vLinear){
    .weight = d2v_bind (b, d2v_shape (out, in), "%s.weight", name),
    .bias = bias ? d2v_bind (b, d2v_shape (out), "%s.bias", name) : NULL,
  };
}

D2vValue
d2v_linear (D2vGraph *g, D2vValue x, const D2vLinear *w)
{
  return d2v_graph_record (g, D2V_OP_LINEAR, 3,
                           (D2vValue[]){ x, d2v_graph_constant (g, w->weight),
                                         d2v_graph_constant (g, w->bias) },
                           NULL);
}

D2vNorm
d2v_bind_norm (D2vBinder *b, gsize width, gfloat eps, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *name = g_strdup_vprintf (format, args);
  va_end (args);

  return (D2vNorm){
    .gain = d2v_bind (b, d2v_shape (width), "%s.weight", name),
    .shift = d2v_bind (b, d2v_shape (width), "%s.bias", name),
    .eps = eps,
  };
}

D2vValue
d2v_norm (D2vGraph *g, D2vValue x, const D2vNorm *w)
{
  return d2v_op_layer_norm (g, x, d2v_graph_constant (g, w->gain),
                            d2v_graph_constant (g, w->shift), w->eps);
}

/* q, k and v in one product: x is read once, and a GPU starts one kernel. */
static D2vValue
project_qkv (D2vGraph *g, D2vValue x, const D2vAttention *w)
{
  D2vValue inputs[] = { x,
                        d2v_graph_constant (g, w->query.weight),
                        d2v_graph_constant (g, w->query.bias),
                        d2v_graph_constant (g, w->key.weight),
                        d2v_graph_constant (g, w->key.bias),
                        d2v_graph_constant (g, w->value.weight),
                        d2v_graph_constant (g, w->value.bias) };

  return d2v_graph_record (g, D2V_OP_LINEAR, 7, inputs, NULL);
}

D2vValue
d2v_self_attention (D2vGraph *g, D2vValue x, const D2vAttention *w,
                    const D2vAttentionContext *context)
{
  D2vValue qkv = project_qkv (g, x, w); /* (B, T, 3C) */
  gsize width = d2v_shape_last (d2v_graph_shape (g, x));
  D2vAttributes attributes = {
    .n_heads = w->n_heads,
    .scale = 1.f / sqrtf ((gfloat) (width / w->n_heads)),
    .causal = context->causal,
    .grid_h = context->grid_h,
    .grid_w = context->grid_w,
    .distance_mode = w->distance_mode,
  };
  D2vValue inputs[] = { qkv,
                        context->mask,
                        context->table,
                        d2v_graph_constant (g, w->distance),
                        context->cache,
                        context->n_past };

  D2vValue y = d2v_graph_record (g, D2V_OP_ATTENTION, 6, inputs, &attributes);
  return d2v_linear (g, y, &w->out);
}

D2vValue
d2v_encoder_layer (D2vGraph *g, D2vValue x, const D2vEncoderLayer *w,
                   const D2vAttentionContext *context)
{
  D2vValue y = d2v_self_attention (g, x, &w->attention, context);
  x = d2v_norm (g, d2v_op_add (g, x, y), &w->attention_norm);

  y = d2v_linear (g, x, &w->expand); /* (B, T, I) */
  y = d2v_op_activate (g, y, w->activation);
  y = d2v_linear (g, y, &w->contract); /* (B, T, C) */
  return d2v_norm (g, d2v_op_add (g, x, y), &w->output_norm);
}

void
d2v_output_hidden (D2vGraph *g, gboolean wanted, guint n, D2vValue x)
{
  if (!wanted)
    return;
  g_autofree gchar *name = g_strdup_printf ("hidden_states.%u", n);
  d2v_graph_output (g, name, x);
}
