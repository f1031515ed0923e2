/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* request.h: the command line as a request in JSON. */
#pragma once

#include "tools/d2v/jsonl.h"
#include "tools/d2v/options.h"

/* @table and what every such command takes beside it: --jsonl, and for apply
 * where to run. */
Options *parse_request_options (D2vCommand command, gint argc, gchar **argv,
                                const RequestOption *table, GError **error);
/* Whether one of @table was given. */
gboolean has_request_options (const Options *options,
                              const RequestOption *table);
/* The request of the options and of @n positional arguments from @first on;
 * free with g_free(). USAGE when something is not UTF-8. */
gchar *make_request (const Options *options, const RequestOption *table,
                     guint first, guint n, GError **error);
/* Appends @text, UTF-8, with quotes and escapes; what is ill-formed becomes
 * U+FFFD. */
void append_json_string (GString *out, const gchar *text);
