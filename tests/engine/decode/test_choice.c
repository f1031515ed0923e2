/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/choice.h"

#include "engine/base/alloc.h"

static void
test_scores (void)
{
  const gfloat logits[] = { 1, 3, 2, 3 };
  g_autoptr (D2vChoice) choice = d2v_choice_decode (logits, 4, NULL);

  g_assert_cmpuint (choice->choice, ==, 1);
  g_assert_cmpuint (choice->n, ==, 4);
  g_assert_cmpfloat_with_epsilon (choice->scores[0], 0.0540646, 1e-6);
  g_assert_cmpfloat_with_epsilon (choice->scores[1], 0.3994860, 1e-6);
  g_assert_cmpfloat (choice->scores[3], ==, choice->scores[1]);
  g_assert_cmpfloat (choice->logits[2], ==, 2);
}

static void
test_encode (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  const D2vString choices[]
      = { { "yes", -1 }, { "certainly not", -1 }, { "", 0 } };
  g_autoptr (D2vEncoding) e
      = d2v_choice_encode (tokenizer, "Is it?", -1, choices, 3, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (e->n_rows, ==, 3);
  g_assert_cmpuint (e->row_begin[1], ==, e->n_tokens / 3);
  g_assert_cmpuint (e->attention_mask[e->row_begin[2] - 1], ==, 1);
  g_assert_cmpuint (e->attention_mask[e->row_begin[1] - 1], ==, 0);
  g_assert_null (d2v_choice_encode (tokenizer, "Is it?", -1, NULL, 0, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
}

static void
test_no_memory (void)
{
  const gfloat logits[] = { 1, 3 };

  for (guint nth = 1; nth <= 2; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      g_assert_null (d2v_choice_decode (logits, 2, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/choice/scores", test_scores);
  g_test_add_func ("/decode/choice/encode", test_encode);
  g_test_add_func ("/decode/choice/no-memory", test_no_memory);
  return g_test_run ();
}
