/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inspect.c: what a model directory holds and what runs it. */

#include "tools/d2v/commands.h"

static const Option table[]
    = { { "head", OPTION_STRING }, { "json", OPTION_FLAG }, { NULL } };

gboolean
command_inspect (gint argc, gchar **argv, GError **error)
{
  g_autoptr (Options) options = options_parse (argc, argv, table, error);

  if (options == NULL)
    return FALSE;
  const gchar *path = options_positional (options, 0);
  if (path == NULL || options->positional->len > 1)
    return usage_error (error, "expected one model directory");

  D2vModelParams how = { .head = options_string (options, "head", NULL) };
  g_autoptr (D2vModel) model = d2v_model_open (path, &how, error);
  if (model == NULL)
    return FALSE;
  g_autofree gchar *text
      = d2v_model_inspect (model, options_flag (options, "json"));
  g_print ("%s\n", text);
  return TRUE;
}
