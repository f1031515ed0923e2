/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/fill.h"

#include "engine/base/alloc.h"
#include "tests/engine/decode/golden_text.h"

static gboolean
same_candidate (const D2vJsonValue *expected, const D2vFillCandidate *found)
{
  return golden_near (expected, "score", found->score)
         && golden_integer (expected, "token") == found->token
         && golden_same (expected, "token_str", found->token_str,
                         found->token_str_length)
         && golden_same (expected, "sequence", found->sequence,
                         found->sequence_length);
}

static gboolean
same_mask (const D2vJsonValue *expected, const D2vFillCandidate *items, gsize n)
{
  gboolean same = d2v_json_length (expected) == n;

  for (gsize i = 0; same && i < n; i++)
    same = same_candidate (d2v_json_element (expected, i), &items[i]);
  return same;
}

static gint32 *
targets_of (const D2vTokenizer *tokenizer, const D2vJsonValue *line, gsize *n)
{
  g_auto (GStrv) names = golden_strings (line, "targets");
  D2vString targets[8];

  *n = 0;
  if (!names)
    return NULL;
  for (gsize i = 0; names[i]; i++)
    targets[i] = (D2vString){ names[i], -1 };
  return d2v_fill_targets (tokenizer, targets, g_strv_length (names), n, NULL);
}

/* Of @all, (n, n_vocab), the rows where a <mask> is. */
static gfloat *
mask_rows (const D2vTokenizer *tokenizer, const D2vEncoding *e,
           const gfloat *all, gsize n_vocab)
{
  gsize n;
  g_autofree gsize *masks
      = d2v_fill_masks (tokenizer, e->ids, e->n_tokens, &n, NULL);
  gfloat *rows = g_new (gfloat, n * n_vocab);

  g_assert_nonnull (masks);
  for (gsize i = 0; i < n; i++)
    memcpy (rows + i * n_vocab, all + masks[i] * n_vocab,
            n_vocab * sizeof (gfloat));
  return rows;
}

static gboolean
check_line (const D2vTokenizer *tokenizer, const D2vJsonValue *line)
{
  D2vString text = golden_string (line, "text");
  D2vFillParams params = { .top_k = (gsize) golden_integer (line, "top_k") };
  g_autofree gint32 *targets = targets_of (tokenizer, line, &params.n_targets);
  g_autoptr (D2vEncoding) e = d2v_tokenizer_encode (
      tokenizer, text.text, text.length, NULL, 0, NULL, NULL);
  gsize n_vocab = d2v_tokenizer_n_ids (tokenizer);
  g_autofree gfloat *all = golden_numbers (
      (guint64) golden_integer (line, "seed"), e->n_tokens * n_vocab,
      golden_number (line, "scale"), 0);
  g_autofree gfloat *logits = mask_rows (tokenizer, e, all, n_vocab);
  const D2vJsonValue *expected = d2v_json_member (line, "expected");
  gboolean same = TRUE;

  params.targets = targets;
  g_autoptr (D2vFills) fills = d2v_fill_decode (tokenizer, e->ids, e->n_tokens,
                                                logits, n_vocab, &params, NULL);
  g_assert_nonnull (fills);
  if (fills->n_masks == 1)
    return same_mask (expected, fills->items, fills->n_candidates);
  same = d2v_json_length (expected) == fills->n_masks;
  for (gsize m = 0; same && m < fills->n_masks; m++)
    same = same_mask (d2v_json_element (expected, m),
                      fills->items + m * fills->n_candidates,
                      fills->n_candidates);
  return same;
}

static void
test_golden (void)
{
  golden_text_run ("fill", 20, check_line);
}

static void
test_refusals (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  const gint32 plain[] = { 0, 100, 2 }, masked[] = { 0, 699, 2 }, far[] = { 2 };
  const gfloat logits[6] = { 1, 2, 3, 4, 5, 6 };
  const D2vFillParams beyond = { .targets = far, .n_targets = 1 };
  const D2vString nothing[] = { { "", 0 } };
  gsize n;

  g_assert_null (
      d2v_fill_decode (tokenizer, plain, 3, logits, 2, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_assert_nonnull (strstr (error->message, "<mask>"));
  g_clear_error (&error);
  g_assert_null (
      d2v_fill_decode (tokenizer, masked, 3, logits, 2, &beyond, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_clear_error (&error);
  g_assert_null (d2v_fill_targets (tokenizer, nothing, 1, &n, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
}

/* Twice the same, once by spelling and once as text. */
static void
test_targets (void)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  const D2vString targets[]
      = { { "\304\240the", -1 }, { "<s>", -1 }, { " the", -1 }, { "", 0 } };
  gsize n;
  g_autofree gint32 *ids = d2v_fill_targets (tokenizer, targets, 4, &n, NULL);

  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpint (ids[0], ==, 0);
  g_assert_cmpstr (d2v_tokenizer_token (tokenizer, ids[1], NULL), ==,
                   "\304\240the");
}

static void
test_no_memory (void)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  const gint32 masked[] = { 0, 699, 2 };
  const gfloat logits[6] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (D2vFills) fills = NULL;

  for (guint64 nth = 1; !fills; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      fills = d2v_fill_decode (tokenizer, masked, 3, logits, 2, NULL, &error);
      if (!fills)
        g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
      g_assert_cmpuint (nth, <, 20);
    }
  d2v_alloc_fail_at (0);
  g_assert_cmpuint (fills->n_candidates, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/fill/golden", test_golden);
  g_test_add_func ("/decode/fill/refusals", test_refusals);
  g_test_add_func ("/decode/fill/targets", test_targets);
  g_test_add_func ("/decode/fill/no-memory", test_no_memory);
  return g_test_run ();
}
