/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* json_get.c: members of a wanted type and range, with the errors that say so
 * (rules C). */

#include "engine/base/error.h"
#include "engine/io/json.h"

#include <math.h>
#include <string.h>

const gchar *
d2v_json_type_name (D2vJsonType type)
{
  static const gchar *const names[] = {
    [D2V_JSON_NULL] = "null",          [D2V_JSON_BOOL] = "a boolean",
    [D2V_JSON_INTEGER] = "an integer", [D2V_JSON_REAL] = "a real number",
    [D2V_JSON_STRING] = "a string",    [D2V_JSON_ARRAY] = "an array",
    [D2V_JSON_OBJECT] = "an object",
  };

  return names[type];
}

static gboolean
fail_type (const D2vJson *json, const gchar *key, const gchar *expected,
           const D2vJsonValue *found, GError **error)
{
  return d2v_fail (error, D2V_ERROR_CONFIG_TYPE, d2v_json_name (json),
                   "%s: expected %s, found %s (C)", key, expected,
                   d2v_json_type_name (d2v_json_type (found)));
}

const D2vJsonValue *
d2v_json_root_object (const D2vJson *json, GError **error)
{
  const D2vJsonValue *root = d2v_json_root (json);

  if (d2v_json_type (root) == D2V_JSON_OBJECT)
    return root;
  fail_type (json, "the file", "an object", root, error);
  return NULL;
}

/* The member, if it is there; *fine becomes FALSE for another type. */
static const D2vJsonValue *
typed_member (const D2vJson *json, const D2vJsonValue *object, const gchar *key,
              D2vJsonType type, gboolean *fine, GError **error)
{
  const D2vJsonValue *value = d2v_json_member (object, key);

  *fine = value == NULL || d2v_json_type (value) == type
          || fail_type (json, key, d2v_json_type_name (type), value, error);
  return *fine ? value : NULL;
}

gboolean
d2v_json_get_bool (const D2vJson *json, const D2vJsonValue *object,
                   const gchar *key, gboolean *out, GError **error)
{
  gboolean fine;
  const D2vJsonValue *value
      = typed_member (json, object, key, D2V_JSON_BOOL, &fine, error);

  if (value != NULL)
    *out = d2v_json_bool (value);
  return fine;
}

static gboolean
check_integer (const D2vJson *json, const gchar *key, gint64 found, gint64 min,
               gint64 max, GError **error)
{
  if (found >= min && found <= max)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (json),
                   "%s: expected an integer within %" G_GINT64_FORMAT
                   "..%" G_GINT64_FORMAT ", found %" G_GINT64_FORMAT " (C)",
                   key, min, max, found);
}

gboolean
d2v_json_get_integer (const D2vJson *json, const D2vJsonValue *object,
                      const gchar *key, gint64 min, gint64 max, gint64 *out,
                      GError **error)
{
  gboolean fine;
  const D2vJsonValue *value
      = typed_member (json, object, key, D2V_JSON_INTEGER, &fine, error);

  if (value == NULL)
    return fine;
  if (!check_integer (json, key, d2v_json_integer (value), min, max, error))
    return FALSE;
  *out = d2v_json_integer (value);
  return TRUE;
}

gboolean
d2v_json_get_size (const D2vJson *json, const D2vJsonValue *object,
                   const gchar *key, gsize min, gsize max, gsize *out,
                   GError **error)
{
  gint64 value = (gint64) *out;

  if (!d2v_json_get_integer (json, object, key, (gint64) min, (gint64) max,
                             &value, error))
    return FALSE;
  *out = (gsize) value;
  return TRUE;
}

gboolean
d2v_json_get_number (const D2vJson *json, const D2vJsonValue *object,
                     const gchar *key, gdouble min, gdouble max, gdouble *out,
                     GError **error)
{
  const D2vJsonValue *value = d2v_json_member (object, key);
  D2vJsonType type = d2v_json_type (value);

  if (value == NULL)
    return TRUE;
  if (type != D2V_JSON_INTEGER && type != D2V_JSON_REAL)
    return fail_type (json, key, "a number", value, error);
  gdouble found = d2v_json_number (value);
  if (!isfinite (found) || found < min || found > max)
    return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (json),
                     "%s: expected a number within %g..%g, found %g (C)", key,
                     min, max, found);
  *out = found;
  return TRUE;
}

gboolean
d2v_json_get_string (const D2vJson *json, const D2vJsonValue *object,
                     const gchar *key, gsize max_bytes, const gchar **out,
                     GError **error)
{
  gboolean fine;
  gsize length;
  const D2vJsonValue *value
      = typed_member (json, object, key, D2V_JSON_STRING, &fine, error);

  if (value == NULL)
    return fine;
  const gchar *text = d2v_json_string (value, &length);
  if (length > max_bytes || strlen (text) != length)
    return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (json),
                     "%s: expected a string of at most %" G_GSIZE_FORMAT
                     " bytes without NUL, found %" G_GSIZE_FORMAT " bytes (C)",
                     key, max_bytes, length);
  *out = text;
  return TRUE;
}

gboolean
d2v_json_get_sizes (const D2vJson *json, const D2vJsonValue *object,
                    const gchar *key, gsize min, gsize max, gsize min_length,
                    gsize max_length, gsize *out, gsize *length, GError **error)
{
  gboolean fine;
  const D2vJsonValue *list
      = typed_member (json, object, key, D2V_JSON_ARRAY, &fine, error);

  if (list == NULL)
    return fine;
  gsize n = d2v_json_length (list);
  if (n < min_length || n > max_length)
    return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (json),
                     "%s: expected %" G_GSIZE_FORMAT "..%" G_GSIZE_FORMAT
                     " entries, found %" G_GSIZE_FORMAT " (C)",
                     key, min_length, max_length, n);
  for (gsize i = 0; i < n; i++)
    {
      const D2vJsonValue *element = d2v_json_element (list, i);
      if (d2v_json_type (element) != D2V_JSON_INTEGER)
        return fail_type (json, key, "a list of integers", element, error);
      gint64 found = d2v_json_integer (element);
      if (!check_integer (json, key, found, (gint64) min, (gint64) max, error))
        return FALSE;
      out[i] = (gsize) found;
    }
  *length = n;
  return TRUE;
}

gboolean
d2v_json_get_object (const D2vJson *json, const D2vJsonValue *object,
                     const gchar *key, const D2vJsonValue **out, GError **error)
{
  gboolean fine;
  const D2vJsonValue *value
      = typed_member (json, object, key, D2V_JSON_OBJECT, &fine, error);

  if (value != NULL)
    *out = value;
  return fine;
}

gboolean
d2v_json_get_array (const D2vJson *json, const D2vJsonValue *object,
                    const gchar *key, const D2vJsonValue **out, GError **error)
{
  gboolean fine;
  const D2vJsonValue *value
      = typed_member (json, object, key, D2V_JSON_ARRAY, &fine, error);

  if (value != NULL)
    *out = value;
  return fine;
}
