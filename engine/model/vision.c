/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/model/vision.h"

#include "engine/base/error.h"

/* ----------------------------------------------------------- binding -- */

static gsize
table_rows (const D2vConfig *c)
{
  gsize h = c->image_size_h / c->patch_size;
  gsize w = c->image_size_w / c->patch_size;

  return (2 * h - 1) * (2 * w - 1) + 3;
}

static D2vTensor *
bind_table (D2vBinder *b, const gchar *parent)
{
  const D2vConfig *c = d2v_bind_config (b);

  return d2v_bind (b, d2v_shape (table_rows (c), c->num_attention_heads),
                   "%s.relative_position_bias.relative_position_bias_table",
                   parent);
}

static void
bind_layer (D2vBinder *b, D2vVisionLayer *layer, guint index)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size, i_size = c->intermediate_size;
  g_autofree gchar *n = g_strdup_printf ("encoder.layer.%u", index);
  g_autofree gchar *a = g_strdup_printf ("%s.attention.attention", n);

  layer->attention_norm
      = d2v_bind_norm (b, h, c->layer_norm_eps, "%s.layernorm_before", n);
  layer->attention = (D2vAttention){
    .query = d2v_bind_linear (b, h, h, TRUE, "%s.query", a),
    .key = d2v_bind_linear (b, h, h, FALSE, "%s.key", a),
    .value = d2v_bind_linear (b, h, h, TRUE, "%s.value", a),
    .out = d2v_bind_linear (b, h, h, TRUE, "%s.attention.output.dense", n),
    .n_heads = c->num_attention_heads,
  };
  if (c->use_relative_position_bias)
    layer->table = bind_table (b, a);
  if (c->use_layer_scale)
    {
      layer->lambda_1 = d2v_bind (b, d2v_shape (h), "%s.lambda_1", n);
      layer->lambda_2 = d2v_bind (b, d2v_shape (h), "%s.lambda_2", n);
    }
  layer->output_norm
      = d2v_bind_norm (b, h, c->layer_norm_eps, "%s.layernorm_after", n);
  layer->expand
      = d2v_bind_linear (b, i_size, h, TRUE, "%s.intermediate.dense", n);
  layer->contract = d2v_bind_linear (b, h, i_size, TRUE, "%s.output.dense", n);
}

void
d2v_bind_vision (D2vBinder *b, D2vVision *w, gsize n_layers)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size, p = c->patch_size;
  gsize n_patches = (c->image_size_h / p) * (c->image_size_w / p);
  const gchar *patches = "embeddings.patch_embeddings.projection";

  w->cls_token = d2v_bind (b, d2v_shape (1, 1, h), "embeddings.cls_token");
  if (c->use_mask_token)
    w->mask_token = d2v_bind (b, d2v_shape (1, 1, h), "embeddings.mask_token");
  if (c->use_absolute_position_embeddings)
    w->positions = d2v_bind (b, d2v_shape (1, n_patches + 1, h),
                             "embeddings.position_embeddings");
  w->patch_weight = d2v_bind (b, d2v_shape (h, c->num_channels, p, p),
                              "%s.weight", patches);
  w->patch_bias = d2v_bind (b, d2v_shape (h), "%s.bias", patches);
  if (c->use_shared_relative_position_bias)
    w->shared_table = bind_table (b, "encoder");
  w->n_layers = n_layers;
  w->layers = g_new0 (D2vVisionLayer, MAX (n_layers, 1));
  for (guint i = 0; i < n_layers; i++)
    bind_layer (b, &w->layers[i], i);
}

gboolean
d2v_vision_selects (const D2vConfig *c, gsize index)
{
  for (guint i = 0; i < c->n_out_indices; i++)
    if (c->out_indices[i] == index + 1)
      return TRUE;
  return FALSE;
}

/* --------------------------------------------------------- recording -- */

typedef struct
{
  gsize h, w;
} Grid;

/* The position table for this grid: the patch rows, seen as a square map,
 * are resized when the image is not the one of training (spec 4.1). */
static D2vValue
positions_for (D2vGraph *g, const D2vConfig *c, const D2vVision *w, Grid grid,
               gboolean square_input)
{
  D2vValue table = d2v_graph_constant (g, w->positions); /* (1, G + 1, H) */
  gsize n_trained = w->positions->shape.dim[1] - 1, h = c->hidden_size;
  gsize side = 1;

  if (grid.h * grid.w == n_trained && square_input)
    return d2v_op_reshape (g, table, d2v_shape (n_trained + 1, h));
  while (side * side < n_trained)
    side++;
  if (side * side != n_trained)
    {
      d2v_graph_fail (g, D2V_ERROR_UNSUPPORTED,
                      "absolute positions of %" G_GSIZE_FORMAT
                      " patches, which form no square, for another grid",
                      n_trained);
      return D2V_NONE;
    }
  D2vValue patches = d2v_op_slice (g, table, 1, 1, n_trained);
  patches = d2v_op_reshape (g, patches, d2v_shape (1, side, side, h));
  patches
      = d2v_graph_record (g, D2V_OP_RESIZE_BICUBIC, 1, &patches,
                          &(D2vAttributes){ .size = grid.h, .size_w = grid.w });
  patches = d2v_op_reshape (g, patches, d2v_shape (1, grid.h * grid.w, h));
  D2vValue cls
      = d2v_op_reshape (g, d2v_op_slice (g, table, 1, 0, 1), d2v_shape (h));
  patches = d2v_graph_record (g, D2V_OP_PREPEND, 2,
                              (D2vValue[]){ patches, cls }, NULL);
  return d2v_op_reshape (g, patches, d2v_shape (grid.h * grid.w + 1, h));
}

static D2vValue
table_for (D2vGraph *g, const D2vConfig *c, D2vTensor *table, Grid grid)
{
  if (table == NULL)
    return D2V_NONE;

  D2vValue value = d2v_graph_constant (g, table);
  return d2v_graph_record (
      g, D2V_OP_RELATIVE_TABLE, 1, &value,
      &(D2vAttributes){ .grid_h = grid.h,
                        .grid_w = grid.w,
                        .from_h = c->image_size_h / c->patch_size,
                        .from_w = c->image_size_w / c->patch_size });
}

static D2vValue
add_or_either (D2vGraph *g, D2vValue a, D2vValue b)
{
  if (d2v_is_none (a) || d2v_is_none (b))
    return d2v_is_none (a) ? b : a;
  return d2v_op_add (g, a, b);
}

static D2vValue
as_row (D2vGraph *g, D2vTensor *token)
{
  return d2v_op_reshape (g, d2v_graph_constant (g, token),
                         d2v_shape (d2v_shape_last (&token->shape)));
}

/* pixels (B, C, Hp, Wp) -> (B, gh * gw + 1, H) */
static D2vValue
embed_patches (D2vGraph *g, const D2vConfig *c, const D2vVision *w,
               D2vValue pixels, D2vValue masked, Grid grid)
{
  const D2vShape image = *d2v_graph_shape (g, pixels);
  gsize width = c->num_channels * c->patch_size * c->patch_size;
  D2vValue x = d2v_graph_record (g, D2V_OP_PATCHES, 1, &pixels,
                                 &(D2vAttributes){ .patch = c->patch_size });
  D2vValue weight = d2v_op_reshape (g, d2v_graph_constant (g, w->patch_weight),
                                    d2v_shape (c->hidden_size, width));

  x = d2v_graph_record (
      g, D2V_OP_LINEAR, 3,
      (D2vValue[]){ x, weight, d2v_graph_constant (g, w->patch_bias) }, NULL);
  if (!d2v_is_none (masked))
    x = d2v_graph_record (g, D2V_OP_SELECT_ROWS, 3,
                          (D2vValue[]){ x, masked, as_row (g, w->mask_token) },
                          NULL);
  x = d2v_graph_record (g, D2V_OP_PREPEND, 2,
                        (D2vValue[]){ x, as_row (g, w->cls_token) }, NULL);
  if (w->positions != NULL)
    x = d2v_op_add (
        g, x, positions_for (g, c, w, grid, image.dim[2] == image.dim[3]));
  return x;
}

static D2vValue
scaled (D2vGraph *g, D2vValue x, D2vTensor *lambda)
{
  return lambda == NULL ? x : d2v_op_mul (g, x, d2v_graph_constant (g, lambda));
}

static D2vValue
vision_layer (D2vGraph *g, const D2vConfig *c, D2vValue x,
              const D2vVisionLayer *w, D2vValue shared, Grid grid)
{
  D2vAttentionContext context = D2V_NO_CONTEXT;

  context.table = add_or_either (g, table_for (g, c, w->table, grid), shared);
  context.grid_h = grid.h;
  context.grid_w = grid.w;
  D2vValue y = d2v_self_attention (g, d2v_norm (g, x, &w->attention_norm),
                                   &w->attention, &context);
  x = d2v_op_add (g, x, scaled (g, y, w->lambda_1));

  y = d2v_linear (g, d2v_norm (g, x, &w->output_norm), &w->expand);
  y = d2v_op_activate (g, y, c->hidden_act);
  y = d2v_linear (g, y, &w->contract);
  return d2v_op_add (g, x, scaled (g, y, w->lambda_2));
}

static void
keep_state (D2vGraph *g, const D2vConfig *c, D2vFeatures *features,
            gboolean hidden_states, guint index, D2vValue x)
{
  d2v_output_hidden (g, hidden_states, index, x);
  if (features != NULL && d2v_vision_selects (c, index)
      && features->n < G_N_ELEMENTS (features->feature))
    features->feature[features->n++] = x;
}

D2vValue
d2v_vision (D2vGraph *g, const D2vConfig *c, const D2vVision *w,
            D2vValue pixels, D2vValue masked, D2vFeatures *features,
            gboolean hidden_states)
{
  const D2vShape image = *d2v_graph_shape (g, pixels);
  Grid grid = { image.dim[2] / c->patch_size, image.dim[3] / c->patch_size };
  D2vValue x = embed_patches (g, c, w, pixels, masked, grid);
  D2vValue shared = table_for (g, c, w->shared_table, grid);

  keep_state (g, c, features, hidden_states, 0, x);
  for (guint i = 0; i < w->n_layers; i++)
    {
      x = vision_layer (g, c, x, &w->layers[i], shared, grid);
      keep_state (g, c, features, hidden_states, i + 1, x);
    }
  return x;
}
