/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* main.c: the program `d2v`: run, inspect, measure and use Data2Vec models
 * from a shell. */

#include "tools/d2v/commands.h"

#include <stdio.h>
#include <string.h>

static const struct
{
  const gchar *name;
  gboolean (*run) (gint argc, gchar **argv, GError **error);
  const gchar *usage;
} commands[] = {
  { "run", command_run,
    "MODEL --inputs in.safetensors --outputs out.safetensors\n"
    "      [--head NAME] [--device D] [--precision P] [--threads N] "
    "[--hidden-states]" },
  { "inspect", command_inspect, "MODEL [--head NAME] [--json]" },
  { "bench", command_bench,
    "MODEL [--seconds S | --size N | --tokens N] [--batch B] [--head NAME]\n"
    "      [--device D] [--precision P] [--threads N] [--repeat N]\n"
    "      [--profile] [--json]" },
  { "apply", command_apply,
    "MODEL [INPUT...] [options of its task]  |  MODEL --jsonl\n"
    "      [--head NAME] [--device D] [--precision P] [--threads N]" },
  { "tokenize", command_tokenize,
    "MODEL [--text T [--pair P]] [--decode IDS [--skip-special-tokens]]\n"
    "      [--truncation [S]] [--max-length N] [--stride N] [--padding [P]]\n"
    "      [--pad-to-multiple-of N]  |  MODEL --jsonl" },
  { "preprocess", command_preprocess,
    "MODEL FILE... --outputs out.safetensors [--padding [P]]\n"
    "      [--max-length N] [--truncation] [--pad-to-multiple-of N]  |  "
    "MODEL --jsonl" },
  { "decode", command_decode,
    "MODEL --inputs logits.safetensors [--ids IDS] [--target-size HxW]\n"
    "      [--return-timestamps char|word]  |  MODEL --jsonl" },
  { "devices", command_devices, "[--json]" },
  { "doctor", command_doctor, "" },
};

static void
print_usage (FILE *out)
{
  fprintf (out, "usage:\n");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (out, "  d2v %s %s\n", commands[i].name, commands[i].usage);
}

gboolean
usage_error (GError **error, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *reason = g_strdup_vprintf (format, args);
  va_end (args);

  g_set_error (error, D2V_ERROR, D2V_ERROR_USAGE, "USAGE, -, %s", reason);
  return FALSE;
}

gboolean
read_session_params (const Options *options, D2vSessionParams *params,
                     GError **error)
{
  const gchar *precision = options_string (options, "precision", "auto");

  *params = (D2vSessionParams){
    .device = options_string (options, "device", NULL),
    .n_threads = (guint) options_integer (options, "threads", 0),
  };
  return d2v_precision_from_name (precision, &params->precision)
         || usage_error (error,
                         "--precision %s: expected auto, f32, f16, bf16 or "
                         "int8",
                         precision);
}

D2vSession *
open_session (const Options *options, GError **error)
{
  D2vModelParams how = { .head = options_string (options, "head", NULL) };
  D2vSessionParams where;
  const gchar *path = options_positional (options, 0);

  if (path == NULL || options->positional->len > 1)
    {
      usage_error (error, "expected one model directory");
      return NULL;
    }
  if (!read_session_params (options, &where, error))
    return NULL;
  g_autoptr (D2vModel) model = d2v_model_open (path, &how, error);
  return model != NULL ? d2v_session_new (model, &where, error) : NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc < 2 || strcmp (argv[1], "--help") == 0
      || strcmp (argv[1], "help") == 0)
    {
      print_usage (argc < 2 ? stderr : stdout);
      return argc < 2;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].name, argv[1]) == 0)
      {
        if (commands[i].run (argc - 2, argv + 2, &error))
          return 0;
        fprintf (stderr, "%s\n", error->message);
        return 1;
      }
  fprintf (stderr, "USAGE, -, unknown command %s\n", argv[1]);
  print_usage (stderr);
  return 1;
}
