/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/engine/decode/golden_text.h"

#include <math.h>
#include <string.h>

gfloat *
golden_numbers (guint64 seed, gsize n, gdouble scale, gsize begin)
{
  gfloat *numbers = g_new (gfloat, n + 1);

  for (gsize i = 0; i < n; i++)
    {
      guint64 z = (begin + i + 1) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

      z += seed << 32;
      z = (z ^ z >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
      z = (z ^ z >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
      z = (z ^ z >> 31) >> 40;
      numbers[i] = ((gfloat) z / 16777216.0f - 0.5f) * (gfloat) scale;
    }
  return numbers;
}

gint64
golden_integer (const D2vJsonValue *object, const gchar *key)
{
  return d2v_json_integer (d2v_json_member (object, key));
}

gdouble
golden_number (const D2vJsonValue *object, const gchar *key)
{
  return d2v_json_number (d2v_json_member (object, key));
}

gboolean
golden_bool (const D2vJsonValue *object, const gchar *key)
{
  return d2v_json_bool (d2v_json_member (object, key));
}

D2vString
golden_string (const D2vJsonValue *object, const gchar *key)
{
  gsize length = 0;
  const gchar *text = d2v_json_string (d2v_json_member (object, key), &length);

  return (D2vString){ text, (gssize) length };
}

gboolean
golden_has (const D2vJsonValue *object, const gchar *key)
{
  return d2v_json_member (object, key) != NULL;
}

gchar **
golden_strings (const D2vJsonValue *object, const gchar *key)
{
  const D2vJsonValue *array = d2v_json_member (object, key);
  gsize n = d2v_json_length (array);
  gchar **strings = array ? g_new0 (gchar *, n + 1) : NULL;

  for (gsize i = 0; i < n; i++)
    strings[i] = g_strdup (d2v_json_string (d2v_json_element (array, i), NULL));
  return strings;
}

gboolean
golden_same (const D2vJsonValue *object, const gchar *key, const gchar *found,
             gsize length)
{
  D2vString expected = golden_string (object, key);

  return expected.text && (gsize) expected.length == length
         && memcmp (expected.text, found, length) == 0;
}

gboolean
golden_near (const D2vJsonValue *object, const gchar *key, gdouble found)
{
  gdouble expected = golden_number (object, key);

  return fabs (found - expected) <= 2e-6 * fabs (expected) + 1e-12;
}

static D2vTokenizer *
open_tokenizer (const gchar *name)
{
  g_autofree gchar *dir = g_build_filename (TESTS_DATA, "bpe", name, NULL);
  g_autoptr (GError) error = NULL;
  D2vTokenizer *tokenizer = d2v_tokenizer_open (dir, 0, &error);

  g_assert_no_error (error);
  return tokenizer;
}

void
golden_text_run (const gchar *task, gsize n_least, GoldenFunc func)
{
  g_autoptr (GHashTable) tokenizers = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify) d2v_tokenizer_unref);
  g_autofree gchar *text = NULL;
  gsize n_lines = 0, n_wrong = 0;

  g_assert_true (g_file_get_contents (TESTS_DATA "/bpe/pipelines.jsonl", &text,
                                      NULL, NULL));
  for (gchar *line = text, *end; (end = strchr (line, '\n')); line = end + 1)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vJson) json = d2v_json_parse (line, (gsize) (end - line),
                                                 "pipelines", NULL, &error);
      const D2vJsonValue *root = json ? d2v_json_root (json) : NULL;
      const gchar *model = golden_string (root, "model").text;

      g_assert_no_error (error);
      if (strcmp (golden_string (root, "task").text, task) != 0)
        continue;
      if (model && !g_hash_table_contains (tokenizers, model))
        g_hash_table_insert (tokenizers, g_strdup (model),
                             open_tokenizer (model));
      n_lines++;
      if (!func (model ? g_hash_table_lookup (tokenizers, model) : NULL, root)
          && n_wrong++ < 5)
        g_printerr ("# differs: %.*s\n", (int) (end - line), line);
    }
  g_test_message ("%" G_GSIZE_FORMAT " lines", n_lines);
  g_assert_cmpuint (n_lines, >=, n_least);
  g_assert_cmpuint (n_wrong, ==, 0);
}
