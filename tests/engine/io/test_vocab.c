/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/io/token_map.h"
#include "engine/io/vocab.h"
#include "tests/engine/io/folder.h"

#include <string.h>

static void
put (const Folder *folder, const gchar *name, const gchar *text)
{
  folder_write (folder, name, text, strlen (text));
}

static D2vVocab *
read_vocab (const Folder *folder, gsize vocab_size)
{
  g_autoptr (GError) error = NULL;
  D2vVocab *vocab = d2v_vocab_read (folder->path, vocab_size, &error);

  g_assert_no_error (error);
  return vocab;
}

static void
test_defaults (void)
{
  g_auto (Folder) folder = folder_new ();

  put (&folder, "vocab.json",
       "{\"<pad>\":0,\"|\":4,\"<unk>\":3,\"E\":5,\"\\u00e9\":6}");
  g_autoptr (D2vVocab) vocab = read_vocab (&folder, 32);
  g_assert_cmpuint (vocab->n_tokens, ==, 7);
  g_assert_cmpint (vocab->pad, ==, 0);
  g_assert_cmpint (vocab->unk, ==, 3);
  g_assert_cmpint (vocab->word_delimiter, ==, 4);
  g_assert_cmpstr (vocab->replace_word_delimiter_char, ==, " ");
  g_assert_false (vocab->do_lower_case);
  g_assert_false (vocab->clean_up_tokenization_spaces);
  g_assert_cmpstr (vocab->tokens[0], ==, "<pad>");
  g_assert_cmpstr (vocab->tokens[1], ==, ""); /* nobody has this id */
  g_assert_cmpstr (vocab->tokens[6], ==, "\u00e9");
}

static void
test_names (void)
{
  g_auto (Folder) folder = folder_new ();

  put (&folder, "vocab.json", "{\"[PAD]\":1,\"[UNK]\":0,\"_\":2,\"<pad>\":3}");
  put (&folder, "tokenizer_config.json",
       "{\"unk_token\":{\"content\":\"[UNK]\",\"lstrip\":true},"
       "\"pad_token\":null,\"word_delimiter_token\":\"_\","
       "\"replace_word_delimiter_char\":\"--\",\"do_lower_case\":true,"
       "\"clean_up_tokenization_spaces\":true,"
       "\"model_max_length\":1000000000000000019884624838656}");
  put (&folder, "special_tokens_map.json",
       "{\"pad_token\":\"[PAD]\",\"unk_token\":\"<pad>\"}");
  g_autoptr (D2vVocab) vocab = read_vocab (&folder, 4);
  g_assert_cmpint (vocab->pad, ==, 1); /* null there: the map's */
  g_assert_cmpint (vocab->unk, ==, 0); /* the configuration's first */
  g_assert_cmpint (vocab->word_delimiter, ==, 2);
  g_assert_cmpstr (vocab->replace_word_delimiter_char, ==, "--");
  g_assert_true (vocab->do_lower_case);
  g_assert_true (vocab->clean_up_tokenization_spaces);
}

static void
test_missing_names (void)
{
  g_auto (Folder) folder = folder_new ();

  put (&folder, "vocab.json", "{\"<pad>\":0,\"a\":1}");
  g_autoptr (D2vVocab) vocab = read_vocab (&folder, 2);
  g_assert_cmpint (vocab->unk, ==, -1);
  g_assert_cmpint (vocab->word_delimiter, ==, -1);
}

static void
test_added (void)
{
  g_auto (Folder) folder = folder_new ();

  put (&folder, "vocab.json", "{\"<pad>\":0,\"a\":1}");
  put (&folder, "added_tokens.json", "{\"<s>\":2,\"<pad>\":0}");
  put (&folder, "tokenizer_config.json",
       "{\"unk_token\":\"<x>\",\"added_tokens_decoder\":"
       "{\"2\":{\"content\":\"<s>\"},\"5\":{\"content\":\"<x>\"}}}");
  g_autoptr (D2vVocab) vocab = read_vocab (&folder, 2);
  g_assert_cmpuint (vocab->n_tokens, ==, 6);
  g_assert_cmpstr (vocab->tokens[1], ==, "a");
  g_assert_cmpstr (vocab->tokens[2], ==, "<s>");
  g_assert_cmpstr (vocab->tokens[3], ==, "");
  g_assert_cmpstr (vocab->tokens[5], ==, "<x>");
  g_assert_cmpint (vocab->unk, ==, 5);
}

/* ----------------------------------------------------------- token maps -- */

static void
test_map (void)
{
  static const gchar text[] = "{\"a\":0,\"\\ud83d\\ude00\":2,\"\":1}";
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTokenMap) map
      = d2v_token_map_parse (text, strlen (text), "vocab.json", 3, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (map->n_entries, ==, 3);
  g_assert_cmpint (d2v_token_map_find (map, "a"), ==, 0);
  g_assert_cmpint (d2v_token_map_find (map, "\U0001f600"), ==, 2);
  g_assert_cmpint (d2v_token_map_find (map, ""), ==, 1);
  g_assert_cmpint (d2v_token_map_find (map, "b"), ==, -1);
  g_assert_cmpstr (map->entries[1].token, ==, "\U0001f600");
}

/* As many tokens as there may be, in short time. */
static void
test_largest_map (void)
{
  GString *text = g_string_new ("{");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < D2V_MAX_TOKENS; i++)
    g_string_append_printf (text, "%s\"%x\":%u", i > 0 ? "," : "", i, i);
  g_string_append_c (text, '}');
  g_autoptr (D2vTokenMap) map = d2v_token_map_parse (
      text->str, text->len, "vocab.json", D2V_MAX_TOKENS, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (map->n_entries, ==, D2V_MAX_TOKENS);
  g_assert_cmpint (d2v_token_map_find (map, "fffff"), ==, 0xfffff);
  g_string_free (text, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/vocab/T8-defaults", test_defaults);
  g_test_add_func ("/io/vocab/T8-names", test_names);
  g_test_add_func ("/io/vocab/T8-missing-names", test_missing_names);
  g_test_add_func ("/io/vocab/T4-added", test_added);
  g_test_add_func ("/io/vocab/T1-map", test_map);
  g_test_add_func ("/io/vocab/T1-largest-map", test_largest_map);
  return g_test_run ();
}
