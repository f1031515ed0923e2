/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shapes.c: the shape that each op gives, and the arithmetic it costs.
 *
 * Shapes come from a configuration and from inputs, so a mismatch is an
 * error to report, not a broken promise. */

#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/graph/graph.h"

/* Values may not be larger than this in elements: below 2^40 bytes, so that
 * no product of two of their dims wraps. */
#define MAX_ELEMENTS ((gsize) 1 << 38)

typedef struct
{
  D2vOp op;
  guint n_inputs;
  const D2vShape *const *in;
  const D2vAttributes *attributes;
  D2vShape *out;
  GError **error;
} Inference;

static gboolean
refuse (const Inference *s, const gchar *what)
{
  GString *shapes = g_string_new (NULL);

  for (guint i = 0; i < s->n_inputs; i++)
    {
      g_autofree gchar *text
          = s->in[i] != NULL ? d2v_shape_text (s->in[i]) : g_strdup ("-");
      g_string_append_printf (shapes, " %s", text);
    }
  g_autofree gchar *found = g_string_free (shapes, FALSE);
  return d2v_fail (s->error, D2V_ERROR_INPUT, NULL, "%s: expected %s, found%s",
                   d2v_op_name (s->op), what, found);
}

static gboolean
is_vector (const D2vShape *shape, gsize n)
{
  return shape == NULL || (shape->rank == 1 && shape->dim[0] == n);
}

static gboolean
is_suffix (const D2vShape *all, const D2vShape *end)
{
  if (end->rank > all->rank)
    return FALSE;
  for (guint i = 0; i < end->rank; i++)
    if (end->dim[i] != all->dim[all->rank - end->rank + i])
      return FALSE;
  return TRUE;
}

static gboolean
infer_broadcast (const Inference *s)
{
  *s->out = *s->in[0];
  return is_suffix (s->in[0], s->in[1])
         || refuse (s, "the second shape to end the first");
}

static gboolean
infer_same (const Inference *s)
{
  *s->out = *s->in[0];
  return TRUE;
}

static gboolean
infer_layer_norm (const Inference *s)
{
  gsize n = d2v_shape_last (s->in[0]);

  *s->out = *s->in[0];
  return (is_vector (s->in[1], n) && is_vector (s->in[2], n))
         || refuse (s, "gain and shift of the last axis' length");
}

static gboolean
infer_linear (const Inference *s)
{
  gsize k = d2v_shape_last (s->in[0]);
  gsize n = 0;

  for (guint i = 1; i <= 5; i += 2)
    {
      const D2vShape *w = i < s->n_inputs ? s->in[i] : NULL;
      const D2vShape *b = i + 1 < s->n_inputs ? s->in[i + 1] : NULL;

      if (w == NULL)
        break;
      if (w->rank != 2 || w->dim[1] != k || !is_vector (b, w->dim[0]))
        return refuse (s, "weights (N, K) and biases (N) for (..., K)");
      n += w->dim[0];
    }
  *s->out = *s->in[0];
  s->out->dim[s->out->rank - 1] = n;
  if (n == 0 || s->in[0]->rank == 0)
    return refuse (s, "a weight");
  if (s->n_inputs > 7 && s->in[7] != NULL
      && !d2v_shape_equal (s->in[7], s->out))
    return refuse (s, "a residual of the result's shape");
  if (s->n_inputs > 8 && !is_vector (s->in[8], n))
    return refuse (s, "a scale of the result's width");
  return TRUE;
}

static gboolean
infer_conv1d (const Inference *s)
{
  const D2vAttributes *a = s->attributes;
  const D2vShape *x = s->in[0], *w = s->in[1];
  gsize groups = a->groups, kernel, channels_in;

  if (x->rank != 3 || groups == 0 || a->stride == 0 || a->dilation == 0)
    return refuse (s, "x (B, T, C)");
  if (a->tap_major)
    {
      if (w->rank != 2 || x->dim[2] == 0 || w->dim[1] % x->dim[2] != 0)
        return refuse (s, "w (O, kernel * C)");
      kernel = w->dim[1] / x->dim[2];
      channels_in = x->dim[2];
    }
  else
    {
      if (w->rank != 3)
        return refuse (s, "w (O, C / groups, kernel)");
      kernel = w->dim[2];
      channels_in = w->dim[1] * groups;
    }
  if (channels_in != x->dim[2] || w->dim[0] % groups != 0 || kernel == 0)
    return refuse (s, "channels that agree");

  gsize reach = a->dilation * (kernel - 1) + 1;
  gsize length = x->dim[1] + 2 * a->padding;
  if (length < reach)
    return refuse (s, "at least as many steps as the kernel sees");
  gsize n_out = (length - reach) / a->stride + 1;
  if (a->n_out > n_out)
    return refuse (s, "as many steps as asked for");
  *s->out = d2v_shape (x->dim[0], a->n_out != 0 ? a->n_out : n_out, w->dim[0]);
  for (guint i = 2; i < s->n_inputs; i++)
    if (!is_vector (s->in[i], w->dim[0]))
      return refuse (s, "bias, gain and shift of the output's width");
  return TRUE;
}

static gboolean
infer_attention (const Inference *s)
{
  const D2vAttributes *a = s->attributes;
  const D2vShape *qkv = s->in[0];

  if (qkv->rank != 3 || a->n_heads == 0 || qkv->dim[2] % (3 * a->n_heads) != 0)
    return refuse (s, "qkv (B, T, 3C) with C divisible by the heads");
  gsize tokens = qkv->dim[1], width = qkv->dim[2] / 3;
  *s->out = d2v_shape (qkv->dim[0], tokens, width);

  const D2vShape *mask = s->n_inputs > 1 ? s->in[1] : NULL;
  const D2vShape *table = s->n_inputs > 2 ? s->in[2] : NULL;
  const D2vShape *distance = s->n_inputs > 3 ? s->in[3] : NULL;
  const D2vShape *cache = s->n_inputs > 4 ? s->in[4] : NULL;
  if (mask != NULL
      && (mask->rank != 2 || mask->dim[0] != qkv->dim[0]
          || (cache == NULL && mask->dim[1] != tokens)))
    return refuse (s, "a mask (B, S)");
  if (table != NULL
      && (table->rank != 2 || table->dim[1] != a->n_heads
          || tokens != a->grid_h * a->grid_w + 1
          || table->dim[0] != (2 * a->grid_h - 1) * (2 * a->grid_w - 1) + 3))
    return refuse (s, "a relative position table of the grid's size");
  if (distance != NULL
      && (distance->rank != 2 || distance->dim[1] != width / a->n_heads))
    return refuse (s, "a distance table (2P - 1, d)");
  if (cache != NULL
      && (cache->rank != 4 || cache->dim[0] != 2 || cache->dim[1] != qkv->dim[0]
          || cache->dim[3] != width))
    return refuse (s, "a cache (2, B, S, C)");
  return TRUE;
}

static gboolean
infer_embed (const Inference *s)
{
  if (s->in[0]->rank != 2 || s->in[1]->rank != 2)
    return refuse (s, "ids (B, T) and a table (V, C)");
  *s->out = d2v_shape (s->in[0]->dim[0], s->in[0]->dim[1], s->in[1]->dim[1]);
  return TRUE;
}

static gboolean
infer_reshape (const Inference *s)
{
  *s->out = s->attributes->shape;
  return d2v_shape_size (s->out) == d2v_shape_size (s->in[0])
         || refuse (s, "as many numbers as the new shape has");
}

static gboolean
infer_slice (const Inference *s)
{
  const D2vAttributes *a = s->attributes;

  *s->out = *s->in[0];
  if (a->axis < 0 || (guint) a->axis >= s->in[0]->rank || a->length == 0
      || a->begin > s->in[0]->dim[a->axis]
      || a->length > s->in[0]->dim[a->axis] - a->begin)
    return refuse (s, "a range inside the axis");
  s->out->dim[a->axis] = a->length;
  return TRUE;
}

static gboolean
infer_concat (const Inference *s)
{
  guint last = s->in[0]->rank - 1;

  *s->out = *s->in[0];
  for (guint i = 1; i < s->n_inputs; i++)
    {
      D2vShape one = *s->in[i];
      if (one.rank != last + 1)
        return refuse (s, "shapes of one rank");
      gsize width = one.dim[last];
      one.dim[last] = s->in[0]->dim[last];
      if (!d2v_shape_equal (&one, s->in[0]))
        return refuse (s, "shapes that differ in the last axis only");
      s->out->dim[last] += width;
    }
  return TRUE;
}

static gboolean
infer_prepend (const Inference *s)
{
  if (s->in[0]->rank != 3 || !is_vector (s->in[1], s->in[0]->dim[2]))
    return refuse (s, "x (B, T, C) and a row (C)");
  *s->out = *s->in[0];
  s->out->dim[1] += 1;
  return TRUE;
}

static gboolean
has_row_mask (const D2vShape *x, const D2vShape *mask)
{
  return x->rank == 3
         && (mask == NULL
             || (mask->rank == 2 && mask->dim[0] == x->dim[0]
                 && mask->dim[1] == x->dim[1]));
}

static gboolean
infer_mask_rows (const Inference *s)
{
  *s->out = *s->in[0];
  return has_row_mask (s->in[0], s->in[1])
         || refuse (s, "x (B, T, C) and a mask (B, T)");
}

static gboolean
infer_select_rows (const Inference *s)
{
  *s->out = *s->in[0];
  return (has_row_mask (s->in[0], s->in[1])
          && is_vector (s->in[2], s->in[0]->dim[2]))
         || refuse (s, "x (B, T, C), a mask (B, T) and a row (C)");
}

static gboolean
infer_scale_add (const Inference *s)
{
  *s->out = *s->in[1];
  if (s->in[0] != NULL && !d2v_shape_equal (s->in[0], s->in[1]))
    return refuse (s, "a sum of the same shape");
  return (s->in[2]->rank == 1 && s->attributes->index < s->in[2]->dim[0])
         || refuse (s, "a weight per term");
}

static gboolean
infer_glu (const Inference *s)
{
  *s->out = *s->in[0];
  if (s->in[0]->rank == 0 || d2v_shape_last (s->in[0]) % 2 != 0)
    return refuse (s, "an even width");
  s->out->dim[s->out->rank - 1] /= 2;
  return TRUE;
}

static gboolean
infer_pool_mean (const Inference *s)
{
  if (!has_row_mask (s->in[0], s->n_inputs > 1 ? s->in[1] : NULL))
    return refuse (s, "x (B, T, C) and a mask (B, T)");
  *s->out = d2v_shape (s->in[0]->dim[0], s->in[0]->dim[2]);
  return TRUE;
}

static gboolean
infer_pool_stats (const Inference *s)
{
  const D2vShape *counts = s->n_inputs > 1 ? s->in[1] : NULL;

  if (s->in[0]->rank != 3 || !is_vector (counts, s->in[0]->dim[0]))
    return refuse (s, "x (B, T, C) and counts (B)");
  *s->out = d2v_shape (s->in[0]->dim[0], 2 * s->in[0]->dim[2]);
  return TRUE;
}

static gboolean
infer_patches (const Inference *s)
{
  const D2vShape *x = s->in[0];
  gsize p = s->attributes->patch;

  if (x->rank != 4 || p == 0 || x->dim[2] < p || x->dim[3] < p)
    return refuse (s, "an image (B, C, H, W) of at least one patch");
  *s->out = d2v_shape (x->dim[0], (x->dim[2] / p) * (x->dim[3] / p),
                       x->dim[1] * p * p);
  return TRUE;
}

static gboolean
is_map (const Inference *s)
{
  return s->in[0]->rank == 4 || refuse (s, "a map (B, H, W, C)");
}

static gboolean
infer_conv2d (const Inference *s)
{
  const D2vShape *x = s->in[0], *w = s->in[1];

  if (x->rank != 4 || w->rank != 4 || w->dim[1] != x->dim[3]
      || w->dim[2] != w->dim[3] || w->dim[2] % 2 == 0
      || !is_vector (s->n_inputs > 2 ? s->in[2] : NULL, w->dim[0]))
    return refuse (s, "x (B, H, W, C), w (O, C, k, k) with odd k, bias (O)");
  *s->out = *x;
  s->out->dim[3] = w->dim[0];
  return TRUE;
}

static gboolean
infer_shuffle2 (const Inference *s)
{
  if (!is_map (s))
    return FALSE;
  if (s->in[0]->dim[3] % 4 != 0)
    return refuse (s, "four blocks of channels");
  *s->out = d2v_shape (s->in[0]->dim[0], 2 * s->in[0]->dim[1],
                       2 * s->in[0]->dim[2], s->in[0]->dim[3] / 4);
  return TRUE;
}

static gboolean
infer_max_pool2 (const Inference *s)
{
  if (!is_map (s))
    return FALSE;
  if (s->in[0]->dim[1] < 2 || s->in[0]->dim[2] < 2)
    return refuse (s, "at least 2 x 2");
  *s->out = *s->in[0];
  s->out->dim[1] /= 2;
  s->out->dim[2] /= 2;
  return TRUE;
}

static gboolean
infer_resize (const Inference *s)
{
  gsize h = s->attributes->size;
  gsize w = s->op == D2V_OP_ADAPTIVE_POOL ? h : s->attributes->size_w;

  if (!is_map (s))
    return FALSE;
  if (h == 0 || w == 0 || s->in[0]->dim[1] == 0 || s->in[0]->dim[2] == 0)
    return refuse (s, "sizes above 0");
  *s->out = d2v_shape (s->in[0]->dim[0], h, w, s->in[0]->dim[3]);
  return TRUE;
}

static gboolean
infer_resize_taps (const Inference *s)
{
  const D2vAttributes *a = s->attributes;

  if (!is_map (s))
    return FALSE;
  if (s->in[0]->dim[3] % 3 != 0 || a->size == 0
      || (a->axis != 1 && a->axis != 2))
    return refuse (s, "three blocks of channels, axis 1 or 2");
  *s->out = *s->in[0];
  s->out->dim[a->axis] = a->size;
  s->out->dim[3] /= 3;
  if (s->n_inputs > 1 && s->in[1] != NULL
      && !d2v_shape_equal (s->in[1], s->out))
    return refuse (s, "a sum of the result's shape");
  return TRUE;
}

static gboolean
infer_relative_table (const Inference *s)
{
  const D2vAttributes *a = s->attributes;
  const D2vShape *table = s->in[0];

  if (table->rank != 2 || a->from_h == 0 || a->from_w == 0 || a->grid_h == 0
      || a->grid_w == 0
      || table->dim[0] != (2 * a->from_h - 1) * (2 * a->from_w - 1) + 3)
    return refuse (s, "a table of the training grid's size");
  *s->out = d2v_shape ((2 * a->grid_h - 1) * (2 * a->grid_w - 1) + 3,
                       table->dim[1]);
  return TRUE;
}

static gboolean
infer_channels_first (const Inference *s)
{
  if (!is_map (s))
    return FALSE;
  *s->out = d2v_shape (s->in[0]->dim[0], s->in[0]->dim[3], s->in[0]->dim[1],
                       s->in[0]->dim[2]);
  return TRUE;
}

static gboolean
infer_label_map (const Inference *s)
{
  if (!infer_resize (s))
    return FALSE;
  *s->out = d2v_shape (s->out->dim[0], s->out->dim[1], s->out->dim[2]);
  return TRUE;
}

typedef gboolean (*InferFunc) (const Inference *s);

static const InferFunc infer[D2V_N_OPS] = {
  [D2V_OP_ADD] = infer_broadcast,
  [D2V_OP_MUL] = infer_broadcast,
  [D2V_OP_ACTIVATE] = infer_same,
  [D2V_OP_LAYER_NORM] = infer_layer_norm,
  [D2V_OP_LINEAR] = infer_linear,
  [D2V_OP_CONV1D] = infer_conv1d,
  [D2V_OP_ATTENTION] = infer_attention,
  [D2V_OP_EMBED] = infer_embed,
  [D2V_OP_GATHER] = infer_embed,
  [D2V_OP_RESHAPE] = infer_reshape,
  [D2V_OP_SLICE] = infer_slice,
  [D2V_OP_CONCAT] = infer_concat,
  [D2V_OP_PREPEND] = infer_prepend,
  [D2V_OP_MASK_ROWS] = infer_mask_rows,
  [D2V_OP_SELECT_ROWS] = infer_select_rows,
  [D2V_OP_SCALE_ADD] = infer_scale_add,
  [D2V_OP_GLU] = infer_glu,
  [D2V_OP_POOL_MEAN] = infer_pool_mean,
  [D2V_OP_POOL_STATS] = infer_pool_stats,
  [D2V_OP_PATCHES] = infer_patches,
  [D2V_OP_CONV2D] = infer_conv2d,
  [D2V_OP_SHUFFLE2] = infer_shuffle2,
  [D2V_OP_MAX_POOL2] = infer_max_pool2,
  [D2V_OP_ADAPTIVE_POOL] = infer_resize,
  [D2V_OP_RESIZE_BILINEAR] = infer_resize,
  [D2V_OP_RESIZE_TAPS] = infer_resize_taps,
  [D2V_OP_RESIZE_BICUBIC] = infer_resize,
  [D2V_OP_RELATIVE_TABLE] = infer_relative_table,
  [D2V_OP_CHANNELS_FIRST] = infer_channels_first,
  [D2V_OP_LABEL_MAP] = infer_label_map,
};

static gboolean
is_reasonable (const D2vShape *shape)
{
  gsize n = 1;

  for (guint i = 0; i < shape->rank; i++)
    if (shape->dim[i] == 0 || !d2v_mul (n, shape->dim[i], &n)
        || n > MAX_ELEMENTS)
      return FALSE;
  return TRUE;
}

gboolean
d2v_infer_shape (D2vOp op, guint n_inputs, const D2vShape *const *inputs,
                 const D2vAttributes *attributes, D2vShape *shape,
                 GError **error)
{
  const Inference s = { op, n_inputs, inputs, attributes, shape, error };

  for (guint i = 0; i < n_inputs; i++)
    if (inputs[i] != NULL && !is_reasonable (inputs[i]))
      return refuse (&s, "sizes from 1 to 2^38 in all");
  if (!infer[op](&s))
    return FALSE;
  return is_reasonable (shape) || refuse (&s, "a result below 2^38 numbers");
}

gdouble
d2v_node_flop (const D2vGraph *graph, const D2vNode *node)
{
  gdouble n = (gdouble) d2v_shape_size (&node->shape);

  if (node->kind != D2V_VALUE_NODE)
    return 0;
  switch (node->op)
    {
    case D2V_OP_LINEAR:
      return 2 * n
             * (gdouble) d2v_shape_last (
                 d2v_graph_shape (graph, node->inputs[0]));
    case D2V_OP_CONV1D:
    case D2V_OP_CONV2D:
      {
        const D2vShape *w = d2v_graph_shape (graph, node->inputs[1]);
        return 2 * n * (gdouble) d2v_shape_size (w) / (gdouble) w->dim[0];
      }
    case D2V_OP_ATTENTION:
      {
        gsize keys = node->n_inputs > 4 && !d2v_is_none (node->inputs[4])
                         ? d2v_graph_shape (graph, node->inputs[4])->dim[2]
                         : node->shape.dim[1];
        return 4 * n * (gdouble) keys;
      }
    default:
      return 0;
    }
}
