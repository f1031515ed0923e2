/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ops_product.c: LINEAR and the convolutions, all of them one product. */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

/* Slots. */
enum
{
  X,
  W,
  BIAS,
  GAIN,
  SHIFT
};

/* ---------------------------------------------------------------- weights --
 */

static D2vTensor *
constant_at (const D2vPlan *plan, const D2vNode *node, guint slot)
{
  if (slot >= node->n_inputs || d2v_is_none (node->inputs[slot]))
    return NULL;
  const D2vPlace *place = &plan->places[node->inputs[slot].id];
  if (place->kind != D2V_PLACE_CONSTANT)
    return NULL;
  return d2v_graph_node (plan->graph, (D2vValue){ (gint) place->index })
      ->constant;
}

/* LINEAR's weights are all constant, and so are its biases: then each of the
 * two is one array, and the node one product. */
static gboolean
stacks (const D2vPlan *plan, const D2vNode *node)
{
  for (guint slot = W; slot < node->n_inputs && slot < D2V_LINEAR_RESIDUAL;
       slot++)
    if (!d2v_is_none (node->inputs[slot])
        && constant_at (plan, node, slot) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
vk_is_half_product (const D2vPlan *plan, const D2vNode *node)
{
  return node->op == D2V_OP_LINEAR
             ? stacks (plan, node)
             : node->op == D2V_OP_CONV1D || node->op == D2V_OP_CONV2D;
}

static gboolean
is_f32 (const D2vTensor *tensor)
{
  return tensor->dtype == D2V_F32;
}

/* No model has longer rows in LINEAR. Beyond 2^17 sums of products of bytes may
 * leave 32 bits, and from 11000 on llvmpipe ends the shader's loops early. */
#define MAX_INT8_K ((gsize) 1 << 13)

static D2vVkWord
word_of (D2vOp op, D2vVkRung rung, const D2vTensor *weight)
{
  if (vk_rung_is_half (rung))
    return VK_WORD_HALF;
  if (rung == VK_RUNG_INT8 && op == D2V_OP_LINEAR
      && d2v_shape_size (&weight->shape) / weight->shape.dim[0] <= MAX_INT8_K)
    return VK_WORD_INT8;
  return VK_WORD_SAME;
}

/* @first: W or BIAS. Where one bias is missing, zeros are. */
static void
stacked_key (const D2vPlan *plan, const D2vNode *node, guint first,
             D2vVkRung rung, D2vVkWeightKey *key)
{
  guint part = 0;

  memset (key, 0, sizeof *key);
  for (guint slot = W; slot < D2V_LINEAR_RESIDUAL; slot += 2)
    {
      D2vTensor *weight = constant_at (plan, node, slot);

      if (weight == NULL)
        continue;
      key->parts[part] = constant_at (plan, node, slot + first - W);
      key->n_elements[part]
          = first == W ? d2v_shape_size (&weight->shape) : weight->shape.dim[0];
      part++;
    }
  if (first == W)
    key->word = word_of (node->op, rung, key->parts[0]);
}

gboolean
vk_product_weight (const D2vPlan *plan, gint id, guint slot, D2vVkRung rung,
                   D2vVkWeightKey *key)
{
  const D2vNode *node = d2v_graph_node (plan->graph, (D2vValue){ id });
  D2vTensor *tensor = constant_at (plan, node, slot);

  if (tensor == NULL || !is_f32 (tensor))
    return FALSE;
  memset (key, 0, sizeof *key);
  key->parts[0] = tensor;
  key->n_elements[0] = d2v_shape_size (&tensor->shape);
  if (node->op == D2V_OP_LINEAR && slot >= W && slot < D2V_LINEAR_RESIDUAL)
    {
      if (!stacks (plan, node))
        return FALSE;
      stacked_key (plan, node, slot % 2 == 1 ? W : BIAS, rung, key);
      return TRUE;
    }
  if (slot != W)
    return FALSE;
  key->word = word_of (node->op, rung, tensor);
  if (node->op == D2V_OP_CONV1D)
    key->form = node->attributes.tap_major ? VK_FORM_PLAIN : VK_FORM_TAPS_1D;
  else if (node->op == D2V_OP_CONV2D)
    key->form = VK_FORM_TAPS_2D;
  else
    return FALSE;
  return TRUE;
}

/* ---------------------------------------------------------------- tiles -- */

/* What a workgroup makes of a product, in product.glsl's words. */
typedef struct
{
  guint32 group;
  guint32 m, n, k;      /* of a tile */
  guint32 run_m, run_n; /* of an invocation, or of a subgroup in fragments */
  D2vVkFragment fragment;
} Tiles;

/* For tests, D2V_VULKAN_TILES=hardware has a software driver run the tiles that
 * are meant for hardware. */
static gboolean
is_software (const D2vVkFound *found)
{
  return found->type == VK_PHYSICAL_DEVICE_TYPE_CPU
         && g_strcmp0 (g_getenv ("D2V_VULKAN_TILES"), "hardware") != 0;
}

/* Small products get small tiles, so that there are enough of them. A software
 * driver is fastest with one vector of invocations: it then has nobody to wait
 * for at the barriers. */
static Tiles
tiles_for (const D2vVkFound *found, gsize m, gsize n, gsize k)
{
  Tiles tiles = { 0, 64, 64, 16, 4, 4 };

  if (is_software (found))
    tiles = (Tiles){ 0, 16, 32, k <= 16 ? 16 : 64, 8, 8 };
  else if (m <= 32)
    tiles = (Tiles){ 0, 16, 64, 16, 4, 4 };
  else if (n <= 32)
    tiles = (Tiles){ 0, 64, 16, 16, 4, 4 };
  tiles.group = tiles.m / tiles.run_m * (tiles.n / tiles.run_n);
  return tiles;
}

/* @subgroups_m x @subgroups_n subgroups of @run_m x @run_n fragments. */
static Tiles
tiles_of (const D2vVkFound *found, const D2vVkFragment *f, guint32 subgroups_m,
          guint32 subgroups_n, guint32 run_m, guint32 run_n)
{
  return (Tiles){ .group = subgroups_m * subgroups_n * found->subgroup_size,
                  .m = subgroups_m * run_m * f->m,
                  .n = subgroups_n * run_n * f->n,
                  .k = MAX (f->k, 32),
                  .run_m = run_m,
                  .run_n = run_n,
                  .fragment = *f };
}

static Tiles
coopmat_tiles_for (const D2vVkFound *found, gsize m, gsize n)
{
  const D2vVkFragment *f = &found->fragment;

  if (is_software (found))
    return tiles_of (found, f, 1, 1, 2, 2);
  if (m <= f->m)
    return tiles_of (found, f, 1, 4, 1, 1);
  if (n <= f->n)
    return tiles_of (found, f, 4, 1, 1, 1);
  return tiles_of (found, f, 2, 2, 2, 2);
}

/* Shared memory of half_tiles.glsl, and of product.glsl's rows. */
static gsize
half_tile_bytes (const Tiles *t)
{
  return (gsize) (t->m + t->n) * (t->k + 8) * sizeof (guint16)
         + (gsize) t->m * 3 * sizeof (guint32);
}

/* The largest tiles that coopmat_tiles_for () makes of it must fit. */
gboolean
vk_fragment_fits (const D2vVkFound *found, const D2vVkFragment *f)
{
  const Tiles t = tiles_of (found, f, 2, 2, 2, 2);
  gsize bytes
      = half_tile_bytes (&t) + (gsize) 4 * f->m * f->n * sizeof (gfloat);

  return f->m <= 32 && f->n <= 32 && f->k <= 32 && t.k % f->k == 0
         && f->k % 8 == 0 && bytes <= found->shared_bytes && t.group <= 256;
}

/* The multiple of @step, by a power of two, that holds @size or is the last up
 * to @most: @step's own at least. */
static guint32
fit (gsize size, guint32 most, guint32 step)
{
  guint32 fitted = step;

  while (fitted < size && 2 * fitted <= most)
    fitted *= 2;
  return fitted;
}

/* One matrix a workgroup; its size is bounded by the registers of those who
 * hold it. llvmpipe writes the end of the product out for each number that an
 * invocation holds, and compiles for long where they are many. */
static Tiles
flexible_tiles (const D2vVkFlexible *f, gsize m, gsize n)
{
  guint32 most_m = f->scope == VK_SCOPE_WORKGROUP_KHR ? 128 : f->group;

  return (Tiles){ .group = f->group,
                  .m = fit (m, most_m, f->step.m),
                  .n = fit (n, MIN (2 * most_m, 128), f->step.n),
                  .k = fit (32, 32, f->step.k),
                  .fragment = { .m = f->scope } };
}

gboolean
vk_flexible_fits (const D2vVkFound *found, const D2vVkFlexible *f)
{
  if (f->step.m == 0 || f->step.n == 0 || f->step.k == 0)
    return FALSE;
  const Tiles t = flexible_tiles (f, G_MAXUINT32, G_MAXUINT32);
  gsize bytes = half_tile_bytes (&t) + f->reserved_bytes;

  return MAX (MAX (t.m, t.n), t.k) <= f->largest && t.k % 8 == 0
         && bytes <= found->shared_bytes && t.group <= 256;
}

static Tiles
tiles_of_rung (const D2vVkFound *found, D2vVkRung rung, gsize m, gsize n,
               gsize k)
{
  switch (rung)
    {
    case VK_RUNG_COOPMAT:
      return coopmat_tiles_for (found, m, n);
    case VK_RUNG_COOPMAT2:
      return flexible_tiles (&found->flexible, m, n);
    default:
      return tiles_for (found, m, n, k);
    }
}

/* The constants of product.glsl and weight.glsl, N and K, and the grid. */
static void
tile (const D2vVkEmit *emit, D2vVkDispatch *d, D2vVkRung rung, gsize m, gsize n,
      gsize k)
{
  const Tiles tiles = tiles_of_rung (emit->context->found, rung, m, n, k);

  vk_constant (d, tiles.group);
  vk_constant (d, tiles.m);
  vk_constant (d, tiles.n);
  vk_constant (d, tiles.k);
  vk_constant (d, tiles.run_m);
  vk_constant (d, tiles.run_n);
  vk_constant (d, tiles.fragment.m);
  vk_constant (d, tiles.fragment.n);
  vk_constant (d, tiles.fragment.k);
  vk_constant (d, vk_is_half (emit, emit->node->inputs[X].id));
  vk_constant (d, vk_is_half (emit, emit->id));
  vk_constant (d, n);
  vk_constant (d, k);
  d->groups[0] = (guint32) d2v_ceil_div (n, tiles.n);
  d->groups[1] = (guint32) d2v_ceil_div (m, tiles.m);
  d->whole_subgroups = rung == VK_RUNG_COOPMAT || rung == VK_RUNG_COOPMAT2;
}

/* --------------------------------------------------------------- LINEAR -- */

/* For tests, D2V_VULKAN_DOT=no does without. */
static gboolean
uses_dot (const D2vVkEmit *emit)
{
  return emit->context->found->has_dot
         && g_strcmp0 (g_getenv ("D2V_VULKAN_DOT"), "no") != 0;
}

static const gchar *
linear_shader (const D2vVkEmit *emit, D2vVkRung rung)
{
  switch (rung)
    {
    case VK_RUNG_F16:
      return "linear_half";
    case VK_RUNG_COOPMAT:
      return "linear_coopmat";
    case VK_RUNG_COOPMAT2:
      return "linear_coopmat2";
    case VK_RUNG_INT8:
      return uses_dot (emit) ? "linear_dot" : "linear_int8";
    default:
      return "linear";
    }
}

/* Columns @column.. of the result from one weight (n, K). */
static gboolean
linear (D2vVkEmit *emit, D2vVkRange weight, const D2vVkRange *bias, gsize n,
        gsize column, D2vVkRung rung)
{
  const D2vNode *node = emit->node;
  gsize m = d2v_shape_rows (&node->shape);
  D2vVkDispatch d = vk_dispatch (linear_shader (emit, rung));

  vk_read (emit, &d, X);
  vk_read_range (&d, weight);
  if (bias != NULL)
    vk_read_range (&d, *bias);
  else
    vk_no_read (&d);
  gboolean has_residual = vk_read (emit, &d, D2V_LINEAR_RESIDUAL);
  gboolean has_scale = vk_read (emit, &d, D2V_LINEAR_SCALE);
  vk_write (emit, &d);
  tile (emit, &d, rung, m, n, d2v_shape_last (vk_shape (emit, X)));
  vk_constant (&d, node->attributes.activation);
  vk_constant (&d, bias != NULL);
  vk_constant (&d, has_residual);
  vk_constant (&d, has_scale);
  vk_constant (&d, d2v_shape_last (&node->shape));
  vk_constant (&d, column);
  vk_size (&d, m);
  return vk_append (emit, &d);
}

static gboolean
linear_stacked (D2vVkEmit *emit)
{
  D2vVkWeightKey key;
  D2vVkRange bias, *has_bias = NULL;

  stacked_key (emit->plan, emit->node, BIAS, emit->rung, &key);
  for (guint i = 0; i < 3; i++)
    if (key.parts[i] != NULL)
      {
        bias = vk_weights_range (emit->weights, &key);
        has_bias = &bias;
        break;
      }
  stacked_key (emit->plan, emit->node, W, emit->rung, &key);
  return linear (emit, vk_weights_range (emit->weights, &key), has_bias,
                 d2v_shape_last (&emit->node->shape), 0,
                 key.word == VK_WORD_SAME ? VK_RUNG_F32 : emit->rung);
}

/* Computed weights lie apart and are 32 bits wide. */
gboolean
vk_emit_linear (D2vVkEmit *emit)
{
  gsize column = 0;

  if (stacks (emit->plan, emit->node))
    return linear_stacked (emit);
  for (guint slot = W; slot < D2V_LINEAR_RESIDUAL; slot += 2)
    {
      D2vVkRange bias, *has_bias = NULL;

      if (!vk_has (emit, slot))
        continue;
      if (vk_has (emit, slot + 1))
        {
          bias = vk_range_of (emit, emit->node->inputs[slot + 1].id);
          has_bias = &bias;
        }
      gsize n = vk_shape (emit, slot)->dim[0];
      if (!linear (emit, vk_range_of (emit, emit->node->inputs[slot].id),
                   has_bias, n, column, VK_RUNG_F32))
        return FALSE;
      column += n;
    }
  return TRUE;
}

/* --------------------------------------------------------- convolutions -- */

static gboolean
read_taps (D2vVkEmit *emit, D2vVkDispatch *d)
{
  D2vVkWeightKey key;

  if (!vk_product_weight (emit->plan, emit->id, W, emit->rung, &key))
    return d2v_fail (emit->error, D2V_ERROR_UNSUPPORTED, NULL,
                     "%s with a computed weight", d2v_op_name (emit->node->op));
  vk_read_range (d, vk_weights_range (emit->weights, &key));
  return TRUE;
}

/* LAYER_NORM and the activation, in place. */
static gboolean
norm_in_place (D2vVkEmit *emit)
{
  const D2vNode *node = emit->node;
  D2vVkDispatch d = vk_dispatch ("layer_norm");
  gsize n_rows = d2v_shape_rows (&node->shape);

  vk_read_range (&d, vk_range_of (emit, emit->id));
  gboolean has_gain = vk_read (emit, &d, GAIN);
  gboolean has_shift = vk_read (emit, &d, SHIFT);
  vk_write (emit, &d);
  vk_constant (&d, d2v_shape_last (&node->shape));
  vk_constant_float (&d, node->attributes.eps);
  vk_constant (&d, has_gain);
  vk_constant (&d, has_shift);
  vk_constant (&d, node->attributes.activation);
  vk_size (&d, n_rows);
  vk_items (emit, &d, n_rows, 1);
  return vk_append (emit, &d);
}

gboolean
vk_emit_conv1d (D2vVkEmit *emit)
{
  const D2vAttributes *a = &emit->node->attributes;
  const D2vShape *x = vk_shape (emit, X), *w = vk_shape (emit, W);
  gsize groups = a->tap_major ? 1 : a->groups;
  gsize n = w->dim[0] / groups, m = d2v_shape_rows (&emit->node->shape);
  static const gchar *const shaders[]
      = { "conv1d", "conv1d_half", "conv1d_coopmat", "conv1d_coopmat2",
          "conv1d" };
  D2vVkDispatch d = vk_dispatch (shaders[emit->rung]);

  vk_read (emit, &d, X);
  if (!read_taps (emit, &d))
    return FALSE;
  gboolean has_bias = vk_read (emit, &d, BIAS);
  vk_write (emit, &d);
  tile (emit, &d, emit->rung, m, n, d2v_shape_size (w) / w->dim[0]);
  vk_constant (&d, a->norm ? D2V_ACTIVATION_NONE : a->activation);
  vk_constant (&d, has_bias);
  vk_constant (&d, a->stride);
  vk_constant (&d, a->dilation);
  vk_constant (&d, a->padding);
  vk_constant (&d, groups);
  vk_constant (&d, x->dim[2] / groups);
  vk_size (&d, m);
  vk_size (&d, x->dim[1]);
  vk_size (&d, emit->node->shape.dim[1]);
  d.groups[2] = (guint32) groups;
  return vk_append (emit, &d) && (!a->norm || norm_in_place (emit));
}

gboolean
vk_emit_conv2d (D2vVkEmit *emit)
{
  const D2vShape *x = vk_shape (emit, X), *w = vk_shape (emit, W);
  gsize m = d2v_shape_rows (&emit->node->shape);
  static const gchar *const shaders[]
      = { "conv2d", "conv2d_half", "conv2d_coopmat", "conv2d_coopmat2",
          "conv2d" };
  D2vVkDispatch d = vk_dispatch (shaders[emit->rung]);

  vk_read (emit, &d, X);
  if (!read_taps (emit, &d))
    return FALSE;
  gboolean has_bias = vk_read (emit, &d, BIAS);
  vk_write (emit, &d);
  tile (emit, &d, emit->rung, m, w->dim[0], d2v_shape_size (w) / w->dim[0]);
  vk_constant (&d, emit->node->attributes.activation);
  vk_constant (&d, has_bias);
  vk_constant (&d, x->dim[3]);
  vk_constant (&d, w->dim[2]);
  vk_size (&d, m);
  vk_size (&d, x->dim[1]);
  vk_size (&d, x->dim[2]);
  return vk_append (emit, &d);
}
