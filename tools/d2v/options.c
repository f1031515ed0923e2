/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tools/d2v/options.h"

#include "engine/d2v.h"

#include <string.h>

static const Option *
find_option (const Option *table, const gchar *name)
{
  for (; table->name != NULL; table++)
    if (strcmp (table->name, name) == 0)
      return table;
  return NULL;
}

static gboolean
check_value (const Option *option, const gchar *value, GError **error)
{
  if (option->kind == OPTION_FLAG && strcmp (value, "true") != 0
      && strcmp (value, "false") != 0)
    g_set_error (error, D2V_ERROR, D2V_ERROR_USAGE,
                 "USAGE, -, --%s: expected true or false", option->name);
  else if (option->kind == OPTION_INTEGER
           && !g_ascii_string_to_signed (value, 10, G_MININT64, G_MAXINT64,
                                         NULL, NULL))
    g_set_error (error, D2V_ERROR, D2V_ERROR_USAGE,
                 "USAGE, -, --%s: expected an integer", option->name);
  else
    return TRUE;
  return FALSE;
}

static void
add_value (Options *options, const gchar *name, const gchar *value)
{
  GPtrArray *values = g_hash_table_lookup (options->values, name);

  if (values == NULL)
    {
      values = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (options->values, g_strdup (name), values);
    }
  g_ptr_array_add (values, g_strdup (value));
}

/* Whether the option's value is the argument after it, @next (may be NULL). */
static gboolean
takes_next (const Option *option, const gchar *next)
{
  if (option->kind != OPTION_WORD)
    return option->kind != OPTION_FLAG;
  return next != NULL && g_strv_contains (option->words, next);
}

/* @argv[*i] is an option; its value may be the argument after it. */
static gboolean
parse_option (Options *options, gint argc, gchar **argv, gint *i,
              const Option *table, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (argv[*i] + 2, "=", 2);
  const Option *option = find_option (table, parts[0]);
  const gchar *value = parts[1];

  if (option == NULL)
    {
      g_set_error (error, D2V_ERROR, D2V_ERROR_USAGE,
                   "USAGE, -, unknown option --%s", parts[0]);
      return FALSE;
    }
  if (value == NULL
      && !takes_next (option, *i + 1 < argc ? argv[*i + 1] : NULL))
    value = "true";
  if (value == NULL)
    {
      if (*i + 1 >= argc)
        {
          g_set_error (error, D2V_ERROR, D2V_ERROR_USAGE,
                       "USAGE, -, --%s needs a value", option->name);
          return FALSE;
        }
      value = argv[++*i];
    }
  if (!check_value (option, value, error))
    return FALSE;
  add_value (options, option->name, value);
  return TRUE;
}

Options *
options_parse (gint argc, gchar **argv, const Option *table, GError **error)
{
  g_autoptr (Options) options = g_new0 (Options, 1);
  gboolean ended = FALSE;

  options->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) g_ptr_array_unref);
  options->positional = g_ptr_array_new_with_free_func (g_free);
  for (gint i = 0; i < argc; i++)
    {
      if (!ended && strcmp (argv[i], "--") == 0)
        ended = TRUE;
      else if (!ended && g_str_has_prefix (argv[i], "--"))
        {
          if (!parse_option (options, argc, argv, &i, table, error))
            return NULL;
        }
      else
        g_ptr_array_add (options->positional, g_strdup (argv[i]));
    }
  return g_steal_pointer (&options);
}

void
options_free (Options *options)
{
  g_clear_pointer (&options->values, g_hash_table_unref);
  g_clear_pointer (&options->positional, g_ptr_array_unref);
  g_free (options);
}

const gchar *
options_string (const Options *options, const gchar *name,
                const gchar *fallback)
{
  GPtrArray *values = g_hash_table_lookup (options->values, name);

  return values != NULL ? g_ptr_array_index (values, values->len - 1)
                        : fallback;
}

const GPtrArray *
options_strings (const Options *options, const gchar *name)
{
  return g_hash_table_lookup (options->values, name);
}

gint64
options_integer (const Options *options, const gchar *name, gint64 fallback)
{
  const gchar *text = options_string (options, name, NULL);

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : fallback;
}

gboolean
options_flag (const Options *options, const gchar *name)
{
  return strcmp (options_string (options, name, "false"), "true") == 0;
}

const gchar *
options_positional (const Options *options, guint index)
{
  return index < options->positional->len
             ? g_ptr_array_index (options->positional, index)
             : NULL;
}
