/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/model/text.h"

/* ----------------------------------------------------------- binding -- */

static void
bind_embeddings (D2vBinder *b, D2vText *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size;

  w->words = d2v_bind (b, d2v_shape (c->vocab_size, h),
                       "embeddings.word_embeddings.weight");
  w->types = d2v_bind (b, d2v_shape (c->type_vocab_size, h),
                       "embeddings.token_type_embeddings.weight");
  /* The table exists with relative positions too, unused. */
  w->positions = d2v_bind (b, d2v_shape (c->max_position_embeddings, h),
                           "embeddings.position_embeddings.weight");
  w->embedding_norm
      = d2v_bind_norm (b, h, c->layer_norm_eps, "embeddings.LayerNorm");
}

static void
bind_layer (D2vBinder *b, D2vEncoderLayer *layer, guint index)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size, i_size = c->intermediate_size;
  g_autofree gchar *n = g_strdup_printf ("encoder.layer.%u", index);

  layer->attention = (D2vAttention){
    .query = d2v_bind_linear (b, h, h, TRUE, "%s.attention.self.query", n),
    .key = d2v_bind_linear (b, h, h, TRUE, "%s.attention.self.key", n),
    .value = d2v_bind_linear (b, h, h, TRUE, "%s.attention.self.value", n),
    .out = d2v_bind_linear (b, h, h, TRUE, "%s.attention.output.dense", n),
    .n_heads = c->num_attention_heads,
    .distance_mode = (gint) c->position_embedding_type,
  };
  if (c->position_embedding_type != D2V_POSITION_ABSOLUTE)
    layer->attention.distance
        = d2v_bind (b,
                    d2v_shape (2 * c->max_position_embeddings - 1,
                               h / c->num_attention_heads),
                    "%s.attention.self.distance_embedding.weight", n);
  layer->attention_norm = d2v_bind_norm (b, h, c->layer_norm_eps,
                                         "%s.attention.output.LayerNorm", n);
  layer->expand
      = d2v_bind_linear (b, i_size, h, TRUE, "%s.intermediate.dense", n);
  layer->contract = d2v_bind_linear (b, h, i_size, TRUE, "%s.output.dense", n);
  layer->output_norm
      = d2v_bind_norm (b, h, c->layer_norm_eps, "%s.output.LayerNorm", n);
  layer->activation = c->hidden_act;
}

void
d2v_bind_text (D2vBinder *b, D2vText *w)
{
  const D2vConfig *c = d2v_bind_config (b);

  bind_embeddings (b, w);
  w->layers = g_new0 (D2vEncoderLayer, c->num_hidden_layers);
  for (guint i = 0; i < c->num_hidden_layers; i++)
    bind_layer (b, &w->layers[i], i);
}

/* --------------------------------------------------------- recording -- */

static D2vValue
embed (D2vGraph *g, D2vValue ids, D2vTensor *table)
{
  return d2v_graph_record (g, D2V_OP_EMBED, 2,
                           (D2vValue[]){ ids, d2v_graph_constant (g, table) },
                           NULL);
}

D2vValue
d2v_text (D2vGraph *g, const D2vConfig *c, const D2vText *w,
          const D2vTextInputs *in, gboolean hidden_states)
{
  D2vAttentionContext context = D2V_NO_CONTEXT;

  /* In the original's order of addition. (B, T, H) */
  D2vValue x = d2v_op_add (g, embed (g, in->ids, w->words),
                           embed (g, in->types, w->types));
  if (c->position_embedding_type == D2V_POSITION_ABSOLUTE)
    x = d2v_op_add (g, x, embed (g, in->positions, w->positions));
  x = d2v_norm (g, x, &w->embedding_norm);
  d2v_output_hidden (g, hidden_states, 0, x);

  context.mask = in->mask;
  context.causal = c->is_decoder;
  context.n_past = in->n_past;
  for (guint i = 0; i < c->num_hidden_layers; i++)
    {
      if (in->cache_length > 0)
        context.cache
            = d2v_graph_state (g, d2v_shape (2, d2v_graph_shape (g, x)->dim[0],
                                             in->cache_length, c->hidden_size));
      x = d2v_encoder_layer (g, x, &w->layers[i], &context);
      d2v_output_hidden (g, hidden_states, i + 1, x);
    }
  return x;
}
