/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* devices.c: what models can run on here. */

#include "tools/d2v/commands.h"

static const Option table[] = { { "json", OPTION_FLAG }, { NULL } };

static const gchar *
or_dash (const gchar *text)
{
  return text != NULL ? text : "-";
}

static void
print_json_string (const gchar *key, const gchar *value, gboolean last)
{
  if (value == NULL)
    g_print ("\"%s\":null%s", key, last ? "" : ",");
  else
    {
      g_autofree gchar *escaped = g_strescape (value, NULL);
      g_print ("\"%s\":\"%s\"%s", key, escaped, last ? "" : ",");
    }
}

static void
print_json (const D2vDevice *device)
{
  g_print ("{");
  print_json_string ("id", device->id, FALSE);
  print_json_string ("name", device->name, FALSE);
  print_json_string ("uuid", device->uuid, FALSE);
  print_json_string ("supports", device->supports, FALSE);
  g_print ("\"usable\":%s,", device->usable ? "true" : "false");
  print_json_string ("why", device->why, TRUE);
  g_print ("}\n");
}

gboolean
command_devices (gint argc, gchar **argv, GError **error)
{
  g_autoptr (Options) options = options_parse (argc, argv, table, error);

  if (options == NULL)
    return FALSE;
  g_autoptr (GPtrArray) devices = d2v_devices_list ();
  for (guint i = 0; i < devices->len; i++)
    {
      const D2vDevice *device = g_ptr_array_index (devices, i);

      if (options_flag (options, "json"))
        print_json (device);
      else
        g_print ("%-10s  %s  uuid %s  supports %s  %s\n", device->id,
                 device->name, or_dash (device->uuid),
                 or_dash (device->supports),
                 device->usable ? "usable" : or_dash (device->why));
    }
  return TRUE;
}
