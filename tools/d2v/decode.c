/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* decode.c: logits into text with times, or into a map of classes. */

#include "tools/d2v/commands.h"
#include "tools/d2v/jsonl.h"

static const RequestOption table[] = {
  { "inputs", VALUE_STRING },
  { "ids", VALUE_INTEGERS },
  { "target-size", VALUE_SIZE },
  { "return-timestamps", VALUE_STRING },
  { NULL },
};

gboolean
command_decode (gint argc, gchar **argv, GError **error)
{
  return run_requests (D2V_COMMAND_DECODE, argc, argv, table, error);
}
