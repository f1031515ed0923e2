/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tokenizer against the original: tests/data/bpe/golden.jsonl, and what
 * must hold for any text. */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/io/json.h"
#include "engine/process/bpe.h"
#include "engine/process/unicode.h"

static D2vTokenizer *
open_tokenizer (const gchar *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *dir = g_build_filename (TESTS_DATA, "bpe", name, NULL);
  D2vTokenizer *tokenizer = d2v_tokenizer_open (dir, 0, &error);

  g_assert_no_error (error);
  return tokenizer;
}

/* --------------------------------------------------------------- golden -- */

static D2vString
string_of (const D2vJsonValue *value)
{
  gsize length = 0;
  const gchar *text = d2v_json_string (value, &length);

  return (D2vString){ text, (gssize) length };
}

static D2vTruncation
truncation_of (const D2vJsonValue *value)
{
  const gchar *name = d2v_json_string (value, NULL);

  if (d2v_json_bool (value) || g_strcmp0 (name, "longest_first") == 0)
    return D2V_TRUNCATE_LONGEST_FIRST;
  return g_strcmp0 (name, "only_first") == 0    ? D2V_TRUNCATE_ONLY_FIRST
         : g_strcmp0 (name, "only_second") == 0 ? D2V_TRUNCATE_ONLY_SECOND
                                                : D2V_TRUNCATE_NOT;
}

static D2vPadding
padding_of (const D2vJsonValue *value)
{
  const gchar *name = d2v_json_string (value, NULL);

  if (d2v_json_bool (value) || g_strcmp0 (name, "longest") == 0)
    return D2V_PAD_LONGEST;
  return g_strcmp0 (name, "max_length") == 0 ? D2V_PAD_MAX_LENGTH : D2V_PAD_NOT;
}

static gsize
size_of (const D2vJsonValue *request, const gchar *key)
{
  return (gsize) d2v_json_integer (d2v_json_member (request, key));
}

static D2vEncodeParams
params_of (const D2vJsonValue *request)
{
  return (D2vEncodeParams){
    .truncation = truncation_of (d2v_json_member (request, "truncation")),
    .padding = padding_of (d2v_json_member (request, "padding")),
    .max_length = size_of (request, "max_length"),
    .all_parts = d2v_json_has (request, "stride"),
    .stride = size_of (request, "stride"),
    .pad_to_multiple_of = size_of (request, "pad_to_multiple_of"),
    .no_template = d2v_json_bool (d2v_json_member (request, "no_template")),
  };
}

static D2vEncoding *
encode_request (const D2vTokenizer *tokenizer, const D2vJsonValue *request,
                GError **error)
{
  const D2vJsonValue *text = d2v_json_member (request, "text");
  const D2vJsonValue *pair = d2v_json_member (request, "pair");
  D2vEncodeParams params = params_of (request);
  D2vString texts[8], pairs[8];
  gsize n = d2v_json_length (text);

  if (d2v_json_type (text) != D2V_JSON_ARRAY)
    {
      texts[0] = string_of (text);
      pairs[0] = string_of (pair);
      return d2v_tokenizer_encode (tokenizer, texts[0].text, texts[0].length,
                                   pairs[0].text, pairs[0].length, &params,
                                   error);
    }
  g_assert_cmpuint (n, <=, 8);
  for (gsize i = 0; i < n; i++)
    {
      texts[i] = string_of (d2v_json_element (text, i));
      pairs[i] = string_of (d2v_json_element (pair, i));
    }
  return d2v_tokenizer_encode_batch (tokenizer, n, texts, pair ? pairs : NULL,
                                     &params, error);
}

static gboolean
same_mask (const gchar *expected, const guint8 *found, gsize n)
{
  gboolean same = strlen (expected) == n;

  for (gsize i = 0; same && i < n; i++)
    same = expected[i] - '0' == found[i];
  return same;
}

static gboolean
same_row (const D2vJsonValue *row, const D2vEncoding *e, gsize r)
{
  const D2vJsonValue *ids = d2v_json_member (row, "ids");
  const D2vJsonValue *words = d2v_json_member (row, "words");
  const D2vJsonValue *offsets = d2v_json_member (row, "offsets");
  gsize begin = e->row_begin[r], n = e->row_begin[r + 1] - begin;
  gboolean same = d2v_json_length (ids) == n;

  for (gsize i = 0; same && i < n; i++)
    same = d2v_json_integer (d2v_json_element (ids, i)) == e->ids[begin + i]
           && d2v_json_integer (d2v_json_element (words, i))
                  == e->word[begin + i]
           && d2v_json_integer (d2v_json_element (offsets, 2 * i))
                  == e->start[begin + i]
           && d2v_json_integer (d2v_json_element (offsets, 2 * i + 1))
                  == e->end[begin + i];
  return same
         && same_mask (
             d2v_json_string (d2v_json_member (row, "attention"), NULL),
             e->attention_mask + begin, n)
         && same_mask (d2v_json_string (d2v_json_member (row, "special"), NULL),
                       e->special_mask + begin, n);
}

static gboolean
same_encoding (const D2vTokenizer *tokenizer, const D2vJsonValue *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vEncoding) encoding
      = encode_request (tokenizer, request, &error);
  const D2vJsonValue *rows = d2v_json_member (request, "rows");
  gboolean same = encoding && d2v_json_length (rows) == encoding->n_rows;

  if (d2v_json_bool (d2v_json_member (request, "refused")))
    return g_error_matches (error, D2V_ERROR, D2V_ERROR_INPUT);
  for (gsize r = 0; same && r < encoding->n_rows; r++)
    same = same_row (d2v_json_element (rows, r), encoding, r);
  return same;
}

/* The whole text at once, and id by id. */
static gboolean
same_decoding (const D2vTokenizer *tokenizer, const D2vJsonValue *request)
{
  const D2vJsonValue *ids = d2v_json_member (request, "decode");
  D2vString expected = string_of (d2v_json_member (request, "answer"));
  gboolean skip
      = d2v_json_bool (d2v_json_member (request, "skip_special_tokens"));
  g_autoptr (D2vTextStream) stream = d2v_text_stream_new (tokenizer, skip);
  g_autoptr (GString) streamed = g_string_new (NULL);
  gint32 values[64];
  gsize n = d2v_json_length (ids), length;

  g_assert_cmpuint (n, <=, 64);
  for (gsize i = 0; i < n; i++)
    {
      values[i] = (gint32) d2v_json_integer (d2v_json_element (ids, i));
      const gchar *some = d2v_text_stream_push (stream, values[i], &length);
      g_assert_true (d2v_utf8_is_valid (some, length));
      g_string_append_len (streamed, some, (gssize) length);
    }
  const gchar *rest = d2v_text_stream_finish (stream, &length);
  g_string_append_len (streamed, rest, (gssize) length);

  g_autofree gchar *text
      = d2v_tokenizer_decode (tokenizer, values, n, skip, &length, NULL);
  return length == (gsize) expected.length
         && memcmp (text, expected.text, length) == 0 && streamed->len == length
         && memcmp (text, streamed->str, length) == 0;
}

static void
test_golden (void)
{
  g_autofree gchar *text = NULL, *name = g_strdup ("");
  g_autoptr (D2vTokenizer) tokenizer = NULL;
  gsize length, n_lines = 0, n_wrong = 0;

  g_assert_true (g_file_get_contents (TESTS_DATA "/bpe/golden.jsonl", &text,
                                      &length, NULL));
  for (gchar *line = text, *end; (end = strchr (line, '\n')); line = end + 1)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vJson) json
          = d2v_json_parse (line, (gsize) (end - line), "golden", NULL, &error);
      const D2vJsonValue *request = json ? d2v_json_root (json) : NULL;
      const gchar *model
          = d2v_json_string (d2v_json_member (request, "model"), NULL);

      g_assert_no_error (error);
      if (strcmp (name, model) != 0)
        {
          g_free (name);
          name = g_strdup (model);
          g_clear_pointer (&tokenizer, d2v_tokenizer_unref);
          tokenizer = open_tokenizer (name);
        }
      n_lines++;
      if (d2v_json_has (request, "decode") ? same_decoding (tokenizer, request)
                                           : same_encoding (tokenizer, request))
        continue;
      if (n_wrong++ < 5)
        g_printerr ("# differs: %.*s\n", (int) (end - line), line);
    }
  g_assert_cmpuint (n_lines, >, 2000);
  g_assert_cmpuint (n_wrong, ==, 0);
}

/* ------------------------------------------------------------ every text -- */

/* Random bytes made UTF-8, a few kinds of them. */
static gchar *
random_text (GRand *rand, gsize *length)
{
  static const gchar *const bits[] = {
    " ", "  ", "\n", "'s",           "a", "the", "\303\251", "\360\237\230\200",
    "1", "_",  "\t", "\342\200\203", "'", "<",   "mask>",    "\357\277\275"
  };
  GString *text = g_string_new (NULL);
  guint n = (guint) g_rand_int_range (rand, 0, 60);

  for (guint i = 0; i < n; i++)
    if (g_rand_boolean (rand))
      g_string_append (text,
                       bits[g_rand_int_range (rand, 0, G_N_ELEMENTS (bits))]);
    else
      {
        gunichar c = (gunichar) g_rand_int_range (rand, 0, 0x110000);

        if (c < 0xd800 || c >= 0xe000)
          g_string_append_unichar (text, c ? c : 'x');
      }
  *length = text->len;
  return g_string_free (text, FALSE);
}

/* Decoding gives back what was encoded, spans grow and stay inside, and each
 * token's span covers what it stands for. */
static void
test_round_trip (void)
{
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("four");
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (guint n = 0; n < 3000; n++)
    {
      gsize length, back_length;
      g_autofree gchar *text = random_text (rand, &length);
      D2vEncodeParams params = { .no_template = TRUE };
      g_autoptr (D2vEncoding) e = d2v_tokenizer_encode (
          tokenizer, text, (gssize) length, NULL, 0, &params, NULL);
      g_autofree gchar *back = NULL;
      gsize n_chars = (gsize) g_utf8_strlen (text, (gssize) length);

      if (strstr (text, "<mask>"))
        continue; /* swallows the white space before it */
      back = d2v_tokenizer_decode (tokenizer, e->ids, e->n_tokens, FALSE,
                                   &back_length, NULL);
      g_assert_cmpmem (back, back_length, text, length);
      for (gsize i = 0; i < e->n_tokens; i++)
        {
          g_assert_cmpuint (e->start[i], <=, e->end[i]);
          g_assert_cmpuint (e->end[i], <=, n_chars);
          if (i > 0)
            {
              g_assert_cmpuint (e->start[i - 1], <=, e->start[i]);
              g_assert_cmpint (e->word[i] - e->word[i - 1], <=, 1);
            }
        }
    }
}

/* Rule T6. Quadratic merging would take minutes here; the bound is loose for
 * the sake of sanitizers and busy machines. */
static void
test_long_pieces (void)
{
  static const gchar *const units[]
      = { "a",  "_", "\360\237\230\200", " ",       "\n",      "'",
          "ab", "1", "<mask>",           " <mask>", "\314\201" };
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("four");
  D2vEncodeParams params = { .max_text_bytes = 1 << 20 };

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      gint64 began;

      while (text->len + strlen (units[i]) <= 1 << 20)
        g_string_append (text, units[i]);
      began = g_get_monotonic_time ();
      g_autoptr (D2vEncoding) e = d2v_tokenizer_encode (
          tokenizer, text->str, (gssize) text->len, NULL, 0, &params, NULL);
      g_assert_nonnull (e);
      g_assert_cmpint (g_get_monotonic_time () - began, <, 20 * G_USEC_PER_SEC);
    }
}

/* White space that an added token swallows and another one matches in again
 * and again. */
static void
test_swallowed_space (void)
{
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("flags");
  D2vEncodeParams params = { .max_text_bytes = 1 << 20, .no_template = TRUE };
  g_autoptr (GString) text = g_string_new ("<right>");
  gsize n = 200000;
  gint32 id = d2v_tokenizer_lookup (tokenizer, "\n\n", -1);

  for (gsize i = 0; i < n; i++)
    g_string_append (text, "\n\n");
  g_autoptr (D2vEncoding) e = d2v_tokenizer_encode (
      tokenizer, text->str, (gssize) text->len, NULL, 0, &params, NULL);
  g_assert_cmpuint (e->n_tokens, ==, n + 1);
  g_assert_cmpuint (e->end[0], ==, 7);
  for (gsize i = 1; i < e->n_tokens; i++)
    g_assert_cmpint (e->ids[i], ==, id);
}

/* ------------------------------------------------------------- refusals -- */

static void
test_bad_texts (void)
{
  static const struct
  {
    const gchar *text;
    gssize length;
  } cases[] = { { "\377", 1 },
                { "a\355\240\200", 4 },
                { "\300\200", 2 },
                { "\360\237\230", 3 } };
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("five");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (d2v_tokenizer_encode (
          tokenizer, cases[i].text, cases[i].length, NULL, 0, NULL, &error));
      g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
    }
}

static void
test_limits (void)
{
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("five");
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_strnfill (D2V_MAX_TEXT_BYTES + 1, 'q');
  D2vEncodeParams all = { .truncation = D2V_TRUNCATE_ONLY_FIRST,
                          .max_length = 20002,
                          .all_parts = TRUE,
                          .stride = 19999 };
  D2vEncodeParams padded
      = { .padding = D2V_PAD_MAX_LENGTH, .max_length = G_MAXSIZE / 2 };

  g_assert_null (
      d2v_tokenizer_encode (tokenizer, text, -1, NULL, 0, NULL, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_clear_error (&error);

  text[D2V_MAX_TEXT_BYTES] = '\0';
  g_autoptr (D2vEncoding) e
      = d2v_tokenizer_encode (tokenizer, text, -1, NULL, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (e->n_rows, ==, 1);

  g_assert_null (
      d2v_tokenizer_encode (tokenizer, text, -1, NULL, 0, &all, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
  g_clear_error (&error);
  g_assert_null (
      d2v_tokenizer_encode (tokenizer, "a", -1, NULL, 0, &padded, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
}

static void
test_empty_batch (void)
{
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("five");
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vEncoding) e
      = d2v_tokenizer_encode_batch (tokenizer, 0, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (e->n_rows, ==, 0);
  g_assert_cmpuint (e->row_begin[0], ==, 0);
}

/* Cutting early must not change what is kept. */
static void
test_early_end (void)
{
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("flags");
  const gchar *text = "one <plain> two  three <left> four's five <norm> six";
  g_autoptr (D2vEncoding) whole
      = d2v_tokenizer_encode (tokenizer, text, -1, NULL, 0, NULL, NULL);

  for (gsize max = 2; max <= whole->n_tokens + 1; max++)
    {
      D2vEncodeParams params
          = { .truncation = D2V_TRUNCATE_LONGEST_FIRST, .max_length = max };
      g_autoptr (D2vEncoding) cut
          = d2v_tokenizer_encode (tokenizer, text, -1, NULL, 0, &params, NULL);

      g_assert_cmpuint (cut->n_tokens, ==, MIN (max, whole->n_tokens));
      g_assert_cmpmem (cut->ids, (cut->n_tokens - 1) * 4, whole->ids,
                       (cut->n_tokens - 1) * 4);
    }
}

/* Every allocation fails once: a typed error each time, and no leak. */
static void
test_no_memory (void)
{
  g_autoptr (D2vTokenizer) tokenizer = open_tokenizer ("flags-prefix");
  const gchar *text = "caf\303\251 <plain> \360\237\230\200 word";
  gboolean done = FALSE;

  for (guint64 nth = 1; !done; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      g_autoptr (D2vEncoding) e
          = d2v_tokenizer_encode (tokenizer, text, -1, text, -1, NULL, &error);
      done = e != NULL;
      if (!done)
        g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
      g_assert_cmpuint (nth, <, 100);
    }
  d2v_alloc_fail_at (0);
}

static void
test_getters (void)
{
  g_autoptr (D2vTokenizer) four = open_tokenizer ("four");
  g_autoptr (D2vTokenizer) left = open_tokenizer ("left");

  g_assert_cmpint (d2v_tokenizer_special (four, D2V_SPECIAL_CLS), ==, 0);
  g_assert_cmpint (d2v_tokenizer_special (four, D2V_SPECIAL_PAD), ==, 1);
  g_assert_cmpint (d2v_tokenizer_special (four, D2V_SPECIAL_SEP), ==, 2);
  g_assert_cmpint (d2v_tokenizer_special (four, D2V_SPECIAL_UNK), ==, 3);
  g_assert_cmpint (d2v_tokenizer_special (four, D2V_SPECIAL_MASK), ==, 699);
  g_assert_cmpuint (d2v_tokenizer_n_ids (four), ==, 700);
  g_assert_cmpstr (d2v_tokenizer_token (four, 699, NULL), ==, "<mask>");
  g_assert_null (d2v_tokenizer_token (four, 700, NULL));
  g_assert_null (d2v_tokenizer_token (four, -1, NULL));
  g_assert_cmpint (d2v_tokenizer_lookup (four, "\304\240", -1), ==, 224);
  g_assert_cmpint (d2v_tokenizer_lookup (four, "nowhere", -1), ==, -1);
  g_assert_cmpuint (d2v_tokenizer_model_max_length (four), ==, G_MAXSIZE);
  g_assert_cmpuint (d2v_tokenizer_model_max_length (left), ==, 16);
  g_assert_false (d2v_tokenizer_pads_left (four));
  g_assert_true (d2v_tokenizer_pads_left (left));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/bpe/golden", test_golden);
  g_test_add_func ("/process/bpe/round-trip", test_round_trip);
  g_test_add_func ("/process/bpe/long-pieces", test_long_pieces);
  g_test_add_func ("/process/bpe/swallowed-space", test_swallowed_space);
  g_test_add_func ("/process/bpe/bad-texts", test_bad_texts);
  g_test_add_func ("/process/bpe/limits", test_limits);
  g_test_add_func ("/process/bpe/empty-batch", test_empty_batch);
  g_test_add_func ("/process/bpe/early-end", test_early_end);
  g_test_add_func ("/process/bpe/no-memory", test_no_memory);
  g_test_add_func ("/process/bpe/getters", test_getters);
  return g_test_run ();
}
