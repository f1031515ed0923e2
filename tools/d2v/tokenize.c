/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tokenize.c: text into ids with offsets, ids into text. */

#include "tools/d2v/commands.h"
#include "tools/d2v/jsonl.h"

static const RequestOption table[] = {
  { "text", VALUE_STRING },
  { "pair", VALUE_STRING },
  { "truncation", VALUE_WORD, truncation_words },
  { "max-length", VALUE_INTEGER },
  { "stride", VALUE_INTEGER },
  { "padding", VALUE_WORD, padding_words },
  { "pad-to-multiple-of", VALUE_INTEGER },
  { "decode", VALUE_INTEGERS },
  { "skip-special-tokens", VALUE_FLAG },
  { NULL },
};

gboolean
command_tokenize (gint argc, gchar **argv, GError **error)
{
  return run_requests (D2V_COMMAND_TOKENIZE, argc, argv, table, error);
}
