/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run.c: the raw forward pass, tensors in and out. */

#include "tools/d2v/commands.h"

static const Option table[]
    = { { "inputs", OPTION_STRING },      { "outputs", OPTION_STRING },
        { "head", OPTION_STRING },        { "device", OPTION_STRING },
        { "precision", OPTION_STRING },   { "threads", OPTION_INTEGER },
        { "hidden-states", OPTION_FLAG }, { NULL } };

gboolean
command_run (gint argc, gchar **argv, GError **error)
{
  g_autoptr (Options) options = options_parse (argc, argv, table, error);

  if (options == NULL)
    return FALSE;
  const gchar *inputs_path = options_string (options, "inputs", NULL);
  const gchar *outputs_path = options_string (options, "outputs", NULL);
  if (inputs_path == NULL || outputs_path == NULL)
    return usage_error (error, "--inputs and --outputs are needed");

  g_autoptr (D2vSession) session = open_session (options, error);
  if (session == NULL)
    return FALSE;
  g_autoptr (D2vTensors) inputs = d2v_tensors_load (inputs_path, error);
  if (inputs == NULL)
    return FALSE;
  g_autoptr (D2vTensors) outputs = d2v_session_run (
      session, inputs,
      options_flag (options, "hidden-states") ? D2V_RUN_HIDDEN_STATES
                                              : D2V_RUN_DEFAULT,
      NULL, error);
  D2vSessionStats stats = { 0 };
  d2v_session_stats (session, &stats);
  if (stats.n_fallbacks > 0)
    g_printerr ("d2v: the CPU did this run, not %s\n",
                d2v_session_device_name (session));
  return outputs != NULL && d2v_tensors_save (outputs, outputs_path, error);
}
