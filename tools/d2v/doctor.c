/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor.c: why an element or a device is not there. */

#include "tools/d2v/commands.h"

#include <dlfcn.h>
#include <string.h>

static const Option table[] = { { NULL } };

typedef enum
{
  GOOD,
  NOTE, /* works, but worth knowing */
  BAD
} Finding;

static guint n_bad;

static void report (Finding finding, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
report (Finding finding, const gchar *format, ...)
{
  static const gchar *const marks[] = { "ok  ", "note", "BAD " };
  va_list args;
  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);

  n_bad += finding == BAD;
  g_print ("%s  %s\n", marks[finding], text);
}

/* Status of @argv, its output in @output; -1 when it cannot be run. */
static gint
run_program (const gchar *const *argv, gchar **output)
{
  g_autofree gchar *errors = NULL;
  gint status = 0;

  if (!g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                     NULL, output, &errors, &status, NULL))
    return -1;
  return g_spawn_check_wait_status (status, NULL) ? 0 : 1;
}

static void
check_plugin (void)
{
  const gchar *const inspect[]
      = { "gst-inspect-1.0", "--exists", "d2vtranscriber", NULL };
  g_autofree gchar *output = NULL;
  const gchar *path = g_getenv ("GST_PLUGIN_PATH");
  gint status = run_program (inspect, &output);

  if (status == 0)
    report (GOOD, "GStreamer finds the element d2vtranscriber");
  else if (status < 0)
    report (BAD, "gst-inspect-1.0 cannot be run: install the package "
                 "gstreamer1.0-tools");
  else
    report (BAD,
            "GStreamer does not find d2vtranscriber: install the plugin, or "
            "set GST_PLUGIN_PATH to the folder that holds libgstdata2vec.so "
            "(it is %s); `gst-inspect-1.0 -b` lists plugins that failed to "
            "load, `rm -r ~/.cache/gstreamer-1.0` forgets them",
            path != NULL ? path : "not set");
}

static void
check_openblas (void)
{
  const gchar *const variables[]
      = { "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS" };

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    if (g_getenv (variables[i]) != NULL)
      report (NOTE,
              "%s=%s is set: it chooses OpenBLAS's kernels, often slower "
              "ones; unset it unless it is meant",
              variables[i], g_getenv (variables[i]));
}

static void
check_vulkan (void)
{
  void *loader = dlopen ("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);

  if (loader != NULL)
    {
      report (GOOD, "a Vulkan loader is installed");
      dlclose (loader);
    }
  else
    report (NOTE, "no Vulkan loader (package libvulkan1): models run on the "
                  "CPU");
}

static void
check_devices (void)
{
  g_autoptr (GPtrArray) devices = d2v_devices_list ();

  for (guint i = 0; i < devices->len; i++)
    {
      const D2vDevice *device = g_ptr_array_index (devices, i);
      if (device->usable)
        report (GOOD, "device=%s: %s, %s", device->id, device->name,
                device->supports);
      else
        report (NOTE, "device=%s: %s cannot be used: %s", device->id,
                device->name, device->why);
    }
}

gboolean
command_doctor (gint argc, gchar **argv, GError **error)
{
  g_autoptr (Options) options = options_parse (argc, argv, table, error);

  if (options == NULL)
    return FALSE;
  check_devices ();
  check_vulkan ();
  check_plugin ();
  check_openblas ();
  if (n_bad == 0)
    return TRUE;
  g_set_error (error, D2V_ERROR, D2V_ERROR_FAILED,
               "FAILED, -, %u of these must be mended", n_bad);
  return FALSE;
}
