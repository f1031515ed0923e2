/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"

#include <pthread.h>

/* Between looks at whether a run was cancelled. */
#define SLICE_NS 5000000
/* Seconds; of a wait that the environment asks for. */
#define MAX_WAIT 86400

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GPtrArray *parked; /* of D2vVkContext */
static gboolean any_parked;

/* ------------------------------------------------------------- errors -- */

const gchar *
vk_result_name (VkResult result)
{
  switch (result)
    {
#define NAME(name)                                                             \
  case name:                                                                   \
    return #name
      NAME (VK_SUCCESS);
      NAME (VK_NOT_READY);
      NAME (VK_TIMEOUT);
      NAME (VK_INCOMPLETE);
      NAME (VK_ERROR_OUT_OF_HOST_MEMORY);
      NAME (VK_ERROR_OUT_OF_DEVICE_MEMORY);
      NAME (VK_ERROR_INITIALIZATION_FAILED);
      NAME (VK_ERROR_DEVICE_LOST);
      NAME (VK_ERROR_MEMORY_MAP_FAILED);
      NAME (VK_ERROR_LAYER_NOT_PRESENT);
      NAME (VK_ERROR_EXTENSION_NOT_PRESENT);
      NAME (VK_ERROR_FEATURE_NOT_PRESENT);
      NAME (VK_ERROR_INCOMPATIBLE_DRIVER);
      NAME (VK_ERROR_TOO_MANY_OBJECTS);
      NAME (VK_ERROR_INVALID_SHADER_NV);
#undef NAME
    default:
      return "an unknown error";
    }
}

gboolean
vk_fail (D2vVkContext *context, VkResult result, const gchar *call,
         GError **error)
{
  D2vErrorCode code = D2V_ERROR_DEVICE;

  if (result == VK_ERROR_DEVICE_LOST)
    {
      context->lost = TRUE;
      code = D2V_ERROR_DEVICE_LOST;
    }
  else if (result == VK_ERROR_OUT_OF_HOST_MEMORY
           || result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
    code = D2V_ERROR_NO_MEMORY;
  return d2v_fail (error, code, NULL, "%s: %s: %s", context->found->name, call,
                   vk_result_name (result));
}

/* ------------------------------------------------------ opening, closing -- */

/* What a device is made with beyond its queue. */
typedef struct
{
  VkPhysicalDeviceVulkan11Features core11; /* first in the chain */
  VkPhysicalDeviceVulkan12Features core12;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR coopmat;
  VkPhysicalDeviceCooperativeMatrix2FeaturesNV coopmat2;
  VkPhysicalDeviceMaintenance4Features maintenance4;
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT subgroups;
  VkPhysicalDeviceShaderIntegerDotProductFeaturesKHR dot;
  const gchar *extensions[4];
  guint32 n_extensions;
} Features;

/* @extension: NULL for what is in the core. */
static void
add_feature (Features *f, gpointer structure, const gchar *extension)
{
  VkBaseOutStructure *added = structure;

  added->pNext = f->core12.pNext;
  f->core12.pNext = added;
  if (extension != NULL)
    f->extensions[f->n_extensions++] = extension;
}

static void
add_coopmat2 (Features *f, const D2vVkFlexible *flexible)
{
  f->coopmat2 = (VkPhysicalDeviceCooperativeMatrix2FeaturesNV){
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV,
    .cooperativeMatrixWorkgroupScope
    = flexible->scope == VK_SCOPE_WORKGROUP_KHR,
    .cooperativeMatrixFlexibleDimensions = VK_TRUE,
    .cooperativeMatrixPerElementOperations = VK_TRUE,
  };
  f->maintenance4 = (VkPhysicalDeviceMaintenance4Features){
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES,
    .maintenance4 = VK_TRUE,
  };
  add_feature (f, &f->coopmat2, VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME);
  add_feature (f, &f->maintenance4, NULL);
}

gboolean
vk_context_has_flexible (const D2vVkContext *context)
{
  return context->found->flexible.group != 0
         && context->instance->api_version >= VK_API_VERSION_1_3;
}

/* No more than some shader needs. */
static void
choose_features (const D2vVkContext *context, Features *f)
{
  const D2vVkFound *found = context->found;
  gboolean coopmat = found->fragment.m != 0 || found->flexible.group != 0;

  *f = (Features){
    .core11 = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
                &f->core12, .storageBuffer16BitAccess = found->has_half },
    .core12 = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                .shaderFloat16 = coopmat, .vulkanMemoryModel = coopmat,
                .bufferDeviceAddress = VK_TRUE },
    .coopmat
    = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
        .cooperativeMatrix = VK_TRUE },
    .subgroups
    = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT,
        .subgroupSizeControl = VK_TRUE, .computeFullSubgroups = VK_TRUE },
    .dot
    = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES_KHR,
        .shaderIntegerDotProduct = VK_TRUE },
  };
  if (coopmat)
    add_feature (f, &f->coopmat, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
  if (vk_context_has_flexible (context))
    add_coopmat2 (f, &found->flexible);
  if (found->pins_subgroup)
    add_feature (f, &f->subgroups, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  if (found->has_dot)
    add_feature (f, &f->dot, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
}

static gboolean
create_device (D2vVkContext *context, GError **error)
{
  const D2vVkFound *found = context->found;
  const gfloat priority = 1;
  const VkDeviceQueueCreateInfo queue
      = { VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
          .queueFamilyIndex = found->family, .queueCount = 1,
          .pQueuePriorities = &priority };
  Features features;

  choose_features (context, &features);
  const VkDeviceCreateInfo info
      = { VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
          &features.core11,
          .queueCreateInfoCount = 1,
          .pQueueCreateInfos = &queue,
          .enabledExtensionCount = features.n_extensions,
          .ppEnabledExtensionNames = features.extensions };
  VkResult result = context->vk.CreateDevice (found->physical, &info, NULL,
                                              &context->device);

  if (result != VK_SUCCESS)
    {
      context->device = VK_NULL_HANDLE;
      return vk_fail (context, result, "vkCreateDevice", error);
    }
  if (!vk_table_load_device (&context->vk, context->device, error))
    return FALSE;
  vk_fault_install (&context->vk);
  context->vk.GetDeviceQueue (context->device, found->family, 0,
                              &context->queue);
  return TRUE;
}

static gboolean
create_objects (D2vVkContext *context, GError **error)
{
  const D2vVkTable *vk = &context->vk;
  const VkFenceCreateInfo fence = { VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  const VkCommandPoolCreateInfo pool
      = { VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
          .queueFamilyIndex = context->found->family };
  const VkPushConstantRange push
      = { VK_SHADER_STAGE_COMPUTE_BIT, 0, VK_PUSH_BYTES };
  const VkPipelineLayoutCreateInfo layout
      = { VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
          .pushConstantRangeCount = 1, .pPushConstantRanges = &push };
  VkResult result
      = vk->CreateFence (context->device, &fence, NULL, &context->fence);

  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkCreateFence", error);
  result = vk->CreateCommandPool (context->device, &pool, NULL, &context->pool);
  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkCreateCommandPool", error);
  result = vk->CreatePipelineLayout (context->device, &layout, NULL,
                                     &context->layout);
  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkCreatePipelineLayout", error);
  return vk_cache_load (context, error);
}

static void
find_memory (D2vVkContext *context)
{
  VkPhysicalDeviceMemoryProperties2 all
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2 };

  context->vk.GetPhysicalDeviceMemoryProperties2 (context->found->physical,
                                                  &all);
  context->memory = all.memoryProperties;
}

D2vVkContext *
vk_context_new (const gchar *uuid, GError **error)
{
  D2vVkInstance *instance = vk_instance_get (error);

  if (instance == NULL)
    return NULL;
  D2vVkContext *context = g_new0 (D2vVkContext, 1);
  context->instance = instance;
  context->found = vk_instance_find (instance, uuid);
  context->vk = instance->table;
  if (context->found == NULL)
    d2v_fail (error, D2V_ERROR_DEVICE, NULL, "device %s is gone", uuid);
  else if (vk_context_any_parked ())
    d2v_fail (error, D2V_ERROR_DEVICE, NULL,
              "a device of this process has hung; GPUs stay off");
  else
    {
      find_memory (context);
      if (create_device (context, error) && create_objects (context, error))
        return context;
    }
  vk_context_free (context);
  return NULL;
}

/* Children before the device, which is required also when it is lost. */
static void
destroy (D2vVkContext *context)
{
  const D2vVkTable *vk = &context->vk;

  if (context->device != VK_NULL_HANDLE && vk->DestroyDevice != NULL)
    {
      vk_pipelines_free (context);
      if (context->cache != VK_NULL_HANDLE)
        vk->DestroyPipelineCache (context->device, context->cache, NULL);
      if (context->layout != VK_NULL_HANDLE)
        vk->DestroyPipelineLayout (context->device, context->layout, NULL);
      if (context->pool != VK_NULL_HANDLE)
        vk->DestroyCommandPool (context->device, context->pool, NULL);
      if (context->fence != VK_NULL_HANDLE)
        vk->DestroyFence (context->device, context->fence, NULL);
      vk->DestroyDevice (context->device, NULL);
    }
  vk_instance_put (context->instance);
  g_free (context);
}

static void
park (D2vVkContext *context)
{
  pthread_mutex_lock (&lock);
  if (parked == NULL)
    parked = g_ptr_array_new ();
  g_ptr_array_add (parked, context);
  pthread_mutex_unlock (&lock);
}

void
vk_context_free (D2vVkContext *context)
{
  if (context == NULL)
    return;
  if (context->hung)
    {
      park (context);
      return;
    }
  if (!context->lost)
    vk_cache_save (context);
  destroy (context);
}

gboolean
vk_context_any_parked (void)
{
  pthread_mutex_lock (&lock);
  gboolean any = any_parked;
  pthread_mutex_unlock (&lock);
  return any;
}

/* ------------------------------------------------------------ running -- */

gint64
vk_context_forced_limit_us (void)
{
  const gchar *wanted = g_getenv ("D2V_VULKAN_WAIT");

  return wanted != NULL
             ? (gint64) MIN (g_ascii_strtoull (wanted, NULL, 10), MAX_WAIT)
                   * G_USEC_PER_SEC
             : 0;
}

gint64
vk_context_least_limit_us (const D2vVkContext *context)
{
  gint64 forced = vk_context_forced_limit_us ();

  if (forced > 0)
    return forced;
  return (context->found->type == VK_PHYSICAL_DEVICE_TYPE_CPU ? 10 : 2)
         * G_USEC_PER_SEC;
}

static void
mark_hung (D2vVkContext *context)
{
  context->lost = TRUE;
  context->hung = TRUE;
  pthread_mutex_lock (&lock);
  any_parked = TRUE;
  pthread_mutex_unlock (&lock);
}

/* A wait that failed says nothing about the work: gives it until the deadline
 * to end, for nothing may be destroyed before. A device that is really lost
 * says so at once. */
static void
give_up (D2vVkContext *context)
{
  VkResult status;

  while ((status = context->vk.GetFenceStatus (context->device, context->fence))
             == VK_NOT_READY
         && g_get_monotonic_time () < context->deadline_us)
    g_usleep (1000);
  context->in_flight = FALSE;
  context->lost = TRUE;
  if (status != VK_SUCCESS && status != VK_ERROR_DEVICE_LOST)
    mark_hung (context);
}

static gboolean
wait_fence (D2vVkContext *context, const volatile gint *cancelled,
            GError **error)
{
  for (;;)
    {
      VkResult result = context->vk.WaitForFences (
          context->device, 1, &context->fence, VK_TRUE, SLICE_NS);

      if (result == VK_SUCCESS)
        {
          context->in_flight = FALSE;
          return TRUE;
        }
      if (result != VK_TIMEOUT)
        {
          give_up (context);
          return vk_fail (context, result, "vkWaitForFences", error);
        }
      if (g_get_monotonic_time () >= context->deadline_us)
        {
          mark_hung (context);
          return d2v_fail (error, D2V_ERROR_DEVICE_LOST, NULL,
                           "%s: no answer in time", context->found->name);
        }
      if (cancelled != NULL && g_atomic_int_get (cancelled))
        return d2v_fail (error, D2V_ERROR_CANCELLED, NULL, "cancelled");
    }
}

gboolean
vk_context_settle (D2vVkContext *context, GError **error)
{
  if (context->lost)
    return d2v_fail (error, D2V_ERROR_DEVICE_LOST, NULL, "%s is lost",
                     context->found->name);
  return !context->in_flight || wait_fence (context, NULL, error);
}

gboolean
vk_context_run (D2vVkContext *context, VkCommandBuffer commands,
                gint64 limit_us, const volatile gint *cancelled,
                gint64 *waited_us, GError **error)
{
  const VkSubmitInfo submit
      = { VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1,
          .pCommandBuffers = &commands };
  const D2vVkTable *vk = &context->vk;

  if (!vk_context_settle (context, error))
    return FALSE;
  VkResult result = vk->ResetFences (context->device, 1, &context->fence);
  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkResetFences", error);
  result = vk->QueueSubmit (context->queue, 1, &submit, context->fence);
  if (result != VK_SUCCESS)
    return vk_fail (context, result, "vkQueueSubmit", error);
  context->in_flight = TRUE;
  context->n_submissions++;

  gint64 began = g_get_monotonic_time ();
  context->deadline_us = began + limit_us;
  gboolean ok = wait_fence (context, cancelled, error);
  if (waited_us != NULL)
    *waited_us = g_get_monotonic_time () - began;
  return ok;
}
