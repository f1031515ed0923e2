/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tools/d2v/request.h"

#include "tools/d2v/commands.h"

#include <math.h>
#include <string.h>

/* -------------------------------------------------------------- options -- */

static OptionKind
option_kind (ValueKind kind)
{
  return kind == VALUE_FLAG   ? OPTION_FLAG
         : kind == VALUE_WORD ? OPTION_WORD
                              : OPTION_STRING;
}

Options *
parse_request_options (D2vCommand command, gint argc, gchar **argv,
                       const RequestOption *table, GError **error)
{
  static const Option where[] = { { "head", OPTION_STRING },
                                  { "device", OPTION_STRING },
                                  { "precision", OPTION_STRING },
                                  { "threads", OPTION_INTEGER } };
  const Option jsonl = { "jsonl", OPTION_FLAG };
  g_autoptr (GArray) all = g_array_new (TRUE, FALSE, sizeof (Option));

  for (; table->name != NULL; table++)
    {
      Option option = { table->name, option_kind (table->kind), table->words };
      g_array_append_val (all, option);
    }
  g_array_append_val (all, jsonl);
  if (command == D2V_COMMAND_APPLY)
    g_array_append_vals (all, where, G_N_ELEMENTS (where));
  return options_parse (argc, argv, (const Option *) (gpointer) all->data,
                        error);
}

gboolean
has_request_options (const Options *options, const RequestOption *table)
{
  for (; table->name != NULL; table++)
    if (options_strings (options, table->name) != NULL)
      return TRUE;
  return FALSE;
}

/* --------------------------------------------------------------- values -- */

void
append_json_string (GString *out, const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (out, '"');
  for (const gchar *p = valid; *p != '\0'; p++)
    if (*p == '"' || *p == '\\')
      g_string_append_printf (out, "\\%c", *p);
    else if ((guchar) *p < 0x20)
      g_string_append_printf (out, "\\u%04x", (guint) *p);
    else
      g_string_append_c (out, *p);
  g_string_append_c (out, '"');
}

static gboolean
append_integer (GString *out, const gchar *text)
{
  gint64 value;

  if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &value,
                                 NULL))
    return FALSE;
  g_string_append_printf (out, "%" G_GINT64_FORMAT, value);
  return TRUE;
}

static gboolean
append_number (GString *out, const gchar *text)
{
  gchar buffer[G_ASCII_DTOSTR_BUF_SIZE], *end;

  if (append_integer (out, text))
    return TRUE;
  gdouble value = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || !isfinite (value))
    return FALSE;
  g_string_append (out, g_ascii_dtostr (buffer, sizeof buffer, value));
  return TRUE;
}

/* @text's parts between @separator as an array, each by @append. */
static gboolean
append_list (GString *out, const gchar *text, const gchar *separator,
             gboolean (*append) (GString *out, const gchar *text))
{
  g_auto (GStrv) parts = g_strsplit (text, separator, -1);

  g_string_append_c (out, '[');
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      if (!append (out, g_strstrip (parts[i])))
        return FALSE;
    }
  g_string_append_c (out, ']');
  return TRUE;
}

static gboolean
append_word (GString *out, const gchar *text)
{
  if (strcmp (text, "true") != 0 && strcmp (text, "false") != 0)
    return FALSE;
  g_string_append (out, text);
  return TRUE;
}

/* FALSE, with anything appended, when @text is not of @kind. */
static gboolean
append_of_kind (GString *out, ValueKind kind, const gchar *text)
{
  switch (kind)
    {
    case VALUE_INTEGER:
      return append_integer (out, text);
    case VALUE_NUMBER:
      return append_number (out, text);
    case VALUE_NUMBERS:
      return strchr (text, ',') != NULL
                 ? append_list (out, text, ",", append_number)
                 : append_number (out, text);
    case VALUE_INTEGERS:
      return append_list (out, text, ",", append_integer);
    case VALUE_SIZE:
      return append_list (out, text, "x", append_integer);
    case VALUE_COUNT:
      if (strcmp (text, "all") != 0)
        return append_integer (out, text);
      g_string_append (out, "null");
      return TRUE;
    case VALUE_FLAG:
    case VALUE_WORD:
      return append_word (out, text);
    default:
      return FALSE;
    }
}

static void
append_value (GString *out, ValueKind kind, const gchar *text)
{
  gsize before = out->len;

  if (append_of_kind (out, kind, text))
    return;
  g_string_truncate (out, before);
  append_json_string (out, text);
}

/* -------------------------------------------------------------- request -- */

/* @values as one value, or as an array of them. */
static void
append_values (GString *out, ValueKind kind, const GPtrArray *values)
{
  const gchar *first = g_ptr_array_index (values, 0);
  gboolean array = kind == VALUE_STRINGS || values->len > 1;

  if (!array)
    {
      append_value (out, kind, first);
      return;
    }
  g_string_append_c (out, '[');
  if (values->len > 1 || first[0] != '\0')
    for (guint i = 0; i < values->len; i++)
      {
        if (i > 0)
          g_string_append_c (out, ',');
        append_value (out, kind, g_ptr_array_index (values, i));
      }
  g_string_append_c (out, ']');
}

static void
append_key (GString *out, const gchar *name)
{
  if (out->len > 1)
    g_string_append_c (out, ',');
  g_string_append_printf (out, "\"%s\":", name);
}

static void
append_option (GString *out, const RequestOption *option,
               const GPtrArray *values)
{
  g_autofree gchar *key = g_strdelimit (g_strdup (option->name), "-", '_');

  append_key (out, key);
  append_values (out, option->kind, values);
}

static void
append_inputs (GString *out, const GPtrArray *inputs, guint first, guint n)
{
  append_key (out, "input");
  if (n > 1)
    g_string_append_c (out, '[');
  for (guint i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_json_string (out, g_ptr_array_index (inputs, first + i));
    }
  if (n > 1)
    g_string_append_c (out, ']');
}

/* A file name that is no UTF-8 would become another one. */
static gboolean
check_utf8 (const GPtrArray *texts, GError **error)
{
  for (guint i = 0; i < texts->len; i++)
    if (!g_utf8_validate (g_ptr_array_index (texts, i), -1, NULL))
      return usage_error (error, "an argument is not UTF-8");
  return TRUE;
}

gchar *
make_request (const Options *options, const RequestOption *table, guint first,
              guint n, GError **error)
{
  g_autoptr (GString) out = g_string_new ("{");

  if (!check_utf8 (options->positional, error))
    return NULL;
  for (; table->name != NULL; table++)
    {
      const GPtrArray *values = options_strings (options, table->name);

      if (values == NULL)
        continue;
      if (!check_utf8 (values, error))
        return NULL;
      append_option (out, table, values);
    }
  if (n > 0)
    append_inputs (out, options->positional, first, n);
  g_string_append_c (out, '}');
  return g_string_free (g_steal_pointer (&out), FALSE);
}
