/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* table.h: every Vulkan function that the backend calls, as one table.
 *
 * Nothing links against the loader: it is opened at run time. All calls go
 * through a D2vVkTable, which is also where faults are injected (fault.c). */
#pragma once

#include <glib.h>

#include "engine/vulkan/coopmat.h"

#define D2V_VK_GLOBAL_LIST(F)                                                  \
  F (EnumerateInstanceVersion)                                                 \
  F (CreateInstance)

#define D2V_VK_INSTANCE_LIST(F)                                                \
  F (DestroyInstance)                                                          \
  F (EnumeratePhysicalDevices)                                                 \
  F (GetPhysicalDeviceProperties2)                                             \
  F (GetPhysicalDeviceFeatures2)                                               \
  F (GetPhysicalDeviceMemoryProperties2)                                       \
  F (GetPhysicalDeviceQueueFamilyProperties)                                   \
  F (EnumerateDeviceExtensionProperties)                                       \
  F (CreateDevice)                                                             \
  F (GetDeviceProcAddr)

/* NULL where nobody has it. */
#define D2V_VK_OPTIONAL_LIST(F)                                                \
  F (GetPhysicalDeviceCooperativeMatrixPropertiesKHR)                          \
  F (GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV)

#define D2V_VK_DEVICE_LIST(F)                                                  \
  F (DestroyDevice)                                                            \
  F (GetDeviceQueue)                                                           \
  F (DeviceWaitIdle)                                                           \
  F (QueueSubmit)                                                              \
  F (CreateFence)                                                              \
  F (DestroyFence)                                                             \
  F (ResetFences)                                                              \
  F (WaitForFences)                                                            \
  F (GetFenceStatus)                                                           \
  F (AllocateMemory)                                                           \
  F (FreeMemory)                                                               \
  F (MapMemory)                                                                \
  F (CreateBuffer)                                                             \
  F (DestroyBuffer)                                                            \
  F (GetBufferMemoryRequirements)                                              \
  F (BindBufferMemory)                                                         \
  F (GetBufferDeviceAddress)                                                   \
  F (CreateShaderModule)                                                       \
  F (DestroyShaderModule)                                                      \
  F (CreatePipelineLayout)                                                     \
  F (DestroyPipelineLayout)                                                    \
  F (CreatePipelineCache)                                                      \
  F (DestroyPipelineCache)                                                     \
  F (GetPipelineCacheData)                                                     \
  F (CreateComputePipelines)                                                   \
  F (DestroyPipeline)                                                          \
  F (CreateCommandPool)                                                        \
  F (DestroyCommandPool)                                                       \
  F (AllocateCommandBuffers)                                                   \
  F (FreeCommandBuffers)                                                       \
  F (BeginCommandBuffer)                                                       \
  F (EndCommandBuffer)                                                         \
  F (CmdBindPipeline)                                                          \
  F (CmdPushConstants)                                                         \
  F (CmdDispatch)                                                              \
  F (CmdPipelineBarrier)                                                       \
  F (CmdCopyBuffer)                                                            \
  F (CreateQueryPool)                                                          \
  F (DestroyQueryPool)                                                         \
  F (CmdResetQueryPool)                                                        \
  F (CmdWriteTimestamp)                                                        \
  F (GetQueryPoolResults)                                                      \
  F (CmdFillBuffer)

typedef struct
{
#define MEMBER(name) PFN_vk##name name;
  D2V_VK_GLOBAL_LIST (MEMBER)
  D2V_VK_INSTANCE_LIST (MEMBER)
  D2V_VK_OPTIONAL_LIST (MEMBER)
  D2V_VK_DEVICE_LIST (MEMBER)
#undef MEMBER
} D2vVkTable;

/* Opens the loader once for the process and never closes it: some drivers do
 * not survive that. NULL with the reason when there is none. The table's
 * global functions are set. */
const D2vVkTable *vk_table_global (GError **error);
/* FALSE when the driver lacks a function. */
gboolean vk_table_load_instance (D2vVkTable *table, VkInstance instance,
                                 GError **error);
gboolean vk_table_load_device (D2vVkTable *table, VkDevice device,
                               GError **error);

/* fault.c: puts wrappers into @table for the functions that the environment
 * variable D2V_FAULT names; does nothing without it. */
void vk_fault_install (D2vVkTable *table);
/* Reads D2V_FAULT again and counts from 0, for tests. */
void vk_fault_reset (void);
/* How often the named functions have been called since. */
guint vk_fault_n_calls (const gchar *function);
