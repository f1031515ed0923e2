/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tools/d2v/jsonl.h"

#include "tools/d2v/commands.h"
#include "tools/d2v/request.h"

#include <stdio.h>
#include <string.h>

/* Longer requests are refused unread: the library takes none of this size. */
#define MAX_LINE ((gsize) 32 << 20)

const gchar *const truncation_words[]
    = { "true",       "false",       "longest_first",
        "only_first", "only_second", "do_not_truncate",
        NULL };
const gchar *const padding_words[]
    = { "true", "false", "longest", "max_length", "do_not_pad", NULL };

/* --------------------------------------------------------------- output -- */

/* Programs at the other end of a pipe wait for each line. */
static gboolean
print_line (const gchar *line, GError **error)
{
  if (puts (line) >= 0 && fflush (stdout) == 0)
    return TRUE;
  g_set_error (error, D2V_ERROR, D2V_ERROR_WRITE,
               "WRITE, -, the answer could not be written");
  return FALSE;
}

static gboolean
print_error (const GError *reason, GError **error)
{
  g_autoptr (GString) line = g_string_new ("{\"error\":");

  append_json_string (line, reason->message);
  g_string_append_c (line, '}');
  return print_line (line->str, error);
}

/* ---------------------------------------------------------------- stdin -- */

/* The next line without its end, cut at MAX_LINE; FALSE at the end. */
static gboolean
read_line (GString *line, gboolean *too_long)
{
  gint c;

  g_string_truncate (line, 0);
  *too_long = FALSE;
  while ((c = getc_unlocked (stdin)) != EOF && c != '\n')
    if (line->len < MAX_LINE)
      g_string_append_c (line, (gchar) c);
    else
      *too_long = TRUE;
  return c != EOF || line->len > 0;
}

static gboolean
serve_line (D2vService *service, const GString *line, gboolean too_long,
            GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autofree gchar *answer = NULL;

  if (too_long)
    g_set_error (&reason, D2V_ERROR, D2V_ERROR_TOO_BIG,
                 "TOO_BIG, request, longer than %" G_GSIZE_FORMAT " bytes",
                 MAX_LINE);
  else
    answer
        = d2v_service_answer (service, line->str, (gssize) line->len, &reason);
  return answer != NULL ? print_line (answer, error)
                        : print_error (reason, error);
}

static gboolean
serve (D2vService *service, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);
  gboolean too_long;

  while (read_line (line, &too_long))
    if (!serve_line (service, line, too_long, error))
      return FALSE;
  if (!ferror (stdin))
    return TRUE;
  g_set_error (error, D2V_ERROR, D2V_ERROR_READ,
               "READ, -, stdin could not be read");
  return FALSE;
}

/* --------------------------------------------------------- command line -- */

static gboolean
answer_one (D2vService *service, const Options *options,
            const RequestOption *table, guint first, guint n, GError **error)
{
  g_autofree gchar *request = make_request (options, table, first, n, error);
  g_autofree gchar *answer
      = request != NULL ? d2v_service_answer (service, request, -1, error)
                        : NULL;

  return answer != NULL && print_line (answer, error);
}

/* Inputs after MODEL: of apply each is a request of its own, or each pair;
 * otherwise all are one. */
static gboolean
answer_all (D2vService *service, D2vCommand command, const Options *options,
            const RequestOption *table, GError **error)
{
  guint n_inputs = options->positional->len - 1;
  guint n = command == D2V_COMMAND_APPLY ? d2v_service_n_inputs (service)
                                         : n_inputs;

  if (n_inputs == 0)
    return answer_one (service, options, table, 0, 0, error);
  if (n_inputs % n != 0)
    return usage_error (error, "expected %u inputs for each answer", n);
  for (guint i = 0; i < n_inputs; i += n)
    if (!answer_one (service, options, table, 1 + i, n, error))
      return FALSE;
  return TRUE;
}

static D2vService *
open_service (D2vCommand command, const Options *options, GError **error)
{
  const gchar *path = options_positional (options, 0);
  D2vSessionParams where;

  if (path == NULL)
    usage_error (error, "expected a model directory");
  else if (read_session_params (options, &where, error))
    return d2v_service_open (
        command, path, options_string (options, "head", NULL), &where, error);
  return NULL;
}

gboolean
run_requests (D2vCommand command, gint argc, gchar **argv,
              const RequestOption *table, GError **error)
{
  g_autoptr (Options) options
      = parse_request_options (command, argc, argv, table, error);

  if (options == NULL)
    return FALSE;
  gboolean jsonl = options_flag (options, "jsonl");
  if (jsonl
      && (has_request_options (options, table) || options->positional->len > 1))
    return usage_error (error, "with --jsonl, inputs and options stand in the "
                               "requests");
  g_autoptr (D2vService) service = open_service (command, options, error);
  if (service == NULL)
    return FALSE;
  return jsonl ? serve (service, error)
               : answer_all (service, command, options, table, error);
}
