/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* apply.c: a model's task, whole: files or text in, results out. Which of the
 * options a model takes depends on its class. */

#include "tools/d2v/commands.h"
#include "tools/d2v/jsonl.h"

static const RequestOption table[] = {
  { "text-pair", VALUE_STRING },
  { "top-k", VALUE_COUNT },
  { "function-to-apply", VALUE_STRING },
  { "truncation", VALUE_WORD, truncation_words },
  { "aggregation-strategy", VALUE_STRING },
  { "ignore-labels", VALUE_STRINGS },
  { "stride", VALUE_INTEGER },
  { "question", VALUE_STRING },
  { "context", VALUE_STRING },
  { "max-answer-len", VALUE_INTEGER },
  { "max-seq-len", VALUE_INTEGER },
  { "doc-stride", VALUE_INTEGER },
  { "max-question-len", VALUE_INTEGER },
  { "handle-impossible-answer", VALUE_FLAG },
  { "align-to-words", VALUE_FLAG },
  { "targets", VALUE_STRINGS },
  { "max-new-tokens", VALUE_INTEGER },
  { "return-full-text", VALUE_FLAG },
  { "add-special-tokens", VALUE_FLAG },
  { "choice", VALUE_STRINGS },
  { "return-timestamps", VALUE_STRING },
  { "chunk-length-s", VALUE_NUMBER },
  { "stride-length-s", VALUE_NUMBERS },
  { "mask-output", VALUE_STRING },
  { NULL },
};

gboolean
command_apply (gint argc, gchar **argv, GError **error)
{
  return run_requests (D2V_COMMAND_APPLY, argc, argv, table, error);
}
