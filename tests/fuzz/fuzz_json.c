/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as JSON: what one reading accepts, written and read again, is the
 * same. */

#include "engine/io/json.h"
#include "tests/fuzz/fuzz.h"

static void write_value (GString *out, const D2vJsonValue *value);

static void
write_members (GString *out, const D2vJsonValue *object)
{
  D2vJsonIter iter = d2v_json_iter (object);
  const gchar *key;
  const D2vJsonValue *value;

  while (d2v_json_iter_next (&iter, &key, &value))
    {
      if (out->str[out->len - 1] != '{')
        g_string_append_c (out, ',');
      d2v_json_append_string (out, key, -1);
      g_string_append_c (out, ':');
      write_value (out, value);
    }
}

/* Recursive: the parser has limited the depth. */
static void
write_value (GString *out, const D2vJsonValue *value)
{
  gsize length;
  const gchar *text = d2v_json_string (value, &length);

  switch (d2v_json_type (value))
    {
    case D2V_JSON_NULL:
      g_string_append (out, "null");
      break;
    case D2V_JSON_BOOL:
      g_string_append (out, d2v_json_bool (value) ? "true" : "false");
      break;
    case D2V_JSON_INTEGER:
      g_string_append_printf (out, "%" G_GINT64_FORMAT,
                              d2v_json_integer (value));
      break;
    case D2V_JSON_REAL:
      d2v_json_append_double (out, d2v_json_number (value));
      break;
    case D2V_JSON_STRING:
      d2v_json_append_string (out, text, (gssize) length);
      break;
    case D2V_JSON_ARRAY:
      g_string_append_c (out, '[');
      for (gsize i = 0; i < d2v_json_length (value); i++)
        {
          if (i > 0)
            g_string_append_c (out, ',');
          write_value (out, d2v_json_element (value, i));
        }
      g_string_append_c (out, ']');
      break;
    case D2V_JSON_OBJECT:
      g_string_append_c (out, '{');
      write_members (out, value);
      g_string_append_c (out, '}');
      break;
    }
}

static GString *
write_again (const gchar *text, gsize length)
{
  const D2vJsonLimits limits = { .max_growth = 1000 };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vJson) json
      = d2v_json_parse (text, length, "fuzz", &limits, &error);
  GString *out = NULL;

  fuzz_check (json != NULL, error);
  if (json != NULL)
    {
      out = g_string_new (NULL);
      write_value (out, d2v_json_root (json));
    }
  return out;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  GString *once = write_again ((const gchar *) data, n_bytes);

  if (once == NULL)
    return 0;
  GString *twice = write_again (once->str, once->len);
  if (twice == NULL || !g_string_equal (once, twice))
    abort ();
  g_string_free (once, TRUE);
  g_string_free (twice, TRUE);
  return 0;
}
