/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* halves.c: which values are stored in 16 bits.
 *
 * A product of 16-bit factors rounds its left one. A value that nobody but such
 * products reads may as well be stored rounded: the numbers are the same, the
 * traffic is half. The residual stream and what norms and softmax read stays
 * 32 bits wide. */

#include "engine/vulkan/vulkan_private.h"

#include <string.h>

/* Whose arena place @value has: RESHAPE has its input's. */
static gint
root_of (const D2vPlan *plan, gint id)
{
  for (;;)
    {
      const D2vNode *node = d2v_graph_node (plan->graph, (D2vValue){ id });

      if (node->kind != D2V_VALUE_NODE || node->op != D2V_OP_RESHAPE
          || plan->places[id].kind != D2V_PLACE_ARENA)
        return id;
      gint input = node->inputs[0].id;
      if (plan->places[input].kind != D2V_PLACE_ARENA
          || plan->places[input].offset != plan->places[id].offset)
        return id;
      id = input;
    }
}

static gboolean
writes_halves (const D2vPlan *plan, gint id)
{
  const D2vNode *node = d2v_graph_node (plan->graph, (D2vValue){ id });

  return plan->places[id].kind == D2V_PLACE_ARENA
         && (node->op == D2V_OP_LAYER_NORM || node->op == D2V_OP_ATTENTION
             || (node->op == D2V_OP_LINEAR && vk_is_half_product (plan, node)));
}

static gboolean
reads_halves (const D2vPlan *plan, const D2vNode *node, guint slot)
{
  return slot == 0 && vk_is_half_product (plan, node);
}

gboolean *
vk_halves_new (const D2vPlan *plan, D2vVkRung rung)
{
  gboolean *halves = g_new0 (gboolean, d2v_graph_n_values (plan->graph));

  /* For tests, D2V_VULKAN_HALVES=no stores everything in 32 bits. */
  if (!vk_rung_is_half (rung)
      || g_strcmp0 (g_getenv ("D2V_VULKAN_HALVES"), "no") == 0)
    return halves;
  for (guint i = plan->n_folded; i < plan->n_order; i++)
    halves[plan->order[i]] = writes_halves (plan, plan->order[i]);
  for (guint i = 0; i < plan->n_order; i++)
    {
      const D2vNode *node
          = d2v_graph_node (plan->graph, (D2vValue){ plan->order[i] });

      for (guint slot = 0; slot < node->n_inputs; slot++)
        if (!d2v_is_none (node->inputs[slot])
            && !reads_halves (plan, node, slot))
          halves[root_of (plan, node->inputs[slot].id)] = FALSE;
    }
  return halves;
}

gboolean
vk_is_half (const D2vVkEmit *emit, gint id)
{
  return emit->halves[root_of (emit->plan, id)];
}
