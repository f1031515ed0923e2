/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"

/* What one dispatch touches. */
typedef struct
{
  D2vVkRange range;
  gint owner;
} Touch;

/* What has been touched since the last barrier. */
typedef struct
{
  GArray *reads, *writes; /* of Touch */
} Touched;

void
vk_commands_free (D2vVkContext *context, VkCommandBuffer *commands)
{
  if (*commands != VK_NULL_HANDLE)
    context->vk.FreeCommandBuffers (context->device, context->pool, 1,
                                    commands);
  *commands = VK_NULL_HANDLE;
}

/* A new one each time: pools whose buffers can be reset one by one are slower
 * on some drivers. */
gboolean
vk_commands_begin (D2vVkContext *context, VkCommandBuffer *commands,
                   GError **error)
{
  const VkCommandBufferAllocateInfo info
      = { VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
          .commandPool = context->pool,
          .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, .commandBufferCount = 1 };
  const VkCommandBufferBeginInfo begin
      = { VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };

  vk_commands_free (context, commands);
  VkResult result
      = context->vk.AllocateCommandBuffers (context->device, &info, commands);
  if (result != VK_SUCCESS)
    {
      *commands = VK_NULL_HANDLE;
      return vk_fail (context, result, "vkAllocateCommandBuffers", error);
    }
  result = context->vk.BeginCommandBuffer (*commands, &begin);
  return result == VK_SUCCESS
         || vk_fail (context, result, "vkBeginCommandBuffer", error);
}

gboolean
vk_commands_end (D2vVkContext *context, VkCommandBuffer commands,
                 GError **error)
{
  VkResult result = context->vk.EndCommandBuffer (commands);

  return result == VK_SUCCESS
         || vk_fail (context, result, "vkEndCommandBuffer", error);
}

static void
barrier (D2vVkContext *context, VkCommandBuffer commands,
         VkPipelineStageFlags from, VkAccessFlags wrote,
         VkPipelineStageFlags to, VkAccessFlags reads)
{
  const VkMemoryBarrier memory
      = { VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = wrote,
          .dstAccessMask = reads };

  context->vk.CmdPipelineBarrier (commands, from, to, 0, 1, &memory, 0, NULL, 0,
                                  NULL);
}

void
vk_commands_barrier_upload (D2vVkContext *context, VkCommandBuffer commands)
{
  barrier (context, commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
           VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
           VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
}

void
vk_commands_barrier_readback (D2vVkContext *context, VkCommandBuffer commands)
{
  barrier (context, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
           VK_ACCESS_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
           VK_ACCESS_TRANSFER_READ_BIT);
}

void
vk_commands_barrier_host (D2vVkContext *context, VkCommandBuffer commands)
{
  barrier (context, commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
           VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
           VK_ACCESS_HOST_READ_BIT);
}

void
vk_commands_copy (D2vVkContext *context, VkCommandBuffer commands,
                  const D2vVkBuffer *from, const D2vVkBuffer *to,
                  gsize from_offset, gsize to_offset, gsize n_bytes)
{
  const VkBufferCopy region = { from_offset, to_offset, n_bytes };

  if (n_bytes > 0)
    context->vk.CmdCopyBuffer (commands, from->buffer, to->buffer, 1, &region);
}

/* ------------------------------------------------------------ barriers -- */

/* @stranger: only what other nodes have touched counts; -1: all of it. */
static gboolean
overlap (const GArray *touched, const D2vVkRange *ranges, guint n,
         gint stranger)
{
  for (guint i = 0; i < touched->len; i++)
    for (guint j = 0; j < n; j++)
      {
        const Touch *a = &g_array_index (touched, Touch, i);
        if (a->range.begin < ranges[j].end && ranges[j].begin < a->range.end
            && (stranger < 0 || a->owner != stranger))
          return TRUE;
      }
  return FALSE;
}

/* It reads what was written, or writes what was read or written. */
static gboolean
must_wait (const Touched *since, const D2vVkDispatch *d)
{
  return overlap (since->writes, d->reads, d->n_reads, -1)
         || overlap (since->writes, d->writes, d->n_writes, d->owner)
         || overlap (since->reads, d->writes, d->n_writes, -1);
}

static void
touch (GArray *touched, const D2vVkRange *ranges, guint n, gint owner)
{
  for (guint i = 0; i < n; i++)
    {
      const Touch one = { ranges[i], owner };
      g_array_append_val (touched, one);
    }
}

static gboolean
record (D2vVkContext *context, VkCommandBuffer commands, const D2vVkDispatch *d,
        GError **error)
{
  VkPipeline pipeline
      = vk_pipeline_get (context, d->shader, d->n_constants, d->constants,
                         d->whole_subgroups, error);

  if (pipeline == VK_NULL_HANDLE)
    return FALSE;
  context->vk.CmdBindPipeline (commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                               pipeline);
  context->vk.CmdPushConstants (commands, context->layout,
                                VK_SHADER_STAGE_COMPUTE_BIT, 0, VK_PUSH_BYTES,
                                d->push.bytes);
  context->vk.CmdDispatch (commands, d->groups[0], d->groups[1], d->groups[2]);
  return TRUE;
}

/* How long the longest chain is in which each dispatch needs the one before:
 * the least number of barriers is one less. */
static guint
count_levels (const GArray *dispatches, guint begin, guint end)
{
  g_autofree guint *level = g_new0 (guint, end + 1);
  guint most = 0;

  for (guint i = begin; i < end; i++)
    {
      const D2vVkDispatch *d = &g_array_index (dispatches, D2vVkDispatch, i);

      level[i] = 1;
      for (guint j = begin; j < i; j++)
        {
          const D2vVkDispatch *e
              = &g_array_index (dispatches, D2vVkDispatch, j);
          for (guint w = 0; w < e->n_writes; w++)
            for (guint r = 0; r < d->n_reads; r++)
              if (e->writes[w].begin < d->reads[r].end
                  && d->reads[r].begin < e->writes[w].end)
                level[i] = MAX (level[i], level[j] + 1);
        }
      most = MAX (most, level[i]);
    }
  return most;
}

gboolean
vk_commands_dispatch (D2vVkContext *context, VkCommandBuffer commands,
                      GArray *dispatches, guint begin, guint end,
                      D2vVkRecorded *recorded, GError **error)
{
  Touched since = { g_array_new (FALSE, FALSE, sizeof (Touch)),
                    g_array_new (FALSE, FALSE, sizeof (Touch)) };
  gboolean ok = TRUE;

  for (guint i = begin; i < end && ok; i++)
    {
      D2vVkDispatch *d = &g_array_index (dispatches, D2vVkDispatch, i);

      d->waits = must_wait (&since, d);
      if (d->waits)
        {
          barrier (context, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
          recorded->n_barriers++;
          g_array_set_size (since.reads, 0);
          g_array_set_size (since.writes, 0);
        }
      touch (since.reads, d->reads, d->n_reads, d->owner);
      touch (since.writes, d->writes, d->n_writes, d->owner);
      ok = record (context, commands, d, error);
      recorded->n_dispatches++;
    }
  recorded->n_levels = count_levels (dispatches, begin, end);
  g_array_unref (since.reads);
  g_array_unref (since.writes);
  return ok;
}

gboolean
vk_commands_dispatch_timed (D2vVkContext *context, VkCommandBuffer commands,
                            const GArray *dispatches, guint begin, guint end,
                            VkQueryPool clock, GError **error)
{
  const VkAccessFlags all
      = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;

  context->vk.CmdResetQueryPool (commands, clock, 0, end - begin + 1);
  context->vk.CmdWriteTimestamp (commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                 clock, 0);
  for (guint i = begin; i < end; i++)
    {
      if (!record (context, commands,
                   &g_array_index (dispatches, D2vVkDispatch, i), error))
        return FALSE;
      barrier (context, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
               VK_ACCESS_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
               all);
      context->vk.CmdWriteTimestamp (
          commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, clock, i - begin + 1);
    }
  return TRUE;
}

/* ---------------------------------------------------------------- checking --
 */

static gboolean
meet (const D2vVkRange *a, guint n_a, const D2vVkRange *b, guint n_b)
{
  for (guint i = 0; i < n_a; i++)
    for (guint j = 0; j < n_b; j++)
      if (a[i].begin < b[j].end && b[j].begin < a[i].end)
        return TRUE;
  return FALSE;
}

guint
vk_commands_races (const GArray *dispatches, guint begin, guint end,
                   gint without)
{
  g_autofree guint *epoch = g_new0 (guint, end + 1);
  guint n_races = 0;
  gint n_barriers = 0;

  for (guint i = begin; i < end; i++)
    {
      const D2vVkDispatch *d = &g_array_index (dispatches, D2vVkDispatch, i);

      epoch[i] = i > begin ? epoch[i - 1] : 0;
      if (d->waits && n_barriers++ != without)
        epoch[i]++;
      for (guint j = i; j-- > begin && epoch[j] == epoch[i];)
        {
          const D2vVkDispatch *e
              = &g_array_index (dispatches, D2vVkDispatch, j);
          n_races
              += meet (e->writes, e->n_writes, d->reads, d->n_reads)
                 || meet (e->reads, e->n_reads, d->writes, d->n_writes)
                 || (e->owner != d->owner
                     && meet (e->writes, e->n_writes, d->writes, d->n_writes));
        }
    }
  return n_races;
}
