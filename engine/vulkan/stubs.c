/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stubs.c: the whole backend of a build without Vulkan headers or a shader
 * compiler. */

#include "engine/vulkan/vulkan.h"

#include "engine/base/error.h"

void
d2v_vulkan_list (GPtrArray *devices)
{
  D2vDevice *device = g_new0 (D2vDevice, 1);

  device->id = g_strdup ("vulkan");
  device->name = g_strdup ("Vulkan");
  device->supports = g_strdup ("");
  device->why = g_strdup ("this build has no Vulkan backend");
  g_ptr_array_add (devices, device);
}

gchar *
d2v_vulkan_resolve (const gchar *device, GError **error)
{
  d2v_fail (error, D2V_ERROR_DEVICE, NULL,
            "device %s: this build has no Vulkan backend; use cpu or auto",
            device);
  return NULL;
}

D2vBackend *
d2v_vulkan_backend_new (const gchar *device, D2vPrecision precision,
                        GError **error)
{
  d2v_fail (error, D2V_ERROR_DEVICE, NULL,
            "device %s: this build has no Vulkan backend", device);
  return NULL;
}

gboolean
d2v_vulkan_lacks_weights (const D2vBackend *backend)
{
  return FALSE;
}

gboolean
d2v_vulkan_has_hung (void)
{
  return FALSE;
}

void
d2v_vulkan_counts (D2vBackend *backend, D2vPrepared *prepared,
                   D2vVulkanCounts *counts)
{
  *counts = (D2vVulkanCounts){ 0 };
}

guint
d2v_vulkan_races (const D2vPrepared *prepared, gint without)
{
  return 0;
}
