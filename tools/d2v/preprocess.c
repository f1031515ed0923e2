/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* preprocess.c: sound and images into the tensors that a model takes. */

#include "tools/d2v/commands.h"
#include "tools/d2v/jsonl.h"

static const RequestOption table[] = {
  { "outputs", VALUE_STRING },
  { "padding", VALUE_WORD, padding_words },
  { "max-length", VALUE_INTEGER },
  { "truncation", VALUE_FLAG },
  { "pad-to-multiple-of", VALUE_INTEGER },
  { NULL },
};

gboolean
command_preprocess (gint argc, gchar **argv, GError **error)
{
  return run_requests (D2V_COMMAND_PREPROCESS, argc, argv, table, error);
}
