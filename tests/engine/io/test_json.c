/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/io/json.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static D2vJson *
parse (const gchar *text, GError **error)
{
  return d2v_json_parse (text, strlen (text), "test", NULL, error);
}

static void
assert_accepts (const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vJson) json = parse (text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (json);
}

static void
assert_refuses (const gchar *text, gint code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vJson) json = parse (text, &error);

  if (json != NULL)
    g_error ("accepted: %s", text);
  g_assert_error (error, D2V_ERROR, code);
}

static void
test_accepts (void)
{
  static const gchar *const good[] = {
    "{}",
    "[]",
    "0",
    "-0",
    "-1",
    "1.5e-3",
    "\"\"",
    "true",
    "false",
    "null",
    " \t\r\n[ 1 , 2 ]\n",
    "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
    "{\"a\":{\"a\":1},\"b\":[{}]}",
    "\"\\u0041\\ud834\\udd1e\\n\\/\"",
    "[\"\\u0000\"]",
    "\"\x7f\"",
    "\"\xf0\x9d\x84\x9e\"",
    "{\"\":0}",
    "[123456789012345678901234567890]",
    "{\"x\":1000000000000000019884624838656}",
    "[-0.00000000000000000000000000000000000000000000000000000000000000000000"
    "0000000001]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    assert_accepts (good[i]);
}

static void
test_refuses (void)
{
  static const gchar *const bad[] = {
    "",
    " ",
    "[",
    "]",
    "{",
    "}",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1,,2]",
    "{1:2}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\" 1}",
    "{a:1}",
    "[01]",
    "[1.]",
    "[.5]",
    "[+1]",
    "[-]",
    "[1e]",
    "[1e+]",
    "[0x1]",
    "[1a]",
    "[NaN]",
    "[Infinity]",
    "[-Infinity]",
    "[nul]",
    "[nulll]",
    "[True]",
    "'a'",
    "[\"a]",
    "[\"\\x\"]",
    "[\"\\u12\"]",
    "[\"\\u12g4\"]",
    "[\"\\ud800\"]",
    "[\"\\udc00\"]",
    "[\"\\ud800\\u0041\"]",
    "[\"\\ud800\\ud800\"]",
    "[\"\t\"]",
    "[\"\n\"]",
    "[\"\xff\"]",
    "[\"\xc0\x80\"]",
    "[\"\xed\xa0\x80\"]",
    "[\"\xf4\x90\x80\x80\"]",
    "[\"\xe2\x82\"]",
    "\xef\xbb\xbf{}",
    "{} {}",
    "[1]x",
    "[1]\f",
    "/**/[1]",
    "[1]//",
    "{\"\\u0000\":1}",
    "{\"a\\u0000b\":1}",
    "{\"a\":1,\"a\":2}",
    "{\"w\":1,\"\\u0077\":2}",
    "[{\"x\":{\"y\":1,\"y\":1}}]",
    "[1e999]",
    "[12345678901234567890123456789012345678901234567890123456789012345]",
    "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refuses (bad[i], D2V_ERROR_JSON);
}

/* An embedded NUL is no end. */
static void
test_nul_in_text (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (d2v_json_parse ("[1]\0", 4, "test", NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_JSON);
}

static void
test_every_prefix (void)
{
  static const gchar text[]
      = "{\"a\":[1,-2.5e3,true,null,\"\\u00e9\\ud83d\\ude00x\"],\"b\":{}}";

  assert_accepts (text);
  for (gsize n = 0; n + 1 < strlen (text); n++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *prefix = g_memdup2 (text, n);
      g_assert_null (d2v_json_parse (prefix, n, "test", NULL, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_JSON);
    }
}

static void
test_depth (void)
{
  const gsize n = 1 << 20;
  g_autofree gchar *deep = g_malloc (n);
  g_autoptr (GError) error = NULL;

  memset (deep, '[', n);
  g_assert_null (d2v_json_parse (deep, n, "test", NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_JSON);
  g_assert_nonnull (strstr (error->message, "deeply"));
}

/* A megabyte of the most expensive texts there are. */
static void
test_cost (void)
{
  static const gchar *const pieces[] = { "[],", "{},", "\"\",", "1,", "0.0," };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GString) text = g_string_new ("[");
      g_autoptr (GError) error = NULL;
      while (text->len < (1 << 20) - 8)
        g_string_append (text, pieces[i]);
      g_string_append (text, "0]");
      gint64 begin = g_get_monotonic_time ();
      g_autoptr (D2vJson) json
          = d2v_json_parse (text->str, text->len, "test", NULL, &error);
      g_assert_cmpint (g_get_monotonic_time () - begin, <, 250000);
      if (json == NULL)
        g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
    }
}

static void
test_limits (void)
{
  D2vJsonLimits limits = { .max_bytes = 4, .code = D2V_ERROR_INDEX_JSON };
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new ("[\"");

  g_assert_null (d2v_json_parse ("[1,2]", 5, "test", &limits, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
  g_clear_error (&error);
  g_assert_null (d2v_json_parse ("[1,]", 4, "test", &limits, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INDEX_JSON);

  for (gsize i = 0; i < 1 << 20; i++)
    g_string_append_c (text, 'a');
  g_string_append (text, "\"]");
  assert_accepts (text->str);
  g_string_insert (text, 2, "b");
  assert_refuses (text->str, D2V_ERROR_JSON);
}

static void
test_values (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vJson) json
      = parse ("{\"i\":-7,\"big\":1000000000000000019884624838656,\"r\":0.5,"
               "\"t\":true,\"s\":\"a\\u0000b\",\"n\":null,\"l\":[1,null,3]}",
               &error);
  g_assert_no_error (error);
  const D2vJsonValue *root = d2v_json_root_object (json, &error);
  gsize length;

  g_assert_cmpint (d2v_json_integer (d2v_json_member (root, "i")), ==, -7);
  g_assert_cmpint (d2v_json_type (d2v_json_member (root, "big")), ==,
                   D2V_JSON_REAL);
  g_assert_cmpfloat (d2v_json_number (d2v_json_member (root, "big")), ==,
                     1000000000000000019884624838656.0);
  g_assert_true (d2v_json_bool (d2v_json_member (root, "t")));
  const gchar *text = d2v_json_string (d2v_json_member (root, "s"), &length);
  g_assert_cmpmem (text, length, "a\0b", 3);
  g_assert_null (d2v_json_member (root, "n"));
  g_assert_true (d2v_json_has (root, "n"));
  g_assert_false (d2v_json_has (root, "absent"));
  g_assert_cmpuint (d2v_json_length (d2v_json_member (root, "l")), ==, 3);
  g_assert_cmpuint (d2v_json_length (root), ==, 7);
  g_assert_null (d2v_json_element (d2v_json_member (root, "l"), 3));

  const gchar *expected[] = { "i", "big", "r", "t", "s", "n", "l" };
  D2vJsonIter iter = d2v_json_iter (root);
  const gchar *key;
  const D2vJsonValue *value;
  guint n = 0;
  while (d2v_json_iter_next (&iter, &key, &value))
    g_assert_cmpstr (key, ==, expected[n++]);
  g_assert_cmpuint (n, ==, 7);
}

static void
test_getters (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vJson) json
      = parse ("{\"i\":7,\"f\":7.0,\"s\":\"text\",\"n\":null,\"b\":false,"
               "\"l\":[1,2,3],\"z\":\"a\\u0000\"}",
               &error);
  const D2vJsonValue *root = d2v_json_root (json);
  gint64 i = 3;
  gboolean b = TRUE;
  gdouble f = 0;
  const gchar *s = "before";
  gsize list[3], n = 9;

  g_assert_true (d2v_json_get_integer (json, root, "n", 0, 1, &i, &error));
  g_assert_cmpint (i, ==, 3);
  g_assert_true (d2v_json_get_integer (json, root, "i", 7, 7, &i, &error));
  g_assert_cmpint (i, ==, 7);
  g_assert_true (d2v_json_get_number (json, root, "i", 0, 9, &f, &error));
  g_assert_cmpfloat (f, ==, 7);
  g_assert_true (d2v_json_get_bool (json, root, "b", &b, &error));
  g_assert_false (b);
  g_assert_true (d2v_json_get_string (json, root, "s", 4, &s, &error));
  g_assert_cmpstr (s, ==, "text");
  g_assert_true (
      d2v_json_get_sizes (json, root, "l", 1, 3, 0, 3, list, &n, &error));
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (list[2], ==, 3);
  g_assert_no_error (error);

#define REFUSED(call, expected)                                                \
  g_assert_false (call);                                                       \
  g_assert_error (error, D2V_ERROR, expected);                                 \
  g_clear_error (&error)
  REFUSED (d2v_json_get_integer (json, root, "f", 0, 9, &i, &error),
           D2V_ERROR_CONFIG_TYPE);
  REFUSED (d2v_json_get_integer (json, root, "i", 8, 9, &i, &error),
           D2V_ERROR_CONFIG_RANGE);
  REFUSED (d2v_json_get_bool (json, root, "i", &b, &error),
           D2V_ERROR_CONFIG_TYPE);
  REFUSED (d2v_json_get_number (json, root, "s", 0, 9, &f, &error),
           D2V_ERROR_CONFIG_TYPE);
  REFUSED (d2v_json_get_number (json, root, "f", 0, 1, &f, &error),
           D2V_ERROR_CONFIG_RANGE);
  REFUSED (d2v_json_get_string (json, root, "s", 3, &s, &error),
           D2V_ERROR_CONFIG_RANGE);
  REFUSED (d2v_json_get_string (json, root, "z", 9, &s, &error),
           D2V_ERROR_CONFIG_RANGE);
  REFUSED (d2v_json_get_sizes (json, root, "l", 1, 2, 0, 3, list, &n, &error),
           D2V_ERROR_CONFIG_RANGE);
  REFUSED (d2v_json_get_sizes (json, root, "l", 1, 3, 0, 2, list, &n, &error),
           D2V_ERROR_CONFIG_RANGE);
  g_assert_cmpint (i, ==, 7);
#undef REFUSED
}

static void
test_writes_strings (void)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  static const gchar text[] = "q\" b\\ \b\f\n\r\t \x01 \x7f \0 \xc3\xa9 /";
  gsize length;

  d2v_json_append_string (out, text, sizeof text - 1);
  g_autoptr (D2vJson) json = parse (out->str, &error);
  g_assert_no_error (error);
  const gchar *back = d2v_json_string (d2v_json_root (json), &length);
  g_assert_cmpmem (back, length, text, sizeof text - 1);

  g_string_truncate (out, 0);
  d2v_json_append_string (out, "a\xff\xe2\x82z", -1);
  g_assert_cmpstr (out->str, ==, "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void
assert_double (gdouble value, const gchar *expected)
{
  g_autoptr (GString) out = g_string_new (NULL);

  d2v_json_append_double (out, value);
  if (expected != NULL)
    g_assert_cmpstr (out->str, ==, expected);
  g_assert_cmpfloat (g_ascii_strtod (out->str, NULL), ==, value);
}

static void
test_writes_doubles (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autoptr (GString) out = g_string_new (NULL);

  assert_double (0, "0.0");
  assert_double (1, "1.0");
  assert_double (-2.5, "-2.5");
  assert_double (0.1, "0.1");
  assert_double (1.0 / 3, "0.3333333333333333");
  assert_double (0.1 + 0.2, "0.30000000000000004");
  assert_double (5e-324, "5e-324");
  assert_double (1e300, "1e+300");
  for (guint i = 0; i < 2000; i++)
    {
      guint64 bits = (guint64) g_rand_int (rand) << 32 | g_rand_int (rand);
      gdouble value;
      memcpy (&value, &bits, sizeof value);
      if (isfinite (value))
        assert_double (value, NULL);
    }
  d2v_json_append_double (out, NAN);
  d2v_json_append_double (out, -INFINITY);
  g_assert_cmpstr (out->str, ==, "nullnull");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/json/J-accepts", test_accepts);
  g_test_add_func ("/io/json/J-refuses", test_refuses);
  g_test_add_func ("/io/json/J-nul-in-text", test_nul_in_text);
  g_test_add_func ("/io/json/J-every-prefix", test_every_prefix);
  g_test_add_func ("/io/json/J-depth", test_depth);
  g_test_add_func ("/io/json/J-cost", test_cost);
  g_test_add_func ("/io/json/J-limits", test_limits);
  g_test_add_func ("/io/json/values", test_values);
  g_test_add_func ("/io/json/C-getters", test_getters);
  g_test_add_func ("/io/json/writes-strings", test_writes_strings);
  g_test_add_func ("/io/json/writes-doubles", test_writes_doubles);
  return g_test_run ();
}
