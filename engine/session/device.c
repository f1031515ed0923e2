/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/device.h"

#include "engine/base/error.h"
#include "engine/cpu/backend.h"
#include "engine/session/fallback.h"
#include "engine/vulkan/vulkan.h"

#include <string.h>

static const gchar *const precisions[] = {
  [D2V_PRECISION_AUTO] = "auto", [D2V_PRECISION_F32] = "f32",
  [D2V_PRECISION_F16] = "f16",   [D2V_PRECISION_BF16] = "bf16",
  [D2V_PRECISION_INT8] = "int8",
};

const gchar *
d2v_precision_name (D2vPrecision precision)
{
  return precisions[precision];
}

gboolean
d2v_precision_from_name (const gchar *name, D2vPrecision *precision)
{
  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++)
    if (strcmp (precisions[i], name) == 0)
      {
        *precision = i;
        return TRUE;
      }
  return FALSE;
}

/* A GPU that `auto` found is not asked for by name, so its session may do
 * without it. */
#define AUTO "auto:"

gchar *
d2v_device_resolve (const gchar *device, GError **error)
{
  if (device == NULL || device[0] == '\0' || strcmp (device, "auto") == 0)
    {
      g_autofree gchar *gpu = d2v_vulkan_resolve ("auto", NULL);
      return gpu != NULL ? g_strconcat (AUTO, gpu, NULL) : g_strdup ("cpu");
    }
  if (strcmp (device, "cpu") == 0)
    return g_strdup ("cpu");
  if (strcmp (device, "vulkan") == 0 || g_str_has_prefix (device, "vulkan:"))
    return d2v_vulkan_resolve (device, error);
  d2v_fail (error, D2V_ERROR_DEVICE, NULL,
            "device %s: expected auto, cpu, vulkan, vulkan:N or "
            "vulkan:NAME; `d2v devices` lists what there is",
            device);
  return NULL;
}

D2vBackend *
d2v_device_open (const gchar *device, D2vPrecision precision, guint n_threads,
                 GError **error)
{
  if (g_str_has_prefix (device, "vulkan:"))
    return d2v_fallback_backend_new (device, TRUE, precision, n_threads, error);
  if (g_str_has_prefix (device, AUTO))
    {
      g_autoptr (GError) refused = NULL;
      D2vBackend *gpu = d2v_fallback_backend_new (
          device + strlen (AUTO), FALSE, precision, n_threads, &refused);
      if (gpu != NULL)
        return gpu;
      g_message ("%s; the CPU does it", refused->message);
    }
  if (precision != D2V_PRECISION_AUTO && precision != D2V_PRECISION_F32)
    {
      d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                "precision %s is not available on %s; use f32 or auto",
                d2v_precision_name (precision), device);
      return NULL;
    }
  return d2v_cpu_backend_new (n_threads);
}

static void
free_device (gpointer data)
{
  D2vDevice *device = data;

  g_free (device->id);
  g_free (device->name);
  g_free (device->uuid);
  g_free (device->supports);
  g_free (device->why);
  g_free (device);
}

GPtrArray *
d2v_devices_list (void)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func (free_device);
  D2vDevice *cpu = g_new0 (D2vDevice, 1);

  cpu->id = g_strdup ("cpu");
  cpu->name = d2v_cpu_describe ();
  cpu->supports = g_strdup_printf ("f32, %u cores", g_get_num_processors ());
  cpu->usable = TRUE;
  g_ptr_array_add (devices, cpu);
  d2v_vulkan_list (devices);
  return devices;
}
