/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/tags.h"

#include "engine/base/alloc.h"
#include "tests/engine/decode/golden_text.h"

/* As d2v_tags_encode(), with the length of the line instead of the model's. */
static D2vEncoding *
encode_line (const D2vTokenizer *tokenizer, const D2vJsonValue *line)
{
  D2vString text = golden_string (line, "text");
  gboolean parts = golden_has (line, "stride");
  const D2vEncodeParams params = {
    .truncation = golden_has (line, "max_length") ? D2V_TRUNCATE_LONGEST_FIRST
                                                  : D2V_TRUNCATE_NOT,
    .max_length = (gsize) golden_integer (line, "max_length"),
    .all_parts = parts,
    .stride = (gsize) golden_integer (line, "stride"),
    .padding = parts ? D2V_PAD_LONGEST : D2V_PAD_NOT,
  };

  return d2v_tokenizer_encode (tokenizer, text.text, text.length, NULL, 0,
                               &params, NULL);
}

static gboolean
same_tag (const D2vJsonValue *expected, const D2vTag *tag,
          D2vTagsStrategy strategy)
{
  const gchar *key = strategy == D2V_TAGS_NONE ? "entity" : "entity_group";

  return golden_same (expected, key, tag->label, strlen (tag->label))
         && golden_near (expected, "score", tag->score)
         && golden_integer (expected, "index") == (gint64) tag->index
         && golden_same (expected, "word", tag->word, tag->word_length)
         && golden_integer (expected, "start") == tag->start
         && golden_integer (expected, "end") == tag->end;
}

static gboolean
check_line (const D2vTokenizer *tokenizer, const D2vJsonValue *line)
{
  D2vString text = golden_string (line, "text");
  g_auto (GStrv) labels = golden_strings (line, "labels");
  g_auto (GStrv) ignore = golden_strings (line, "ignore");
  gsize n_labels = g_strv_length (labels);
  D2vTagsParams params = { .ignore_labels = (const gchar *const *) ignore };
  g_autoptr (D2vEncoding) encoding = encode_line (tokenizer, line);
  const D2vJsonValue *expected = d2v_json_member (line, "expected");
  gboolean same;

  g_assert_true (d2v_tags_strategy_from_name (
      golden_string (line, "strategy").text, &params.strategy));
  g_assert_nonnull (encoding);
  g_autofree gfloat *logits = golden_numbers (
      (guint64) golden_integer (line, "seed"), encoding->n_tokens * n_labels,
      golden_number (line, "scale"), 0);
  g_autoptr (D2vTags) tags
      = d2v_tags_decode (tokenizer, text.text, text.length, encoding, logits,
                         labels, n_labels, &params, NULL);

  same = d2v_json_length (expected) == tags->n_items;
  for (gsize i = 0; same && i < tags->n_items; i++)
    same = same_tag (d2v_json_element (expected, i), &tags->items[i],
                     params.strategy);
  return same;
}

static void
test_golden (void)
{
  golden_text_run ("tags", 100, check_line);
}

static void
test_encode (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/left", 0, NULL);
  const gchar *text = "one two three four five six seven eight nine ten";
  const D2vTagsParams simple
      = { .strategy = D2V_TAGS_SIMPLE, .has_stride = TRUE, .stride = 2 };
  const D2vTagsParams none = { .has_stride = TRUE };
  const D2vTagsParams wide
      = { .strategy = D2V_TAGS_SIMPLE, .has_stride = TRUE, .stride = 16 };
  g_autoptr (D2vEncoding) one
      = d2v_tags_encode (tokenizer, text, -1, NULL, &error);
  g_autoptr (D2vEncoding) parts
      = d2v_tags_encode (tokenizer, text, -1, &simple, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (one->n_rows, ==, 1);
  g_assert_cmpuint (one->n_tokens, ==, 16); /* the model's length */
  g_assert_cmpuint (parts->n_rows, >, 1);
  g_assert_cmpuint (parts->n_tokens, ==, parts->n_rows * 16);
  g_assert_null (d2v_tags_encode (tokenizer, text, -1, &none, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_clear_error (&error);
  g_assert_null (d2v_tags_encode (tokenizer, text, -1, &wide, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
}

static void
test_strategy_names (void)
{
  D2vTagsStrategy strategy = D2V_TAGS_MAX;

  g_assert_false (d2v_tags_strategy_from_name ("mean", &strategy));
  g_assert_cmpint (strategy, ==, D2V_TAGS_MAX);
  g_assert_true (d2v_tags_strategy_from_name ("none", &strategy));
  g_assert_cmpint (strategy, ==, D2V_TAGS_NONE);
}

static void
test_no_memory (void)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  gchar outside[] = "O", begins[] = "B-X";
  gchar *const labels[] = { outside, begins };
  g_autoptr (D2vEncoding) e
      = d2v_tags_encode (tokenizer, "some text", -1, NULL, NULL);
  g_autofree gfloat *logits = golden_numbers (1, 2 * e->n_tokens, 8, 0);
  g_autoptr (D2vTags) tags = NULL;

  for (guint64 nth = 1; !tags; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      tags = d2v_tags_decode (tokenizer, "some text", -1, e, logits, labels, 2,
                              NULL, &error);
      if (!tags)
        g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
      g_assert_cmpuint (nth, <, 20);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/tags/golden", test_golden);
  g_test_add_func ("/decode/tags/encode", test_encode);
  g_test_add_func ("/decode/tags/strategy-names", test_strategy_names);
  g_test_add_func ("/decode/tags/no-memory", test_no_memory);
  return g_test_run ();
}
