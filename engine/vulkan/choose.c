/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* choose.c: listing the devices, and which one a `device` text means. */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/error.h"

#include <string.h>

/* Opening a loader without a GPU costs time and drags drivers into the
 * process, so `auto` looks for the system's device nodes first. */
static gboolean
system_shows_gpu (void)
{
#ifdef __linux__
  static const gchar *const folders[][2] = {
    { "/dev/dri", "renderD" }, { "/dev", "nvidia" }, { "/dev", "dxg" },
    { "/dev", "kgsl-3d" },     { "/dev", "mali" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autoptr (GDir) dir = g_dir_open (folders[i][0], 0, NULL);
      const gchar *name;

      while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
        if (g_str_has_prefix (name, folders[i][1]))
          return TRUE;
    }
  return FALSE;
#else
  return TRUE;
#endif
}

/* Higher is better; 0: only when named. */
static guint
rank_of (const D2vVkFound *found)
{
  if (found->why != NULL)
    return 0;
  switch (found->type)
    {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    default:
      return 1;
    }
}

static const D2vVkFound *
best_of (const D2vVkInstance *instance, guint least_rank)
{
  const D2vVkFound *best = NULL;

  for (guint i = 0; i < instance->found->len; i++)
    {
      const D2vVkFound *found = g_ptr_array_index (instance->found, i);
      if (rank_of (found) >= least_rank
          && (best == NULL || rank_of (found) > rank_of (best)))
        best = found;
    }
  return best;
}

static gboolean
contains (const gchar *all, const gchar *part)
{
  g_autofree gchar *folded = g_utf8_casefold (all, -1);
  g_autofree gchar *wanted = g_utf8_casefold (part, -1);

  return strstr (folded, wanted) != NULL;
}

/* By index, then UUID or PCI address, then part of the name: a text of digits
 * alone is an index. */
static const D2vVkFound *
named (const D2vVkInstance *instance, const gchar *text)
{
  gchar *end = NULL;
  guint64 index = g_ascii_strtoull (text, &end, 10);

  if (g_ascii_isdigit (text[0]) && *end == '\0')
    return index < instance->found->len
               ? g_ptr_array_index (instance->found, (guint) index)
               : NULL;
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < instance->found->len; i++)
      {
        const D2vVkFound *found = g_ptr_array_index (instance->found, i);
        if (pass == 0 ? g_ascii_strcasecmp (found->uuid, text) == 0
                            || g_ascii_strcasecmp (found->pci, text) == 0
                      : contains (found->name, text))
          return found;
      }
  return NULL;
}

static gchar *
names_of (const D2vVkInstance *instance)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < instance->found->len; i++)
    {
      const D2vVkFound *found = g_ptr_array_index (instance->found, i);
      g_string_append_printf (names, "%svulkan:%u (%s)", i > 0 ? ", " : "", i,
                              found->name);
    }
  return g_string_free (names, FALSE);
}

static gchar *
resolve_in (const D2vVkInstance *instance, const gchar *device, GError **error)
{
  const D2vVkFound *found;

  if (strcmp (device, "auto") == 0)
    found = best_of (instance, 2);
  else if (strcmp (device, "vulkan") == 0)
    found = best_of (instance, 1);
  else
    found = named (instance, device + strlen ("vulkan:"));
  if (found != NULL && found->why == NULL)
    return g_strdup_printf ("vulkan:%s", found->uuid);

  g_autofree gchar *names = names_of (instance);
  if (found != NULL)
    d2v_fail (error, D2V_ERROR_DEVICE, NULL,
              "device %s: %s cannot be used: %s; there is: %s", device,
              found->name, found->why, names);
  else
    d2v_fail (error, D2V_ERROR_DEVICE, NULL,
              "device %s: no such device that can be used; there is: %s",
              device, names);
  return NULL;
}

gchar *
d2v_vulkan_resolve (const gchar *device, GError **error)
{
  g_return_val_if_fail (strcmp (device, "auto") == 0
                            || strcmp (device, "vulkan") == 0
                            || g_str_has_prefix (device, "vulkan:"),
                        NULL);
  if (strcmp (device, "auto") == 0
      && (!system_shows_gpu () || vk_context_any_parked ()))
    {
      d2v_fail (error, D2V_ERROR_DEVICE, NULL, "no GPU was found");
      return NULL;
    }
  D2vVkInstance *instance = vk_instance_get (error);
  if (instance == NULL)
    {
      if (error != NULL)
        g_prefix_error (error, "device %s: ", device);
      return NULL;
    }
  gchar *name = resolve_in (instance, device, error);
  vk_instance_put (instance);
  return name;
}

/* -------------------------------------------------------------- list -- */

static const gchar *
type_name (VkPhysicalDeviceType type)
{
  switch (type)
    {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "software, used only when named";
    default:
      return "other, used only when named";
    }
}

/* What may be asked of it, and what products would be made of. */
static gchar *
supports (const D2vVkFound *found)
{
  const D2vVkFragment *f = &found->fragment;
  GString *text
      = g_string_new (found->has_half ? "f32, f16, int8" : "f32, int8");

  if (found->has_dot)
    g_string_append (text, " in dot products");
  if (f->m != 0)
    g_string_append_printf (text, ", cooperative matrices %ux%ux%u", f->m, f->n,
                            f->k);
  if (found->flexible.group != 0)
    g_string_append_printf (text, ", of any size for %u invocations",
                            found->flexible.group);
  g_string_append_printf (
      text, ", %s, Vulkan %u.%u, %" G_GSIZE_FORMAT " MiB",
      type_name (found->type), VK_API_VERSION_MAJOR (found->api_version),
      VK_API_VERSION_MINOR (found->api_version), found->heap_bytes >> 20);
  if (found->pci[0] != '\0')
    g_string_append_printf (text, ", PCI %s", found->pci);
  return g_string_free (text, FALSE);
}

static D2vDevice *
describe (const D2vVkFound *found, guint index)
{
  D2vDevice *device = g_new0 (D2vDevice, 1);

  device->id = g_strdup_printf ("vulkan:%u", index);
  device->name = g_strdup (found->name);
  device->uuid = g_strdup (found->uuid);
  device->supports = supports (found);
  device->usable = found->why == NULL;
  device->why = g_strdup (found->why);
  return device;
}

void
d2v_vulkan_list (GPtrArray *devices)
{
  g_autoptr (GError) error = NULL;
  D2vVkInstance *instance = vk_instance_get (&error);

  if (instance == NULL)
    {
      D2vDevice *device = g_new0 (D2vDevice, 1);

      device->id = g_strdup ("vulkan");
      device->name = g_strdup ("Vulkan");
      device->supports = g_strdup ("");
      device->why = g_strdup (error->message);
      g_ptr_array_add (devices, device);
      return;
    }
  for (guint i = 0; i < instance->found->len; i++)
    g_ptr_array_add (devices,
                     describe (g_ptr_array_index (instance->found, i), i));
  vk_instance_put (instance);
}
