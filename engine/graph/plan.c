/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/graph/plan.h"

#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/graph/plan_private.h"

#define ALIGNMENT 64

/* While a plan is made. Steps are positions in the order of nodes. */
typedef struct
{
  D2vPlan *plan;
  guint n_values;
  guint *n_uses;
  gboolean *alive;  /* an output depends on it */
  gboolean *folded; /* depends on constants only */
  gint *root;       /* whose memory the value shares; itself if its own */
  guint *first;     /* step that writes it, by root */
  guint *last;      /* last step that reads it, by root */
} Planner;

static const D2vNode *
node_at (const Planner *p, guint id)
{
  return d2v_graph_node (p->plan->graph, (D2vValue){ (gint) id });
}

static void
count_uses (Planner *p)
{
  D2vGraph *graph = p->plan->graph;

  for (guint i = 0; i < p->n_values; i++)
    for (guint j = 0; j < node_at (p, i)->n_inputs; j++)
      if (!d2v_is_none (node_at (p, i)->inputs[j]))
        p->n_uses[node_at (p, i)->inputs[j].id]++;
  for (guint i = 0; i < d2v_graph_n_outputs (graph); i++)
    p->n_uses[d2v_graph_output_value (graph, i).id]++;
}

static void
mark_alive (Planner *p)
{
  D2vGraph *graph = p->plan->graph;

  for (guint i = 0; i < d2v_graph_n_outputs (graph); i++)
    p->alive[d2v_graph_output_value (graph, i).id] = TRUE;
  for (guint i = p->n_values; i-- > 0;)
    {
      const D2vNode *node = node_at (p, i);

      if (!p->alive[i] || node->kind != D2V_VALUE_NODE)
        continue;
      for (guint j = 0; j < node->n_inputs; j++)
        if (!d2v_is_none (node->inputs[j]))
          p->alive[node->inputs[j].id] = TRUE;
    }
}

static void
mark_folded (Planner *p)
{
  for (guint i = 0; i < p->n_values; i++)
    {
      const D2vNode *node = node_at (p, i);

      if (node->kind != D2V_VALUE_NODE)
        continue;
      p->folded[i] = p->plan->places[i].kind != D2V_PLACE_OUTPUT;
      for (guint j = 0; j < node->n_inputs; j++)
        if (!d2v_is_none (node->inputs[j]))
          {
            gint id = node->inputs[j].id;
            p->folded[i]
                &= node_at (p, id)->kind == D2V_VALUE_CONSTANT || p->folded[id];
          }
    }
}

static void
place_outputs (Planner *p)
{
  D2vGraph *graph = p->plan->graph;

  for (guint i = 0; i < d2v_graph_n_outputs (graph); i++)
    p->plan->places[d2v_graph_output_value (graph, i).id]
        = (D2vPlace){ .kind = D2V_PLACE_OUTPUT, .index = i };
}

/* A RESHAPE shares its input's memory, unless it is an output: then it is a
 * copy into the caller's memory. */
static gboolean
is_alias (const Planner *p, guint id)
{
  const D2vNode *node = node_at (p, id);

  return node->kind == D2V_VALUE_NODE && node->op == D2V_OP_RESHAPE
         && p->plan->places[id].kind != D2V_PLACE_OUTPUT;
}

static void
find_roots (Planner *p)
{
  for (guint i = 0; i < p->n_values; i++)
    p->root[i]
        = is_alias (p, i) ? p->root[node_at (p, i)->inputs[0].id] : (gint) i;
}

/* Folded nodes come first: they run once, at preparation. */
static void
order_nodes (Planner *p)
{
  D2vPlan *plan = p->plan;

  plan->order = g_new (gint, p->n_values + 1);
  for (guint pass = 0; pass < 2; pass++)
    {
      for (guint i = 0; i < p->n_values; i++)
        if (p->alive[i] && node_at (p, i)->kind == D2V_VALUE_NODE
            && !is_alias (p, i) && p->folded[i] == (pass == 0))
          plan->order[plan->n_order++] = (gint) i;
      if (pass == 0)
        plan->n_folded = plan->n_order;
    }
}

static void
find_lifetimes (Planner *p)
{
  D2vPlan *plan = p->plan;

  for (guint step = 0; step < plan->n_order; step++)
    {
      const D2vNode *node = node_at (p, (guint) plan->order[step]);

      p->first[plan->order[step]] = step;
      p->last[plan->order[step]] = step;
      for (guint j = 0; j < node->n_inputs; j++)
        if (!d2v_is_none (node->inputs[j]))
          p->last[p->root[node->inputs[j].id]] = step;
    }
}

static gsize
bytes_of (const Planner *p, guint id)
{
  const D2vNode *node = node_at (p, id);

  return d2v_align (
      d2v_shape_size (&node->shape) * d2v_dtype_size (node->dtype), ALIGNMENT);
}

static gint
by_size (gconstpointer a, gconstpointer b, gpointer planner)
{
  gsize size_a = bytes_of (planner, *(const guint *) a);
  gsize size_b = bytes_of (planner, *(const guint *) b);

  if (size_a != size_b)
    return size_a < size_b ? 1 : -1;
  return *(const guint *) a < *(const guint *) b ? -1 : 1;
}

static gint
by_offset (gconstpointer a, gconstpointer b, gpointer planner)
{
  const D2vPlace *places = ((const Planner *) planner)->plan->places;
  gsize offset_a = places[*(const guint *) a].offset;
  gsize offset_b = places[*(const guint *) b].offset;

  return offset_a < offset_b ? -1 : offset_a > offset_b;
}

/* The lowest offset where @id fits beside what lives at the same time. */
static gsize
find_gap (Planner *p, GArray *placed, guint id)
{
  gsize offset = 0;

  g_array_sort_with_data (placed, by_offset, p);
  for (guint i = 0; i < placed->len; i++)
    {
      guint other = g_array_index (placed, guint, i);
      const D2vPlace *place = &p->plan->places[other];

      if (p->last[other] < p->first[id] || p->last[id] < p->first[other]
          || place->offset + bytes_of (p, other) <= offset)
        continue;
      if (place->offset >= offset + bytes_of (p, id))
        break;
      offset = place->offset + bytes_of (p, other);
    }
  return offset;
}

/* Largest first, each at the lowest free offset: within a few percent of the
 * optimum for chains like ours. */
static void
place_arena (Planner *p)
{
  D2vPlan *plan = p->plan;
  g_autoptr (GArray) todo = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) placed = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint step = plan->n_folded; step < plan->n_order; step++)
    {
      guint id = (guint) plan->order[step];
      if (plan->places[id].kind == D2V_PLACE_NOWHERE)
        g_array_append_val (todo, id);
    }
  g_array_sort_with_data (todo, by_size, p);
  for (guint i = 0; i < todo->len; i++)
    {
      guint id = g_array_index (todo, guint, i);
      gsize offset = find_gap (p, placed, id);

      plan->places[id]
          = (D2vPlace){ .kind = D2V_PLACE_ARENA, .offset = offset };
      plan->arena_bytes
          = d2v_max (plan->arena_bytes, offset + bytes_of (p, id));
      g_array_append_val (placed, id);
    }
}

static void
place_blocks (Planner *p)
{
  D2vPlan *plan = p->plan;

  for (guint step = 0; step < plan->n_folded; step++)
    {
      guint id = (guint) plan->order[step];
      plan->places[id] = (D2vPlace){ .kind = D2V_PLACE_FOLDED,
                                     .offset = plan->folded_bytes };
      plan->folded_bytes += bytes_of (p, id);
    }
  for (guint i = 0; i < p->n_values; i++)
    {
      D2vPlace *place = &plan->places[i];

      if (node_at (p, i)->kind == D2V_VALUE_CONSTANT)
        *place = (D2vPlace){ .kind = D2V_PLACE_CONSTANT, .index = i };
      else if (node_at (p, i)->kind == D2V_VALUE_STATE)
        {
          *place = (D2vPlace){ .kind = D2V_PLACE_STATE,
                               .offset = plan->state_bytes };
          plan->state_bytes += bytes_of (p, i);
        }
    }
  for (guint i = 0; i < d2v_graph_n_inputs (plan->graph); i++)
    plan->places[d2v_graph_input_value (plan->graph, i).id]
        = (D2vPlace){ .kind = D2V_PLACE_INPUT, .index = i };
}

static void
place_aliases (Planner *p)
{
  for (guint i = 0; i < p->n_values; i++)
    if (p->root[i] != (gint) i)
      p->plan->places[i] = p->plan->places[p->root[i]];
}

static void
make_plan (Planner *p, D2vFusions fusions)
{
  D2vPlan *plan = p->plan;

  count_uses (p);
  d2v_fuse (plan->graph, p->n_uses, fusions);
  mark_alive (p);
  place_outputs (p);
  mark_folded (p);
  find_roots (p);
  order_nodes (p);
  find_lifetimes (p);
  place_blocks (p);
  place_arena (p);
  place_aliases (p);
  for (guint i = 0; i < plan->n_order; i++)
    plan->flop
        += d2v_node_flop (plan->graph, node_at (p, (guint) plan->order[i]));
}

D2vPlan *
d2v_plan_new (D2vGraph *graph, D2vFusions fusions, GError **error)
{
  if (!d2v_graph_finish (graph, error))
    {
      d2v_graph_free (graph);
      return NULL;
    }

  guint n = d2v_graph_n_values (graph);
  Planner p = { .n_values = n };
  p.plan = g_new0 (D2vPlan, 1);
  d2v_ref_init (&p.plan->ref_count);
  p.plan->graph = graph;
  p.plan->places = g_new0 (D2vPlace, n);
  p.n_uses = g_new0 (guint, n);
  p.alive = g_new0 (gboolean, n);
  p.folded = g_new0 (gboolean, n);
  p.root = g_new0 (gint, n);
  p.first = g_new0 (guint, n);
  p.last = g_new0 (guint, n);

  make_plan (&p, fusions);

  g_free (p.n_uses);
  g_free (p.alive);
  g_free (p.folded);
  g_free (p.root);
  g_free (p.first);
  g_free (p.last);
  return p.plan;
}

D2vPlan *
d2v_plan_ref (D2vPlan *plan)
{
  d2v_ref_inc (&plan->ref_count);
  return plan;
}

void
d2v_plan_free (D2vPlan *plan)
{
  if (plan == NULL || !d2v_ref_dec (&plan->ref_count))
    return;
  d2v_graph_free (plan->graph);
  g_free (plan->order);
  g_free (plan->places);
  g_free (plan);
}
