/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* jsonl.h: commands that answer requests in JSON, one from the command line or
 * many from stdin.
 *
 * `d2v CMD MODEL [INPUT...] --some-option value` makes the request
 * {"some_option": value, "input": ...}; `d2v CMD MODEL --jsonl` reads such
 * requests, one a line, and writes one line for each. What they mean is the
 * library's business (D2vService). */
#pragma once

#include "engine/d2v.h"

/* What an option's text becomes in JSON. A value that is not of its kind stays
 * a string, which the library refuses by name. */
typedef enum
{
  VALUE_STRING,
  VALUE_STRINGS, /* always an array; "" alone: an empty one */
  VALUE_INTEGER,
  VALUE_NUMBER,
  VALUE_NUMBERS,  /* 1 or 1,2 */
  VALUE_INTEGERS, /* 1,2,3 is an array, also of one; "": an empty one */
  VALUE_SIZE,     /* 480x640: [480, 640] */
  VALUE_COUNT,    /* an integer, or `all`: null */
  VALUE_FLAG,
  VALUE_WORD /* true, false, or one of the words */
} ValueKind;

typedef struct
{
  const gchar *name; /* without dashes */
  ValueKind kind;
  const gchar *const *words; /* of VALUE_WORD, NULL-ended */
} RequestOption;

/* Runs the whole command. @table ends with a NULL name. */
gboolean run_requests (D2vCommand command, gint argc, gchar **argv,
                       const RequestOption *table, GError **error);

/* The words of `--truncation` and `--padding`. */
extern const gchar *const truncation_words[];
extern const gchar *const padding_words[];
