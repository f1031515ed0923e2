/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/generate.h"

#include <math.h>

#include "tests/engine/decode/golden_text.h"

/* --------------------------------------------------------------- golden -- */

static gboolean
check_sampler (const D2vTokenizer *tokenizer, const D2vJsonValue *line)
{
  gsize n = (gsize) golden_integer (line, "size"), n_kept = 0;
  const D2vSamplerParams params
      = { .sample = TRUE,
          .temperature = golden_number (line, "temperature"),
          .top_k = (gsize) golden_integer (line, "top_k"),
          .top_p = golden_number (line, "top_p") };
  g_autoptr (D2vSampler) sampler = d2v_sampler_new (&params, n, NULL);
  g_autofree gfloat *logits
      = golden_numbers ((guint64) golden_integer (line, "seed"), n,
                        golden_number (line, "scale"), 0);
  const gfloat *p = d2v_sampler_probabilities (sampler, logits);
  const D2vJsonValue *expected = d2v_json_member (line, "expected");

  for (gsize i = 0; i < n; i++)
    n_kept += p[i] > 0;
  for (gsize i = 0; i < d2v_json_length (expected); i++)
    {
      const D2vJsonValue *kept = d2v_json_element (expected, i);
      gint64 index = d2v_json_integer (d2v_json_element (kept, 0));
      gdouble value = d2v_json_number (d2v_json_element (kept, 1));

      if (fabs (p[index] - value) > 1e-5 * value + 1e-9)
        return FALSE;
    }
  return n_kept == d2v_json_length (expected);
}

static void
test_golden_sampler (void)
{
  golden_text_run ("sampler", 30, check_sampler);
}

/* Streams, too: what the steps say is together the new text. */
static gboolean
check_generation (const D2vTokenizer *tokenizer, const D2vJsonValue *line)
{
  D2vString text = golden_string (line, "text");
  const D2vEncodeParams encode
      = { .no_template = !golden_bool (line, "add_special_tokens") };
  const D2vGenerationParams params
      = { .max_new_tokens = (gsize) golden_integer (line, "max_new_tokens") };
  g_autoptr (D2vEncoding) e = d2v_tokenizer_encode (
      tokenizer, text.text, text.length, NULL, 0, &encode, NULL);
  gsize n_vocab = d2v_tokenizer_n_ids (tokenizer), n, length;
  g_autoptr (D2vGeneration) g = d2v_generation_new (
      tokenizer, e->ids, e->n_tokens, n_vocab, &params, NULL);
  g_autoptr (GString) streamed = g_string_new (NULL);
  const gchar *some;

  while (!d2v_generation_is_done (g))
    {
      d2v_generation_ids (g, &n);
      g_autofree gfloat *logits
          = golden_numbers ((guint64) golden_integer (line, "seed") + n,
                            n_vocab, golden_number (line, "scale"), 0);
      d2v_generation_step (g, logits, &some, &length);
      g_string_append_len (streamed, some, (gssize) length);
    }
  some = d2v_generation_rest (g, &length);
  g_string_append_len (streamed, some, (gssize) length);

  gboolean full = golden_bool (line, "return_full_text");
  g_autofree gchar *found = d2v_generation_text (g, full ? text.text : NULL,
                                                 text.length, &length, NULL);
  gsize n_prompt = full ? (gsize) text.length : 0;
  return golden_same (line, "expected", found, length)
         && length - n_prompt == streamed->len
         && memcmp (found + n_prompt, streamed->str, streamed->len) == 0;
}

static void
test_golden_generation (void)
{
  golden_text_run ("generate", 10, check_generation);
}

/* ------------------------------------------------------------- sampling -- */

static void
test_greedy (void)
{
  g_autoptr (D2vSampler) sampler = d2v_sampler_new (NULL, 5, NULL);
  const gfloat logits[] = { 1, 3, -2, 3, 2 };

  g_assert_cmpint (d2v_sampler_pick (sampler, logits), ==, 1);
}

/* Ten thousand draws fall as often as the probabilities say, within five
 * standard deviations, and the same seed draws the same. */
static void
test_frequencies (void)
{
  const D2vSamplerParams params = { .sample = TRUE, .seed = 7 };
  g_autoptr (D2vSampler) sampler = d2v_sampler_new (&params, 5, NULL);
  g_autoptr (D2vSampler) again = d2v_sampler_new (&params, 5, NULL);
  const gfloat logits[] = { 0, 1, -INFINITY, 2, 0.5f };
  gfloat p[5];
  guint n[5] = { 0 }, n_draws = 10000;

  memcpy (p, d2v_sampler_probabilities (sampler, logits), sizeof p);
  for (guint i = 0; i < n_draws; i++)
    {
      gint32 id = d2v_sampler_pick (sampler, logits);

      g_assert_cmpint (id, ==, d2v_sampler_pick (again, logits));
      n[id]++;
    }
  g_assert_cmpuint (n[2], ==, 0);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpfloat (fabs (n[i] - (gdouble) p[i] * n_draws), <=,
                       5 * sqrt (p[i] * (1 - p[i]) * n_draws));
}

static void
test_equal_logits_stay_with_top_k (void)
{
  const D2vSamplerParams params = { .sample = TRUE, .top_k = 2 };
  g_autoptr (D2vSampler) sampler = d2v_sampler_new (&params, 4, NULL);
  const gfloat logits[] = { 1, 2, 1, 0 };
  const gfloat *p = d2v_sampler_probabilities (sampler, logits);

  g_assert_cmpfloat (p[0], ==, p[2]);
  g_assert_cmpfloat (p[2], >, 0);
  g_assert_cmpfloat (p[3], ==, 0);
}

/* Broken logits must not break more than the choice. */
static void
test_nan (void)
{
  const D2vSamplerParams params = { .sample = TRUE, .top_k = 3, .top_p = 0.5 };
  g_autoptr (D2vSampler) sampler = d2v_sampler_new (&params, 4, NULL);
  const gfloat some[] = { NAN, 2, NAN, 1 }, all[] = { NAN, NAN, NAN, NAN };
  const gfloat none[] = { -INFINITY, -INFINITY, -INFINITY, -INFINITY };

  g_assert_cmpint (d2v_sampler_pick (sampler, some), ==, 1);
  g_assert_cmpint (d2v_sampler_pick (sampler, all), ==, 0);
  g_assert_cmpint (d2v_sampler_pick (sampler, none), ==, 0);
}

static void
test_ranges (void)
{
  static const D2vSamplerParams bad[]
      = { { .temperature = -1 },  { .temperature = INFINITY },
          { .temperature = NAN }, { .top_p = -0.1 },
          { .top_p = 1.1 },       { .top_p = NAN } };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (d2v_sampler_new (&bad[i], 5, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
    }
}

/* ----------------------------------------------------------------- ends -- */

static gsize
count_steps (const gint32 *prompt, gsize n, const D2vGenerationParams *params,
             gint32 always)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  g_autoptr (D2vGeneration) g
      = d2v_generation_new (tokenizer, prompt, n, 10, params, NULL);
  gfloat logits[10] = { 0 };

  logits[always] = 1;
  while (!d2v_generation_is_done (g))
    g_assert_cmpint (d2v_generation_step (g, logits, NULL, NULL), ==, always);
  return d2v_generation_n_new (g);
}

static void
test_ends (void)
{
  const gint32 prompt[] = { 0, 5, 6 }, stops[] = { 7, 8 };
  const D2vGenerationParams long_one = { .max_new_tokens = 30 };
  const D2vGenerationParams limited
      = { .max_new_tokens = 30, .max_length = 10 };
  const D2vGenerationParams full = { .max_length = 2 };
  const D2vGenerationParams own
      = { .stop_ids = stops, .n_stop_ids = 2, .max_new_tokens = 4 };

  g_assert_cmpuint (count_steps (prompt, 3, NULL, 5), ==, 20);
  g_assert_cmpuint (count_steps (prompt, 3, NULL, 2), ==, 1); /* </s> */
  g_assert_cmpuint (count_steps (prompt, 3, &long_one, 5), ==, 30);
  g_assert_cmpuint (count_steps (prompt, 3, &limited, 5), ==, 7);
  g_assert_cmpuint (count_steps (prompt, 3, &full, 5), ==, 0);
  g_assert_cmpuint (count_steps (prompt, 3, &own, 8), ==, 1);
  g_assert_cmpuint (count_steps (prompt, 3, &own, 2), ==, 4);
}

static void
test_empty_prompt (void)
{
  g_autoptr (D2vTokenizer) tokenizer
      = d2v_tokenizer_open (TESTS_DATA "/bpe/four", 0, NULL);
  g_autoptr (D2vGeneration) g
      = d2v_generation_new (tokenizer, NULL, 0, 10, NULL, NULL);
  gsize n;
  const gint32 *ids = d2v_generation_ids (g, &n);

  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpint (ids[0], ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/generate/golden-sampler", test_golden_sampler);
  g_test_add_func ("/decode/generate/golden-generation",
                   test_golden_generation);
  g_test_add_func ("/decode/generate/greedy", test_greedy);
  g_test_add_func ("/decode/generate/frequencies", test_frequencies);
  g_test_add_func ("/decode/generate/equal-logits-stay-with-top-k",
                   test_equal_logits_stay_with_top_k);
  g_test_add_func ("/decode/generate/nan", test_nan);
  g_test_add_func ("/decode/generate/ranges", test_ranges);
  g_test_add_func ("/decode/generate/ends", test_ends);
  g_test_add_func ("/decode/generate/empty-prompt", test_empty_prompt);
  return g_test_run ();
}
