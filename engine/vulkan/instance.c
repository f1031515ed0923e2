/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define MAX_DEVICES 64
#define MAX_FAMILIES 32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static D2vVkInstance *shared; /* while it has users */

/* --------------------------------------------------- looking at one -- */

static void
format_uuid (const guint8 *bytes, gchar *text)
{
  gchar *to = text;

  for (guint i = 0; i < VK_UUID_SIZE; i++)
    {
      if (i == 4 || i == 6 || i == 8 || i == 10)
        *to++ = '-';
      to += g_snprintf (to, 3, "%02x", bytes[i]);
    }
}

gboolean
vk_has_extension (const D2vVkTable *vk, VkPhysicalDevice physical,
                  const gchar *name)
{
  guint32 n = 0;
  gboolean has = FALSE;

  if (vk->EnumerateDeviceExtensionProperties (physical, NULL, &n, NULL)
      != VK_SUCCESS)
    return FALSE;
  VkExtensionProperties *all = g_new0 (VkExtensionProperties, n + 1);
  if (vk->EnumerateDeviceExtensionProperties (physical, NULL, &n, all) >= 0)
    for (guint32 i = 0; i < n; i++)
      has |= strcmp (all[i].extensionName, name) == 0;
  g_free (all);
  return has;
}

static void
look_at_properties (const D2vVkTable *vk, D2vVkFound *found)
{
  VkPhysicalDevicePCIBusInfoPropertiesEXT pci
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT };
  VkPhysicalDeviceSubgroupProperties subgroup
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES };
  VkPhysicalDeviceMaintenance3Properties sizes
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
          &subgroup };
  VkPhysicalDeviceIDProperties id
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES, &sizes };
  VkPhysicalDeviceProperties2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &id };
  gboolean has_pci = vk_has_extension (vk, found->physical,
                                       VK_EXT_PCI_BUS_INFO_EXTENSION_NAME);

  if (has_pci)
    subgroup.pNext = &pci;
  vk->GetPhysicalDeviceProperties2 (found->physical, &all);

  const VkPhysicalDeviceLimits *limits = &all.properties.limits;
  found->type = all.properties.deviceType;
  found->api_version = all.properties.apiVersion;
  g_strlcpy (found->name, all.properties.deviceName, sizeof found->name);
  format_uuid (id.deviceUUID, found->uuid);
  memcpy (found->cache_uuid, all.properties.pipelineCacheUUID, VK_UUID_SIZE);
  if (has_pci)
    g_snprintf (found->pci, sizeof found->pci, "%04x:%02x:%02x.%x",
                pci.pciDomain, pci.pciBus, pci.pciDevice, pci.pciFunction);
  memcpy (found->max_groups, limits->maxComputeWorkGroupCount,
          sizeof found->max_groups);
  found->tick_seconds = limits->timestampPeriod * 1e-9;
  found->shared_bytes = limits->maxComputeSharedMemorySize;
  found->subgroup_size = subgroup.subgroupSize;
  found->max_allocation = sizes.maxMemoryAllocationSize;
  if (all.properties.apiVersion < VK_API_VERSION_1_2)
    found->why
        = g_strdup_printf ("expected Vulkan 1.2, found %u.%u",
                           VK_API_VERSION_MAJOR (all.properties.apiVersion),
                           VK_API_VERSION_MINOR (all.properties.apiVersion));
  else if (!(subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT)
           || !(subgroup.supportedOperations
                & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT))
    found->why = g_strdup ("it lacks subgroup arithmetic");
  else if (limits->maxPushConstantsSize < VK_PUSH_BYTES
           || limits->maxComputeWorkGroupInvocations < 256
           || limits->maxComputeSharedMemorySize < 16384)
    found->why = g_strdup ("its limits are below those of Vulkan 1.2");
}

static void
look_at_features (const D2vVkTable *vk, D2vVkFound *found)
{
  VkPhysicalDeviceShaderIntegerDotProductFeaturesKHR dot = {
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES_KHR
  };
  VkPhysicalDeviceVulkan12Features core12
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES };
  VkPhysicalDeviceVulkan11Features core11
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &core12 };
  VkPhysicalDeviceFeatures2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &core11 };

  if (vk_has_extension (vk, found->physical,
                        VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME))
    core12.pNext = &dot;
  vk->GetPhysicalDeviceFeatures2 (found->physical, &all);
  found->has_half = core11.storageBuffer16BitAccess != VK_FALSE;
  found->has_dot = dot.shaderIntegerDotProduct != VK_FALSE;
  if (!core12.bufferDeviceAddress)
    found->why = g_strdup ("it lacks bufferDeviceAddress");
}

static void
look_at_memory (const D2vVkTable *vk, D2vVkFound *found)
{
  VkPhysicalDeviceMemoryProperties2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2 };

  vk->GetPhysicalDeviceMemoryProperties2 (found->physical, &all);
  for (guint32 i = 0; i < all.memoryProperties.memoryHeapCount; i++)
    {
      const VkMemoryHeap *heap = &all.memoryProperties.memoryHeaps[i];
      if ((heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
          && heap->size > found->heap_bytes)
        {
          found->heap_bytes = heap->size;
          found->heap = i;
        }
    }
  found->has_budget = vk_has_extension (vk, found->physical,
                                        VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
}

static void
look_at_queues (const D2vVkTable *vk, D2vVkFound *found)
{
  VkQueueFamilyProperties families[MAX_FAMILIES];
  guint32 n = 0;
  gboolean has = FALSE;

  vk->GetPhysicalDeviceQueueFamilyProperties (found->physical, &n, NULL);
  n = MIN (n, MAX_FAMILIES);
  vk->GetPhysicalDeviceQueueFamilyProperties (found->physical, &n, families);
  /* A family for compute alone leaves the one for graphics to others. */
  for (guint32 i = 0; i < n; i++)
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
        && (!has || !(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)))
      {
        found->family = i;
        found->clock_bits = families[i].timestampValidBits;
        has = TRUE;
        if (!(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
          break;
      }
  if (!has && found->why == NULL)
    found->why = g_strdup ("it has no queue for compute");
}

static D2vVkFound *
look_at (const D2vVkTable *vk, VkPhysicalDevice physical)
{
  D2vVkFound *found = g_new0 (D2vVkFound, 1);

  found->physical = physical;
  look_at_properties (vk, found);
  if (found->why == NULL)
    look_at_features (vk, found);
  if (found->why == NULL)
    vk_look_at_matrices (vk, found);
  look_at_memory (vk, found);
  look_at_queues (vk, found);
  return found;
}

static void
free_found (gpointer data)
{
  D2vVkFound *found = data;

  g_free (found->why);
  g_free (found);
}

/* ------------------------------------------------------- the instance -- */

/* VK_NV_cooperative_matrix2 comes in SPIR-V 1.6, which is Vulkan 1.3's. All
 * else is of 1.2, and the validation layer has no advice for that. */
static guint32
api_version (void)
{
  return g_strcmp0 (g_getenv ("D2V_VULKAN_RUNG"), "coopmat2") == 0
             ? VK_API_VERSION_1_3
             : VK_API_VERSION_1_2;
}

static gboolean
create_instance (D2vVkInstance *instance, GError **error)
{
  const VkApplicationInfo application
      = { VK_STRUCTURE_TYPE_APPLICATION_INFO, .pEngineName = "d2v",
          .apiVersion = api_version () };
  const VkInstanceCreateInfo info = { VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                      .pApplicationInfo = &application };
  const D2vVkTable *global = vk_table_global (error);

  if (global == NULL)
    return FALSE;
  instance->table = *global;
  instance->api_version = application.apiVersion;
  vk_fault_install (&instance->table);
  VkResult result
      = instance->table.CreateInstance (&info, NULL, &instance->instance);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
    return d2v_fail (error, D2V_ERROR_DEVICE, NULL,
                     "no Vulkan driver is installed");
  if (result != VK_SUCCESS)
    return d2v_fail (error, D2V_ERROR_DEVICE, NULL, "vkCreateInstance: %s",
                     vk_result_name (result));
  if (!vk_table_load_instance (&instance->table, instance->instance, error))
    return FALSE;
  vk_fault_install (&instance->table);
  return TRUE;
}

static gboolean
enumerate (D2vVkInstance *instance, GError **error)
{
  const D2vVkTable *vk = &instance->table;
  VkPhysicalDevice devices[MAX_DEVICES];
  guint32 n = 0;
  VkResult result = vk->EnumeratePhysicalDevices (instance->instance, &n, NULL);

  n = MIN (n, MAX_DEVICES);
  if (result == VK_SUCCESS && n > 0)
    result = vk->EnumeratePhysicalDevices (instance->instance, &n, devices);
  if (result != VK_SUCCESS && result != VK_INCOMPLETE)
    return d2v_fail (error, D2V_ERROR_DEVICE, NULL,
                     "vkEnumeratePhysicalDevices: %s", vk_result_name (result));
  for (guint32 i = 0; i < n; i++)
    g_ptr_array_add (instance->found, look_at (&instance->table, devices[i]));
  if (n == 0)
    return d2v_fail (error, D2V_ERROR_DEVICE, NULL,
                     "the Vulkan drivers show no device");
  return TRUE;
}

static void
free_instance (D2vVkInstance *instance)
{
  g_ptr_array_unref (instance->found);
  if (instance->instance != VK_NULL_HANDLE
      && instance->table.DestroyInstance != NULL)
    instance->table.DestroyInstance (instance->instance, NULL);
  g_free (instance);
}

D2vVkInstance *
vk_instance_get (GError **error)
{
  pthread_mutex_lock (&lock);
  if (shared == NULL)
    {
      D2vVkInstance *instance = g_new0 (D2vVkInstance, 1);

      instance->found = g_ptr_array_new_with_free_func (free_found);
      if (create_instance (instance, error) && enumerate (instance, error))
        shared = instance;
      else
        free_instance (instance);
    }
  if (shared != NULL)
    shared->n_users++;
  D2vVkInstance *instance = shared;
  pthread_mutex_unlock (&lock);
  return instance;
}

void
vk_instance_put (D2vVkInstance *instance)
{
  pthread_mutex_lock (&lock);
  if (--instance->n_users == 0)
    {
      shared = NULL;
      free_instance (instance);
    }
  pthread_mutex_unlock (&lock);
}

const D2vVkFound *
vk_instance_find (const D2vVkInstance *instance, const gchar *uuid)
{
  for (guint i = 0; i < instance->found->len; i++)
    {
      const D2vVkFound *found = g_ptr_array_index (instance->found, i);
      if (strcmp (found->uuid, uuid) == 0)
        return found;
    }
  return NULL;
}
