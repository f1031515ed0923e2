/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ops_simple.c: ops that are one dispatch with one invocation for each number,
 * or one workgroup for each row. */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/math.h"

/* elementwise.glsl's. */
#define GROUP 128

/* Sizes come after `n`, so it is added first. */
static void
count (const D2vVkEmit *emit, D2vVkDispatch *d, gsize n)
{
  vk_size (d, n);
  vk_items (emit, d, n, GROUP);
}

static gsize
n_out (const D2vVkEmit *emit)
{
  return d2v_shape_size (&emit->node->shape);
}

static gsize
last_of (const D2vVkEmit *emit, guint slot)
{
  return d2v_shape_last (vk_shape (emit, slot));
}

static gboolean
broadcast (D2vVkEmit *emit, const gchar *shader)
{
  D2vVkDispatch d = vk_dispatch (shader);

  vk_read (emit, &d, 0);
  vk_read (emit, &d, 1);
  vk_write (emit, &d);
  count (emit, &d, n_out (emit));
  vk_size (&d, d2v_shape_size (vk_shape (emit, 1)));
  return vk_append (emit, &d);
}

gboolean
vk_emit_add (D2vVkEmit *emit)
{
  return broadcast (emit, "add");
}

gboolean
vk_emit_mul (D2vVkEmit *emit)
{
  return broadcast (emit, "mul");
}

/* The first input and the result, of which every number is made by itself. */
static D2vVkDispatch
one_to_one (const D2vVkEmit *emit, const gchar *shader)
{
  D2vVkDispatch d = vk_dispatch (shader);

  vk_read (emit, &d, 0);
  vk_write (emit, &d);
  count (emit, &d, n_out (emit));
  return d;
}

gboolean
vk_emit_activate (D2vVkEmit *emit)
{
  D2vVkDispatch d = one_to_one (emit, "activate");

  vk_constant (&d, emit->node->attributes.activation);
  return vk_append (emit, &d);
}

gboolean
vk_emit_reshape (D2vVkEmit *emit)
{
  D2vVkDispatch d = one_to_one (emit, "reshape");

  return vk_append (emit, &d);
}

gboolean
vk_emit_glu (D2vVkEmit *emit)
{
  D2vVkDispatch d = one_to_one (emit, "glu");

  vk_constant (&d, d2v_shape_last (&emit->node->shape));
  return vk_append (emit, &d);
}

gboolean
vk_emit_slice (D2vVkEmit *emit)
{
  const D2vAttributes *a = &emit->node->attributes;
  const D2vShape *shape = vk_shape (emit, 0);
  D2vVkDispatch d = one_to_one (emit, "slice");
  gsize entry = 1;

  for (guint i = (guint) a->axis + 1; i < shape->rank; i++)
    entry *= shape->dim[i];
  vk_size (&d, a->length * entry);
  vk_size (&d, shape->dim[a->axis] * entry);
  vk_size (&d, a->begin * entry);
  return vk_append (emit, &d);
}

gboolean
vk_emit_concat (D2vVkEmit *emit)
{
  gsize column = 0;

  for (guint slot = 0; slot < emit->node->n_inputs; slot++)
    {
      D2vVkDispatch d = vk_dispatch ("concat");

      if (!vk_read (emit, &d, slot))
        continue;
      vk_write (emit, &d);
      vk_constant (&d, last_of (emit, slot));
      vk_constant (&d, d2v_shape_last (&emit->node->shape));
      vk_constant (&d, column);
      count (emit, &d, d2v_shape_size (vk_shape (emit, slot)));
      column += last_of (emit, slot);
      if (!vk_append (emit, &d))
        return FALSE;
    }
  return TRUE;
}

gboolean
vk_emit_embed (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch ("embed");

  vk_read (emit, &d, 0);
  vk_read (emit, &d, 1);
  vk_write (emit, &d);
  vk_constant (&d, vk_shape (emit, 1)->dim[1]);
  count (emit, &d, n_out (emit));
  vk_size (&d, vk_shape (emit, 1)->dim[0]);
  return vk_append (emit, &d);
}

gboolean
vk_emit_gather (D2vVkEmit *emit)
{
  return vk_emit_embed (emit);
}

gboolean
vk_emit_prepend (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch ("prepend");

  vk_read (emit, &d, 0);
  vk_read (emit, &d, 1);
  vk_write (emit, &d);
  vk_constant (&d, emit->node->shape.dim[2]);
  count (emit, &d, n_out (emit));
  vk_size (&d, emit->node->shape.dim[1]);
  return vk_append (emit, &d);
}

gboolean
vk_emit_mask_rows (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch ("mask_rows");

  vk_read (emit, &d, 0);
  vk_read (emit, &d, 1);
  vk_write (emit, &d);
  vk_constant (&d, last_of (emit, 0));
  count (emit, &d, n_out (emit));
  return vk_append (emit, &d);
}

gboolean
vk_emit_select_rows (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch ("select_rows");

  for (guint slot = 0; slot < 3; slot++)
    vk_read (emit, &d, slot);
  vk_write (emit, &d);
  vk_constant (&d, last_of (emit, 0));
  count (emit, &d, n_out (emit));
  return vk_append (emit, &d);
}

gboolean
vk_emit_scale_add (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch ("scale_add");
  gboolean has_sum = vk_read (emit, &d, 0);

  vk_read (emit, &d, 1);
  vk_read (emit, &d, 2);
  vk_write (emit, &d);
  vk_constant (&d, has_sum);
  vk_constant (&d, d2v_shape_size (vk_shape (emit, 2)));
  vk_constant (&d, emit->node->attributes.index);
  count (emit, &d, n_out (emit));
  return vk_append (emit, &d);
}

gboolean
vk_emit_pool_mean (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch ("pool_mean");

  vk_read (emit, &d, 0);
  gboolean has_mask = vk_read (emit, &d, 1);
  vk_write (emit, &d);
  vk_constant (&d, last_of (emit, 0));
  vk_constant (&d, has_mask);
  count (emit, &d, n_out (emit));
  vk_size (&d, vk_shape (emit, 0)->dim[1]);
  return vk_append (emit, &d);
}

gboolean
vk_emit_pool_stats (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch ("pool_stats");

  vk_read (emit, &d, 0);
  gboolean has_counts = vk_read (emit, &d, 1);
  vk_write (emit, &d);
  vk_constant (&d, last_of (emit, 0));
  vk_constant (&d, has_counts);
  count (emit, &d, n_out (emit) / 2);
  vk_size (&d, vk_shape (emit, 0)->dim[1]);
  return vk_append (emit, &d);
}

/* --------------------------------------------------------------- images -- */

gboolean
vk_emit_patches (D2vVkEmit *emit)
{
  const D2vShape *x = vk_shape (emit, 0); /* (B, C, H, W) */
  D2vVkDispatch d = one_to_one (emit, "patches");

  vk_constant (&d, x->dim[1]);
  vk_constant (&d, emit->node->attributes.patch);
  vk_size (&d, x->dim[2]);
  vk_size (&d, x->dim[3]);
  return vk_append (emit, &d);
}

/* @shape's channels, height and width: (B, H, W, C). */
static void
map_sizes (D2vVkDispatch *d, const D2vShape *shape)
{
  vk_constant (d, shape->dim[3]);
  vk_size (d, shape->dim[1]);
  vk_size (d, shape->dim[2]);
}

gboolean
vk_emit_shuffle2 (D2vVkEmit *emit)
{
  D2vVkDispatch d = one_to_one (emit, "shuffle2");

  map_sizes (&d, &emit->node->shape);
  return vk_append (emit, &d);
}

gboolean
vk_emit_max_pool2 (D2vVkEmit *emit)
{
  D2vVkDispatch d = one_to_one (emit, "max_pool2");

  map_sizes (&d, vk_shape (emit, 0));
  return vk_append (emit, &d);
}

gboolean
vk_emit_adaptive_pool (D2vVkEmit *emit)
{
  D2vVkDispatch d = one_to_one (emit, "adaptive_pool");

  map_sizes (&d, vk_shape (emit, 0));
  vk_constant (&d, emit->node->attributes.size);
  return vk_append (emit, &d);
}

static gboolean
resize (D2vVkEmit *emit, const gchar *shader)
{
  D2vVkDispatch d = one_to_one (emit, shader);

  map_sizes (&d, vk_shape (emit, 0));
  vk_size (&d, emit->node->shape.dim[1]);
  vk_size (&d, emit->node->shape.dim[2]);
  return vk_append (emit, &d);
}

gboolean
vk_emit_resize_bilinear (D2vVkEmit *emit)
{
  return resize (emit, "resize_bilinear");
}

gboolean
vk_emit_label_map (D2vVkEmit *emit)
{
  const D2vShape *in = vk_shape (emit, 0), *out = &emit->node->shape;
  D2vVkDispatch d = one_to_one (emit, "label_map");

  map_sizes (&d, in);
  vk_size (&d, out->dim[1]);
  vk_size (&d, out->dim[2]);
  vk_size_float (&d, (gfloat) in->dim[1] / (gfloat) out->dim[1]);
  vk_size_float (&d, (gfloat) in->dim[2] / (gfloat) out->dim[2]);
  return vk_append (emit, &d);
}

gboolean
vk_emit_resize_taps (D2vVkEmit *emit)
{
  const D2vShape *out = &emit->node->shape;
  gsize axis = (gsize) emit->node->attributes.axis;
  D2vVkDispatch d = vk_dispatch ("resize_taps");

  vk_read (emit, &d, 0);
  gboolean has_sum = vk_read (emit, &d, 1);
  vk_write (emit, &d);
  vk_constant (&d, out->dim[3]);
  vk_constant (&d, has_sum);
  count (emit, &d, n_out (emit));
  vk_size (&d, vk_shape (emit, 0)->dim[axis]);
  vk_size (&d, out->dim[axis]);
  vk_size (&d, axis == 1 ? out->dim[2] : 1);
  return vk_append (emit, &d);
}

gboolean
vk_emit_resize_bicubic (D2vVkEmit *emit)
{
  return resize (emit, "resize_bicubic");
}

/* Width before height is the original's slip (spec 4.2). */
gboolean
vk_emit_relative_table (D2vVkEmit *emit)
{
  const D2vAttributes *a = &emit->node->attributes;
  D2vVkDispatch d = one_to_one (emit, "relative_table");

  vk_constant (&d, last_of (emit, 0));
  vk_constant (&d, 2 * a->from_w - 1);
  vk_constant (&d, 2 * a->from_h - 1);
  vk_size (&d, 2 * a->grid_h - 1);
  vk_size (&d, 2 * a->grid_w - 1);
  return vk_append (emit, &d);
}

gboolean
vk_emit_channels_first (D2vVkEmit *emit)
{
  const D2vShape *x = vk_shape (emit, 0);
  D2vVkDispatch d = one_to_one (emit, "channels_first");

  vk_constant (&d, x->dim[3]);
  vk_size (&d, x->dim[1] * x->dim[2]);
  return vk_append (emit, &d);
}

/* ----------------------------------------------------------------- rows -- */

/* A workgroup does a row; layer_norm.comp's size of them does not matter. */
gboolean
vk_emit_layer_norm (D2vVkEmit *emit)
{
  D2vVkDispatch d = vk_dispatch (vk_is_half (emit, emit->id) ? "layer_norm_half"
                                                             : "layer_norm");
  gsize n_rows = d2v_shape_rows (&emit->node->shape);

  vk_read (emit, &d, 0);
  gboolean has_gain = vk_read (emit, &d, 1);
  gboolean has_shift = vk_read (emit, &d, 2);
  vk_write (emit, &d);
  vk_constant (&d, last_of (emit, 0));
  vk_constant_float (&d, emit->node->attributes.eps);
  vk_constant (&d, has_gain);
  vk_constant (&d, has_shift);
  vk_constant (&d, D2V_ACTIVATION_NONE);
  vk_size (&d, n_rows);
  vk_items (emit, &d, n_rows, 1);
  return vk_append (emit, &d);
}
