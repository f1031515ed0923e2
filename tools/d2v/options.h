/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* options.h: the command line of `d2v CMD`.
 *
 * `--name value`, `--name=value`, `--flag`, `--flag=false`; a repeated option
 * adds up; `--` ends the options; everything else is positional. A word is a
 * flag that may have one of a few values: `--padding`, `--padding longest`. */
#pragma once

#include <gio/gio.h>

typedef enum
{
  OPTION_FLAG,
  OPTION_INTEGER,
  OPTION_STRING,
  OPTION_WORD
} OptionKind;

typedef struct
{
  const gchar *name; /* without dashes */
  OptionKind kind;
  const gchar *const *words; /* of OPTION_WORD, NULL-ended */
} Option;

typedef struct
{
  GHashTable *values;    /* name -> GPtrArray of strings */
  GPtrArray *positional; /* of strings */
} Options;

/* @table ends with a NULL name. Fails with USAGE naming the option. */
Options *options_parse (gint argc, gchar **argv, const Option *table,
                        GError **error);
void options_free (Options *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Options, options_free)

/* The last value given; @fallback when there is none. */
const gchar *options_string (const Options *options, const gchar *name,
                             const gchar *fallback);
/* All of them, NULL when there is none. */
const GPtrArray *options_strings (const Options *options, const gchar *name);
gint64 options_integer (const Options *options, const gchar *name,
                        gint64 fallback);
gboolean options_flag (const Options *options, const gchar *name);
/* NULL when there are fewer. */
const gchar *options_positional (const Options *options, guint index);
