/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

/* What a kind must have, and what it would rather have, best first. */
static const VkMemoryPropertyFlags wishes[][3] = {
  [VK_MEMORY_DEVICE] = { VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, 0 },
  [VK_MEMORY_UPLOAD] = { VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
                             | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                         0, 0 },
  /* Reading memory that is not cached is thirty times slower. */
  [VK_MEMORY_READBACK]
  = { VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
          | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
          | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
      0 },
};

static gint
find_type (const D2vVkContext *context, guint32 allowed, D2vVkMemoryKind kind)
{
  for (guint wish = 0; wish < 3; wish++)
    {
      VkMemoryPropertyFlags flags = wishes[kind][wish];

      if (flags == 0 && kind != VK_MEMORY_DEVICE)
        break;
      for (guint32 i = 0; i < context->memory.memoryTypeCount; i++)
        if ((allowed & 1u << i)
            && (context->memory.memoryTypes[i].propertyFlags & flags) == flags)
          return (gint) i;
    }
  return -1;
}

static gboolean
allocate (D2vVkContext *context, D2vVkBuffer *buffer, D2vVkMemoryKind kind,
          GError **error)
{
  const D2vVkTable *vk = &context->vk;
  VkMemoryRequirements needs;

  vk->GetBufferMemoryRequirements (context->device, buffer->buffer, &needs);
  gint type = find_type (context, needs.memoryTypeBits, kind);
  if (type < 0)
    return d2v_fail (error, D2V_ERROR_DEVICE, NULL,
                     "%s: no fitting type of memory", context->found->name);

  const VkMemoryAllocateFlagsInfo flags
      = { VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
          .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT };
  const VkMemoryAllocateInfo info
      = { VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &flags,
          .allocationSize = needs.size, .memoryTypeIndex = (guint32) type };
  VkResult result
      = vk->AllocateMemory (context->device, &info, NULL, &buffer->memory);
  if (result != VK_SUCCESS)
    {
      g_autofree gchar *call
          = g_strdup_printf ("vkAllocateMemory of %" G_GUINT64_FORMAT " MiB",
                             (guint64) (needs.size >> 20) + 1);

      buffer->memory = VK_NULL_HANDLE;
      return vk_fail (context, result, call, error);
    }
  context->n_allocations++;
  result = vk->BindBufferMemory (context->device, buffer->buffer,
                                 buffer->memory, 0);
  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkBindBufferMemory", error);
  return TRUE;
}

static gboolean
map (D2vVkContext *context, D2vVkBuffer *buffer, GError **error)
{
  gpointer mapped = NULL;
  VkResult result = context->vk.MapMemory (context->device, buffer->memory, 0,
                                           VK_WHOLE_SIZE, 0, &mapped);

  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkMapMemory", error);
  buffer->mapped = mapped;
  return TRUE;
}

static gboolean
make (D2vVkContext *context, D2vVkBuffer *buffer, D2vVkMemoryKind kind,
      gsize n_bytes, GError **error)
{
  const D2vVkTable *vk = &context->vk;
  const VkBufferCreateInfo info
      = { VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = n_bytes,
          .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT
                   | VK_BUFFER_USAGE_TRANSFER_DST_BIT
                   | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
                   | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT };
  VkResult result
      = vk->CreateBuffer (context->device, &info, NULL, &buffer->buffer);

  if (result != VK_SUCCESS)
    {
      buffer->buffer = VK_NULL_HANDLE;
      return vk_fail (context, result, "vkCreateBuffer", error);
    }
  if (!allocate (context, buffer, kind, error)
      || (kind != VK_MEMORY_DEVICE && !map (context, buffer, error)))
    return FALSE;
  const VkBufferDeviceAddressInfo address
      = { VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
          .buffer = buffer->buffer };
  buffer->address = vk->GetBufferDeviceAddress (context->device, &address);
  buffer->n_bytes = n_bytes;
  return TRUE;
}

gboolean
vk_buffer_init (D2vVkContext *context, D2vVkBuffer *buffer,
                D2vVkMemoryKind kind, gsize n_bytes, GError **error)
{
  memset (buffer, 0, sizeof *buffer);
  if (n_bytes == 0)
    return TRUE;
  if (context->lost)
    return d2v_fail (error, D2V_ERROR_DEVICE_LOST, NULL, "%s is lost",
                     context->found->name);
  if (n_bytes > context->found->max_allocation)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "%s: %" G_GSIZE_FORMAT
                     " bytes wanted at once, it gives at most %" G_GSIZE_FORMAT,
                     context->found->name, n_bytes,
                     context->found->max_allocation);
  if (make (context, buffer, kind, n_bytes, error))
    return TRUE;
  vk_buffer_clear (context, buffer);
  return FALSE;
}

void
vk_buffer_clear (D2vVkContext *context, D2vVkBuffer *buffer)
{
  /* Freeing unmaps. */
  if (buffer->buffer != VK_NULL_HANDLE)
    context->vk.DestroyBuffer (context->device, buffer->buffer, NULL);
  if (buffer->memory != VK_NULL_HANDLE)
    context->vk.FreeMemory (context->device, buffer->memory, NULL);
  memset (buffer, 0, sizeof *buffer);
}

gboolean
vk_buffer_grow (D2vVkContext *context, D2vVkBuffer *buffer,
                D2vVkMemoryKind kind, gsize n_bytes, GError **error)
{
  if (n_bytes <= buffer->n_bytes)
    return TRUE;
  vk_buffer_clear (context, buffer);
  return vk_buffer_init (context, buffer, kind, n_bytes, error);
}

/* What is free now, where the driver tells; else all there is. */
static gsize
free_bytes (const D2vVkContext *context)
{
  const D2vVkFound *found = context->found;
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT };
  VkPhysicalDeviceMemoryProperties2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
          found->has_budget ? &budget : NULL };

  if (!found->has_budget)
    return found->heap_bytes;
  context->vk.GetPhysicalDeviceMemoryProperties2 (found->physical, &all);
  gsize all_of_it = budget.heapBudget[found->heap];
  gsize used = budget.heapUsage[found->heap];
  return all_of_it > used ? all_of_it - used : 0;
}

gboolean
vk_memory_check (D2vVkContext *context, gsize n_bytes, const gchar *what,
                 GError **error)
{
  gsize has = free_bytes (context);

  return n_bytes <= has
         || d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                      "%s: %s need %" G_GSIZE_FORMAT
                      " MiB, it has %" G_GSIZE_FORMAT " MiB free",
                      context->found->name, what, (n_bytes >> 20) + 1,
                      has >> 20);
}
