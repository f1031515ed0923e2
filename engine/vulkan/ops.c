/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

/* Shaders count and index in 32 bits, signed where it is an address. */
#define MAX_COUNT ((gsize) G_MAXINT32)

static const D2vVkEmitFunc emitters[D2V_N_OPS] = {
#define OP(NAME, name, fewest, most) [D2V_OP_##NAME] = vk_emit_##name,
  D2V_OP_LIST (OP)
#undef OP
};

/* ------------------------------------------------------ one dispatch -- */

D2vVkDispatch
vk_dispatch (const gchar *shader)
{
  return (D2vVkDispatch){ .shader = shader, .groups = { 1, 1, 1 } };
}

void
vk_constant (D2vVkDispatch *d, gsize value)
{
  g_assert (d->n_constants < VK_MAX_CONSTANTS && value <= G_MAXUINT32);
  d->constants[d->n_constants++] = (guint32) value;
}

static guint32
bits_of (gfloat value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

void
vk_constant_float (D2vVkDispatch *d, gfloat value)
{
  vk_constant (d, bits_of (value));
}

void
vk_read_range (D2vVkDispatch *d, D2vVkRange range)
{
  g_assert (d->n_at < G_N_ELEMENTS (d->push.at)
            && d->n_reads < G_N_ELEMENTS (d->reads));
  d->push.at[d->n_at++] = range.begin;
  d->reads[d->n_reads++] = range;
}

void
vk_no_read (D2vVkDispatch *d)
{
  d->push.at[d->n_at++] = 0;
}

gboolean
vk_has (const D2vVkEmit *emit, guint slot)
{
  return slot < emit->node->n_inputs && !d2v_is_none (emit->node->inputs[slot]);
}

gboolean
vk_read (const D2vVkEmit *emit, D2vVkDispatch *d, guint slot)
{
  if (!vk_has (emit, slot))
    {
      vk_no_read (d);
      return FALSE;
    }
  vk_read_range (d, vk_range_of (emit, emit->node->inputs[slot].id));
  return TRUE;
}

void
vk_write_range (D2vVkDispatch *d, D2vVkRange range)
{
  g_assert (d->n_at < G_N_ELEMENTS (d->push.at)
            && d->n_writes < G_N_ELEMENTS (d->writes));
  d->push.at[d->n_at++] = range.begin;
  d->writes[d->n_writes++] = range;
}

void
vk_write (const D2vVkEmit *emit, D2vVkDispatch *d)
{
  vk_write_range (d, vk_range_of (emit, emit->id));
}

void
vk_size (D2vVkDispatch *d, gsize value)
{
  g_assert (d->n_n < G_N_ELEMENTS (d->push.n) && value <= G_MAXUINT32);
  d->push.n[d->n_n++] = (guint32) value;
}

void
vk_size_float (D2vVkDispatch *d, gfloat value)
{
  vk_size (d, bits_of (value));
}

void
vk_items (const D2vVkEmit *emit, D2vVkDispatch *d, gsize n, gsize group)
{
  gsize n_groups = d2v_ceil_div (n, group);
  gsize across = d2v_min (n_groups, emit->context->found->max_groups[0]);

  d->groups[0] = (guint32) across;
  d->groups[1] = (guint32) d2v_ceil_div (n_groups, across);
}

gboolean
vk_append (D2vVkEmit *emit, const D2vVkDispatch *d)
{
  for (guint i = 0; i < 3; i++)
    if (d->groups[i] == 0 || d->groups[i] > emit->context->found->max_groups[i])
      return d2v_fail (emit->error, D2V_ERROR_TOO_BIG, NULL,
                       "%s: %s needs %u workgroups, it has %u",
                       emit->context->found->name, d->shader, d->groups[i],
                       emit->context->found->max_groups[i]);
  g_array_append_vals (emit->dispatches, d, 1);
  g_array_index (emit->dispatches, D2vVkDispatch, emit->dispatches->len - 1)
      .owner
      = emit->id;
  return TRUE;
}

/* --------------------------------------------------------------- values -- */

const D2vShape *
vk_shape (const D2vVkEmit *emit, guint slot)
{
  return d2v_graph_shape (emit->plan->graph, emit->node->inputs[slot]);
}

static D2vVkWeightKey
plain_key (const D2vPlan *plan, const D2vPlace *place)
{
  D2vTensor *tensor
      = d2v_graph_node (plan->graph, (D2vValue){ (gint) place->index })
            ->constant;
  D2vVkWeightKey key;

  /* Keys are compared as bytes. */
  memset (&key, 0, sizeof key);
  key.parts[0] = tensor;
  key.n_elements[0] = d2v_shape_size (&tensor->shape);
  return key;
}

D2vVkRange
vk_range_of (const D2vVkEmit *emit, gint id)
{
  const D2vPlace *place = &emit->plan->places[id];
  const D2vNode *node = d2v_graph_node (emit->plan->graph, (D2vValue){ id });
  gsize n_bytes = d2v_shape_size (&node->shape)
                  * (vk_is_half (emit, id) ? sizeof (guint16)
                                           : d2v_dtype_size (node->dtype));
  VkDeviceAddress begin = 0;

  switch (place->kind)
    {
    case D2V_PLACE_ARENA:
      begin = emit->arena + place->offset;
      break;
    case D2V_PLACE_INPUT:
      begin = emit->inputs + emit->input_offsets[place->index];
      break;
    case D2V_PLACE_OUTPUT:
      begin = emit->outputs + emit->output_offsets[place->index];
      break;
    case D2V_PLACE_FOLDED:
      begin = emit->folded + place->offset;
      break;
    case D2V_PLACE_STATE:
      begin = emit->state + place->offset;
      break;
    case D2V_PLACE_CONSTANT:
      {
        D2vVkWeightKey key = plain_key (emit->plan, place);
        return vk_weights_range (emit->weights, &key);
      }
    case D2V_PLACE_NOWHERE:
      g_assert_not_reached ();
    }
  return (D2vVkRange){ begin, begin + n_bytes };
}

/* ---------------------------------------------------------------- nodes -- */

void
vk_want_weights (D2vVkWeights *weights, const D2vPlan *plan, gint id,
                 D2vVkRung rung)
{
  const D2vNode *node = d2v_graph_node (plan->graph, (D2vValue){ id });

  for (guint slot = 0; slot < node->n_inputs; slot++)
    {
      D2vVkWeightKey key;

      if (d2v_is_none (node->inputs[slot]))
        continue;
      const D2vPlace *place = &plan->places[node->inputs[slot].id];
      if (place->kind != D2V_PLACE_CONSTANT)
        continue;
      if (!vk_product_weight (plan, id, slot, rung, &key))
        key = plain_key (plan, place);
      vk_weights_want (weights, &key);
    }
}

gboolean
vk_emit_node (D2vVkEmit *emit, gint id)
{
  emit->id = id;
  emit->node = d2v_graph_node (emit->plan->graph, (D2vValue){ id });
  if (d2v_shape_size (&emit->node->shape) > MAX_COUNT)
    return d2v_fail (emit->error, D2V_ERROR_TOO_BIG, NULL,
                     "%s: expected a result of at most %" G_GSIZE_FORMAT
                     " numbers",
                     d2v_op_name (emit->node->op), MAX_COUNT);
  for (guint slot = 0; slot < emit->node->n_inputs; slot++)
    if (vk_has (emit, slot)
        && d2v_shape_size (vk_shape (emit, slot)) > MAX_COUNT)
      return d2v_fail (emit->error, D2V_ERROR_TOO_BIG, NULL,
                       "%s: expected inputs of at most %" G_GSIZE_FORMAT
                       " numbers",
                       d2v_op_name (emit->node->op), MAX_COUNT);
  return emitters[emit->node->op](emit);
}
