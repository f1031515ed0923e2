/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/session/requests_private.h"

#include <math.h>
#include <string.h>

/* What stands for the file in messages about a request. */
#define NAME "request"

gboolean
d2v_request_missing (const gchar *key, GError **error)
{
  return d2v_fail (error, D2V_ERROR_USAGE, NAME, "%s is missing", key);
}

static gboolean
wrong_type (const D2vJsonValue *value, const gchar *key, const gchar *expected,
            GError **error)
{
  return d2v_fail (error, D2V_ERROR_USAGE, NAME, "%s: expected %s, found %s",
                   key, expected, d2v_json_type_name (d2v_json_type (value)));
}

gboolean
d2v_request_check_keys (const D2vJsonValue *request, const gchar *const *known,
                        GError **error)
{
  D2vJsonIter iter = d2v_json_iter (request);
  const gchar *key;
  const D2vJsonValue *value;

  while (d2v_json_iter_next (&iter, &key, &value))
    if (!g_strv_contains (known, key))
      {
        g_autofree gchar *all = g_strjoinv (", ", (gchar **) known);
        g_autofree gchar *name = d2v_escape_name (key, -1);
        return d2v_fail (error, D2V_ERROR_USAGE, NAME,
                         "unknown key %s; expected %s", name, all);
      }
  return TRUE;
}

gboolean
d2v_request_flag (const D2vJsonValue *request, const gchar *key, gboolean *out,
                  GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);

  if (value == NULL)
    return TRUE;
  if (d2v_json_type (value) != D2V_JSON_BOOL)
    return wrong_type (value, key, "true or false", error);
  *out = d2v_json_bool (value);
  return TRUE;
}

/* @value is an integer within the limits. */
static gboolean
check_integer (const D2vJsonValue *value, const gchar *key, gint64 min,
               gint64 max, GError **error)
{
  if (d2v_json_type (value) != D2V_JSON_INTEGER)
    return wrong_type (value, key, "an integer", error);
  gint64 found = d2v_json_integer (value);
  if (found < min || found > max)
    return d2v_fail (error, D2V_ERROR_USAGE, NAME,
                     "%s: expected %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                     ", found %" G_GINT64_FORMAT,
                     key, min, max, found);
  return TRUE;
}

gboolean
d2v_request_size (const D2vJsonValue *request, const gchar *key, gsize min,
                  gsize max, gsize *out, GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);

  if (value == NULL)
    return TRUE;
  if (!check_integer (value, key, (gint64) min, (gint64) max, error))
    return FALSE;
  *out = (gsize) d2v_json_integer (value);
  return TRUE;
}

gboolean
d2v_request_top_k (const D2vJsonValue *request, gsize fallback, gsize *out,
                   GError **error)
{
  *out = d2v_json_has (request, "top_k") ? D2V_ALL : fallback;
  return d2v_request_size (request, "top_k", 1, G_MAXINT32, out, error);
}

gboolean
d2v_request_classify (const D2vJsonValue *request, D2vClassifyParams *params,
                      GError **error)
{
  return d2v_request_top_k (request, 0, &params->top_k, error)
         && d2v_request_string (request, "function_to_apply",
                                &params->function_to_apply, error);
}

const D2vJsonValue *
d2v_request_input (const D2vJsonValue *request, GError **error)
{
  const D2vJsonValue *input = d2v_json_member (request, "input");

  if (input == NULL)
    d2v_request_missing ("input", error);
  return input;
}

static gboolean
is_number (const D2vJsonValue *value)
{
  return d2v_json_type (value) == D2V_JSON_INTEGER
         || d2v_json_type (value) == D2V_JSON_REAL;
}

gboolean
d2v_request_number (const D2vJsonValue *request, const gchar *key, gdouble *out,
                    GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);

  if (value == NULL)
    return TRUE;
  if (!is_number (value) || !isfinite (d2v_json_number (value)))
    return wrong_type (value, key, "a number", error);
  *out = d2v_json_number (value);
  return TRUE;
}

const gchar *
d2v_request_path (const D2vJsonValue *value, const gchar *key, GError **error)
{
  gsize length;
  const gchar *text = d2v_json_string (value, &length);

  if (text == NULL)
    wrong_type (value, key, "a string", error);
  else if (strlen (text) != length)
    d2v_fail (error, D2V_ERROR_USAGE, NAME, "%s: NUL inside", key);
  else
    return text;
  return NULL;
}

gboolean
d2v_request_string (const D2vJsonValue *request, const gchar *key,
                    const gchar **out, GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);

  if (value == NULL)
    return TRUE;
  const gchar *text = d2v_request_path (value, key, error);
  if (text != NULL)
    *out = text;
  return text != NULL;
}

gboolean
d2v_request_choice (const D2vJsonValue *request, const gchar *key,
                    const gchar *const *names, guint *out, GError **error)
{
  const gchar *text = NULL;

  if (!d2v_request_string (request, key, &text, error))
    return FALSE;
  if (text == NULL)
    return TRUE;
  for (guint i = 0; names[i] != NULL; i++)
    if (strcmp (names[i], text) == 0)
      {
        *out = i;
        return TRUE;
      }
  g_autofree gchar *all = g_strjoinv (", ", (gchar **) names);
  g_autofree gchar *found = d2v_escape_name (text, -1);
  return d2v_fail (error, D2V_ERROR_USAGE, NAME, "%s: expected %s, found %s",
                   key, all, found);
}

gboolean
d2v_request_flag_or_choice (const D2vJsonValue *request, const gchar *key,
                            const gchar *const *names, guint when_true,
                            guint *out, GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);

  if (d2v_json_type (value) != D2V_JSON_BOOL)
    return d2v_request_choice (request, key, names, out, error);
  *out = d2v_json_bool (value) ? when_true : 0;
  return TRUE;
}

gboolean
d2v_request_truncation (const D2vJsonValue *request, D2vTruncation *out,
                        GError **error)
{
  /* The order of the enum. */
  static const gchar *const names[] = { "do_not_truncate", "longest_first",
                                        "only_first", "only_second", NULL };
  guint chosen = *out;

  if (!d2v_request_flag_or_choice (request, "truncation", names,
                                   D2V_TRUNCATE_LONGEST_FIRST, &chosen, error))
    return FALSE;
  *out = chosen;
  return TRUE;
}

static gboolean
get_text (const D2vJsonValue *value, const gchar *key, const gchar *expected,
          D2vString *out, GError **error)
{
  gsize length;

  out->text = d2v_json_string (value, &length);
  if (out->text == NULL)
    return wrong_type (value, key, expected, error);
  out->length = (gssize) length;
  return TRUE;
}

gboolean
d2v_request_text (const D2vJsonValue *request, const gchar *key, D2vString *out,
                  GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);

  return value == NULL || get_text (value, key, "a string", out, error);
}

gboolean
d2v_request_texts (const D2vJsonValue *request, const gchar *key,
                   D2vString **out, gsize *n, gboolean *single, GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);
  gboolean array = d2v_json_type (value) == D2V_JSON_ARRAY;

  *out = NULL;
  *n = 0;
  if (value == NULL)
    return TRUE;
  if (!array && single == NULL)
    return wrong_type (value, key, "an array of strings", error);
  if (single != NULL)
    *single = !array;
  *n = array ? d2v_json_length (value) : 1;
  g_autofree D2vString *texts = g_new0 (D2vString, *n + 1);
  for (gsize i = 0; i < *n; i++)
    if (!get_text (array ? d2v_json_element (value, i) : value, key, "strings",
                   &texts[i], error))
      return FALSE;
  *out = g_steal_pointer (&texts);
  return TRUE;
}

gboolean
d2v_request_integers (const D2vJsonValue *request, const gchar *key, gint64 min,
                      gint64 max, gint64 **out, gsize *n, GError **error)
{
  const D2vJsonValue *value = d2v_json_member (request, key);

  *out = NULL;
  *n = 0;
  if (value == NULL)
    return TRUE;
  if (d2v_json_type (value) != D2V_JSON_ARRAY)
    return wrong_type (value, key, "an array of integers", error);
  *n = d2v_json_length (value);
  g_autofree gint64 *numbers = g_new0 (gint64, *n + 1);
  for (gsize i = 0; i < *n; i++)
    {
      const D2vJsonValue *element = d2v_json_element (value, i);

      if (!check_integer (element, key, min, max, error))
        return FALSE;
      numbers[i] = d2v_json_integer (element);
    }
  *out = g_steal_pointer (&numbers);
  return TRUE;
}

void
d2v_request_name_file (GError **error, const gchar *file)
{
  if (error == NULL || *error == NULL || (*error)->domain != D2V_ERROR)
    return;
  g_autofree gchar *unnamed
      = g_strconcat (d2v_error_code_name ((*error)->code), ", -, ", NULL);
  if (!g_str_has_prefix ((*error)->message, unnamed))
    return;
  gchar *message
      = g_strconcat (d2v_error_code_name ((*error)->code), ", ", file, ", ",
                     (*error)->message + strlen (unnamed), NULL);
  g_free ((*error)->message);
  (*error)->message = message;
}

D2vWav *
d2v_request_wav (const gchar *path, guint rate, GError **error)
{
  g_autoptr (D2vWav) wav = d2v_wav_read (path, error);

  if (wav == NULL)
    return NULL;
  if (wav->sampling_rate != rate)
    {
      d2v_fail (error, D2V_ERROR_INPUT, path,
                "expected %u samples a second, found %u; convert it first",
                rate, wav->sampling_rate);
      return NULL;
    }
  if (!d2v_samples_check (wav->samples, wav->n_samples, error))
    {
      d2v_request_name_file (error, path);
      return NULL;
    }
  return g_steal_pointer (&wav);
}
