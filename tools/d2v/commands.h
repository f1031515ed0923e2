/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* commands.h: the commands of the program `d2v`. Each takes the words after
 * its own name and prints its result; FALSE with an error prints that instead
 * and ends with status 1. */
#pragma once

#include "engine/d2v.h"
#include "tools/d2v/options.h"

gboolean command_run (gint argc, gchar **argv, GError **error);
gboolean command_inspect (gint argc, gchar **argv, GError **error);
gboolean command_bench (gint argc, gchar **argv, GError **error);
gboolean command_apply (gint argc, gchar **argv, GError **error);
gboolean command_tokenize (gint argc, gchar **argv, GError **error);
gboolean command_preprocess (gint argc, gchar **argv, GError **error);
gboolean command_decode (gint argc, gchar **argv, GError **error);
gboolean command_devices (gint argc, gchar **argv, GError **error);
gboolean command_doctor (gint argc, gchar **argv, GError **error);

/* The model that a command names first, on the device that its options name:
 * --head, --device, --precision, --threads. */
D2vSession *open_session (const Options *options, GError **error);
/* --device, --precision, --threads. */
gboolean read_session_params (const Options *options, D2vSessionParams *params,
                              GError **error);
/* Sets USAGE. Always FALSE. */
gboolean usage_error (GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);
