/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config_reader.c: one key at a time. */

#include "engine/io/config_private.h"

#include "engine/base/error.h"

#include <string.h>

#define MAX_NAME 64

/* Where an error goes: nowhere for a key that is not used. */
static GError **
error_of (D2vConfigReader *r, gboolean used)
{
  return used ? &r->error : NULL;
}

void
d2v_read_size (D2vConfigReader *r, gboolean used, const gchar *key, gsize min,
               gsize max, gsize *out)
{
  if (r->error == NULL)
    d2v_json_get_size (r->json, r->root, key, min, max, out,
                       error_of (r, used));
}

void
d2v_read_bool (D2vConfigReader *r, const gchar *key, gboolean *out)
{
  if (r->error == NULL)
    d2v_json_get_bool (r->json, r->root, key, out, &r->error);
}

void
d2v_read_number (D2vConfigReader *r, const gchar *key, gdouble min, gdouble max,
                 gdouble *out)
{
  if (r->error == NULL)
    d2v_json_get_number (r->json, r->root, key, min, max, out, &r->error);
}

/* Into a copy first: a list that is passed over must leave no half behind. */
void
d2v_read_sizes (D2vConfigReader *r, gboolean used, const gchar *key, gsize min,
                gsize max, gsize max_length, gsize *out, gsize *length)
{
  gsize copy[D2V_MAX_CONV];
  gsize n = 0;

  g_assert (max_length <= G_N_ELEMENTS (copy));
  if (r->error != NULL
      || !d2v_json_get_sizes (r->json, r->root, key, min, max, 1, max_length,
                              copy, &n, error_of (r, used))
      || n == 0)
    return;
  memcpy (out, copy, n * sizeof *out);
  *length = n;
}

void
d2v_read_id (D2vConfigReader *r, const gchar *key, gint64 *out)
{
  if (r->error == NULL)
    d2v_json_get_integer (r->json, r->root, key, G_MININT64, G_MAXINT64, out,
                          NULL);
}

void
d2v_read_activation (D2vConfigReader *r, const gchar *key, D2vActivation *out)
{
  const gchar *name = NULL;

  if (r->error != NULL
      || !d2v_json_get_string (r->json, r->root, key, MAX_NAME, &name,
                               &r->error)
      || name == NULL || d2v_activation_from_name (name, out))
    return;
  g_autofree gchar *shown = d2v_escape_name (name, -1);
  d2v_fail (&r->error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (r->json),
            "%s: expected the name of an activation without weights of its "
            "own, found %s (C)",
            key, shown);
}

void
d2v_read_choice (D2vConfigReader *r, gboolean used, const gchar *key,
                 const gchar *const *names, guint n, guint *out)
{
  const gchar *name = NULL;

  if (r->error != NULL
      || !d2v_json_get_string (r->json, r->root, key, MAX_NAME, &name,
                               error_of (r, used))
      || name == NULL)
    return;
  for (guint i = 0; i < n; i++)
    if (strcmp (names[i], name) == 0)
      {
        *out = i;
        return;
      }
  g_autofree gchar *shown = d2v_escape_name (name, -1);
  g_autofree gchar *known = g_strjoinv (", ", (gchar **) names);
  d2v_fail (error_of (r, used), D2V_ERROR_CONFIG_RANGE, d2v_json_name (r->json),
            "%s: expected one of %s, found %s (C)", key, known, shown);
}

void
d2v_require (D2vConfigReader *r, gboolean holds, const gchar *format, ...)
{
  if (r->error != NULL || holds)
    return;

  va_list args;
  va_start (args, format);
  g_autofree gchar *reason = g_strdup_vprintf (format, args);
  va_end (args);
  d2v_fail (&r->error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (r->json),
            "%s (C)", reason);
}
