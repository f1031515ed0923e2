/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"
#include "engine/base/hash.h"

#include <string.h>

typedef struct
{
  const D2vVkShader *shader;
  guint n_constants;
  guint32 constants[VK_MAX_CONSTANTS];
  VkPipeline pipeline;
} Entry;

static guint
hash (gconstpointer data)
{
  const Entry *entry = data;

  return (guint) d2v_hash (GPOINTER_TO_SIZE (entry->shader), entry->constants,
                           entry->n_constants * sizeof (guint32));
}

static gboolean
equal (gconstpointer a, gconstpointer b)
{
  const Entry *x = a, *y = b;

  return x->shader == y->shader && x->n_constants == y->n_constants
         && memcmp (x->constants, y->constants,
                    x->n_constants * sizeof (guint32))
                == 0;
}

static const D2vVkShader *
find_shader (const gchar *name)
{
  for (guint i = 0; i < vk_n_shaders; i++)
    if (strcmp (vk_shaders[i].name, name) == 0)
      return &vk_shaders[i];
  return NULL;
}

static gboolean
create (D2vVkContext *context, Entry *entry, gboolean whole_subgroups,
        GError **error)
{
  const D2vVkTable *vk = &context->vk;
  VkSpecializationMapEntry map[VK_MAX_CONSTANTS];
  const VkShaderModuleCreateInfo code
      = { VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
          .codeSize = entry->shader->n_bytes, .pCode = entry->shader->code };
  VkShaderModule module = VK_NULL_HANDLE;
  VkResult result
      = vk->CreateShaderModule (context->device, &code, NULL, &module);

  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkCreateShaderModule", error);
  for (guint i = 0; i < entry->n_constants; i++)
    map[i] = (VkSpecializationMapEntry){ i, i * sizeof (guint32),
                                         sizeof (guint32) };
  const VkSpecializationInfo constants
      = { entry->n_constants, map, entry->n_constants * sizeof (guint32),
          entry->constants };
  const VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT subgroups = {
    VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT,
    .requiredSubgroupSize = context->found->subgroup_size
  };
  gboolean pins = whole_subgroups && context->found->pins_subgroup;
  const VkComputePipelineCreateInfo info = {
    VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
    .stage
    = { VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
        pins ? &subgroups : NULL,
        pins ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT
             : 0,
        .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = "main",
        .pSpecializationInfo = &constants },
    .layout = context->layout,
  };
  result = vk->CreateComputePipelines (context->device, context->cache, 1,
                                       &info, NULL, &entry->pipeline);
  vk->DestroyShaderModule (context->device, module, NULL);
  if (result != VK_SUCCESS)
    {
      entry->pipeline = VK_NULL_HANDLE;
      return vk_fail (context, result, "vkCreateComputePipelines", error);
    }
  context->n_pipelines++;
  return TRUE;
}

VkPipeline
vk_pipeline_get (D2vVkContext *context, const gchar *shader, guint n_constants,
                 const guint32 *constants, gboolean whole_subgroups,
                 GError **error)
{
  Entry key = { .shader = find_shader (shader), .n_constants = n_constants };

  g_assert (key.shader != NULL && n_constants <= VK_MAX_CONSTANTS);
  memcpy (key.constants, constants, n_constants * sizeof (guint32));
  if (context->pipelines == NULL)
    context->pipelines = g_hash_table_new (hash, equal);
  Entry *entry = g_hash_table_lookup (context->pipelines, &key);
  if (entry != NULL)
    return entry->pipeline;
  if (!create (context, &key, whole_subgroups, error))
    return VK_NULL_HANDLE;
  entry = g_memdup2 (&key, sizeof key);
  g_hash_table_add (context->pipelines, entry);
  return entry->pipeline;
}

void
vk_pipelines_free (D2vVkContext *context)
{
  GHashTableIter iter;
  gpointer key;

  if (context->pipelines == NULL)
    return;
  g_hash_table_iter_init (&iter, context->pipelines);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      Entry *entry = key;
      context->vk.DestroyPipeline (context->device, entry->pipeline, NULL);
      g_free (entry);
    }
  g_clear_pointer (&context->pipelines, g_hash_table_unref);
}
