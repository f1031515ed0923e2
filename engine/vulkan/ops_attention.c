/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"
#include "engine/base/math.h"

/* Slots. */
enum
{
  QKV,
  MASK,
  TABLE,
  DISTANCE,
  CACHE,
  N_PAST
};

#define STORE_GROUP 128 /* elementwise.glsl's */
#define MAX_TILE 32
#define MAX_GROUP 64
/* Rounds of loops that llvmpipe gives an invocation; then it leaves them. */
#define SOFTWARE_ROUNDS ((gsize) 65000)
#define STEP 8 /* attention.comp's */

/* The new keys and values go into the cache first. */
static gboolean
store_new (D2vVkEmit *emit)
{
  const D2vShape *qkv = vk_shape (emit, QKV);     /* (B, T, 3C) */
  const D2vShape *cache = vk_shape (emit, CACHE); /* (2, B, S_max, C) */
  D2vVkDispatch d = vk_dispatch ("cache_store");
  gsize n = 2 * d2v_shape_size (qkv) / 3;

  if (qkv->dim[1] > cache->dim[2])
    return d2v_fail (emit->error, D2V_ERROR_INPUT, NULL,
                     "%" G_GSIZE_FORMAT
                     " new steps, the cache holds %" G_GSIZE_FORMAT,
                     qkv->dim[1], cache->dim[2]);
  vk_read (emit, &d, QKV);
  vk_read (emit, &d, N_PAST);
  vk_write_range (&d, vk_range_of (emit, emit->node->inputs[CACHE].id));
  vk_constant (&d, cache->dim[3]);
  vk_size (&d, n);
  vk_size (&d, qkv->dim[1]);
  vk_size (&d, qkv->dim[0]);
  vk_size (&d, cache->dim[2]);
  vk_items (emit, &d, n, STORE_GROUP);
  return vk_append (emit, &d);
}

/* As many keys at a time as shared memory takes, with room to spare. */
static gsize
tile_for (const D2vVkEmit *emit, gsize d)
{
  gsize fit = emit->context->found->shared_bytes / (2 * d * sizeof (gfloat));

  return d2v_min (fit, MAX_TILE);
}

static gsize
group_for (gsize n_steps)
{
  gsize group = 8;

  while (group < n_steps && group < MAX_GROUP)
    group *= 2;
  return group;
}

/* What is too long for a software driver is as what it has no memory for: the
 * CPU runs inputs of that size. */
static gboolean
is_short_enough (const D2vVkEmit *emit, gsize n_keys, gsize head)
{
  gsize per_key = 3 * d2v_ceil_div (head, STEP) + 4;

  return emit->context->found->type != VK_PHYSICAL_DEVICE_TYPE_CPU
         || n_keys <= SOFTWARE_ROUNDS / per_key
         || d2v_fail (emit->error, D2V_ERROR_NO_MEMORY, NULL,
                      "attention over %" G_GSIZE_FORMAT
                      " steps is more than a software driver does right",
                      n_keys);
}

static void
constants (D2vVkEmit *emit, D2vVkDispatch *d, gsize group, gsize head,
           gsize tile)
{
  const D2vAttributes *a = &emit->node->attributes;
  gboolean has_table = vk_has (emit, TABLE);

  vk_constant (d, group);
  vk_constant (d, head);
  vk_constant (d, a->n_heads);
  vk_constant (d, tile);
  vk_constant_float (d, a->scale);
  vk_constant (d, vk_has (emit, MASK));
  vk_constant (d, a->causal);
  vk_constant (d, vk_has (emit, CACHE));
  vk_constant (d, vk_has (emit, DISTANCE) ? (gsize) a->distance_mode : 0);
  vk_constant (d, has_table ? a->grid_h : 0);
  vk_constant (d, has_table ? a->grid_w : 0);
}

static gsize
dim_of (const D2vVkEmit *emit, guint slot, guint axis)
{
  return vk_has (emit, slot) ? vk_shape (emit, slot)->dim[axis] : 0;
}

gboolean
vk_emit_attention (D2vVkEmit *emit)
{
  const D2vShape *qkv = vk_shape (emit, QKV); /* (B, T, 3C) */
  gsize n_heads = emit->node->attributes.n_heads;
  gsize head = qkv->dim[2] / 3 / n_heads, n_steps = qkv->dim[1];
  gsize tile = tile_for (emit, head), group = group_for (n_steps);
  D2vVkDispatch d = vk_dispatch (vk_is_half (emit, emit->id) ? "attention_half"
                                                             : "attention");

  if (tile == 0)
    return d2v_fail (emit->error, D2V_ERROR_UNSUPPORTED, NULL,
                     "attention heads of %" G_GSIZE_FORMAT " channels", head);
  gsize n_keys
      = vk_has (emit, CACHE) ? vk_shape (emit, CACHE)->dim[2] : n_steps;
  if (!is_short_enough (emit, n_keys, head))
    return FALSE;
  if (vk_has (emit, CACHE) && !store_new (emit))
    return FALSE;
  for (guint slot = QKV; slot <= N_PAST; slot++)
    vk_read (emit, &d, slot);
  vk_write (emit, &d);
  constants (emit, &d, group, head, tile);
  vk_size (&d, n_steps);
  vk_size (&d, qkv->dim[0]);
  vk_size (&d, dim_of (emit, MASK, 1));
  vk_size (&d, dim_of (emit, CACHE, 2));
  vk_size (&d, dim_of (emit, TABLE, 0));
  vk_size (&d, dim_of (emit, DISTANCE, 0) / 2);
  d.groups[0] = (guint32) d2v_ceil_div (n_steps, group);
  d.groups[1] = (guint32) n_heads;
  d.groups[2] = (guint32) qkv->dim[0];
  return vk_append (emit, &d);
}
