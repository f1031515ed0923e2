/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/table.h"

#include "engine/base/error.h"

#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static PFN_vkGetInstanceProcAddr get_instance_proc;
static D2vVkTable global;

/* Called with the lock held. */
static gboolean
open_loader (GError **error)
{
  const gchar *chosen = g_getenv ("D2V_VULKAN_LOADER");
  const gchar *name
      = chosen != NULL && chosen[0] != '\0' ? chosen : "libvulkan.so.1";

  if (get_instance_proc != NULL)
    return TRUE;
  gpointer library = dlopen (name, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    return d2v_fail (error, D2V_ERROR_DEVICE, name,
                     "no Vulkan loader is installed");
  get_instance_proc
      = (PFN_vkGetInstanceProcAddr) dlsym (library, "vkGetInstanceProcAddr");
  if (get_instance_proc == NULL)
    return d2v_fail (error, D2V_ERROR_DEVICE, name,
                     "expected vkGetInstanceProcAddr in it");
#define LOAD(name)                                                             \
  global.name = (PFN_vk##name) get_instance_proc (NULL, "vk" #name);
  D2V_VK_GLOBAL_LIST (LOAD)
#undef LOAD
  return TRUE;
}

const D2vVkTable *
vk_table_global (GError **error)
{
  pthread_mutex_lock (&lock);
  gboolean ok = open_loader (error);
  pthread_mutex_unlock (&lock);
  if (ok
      && (global.CreateInstance == NULL
          || global.EnumerateInstanceVersion == NULL))
    ok = d2v_fail (error, D2V_ERROR_DEVICE, NULL,
                   "the Vulkan loader is older than Vulkan 1.1");
  return ok ? &global : NULL;
}

gboolean
vk_table_load_instance (D2vVkTable *table, VkInstance instance, GError **error)
{
#define LOAD(name)                                                             \
  table->name = (PFN_vk##name) get_instance_proc (instance, "vk" #name);       \
  if (table->name == NULL)                                                     \
    return d2v_fail (error, D2V_ERROR_DEVICE, NULL,                            \
                     "the Vulkan loader has no vk" #name);
  D2V_VK_INSTANCE_LIST (LOAD)
#undef LOAD
#define LOAD(name)                                                             \
  table->name = (PFN_vk##name) get_instance_proc (instance, "vk" #name);
  D2V_VK_OPTIONAL_LIST (LOAD)
#undef LOAD
  return TRUE;
}

gboolean
vk_table_load_device (D2vVkTable *table, VkDevice device, GError **error)
{
#define LOAD(name)                                                             \
  table->name = (PFN_vk##name) table->GetDeviceProcAddr (device, "vk" #name);  \
  if (table->name == NULL)                                                     \
    return d2v_fail (error, D2V_ERROR_DEVICE, NULL,                            \
                     "the driver has no vk" #name);
  D2V_VK_DEVICE_LIST (LOAD)
#undef LOAD
  return TRUE;
}
