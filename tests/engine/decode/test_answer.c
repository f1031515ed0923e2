/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/answer.h"

#include "engine/base/alloc.h"
#include "tests/engine/decode/golden_text.h"

static D2vAnswerParams
params_of (const D2vJsonValue *line)
{
  return (D2vAnswerParams){
    .max_seq_len = (gsize) golden_integer (line, "max_seq_len"),
    .has_doc_stride = golden_has (line, "doc_stride"),
    .doc_stride = (gsize) golden_integer (line, "doc_stride"),
    .top_k = (gsize) golden_integer (line, "top_k"),
    .max_answer_len = (gsize) golden_integer (line, "max_answer_len"),
    .handle_impossible_answer = golden_bool (line, "handle_impossible_answer"),
    .exact_tokens = golden_has (line, "align_to_words")
                    && !golden_bool (line, "align_to_words"),
  };
}

static gboolean
same_answer (const D2vJsonValue *expected, const D2vAnswer *answer)
{
  return golden_same (expected, "answer", answer->text, answer->length)
         && golden_near (expected, "score", answer->score)
         && golden_integer (expected, "start") == answer->start
         && golden_integer (expected, "end") == answer->end;
}

static gboolean
check_line (const D2vTokenizer *tokenizer, const D2vJsonValue *line)
{
  D2vString question = golden_string (line, "question");
  D2vString context = golden_string (line, "context");
  D2vAnswerParams params = params_of (line);
  guint64 seed = (guint64) golden_integer (line, "seed");
  gdouble scale = golden_number (line, "scale");
  g_autoptr (D2vEncoding) e;
  const D2vJsonValue *expected = d2v_json_member (line, "expected");
  gboolean same;

  /* Of the fixtures that has a length the line was made without it. */
  if (params.max_seq_len == 0)
    {
      params.max_seq_len = 384;
      params.doc_stride = params.has_doc_stride ? params.doc_stride : 128;
      params.has_doc_stride = TRUE;
    }
  e = d2v_answers_encode (tokenizer, question.text, question.length,
                          context.text, context.length, &params, NULL);
  g_assert_nonnull (e);
  g_autofree gfloat *starts = golden_numbers (seed, e->n_tokens, scale, 0);
  g_autofree gfloat *ends = golden_numbers (seed + 1, e->n_tokens, scale, 0);
  g_autoptr (D2vAnswers) answers = d2v_answers_decode (
      tokenizer, context.text, context.length, e, starts, ends, &params, NULL);

  same = d2v_json_length (expected) == answers->n_items;
  for (gsize i = 0; same && i < answers->n_items; i++)
    same = same_answer (d2v_json_element (expected, i), &answers->items[i]);
  return same;
}

static void
test_golden (void)
{
  golden_text_run ("answer", 80, check_line);
}

static void
test_refusals (void)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  static const struct
  {
    const gchar *question, *context;
    D2vAnswerParams params;
  } cases[] = {
    { "", "context", { 0 } },
    { "question", "", { 0 } },
    { "a very long question", "context", { .max_seq_len = 8 } },
    { "q",
      "context context context",
      { .max_seq_len = 12, .has_doc_stride = TRUE, .doc_stride = 12 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (d2v_answers_encode (tokenizer, cases[i].question, -1,
                                         cases[i].context, -1, &cases[i].params,
                                         &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
    }
}

/* Logits that leave nothing but "no answer". */
static void
test_null_answer (void)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  const D2vAnswerParams params = { .handle_impossible_answer = TRUE };
  g_autoptr (D2vEncoding) e
      = d2v_answers_encode (tokenizer, "who?", -1, "nobody.", -1, NULL, NULL);
  g_autofree gfloat *logits = g_new (gfloat, e->n_tokens);

  for (gsize i = 0; i < e->n_tokens; i++)
    logits[i] = i == 0 ? 200 : -200;
  g_autoptr (D2vAnswers) some = d2v_answers_decode (tokenizer, "nobody.", -1, e,
                                                    logits, logits, NULL, NULL);
  g_assert_cmpuint (some->n_items, ==, 0);
  g_autoptr (D2vAnswers) none = d2v_answers_decode (
      tokenizer, "nobody.", -1, e, logits, logits, &params, NULL);
  g_assert_cmpuint (none->n_items, ==, 1);
  g_assert_cmpstr (none->items[0].text, ==, "");
  g_assert_cmpfloat_with_epsilon (none->items[0].score, 1, 1e-6);
}

static void
test_no_memory (void)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  g_autoptr (D2vEncoding) e
      = d2v_answers_encode (tokenizer, "q", -1, "context", -1, NULL, NULL);
  g_autofree gfloat *logits = golden_numbers (1, e->n_tokens, 8, 0);
  g_autoptr (D2vAnswers) answers = NULL;

  for (guint64 nth = 1; !answers; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      answers = d2v_answers_decode (tokenizer, "context", -1, e, logits, logits,
                                    NULL, &error);
      if (!answers)
        g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
      g_assert_cmpuint (nth, <, 20);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/answer/golden", test_golden);
  g_test_add_func ("/decode/answer/refusals", test_refusals);
  g_test_add_func ("/decode/answer/null-answer", test_null_answer);
  g_test_add_func ("/decode/answer/no-memory", test_no_memory);
  return g_test_run ();
}
