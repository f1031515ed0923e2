/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* matrices.c: which cooperative matrices a device has. */

#include "engine/vulkan/vulkan_private.h"

#define MAX_SHAPES 64

/* Cooperative matrices come with a good deal else: the SPIR-V that uses them
 * needs it. */
static gboolean
has_coopmat (const D2vVkTable *vk, VkPhysicalDevice physical)
{
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR coopmat
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR };
  VkPhysicalDeviceVulkan12Features core12
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &coopmat };
  VkPhysicalDeviceVulkan11Features core11
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &core12 };
  VkPhysicalDeviceFeatures2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &core11 };

  if (vk->GetPhysicalDeviceCooperativeMatrixPropertiesKHR == NULL
      || !vk_has_extension (vk, physical,
                            VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME))
    return FALSE;
  vk->GetPhysicalDeviceFeatures2 (physical, &all);
  return coopmat.cooperativeMatrix && core12.shaderFloat16
         && core12.vulkanMemoryModel && core11.storageBuffer16BitAccess;
}

/* The largest of those that the shaders' tiles are made for. */
static void
look_at_fragments (const D2vVkTable *vk, D2vVkFound *found)
{
  VkCooperativeMatrixPropertiesKHR all[MAX_SHAPES] = { 0 };
  guint32 n = MAX_SHAPES, most = 0;

  for (guint32 i = 0; i < MAX_SHAPES; i++)
    all[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
  if (vk->GetPhysicalDeviceCooperativeMatrixPropertiesKHR (found->physical, &n,
                                                           all)
      < 0)
    return;
  for (guint32 i = 0; i < n; i++)
    {
      const VkCooperativeMatrixPropertiesKHR *p = &all[i];
      D2vVkFragment fragment = { p->MSize, p->NSize, p->KSize };
      guint32 size = p->MSize * p->NSize * p->KSize;

      if (p->scope == VK_SCOPE_SUBGROUP_KHR
          && p->AType == VK_COMPONENT_TYPE_FLOAT16_KHR
          && p->BType == VK_COMPONENT_TYPE_FLOAT16_KHR
          && p->CType == VK_COMPONENT_TYPE_FLOAT32_KHR
          && p->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR && size > most
          && vk_fragment_fits (found, &fragment))
        {
          found->fragment = fragment;
          most = size;
        }
    }
}

/* Where a driver has several sizes of subgroups, one pipeline must not get
 * another than its workgroup was made for. */
static gboolean
pins_subgroup (const D2vVkTable *vk, VkPhysicalDevice physical,
               guint32 subgroup_size)
{
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT features = {
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT
  };
  VkPhysicalDeviceFeatures2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &features };
  VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes = {
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT
  };
  VkPhysicalDeviceProperties2 properties
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &sizes };

  if (!vk_has_extension (vk, physical,
                         VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
    return FALSE;
  vk->GetPhysicalDeviceFeatures2 (physical, &all);
  vk->GetPhysicalDeviceProperties2 (physical, &properties);
  return features.subgroupSizeControl && features.computeFullSubgroups
         && (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT)
         && subgroup_size >= sizes.minSubgroupSize
         && subgroup_size <= sizes.maxSubgroupSize;
}

/* ------------------------------------------------- of flexible size -- */

/* The SPIR-V of these is 1.6, whose workgroups of a constant's size are
 * maintenance4's. @by_workgroup: a whole workgroup may hold one. */
static gboolean
has_coopmat2 (const D2vVkTable *vk, const D2vVkFound *found,
              gboolean *by_workgroup)
{
  VkPhysicalDeviceCooperativeMatrix2FeaturesNV coopmat2
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV };
  VkPhysicalDeviceMaintenance4Features core13
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES, &coopmat2 };
  VkPhysicalDeviceFeatures2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &core13 };

  if (vk->GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV
          == NULL
      || found->api_version < VK_API_VERSION_1_3
      || !vk_has_extension (vk, found->physical,
                            VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME))
    return FALSE;
  vk->GetPhysicalDeviceFeatures2 (found->physical, &all);
  *by_workgroup = coopmat2.cooperativeMatrixWorkgroupScope != VK_FALSE;
  return core13.maintenance4 && coopmat2.cooperativeMatrixFlexibleDimensions
         && coopmat2.cooperativeMatrixPerElementOperations;
}

static void
look_at_limits (const D2vVkTable *vk, VkPhysicalDevice physical,
                VkPhysicalDeviceCooperativeMatrix2PropertiesNV *limits)
{
  VkPhysicalDeviceProperties2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, limits };

  *limits = (VkPhysicalDeviceCooperativeMatrix2PropertiesNV){
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV
  };
  vk->GetPhysicalDeviceProperties2 (physical, &all);
}

static gboolean
is_half_to_float (const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *p)
{
  return p->AType == VK_COMPONENT_TYPE_FLOAT16_KHR
         && p->BType == VK_COMPONENT_TYPE_FLOAT16_KHR
         && p->CType == VK_COMPONENT_TYPE_FLOAT32_KHR
         && p->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR
         && !p->saturatingAccumulation;
}

/* A subgroup's where there is nothing larger, else the largest workgroup's. */
static void
look_at_flexible (const D2vVkTable *vk, D2vVkFound *found)
{
  VkCooperativeMatrixFlexibleDimensionsPropertiesNV all[MAX_SHAPES] = { 0 };
  VkPhysicalDeviceCooperativeMatrix2PropertiesNV limits;
  guint32 n = MAX_SHAPES;
  gboolean by_workgroup = FALSE;

  if (!has_coopmat2 (vk, found, &by_workgroup))
    return;
  look_at_limits (vk, found->physical, &limits);
  for (guint32 i = 0; i < MAX_SHAPES; i++)
    all[i].sType
        = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV;
  if (vk->GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV (
          found->physical, &n, all)
      < 0)
    return;
  for (guint32 i = 0; i < n; i++)
    {
      const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *p = &all[i];
      gboolean whole = p->scope == VK_SCOPE_WORKGROUP_KHR;
      const D2vVkFlexible flexible = {
        .step = { p->MGranularity, p->NGranularity, p->KGranularity },
        .scope = p->scope,
        .group = whole ? p->workgroupInvocations : found->subgroup_size,
        .largest = limits.cooperativeMatrixFlexibleDimensionsMaxDimension,
        .reserved_bytes
        = whole ? limits.cooperativeMatrixWorkgroupScopeReservedSharedMemory
                : 0,
      };

      if (is_half_to_float (p)
          && (whole ? by_workgroup : p->scope == VK_SCOPE_SUBGROUP_KHR)
          && flexible.group > found->flexible.group
          && vk_flexible_fits (found, &flexible))
        found->flexible = flexible;
    }
}

void
vk_look_at_matrices (const D2vVkTable *vk, D2vVkFound *found)
{
  if (!has_coopmat (vk, found->physical))
    return;
  found->pins_subgroup
      = pins_subgroup (vk, found->physical, found->subgroup_size);
  look_at_fragments (vk, found);
  look_at_flexible (vk, found);
}
