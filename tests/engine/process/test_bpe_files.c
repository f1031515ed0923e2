/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A small tokenizer's files, right and in every way wrong (rules T1 to T5). */
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/process/bpe.h"

#define VOCAB                                                                  \
  "{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3,\"a\":4,\"b\":5,\"ab\":6,"    \
  "\"\\u0120\":7,\"\\u0120a\":8,\"<mask>\":9}"
#define MERGES "#version: 0.2\na b\n\304\240 a\n"
#define ADDED(id, name)                                                        \
  "{\"id\":" id ",\"content\":\"" name "\",\"single_word\":false,"             \
  "\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}"
#define TOKENIZER                                                              \
  "{\"version\":\"1.0\",\"truncation\":{\"max_length\":3},\"padding\":[],"     \
  "\"added_tokens\":[" ADDED ("0", "<s>") "," ADDED ("1", "<pad>") "," ADDED ( \
      "2",                                                                     \
      "</s>") "," ADDED ("3",                                                  \
                         "<unk>") "," ADDED ("9",                              \
                                             "<mask>") "],\"normalizer\":"     \
                                                       "null,\"pre_"           \
                                                       "tokenizer\":{"         \
                                                       "\"type\":"             \
                                                       "\"ByteLevel\","        \
                                                       "\"add_prefix_space\":" \
                                                       "false,\"trim_"         \
                                                       "offsets\":true,\"use_" \
                                                       "regex\":true},"        \
                                                       "\"post_processor\":{"  \
                                                       "\"type\":"             \
                                                       "\"RobertaProcessing\"" \
                                                       ",\"sep\":[\"</"        \
                                                       "s>\",2],"              \
                                                       "\"cls\":[\"<s>\",0],"  \
                                                       "\"trim_offsets\":"     \
                                                       "true,\"add_prefix_"    \
                                                       "space\":false},"       \
                                                       "\"decoder\":{"         \
                                                       "\"type\":"             \
                                                       "\"ByteLevel\"},"       \
                                                       "\"model\":{\"type\":"  \
                                                       "\"BPE\","              \
                                                       "\"dropout\":null,"     \
                                                       "\"unk_token\":null,"   \
                                                       "\"continuing_subword_" \
                                                       "prefix\":\"\","        \
                                                       "\"end_of_word_"        \
                                                       "suffix\":\"\",\"fuse_" \
                                                       "unk\":false,\"byte_"   \
                                                       "fallback\":false,"     \
                                                       "\"ignore_merges\":"    \
                                                       "false,"                \
                                                       "\"vocab\":" VOCAB      \
                                                       ",\"merges\":[[\"a\","  \
                                                       "\"b\"],"               \
                                                       "[\"\\u0120\",\"a\"]]}" \
                                                       "}"

/* Files by name as text; NULL: not there. */
typedef struct
{
  const gchar *vocab, *merges, *tokenizer, *config, *map, *added;
} Texts;

static GBytes *
bytes_of (const gchar *text)
{
  return text ? g_bytes_new (text, strlen (text)) : NULL;
}

static D2vTokenizer *
open_texts (const Texts *texts, gsize vocab_size, GError **error)
{
  g_autoptr (GBytes) vocab = bytes_of (texts->vocab);
  g_autoptr (GBytes) merges = bytes_of (texts->merges);
  g_autoptr (GBytes) tokenizer = bytes_of (texts->tokenizer);
  g_autoptr (GBytes) config = bytes_of (texts->config);
  g_autoptr (GBytes) map = bytes_of (texts->map);
  g_autoptr (GBytes) added = bytes_of (texts->added);
  D2vTokenizerFiles files
      = { NULL, vocab, merges, tokenizer, config, map, added };

  return d2v_tokenizer_new (&files, vocab_size, error);
}

static D2vTokenizer *
open_good (const Texts *texts)
{
  g_autoptr (GError) error = NULL;
  D2vTokenizer *tokenizer = open_texts (texts, 0, &error);

  g_assert_no_error (error);
  return tokenizer;
}

static gchar *
replace (const gchar *text, const gchar *from, const gchar *to)
{
  g_auto (GStrv) parts = g_strsplit (text, from, 2);

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  return g_strjoinv (to, parts);
}

static void
assert_code (const Texts *texts, gsize vocab_size, D2vErrorCode code,
             const gchar *what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTokenizer) tokenizer = open_texts (texts, vocab_size, &error);

  if (!g_error_matches (error, D2V_ERROR, (gint) code))
    g_error ("%s: expected %s, found %s", what, d2v_error_code_name (code),
             error ? error->message : "no error");
  g_assert_null (tokenizer);
}

static void
assert_ids (const D2vTokenizer *tokenizer, const gchar *text, guint n, ...)
{
  g_autoptr (D2vEncoding) e
      = d2v_tokenizer_encode (tokenizer, text, -1, NULL, 0, NULL, NULL);
  va_list args;

  va_start (args, n);
  g_assert_cmpuint (e->n_tokens, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (e->ids[i], ==, va_arg (args, gint));
  va_end (args);
}

/* ---------------------------------------------------------------- sources */

static void
test_sources (void)
{
  static const Texts good[] = {
    { .vocab = VOCAB, .merges = MERGES },
    { .tokenizer = TOKENIZER },
    { .vocab = VOCAB, .merges = MERGES, .tokenizer = TOKENIZER },
    { .vocab = VOCAB, .tokenizer = TOKENIZER },
    { .merges = MERGES, .tokenizer = TOKENIZER },
    { .vocab = VOCAB, .merges = "a b\r\n\304\240 a" },
  };
  static const Texts missing[] = {
    { .vocab = VOCAB }, { .merges = MERGES }, { .config = "{}" }, { NULL }
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (D2vTokenizer) tokenizer = open_good (&good[i]);

      assert_ids (tokenizer, "ab a", 4, 0, 6, 8, 2);
    }
  for (guint i = 0; i < G_N_ELEMENTS (missing); i++)
    assert_code (&missing[i], 0, D2V_ERROR_TOK_MISSING, "sources");
}

static void
test_disagreement (void)
{
  g_autofree gchar *other_id
      = replace (VOCAB, "\"a\":4,\"b\":5", "\"a\":5,\"b\":4");
  g_autofree gchar *fewer = replace (VOCAB, ",\"<mask>\":9", "");
  const Texts bad[] = {
    { .tokenizer = TOKENIZER, .vocab = other_id },
    { .tokenizer = TOKENIZER, .vocab = fewer },
    { .tokenizer = TOKENIZER, .merges = "\304\240 a\na b\n" },
    { .tokenizer = TOKENIZER, .merges = "a b\n" },
    { .tokenizer = TOKENIZER, .merges = MERGES "a b\n" },
    { .tokenizer = TOKENIZER, .merges = "a c\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_code (&bad[i], 0, D2V_ERROR_TOK_DISAGREE, "disagreement");
}

/* ------------------------------------------------------------ vocabulary -- */

static void
test_vocab (void)
{
  static const struct
  {
    const gchar *vocab;
    gsize vocab_size;
    D2vErrorCode code;
  } cases[] = {
    { "{}", 0, D2V_ERROR_TOK_VOCAB },
    { "[]", 0, D2V_ERROR_CONFIG_TYPE },
    { "{\"a\":0,\"b\":0}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":-1}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":1048576}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":9999999999}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":1e30}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":1.0}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":\"1\"}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":null}", 0, D2V_ERROR_TOK_VOCAB },
    { "{\"eng\":{\"a\":1}}", 0, D2V_ERROR_TOK_VOCAB },
    { VOCAB, 9, D2V_ERROR_TOK_VOCAB },
    { "{\"a\":0,\"a\":1}", 0, D2V_ERROR_JSON },
    { "{\"a\\u0000\":0}", 0, D2V_ERROR_JSON },
    { "{\"a\":0", 0, D2V_ERROR_JSON },
  };
  g_autofree gchar *long_name = g_strnfill (1025, 'x');
  g_autofree gchar *long_vocab = g_strdup_printf ("{\"%s\":0}", long_name);
  const Texts long_texts = { .vocab = long_vocab, .merges = "" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Texts texts = { .vocab = cases[i].vocab, .merges = MERGES };

      assert_code (&texts, cases[i].vocab_size, cases[i].code, cases[i].vocab);
    }
  assert_code (&long_texts, 0, D2V_ERROR_TOK_VOCAB, "1025 bytes");
}

static void
test_vocab_size (void)
{
  const Texts texts = { .vocab = VOCAB, .merges = MERGES };
  g_autoptr (D2vTokenizer) tokenizer = open_texts (&texts, 10, NULL);

  g_assert_nonnull (tokenizer);
}

/* Names of languages are in the message; nothing else of the file is. */
static void
test_messages (void)
{
  const Texts texts = { .vocab = "{\"e\\u001fg\":{\"a\":1}}", .merges = "" };
  g_autoptr (GError) error = NULL;

  g_assert_null (open_texts (&texts, 0, &error));
  g_assert_nonnull (strstr (error->message, "TOK_VOCAB, vocab.json, "));
  g_assert_nonnull (strstr (error->message, "e\\x1fg"));
}

/* ---------------------------------------------------------------- merges -- */

static void
test_merges (void)
{
  static const gchar *const bad[] = {
    "a\n",
    "a  b\n",
    "a b \n",
    " a b\n",
    " b\n",
    "a \n",
    "a b a\n",
    "a b\na b\n",
    "a b\n\n",
    "\n",
    "a a\n",
    "c b\n",
    "#version: 0.2\n#version: 0.2\n",
    "a b\n#version: 0.2\n",
    "a\tb\n",
    "a b\r\r\n",
    "\377 b\n",
  };
  g_autofree gchar *long_part = g_strnfill (5000, 'a');
  g_autofree gchar *long_line = g_strdup_printf ("%s b\n", long_part);
  const Texts long_texts = { .vocab = VOCAB, .merges = long_line };
  const Texts none = { .vocab = VOCAB, .merges = "" };
  g_autoptr (D2vTokenizer) unmerged = open_good (&none);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const Texts texts = { .vocab = VOCAB, .merges = bad[i] };

      assert_code (&texts, 0, D2V_ERROR_TOK_MERGES, bad[i]);
    }
  assert_code (&long_texts, 0, D2V_ERROR_TOK_MERGES, "long line");
  assert_ids (unmerged, "ab", 4, 0, 4, 5, 2);
}

/* -------------------------------------------------------- tokenizer.json -- */

/* One place of TOKENIZER replaced. */
typedef struct
{
  const gchar *from, *to;
  D2vErrorCode code;
} Edit;

static const Edit edits[] = {
  { "\"model\":{\"type\":\"BPE\"", "\"model\":{\"type\":\"WordPiece\"",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"dropout\":null", "\"dropout\":0.1", D2V_ERROR_TOK_UNSUPPORTED },
  { "\"fuse_unk\":false", "\"fuse_unk\":true", D2V_ERROR_TOK_UNSUPPORTED },
  { "\"byte_fallback\":false", "\"byte_fallback\":true",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"ignore_merges\":false", "\"ignore_merges\":1",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"continuing_subword_prefix\":\"\"",
    "\"continuing_subword_prefix\":\"##\"", D2V_ERROR_TOK_UNSUPPORTED },
  { "\"end_of_word_suffix\":\"\"", "\"end_of_word_suffix\":\"</w>\"",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"unk_token\":null", "\"unk_token\":3", D2V_ERROR_TOK_UNSUPPORTED },
  { "\"unk_token\":null", "\"unk_token\":\"[UNK]\"", D2V_ERROR_TOK_SPECIAL },
  { "\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"pre_tokenizer\":{\"type\":\"ByteLevel\"",
    "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a+)+\"}",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"use_regex\":true", "\"use_regex\":false", D2V_ERROR_TOK_UNSUPPORTED },
  { "\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":null",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"RobertaProcessing\"", "\"TemplateProcessing\"",
    D2V_ERROR_TOK_UNSUPPORTED },
  { "\"sep\":[\"</s>\",2]", "\"sep\":\"</s>\"", D2V_ERROR_TOK_UNSUPPORTED },
  { "\"sep\":[\"</s>\",2]", "\"sep\":[\"</s>\",3]", D2V_ERROR_TOK_DISAGREE },
  { "\"cls\":[\"<s>\",0]", "\"cls\":[\"</s>\",0]", D2V_ERROR_TOK_DISAGREE },
  { "\"vocab\":{", "\"vocabulary\":{", D2V_ERROR_TOK_VOCAB },
  { "\"merges\":[[", "\"merge\":[[", D2V_ERROR_TOK_MERGES },
  { "[\"a\",\"b\"]", "[\"a\"]", D2V_ERROR_TOK_MERGES },
  { "[\"a\",\"b\"]", "[\"a\",\"b\",\"c\"]", D2V_ERROR_TOK_MERGES },
  { "[\"a\",\"b\"]", "[\"a\",5]", D2V_ERROR_TOK_MERGES },
  { "[\"a\",\"b\"]", "[\"\",\"b\"]", D2V_ERROR_TOK_MERGES },
  { "[\"a\",\"b\"]", "\"a b c\"", D2V_ERROR_TOK_MERGES },
  { "[\"a\",\"b\"]", "null", D2V_ERROR_TOK_MERGES },
  { "\"added_tokens\":[", "\"added_tokens\":[3,", D2V_ERROR_TOK_SPECIAL },
  { "\"added_tokens\":[", "\"added_tokens\":[{\"id\":12},",
    D2V_ERROR_TOK_SPECIAL },
  { "\"added_tokens\":[", "\"added_tokens\":[{\"content\":\"<x>\"},",
    D2V_ERROR_TOK_SPECIAL },
  { "\"added_tokens\":[", "\"added_tokens\":{\"a\":[", D2V_ERROR_JSON },
  { "\"id\":0,", "\"id\":-1,", D2V_ERROR_CONFIG_RANGE },
  { "\"id\":0,", "\"id\":1048576,", D2V_ERROR_CONFIG_RANGE },
  { "\"id\":0,", "\"id\":4,", D2V_ERROR_TOK_SPECIAL },
  { "\"id\":0,", "\"id\":20,", D2V_ERROR_TOK_SPECIAL },
  { "\"content\":\"<s>\"", "\"content\":\"<x>\"", D2V_ERROR_TOK_SPECIAL },
  { "\"content\":\"<s>\"", "\"content\":\"\"", D2V_ERROR_TOK_SPECIAL },
  { "\"added_tokens\":[", "\"added_tokens\":[" ADDED ("0", "<s>") ",",
    D2V_ERROR_TOK_SPECIAL },
  { "\"lstrip\":false", "\"lstrip\":1", D2V_ERROR_CONFIG_TYPE },
  { "\"special\":true", "\"special\":\"yes\"", D2V_ERROR_CONFIG_TYPE },
};

static void
test_tokenizer (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (edits); i++)
    {
      g_autofree gchar *text = replace (TOKENIZER, edits[i].from, edits[i].to);
      const Texts texts = { .tokenizer = text };

      assert_code (&texts, 0, edits[i].code, edits[i].to);
    }
}

/* What a file may say or leave out. */
static void
test_tokenizer_variants (void)
{
  static const Edit fine[] = {
    { "\"model\":{\"type\":\"BPE\",", "\"model\":{", 0 },
    { ",\"use_regex\":true", "", 0 },
    { "[\"a\",\"b\"]", "\"a b\"", 0 },
    { "\"continuing_subword_prefix\":\"\"",
      "\"continuing_subword_prefix\":null", 0 },
    { "\"unk_token\":null", "\"unk_token\":\"<unk>\"", 0 },
    { "\"add_prefix_space\":false", "\"add_prefix_space\":true", 0 },
    { "\"added_tokens\":[", "\"added_tokens\":[" ADDED ("4711", "<far>") ",",
      0 },
    { ADDED ("3", "<unk>") ",", "", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fine); i++)
    {
      g_autofree gchar *text = replace (TOKENIZER, fine[i].from, fine[i].to);
      const Texts texts = { .tokenizer = text };
      g_autoptr (D2vTokenizer) tokenizer = open_good (&texts);

      assert_ids (tokenizer, "ab a<mask>", 5, 0, 6, 8, 9, 2);
    }
}

/* --------------------------------------------------------- configuration -- */

static void
test_config (void)
{
  static const struct
  {
    const gchar *config;
    D2vErrorCode code;
  } cases[] = {
    { "{\"add_prefix_space\":1}", D2V_ERROR_CONFIG_TYPE },
    { "{\"trim_offsets\":\"no\"}", D2V_ERROR_CONFIG_TYPE },
    { "{\"model_max_length\":0}", D2V_ERROR_CONFIG_RANGE },
    { "{\"model_max_length\":\"512\"}", D2V_ERROR_CONFIG_TYPE },
    { "{\"padding_side\":\"up\"}", D2V_ERROR_CONFIG_RANGE },
    { "{\"truncation_side\":7}", D2V_ERROR_CONFIG_TYPE },
    { "{\"split_special_tokens\":true}", D2V_ERROR_TOK_UNSUPPORTED },
    { "{\"mask_token\":\"\"}", D2V_ERROR_TOK_SPECIAL },
    { "{\"mask_token\":5}", D2V_ERROR_TOK_SPECIAL },
    { "{\"mask_token\":{\"lstrip\":true}}", D2V_ERROR_TOK_SPECIAL },
    { "{\"additional_special_tokens\":[7]}", D2V_ERROR_TOK_SPECIAL },
    { "{\"added_tokens_decoder\":[]}", D2V_ERROR_CONFIG_TYPE },
    { "{\"added_tokens_decoder\":{\"x\":{\"content\":\"<x>\"}}}",
      D2V_ERROR_TOK_SPECIAL },
    { "{\"added_tokens_decoder\":{\"4\":{\"content\":\"<x>\"}}}",
      D2V_ERROR_TOK_SPECIAL },
    { "[]", D2V_ERROR_CONFIG_TYPE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Texts texts
          = { .vocab = VOCAB, .merges = MERGES, .config = cases[i].config };

      assert_code (&texts, 0, cases[i].code, cases[i].config);
    }
}

static void
test_model_max_length (void)
{
  static const struct
  {
    const gchar *config;
    gsize length;
  } cases[] = {
    { "{}", G_MAXSIZE },
    { "{\"model_max_length\":null}", G_MAXSIZE },
    { "{\"model_max_length\":1000000000000000019884624838656}", G_MAXSIZE },
    { "{\"model_max_length\":1e30}", G_MAXSIZE },
    { "{\"model_max_length\":512}", 512 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Texts texts
          = { .vocab = VOCAB, .merges = MERGES, .config = cases[i].config };
      g_autoptr (D2vTokenizer) tokenizer = open_good (&texts);

      g_assert_cmpuint (d2v_tokenizer_model_max_length (tokenizer), ==,
                        cases[i].length);
    }
}

/* Who says what the special tokens are, and with which flags. */
static void
test_special_tokens (void)
{
  static const struct
  {
    const gchar *config, *map, *added;
    gint mask;
    gboolean strips;
  } cases[] = {
    { NULL, NULL, NULL, 9, TRUE },
    { "{\"mask_token\":\"b\"}", "{\"mask_token\":\"a\"}", NULL, 5, TRUE },
    { "{\"mask_token\":null}", "{\"mask_token\":\"a\"}", NULL, 4, TRUE },
    { NULL, "{\"mask_token\":{\"content\":\"<mask>\",\"lstrip\":false}}", NULL,
      9, FALSE },
    { "{\"mask_token\":\"<mask>\"}",
      "{\"mask_token\":{\"content\":\"<mask>\",\"lstrip\":false}}", NULL, 9,
      FALSE },
    { "{\"mask_token\":{\"__type\":\"AddedToken\",\"content\":\"<mask>\","
      "\"lstrip\":true}}",
      "{\"mask_token\":{\"content\":\"<mask>\",\"lstrip\":false}}", NULL, 9,
      TRUE },
    { "{\"added_tokens_decoder\":{\"9\":{\"content\":\"<mask>\"}}}", NULL, NULL,
      9, FALSE },
    { NULL, NULL, "{\"<mask>\":9}", 9, TRUE },
    { "{\"mask_token\":\"[M]\"}", NULL, "{\"[M]\":17}", 17, TRUE },
    { "{\"mask_token\":\"[M]\"}", NULL, NULL, 10, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Texts texts = { .vocab = VOCAB,
                            .merges = MERGES,
                            .config = cases[i].config,
                            .map = cases[i].map,
                            .added = cases[i].added };
      g_autoptr (D2vTokenizer) tokenizer = open_good (&texts);
      const gchar *mask = d2v_tokenizer_token (tokenizer, cases[i].mask, NULL);
      g_autofree gchar *text = g_strconcat ("a ", mask, NULL);

      g_assert_cmpint (d2v_tokenizer_special (tokenizer, D2V_SPECIAL_MASK), ==,
                       cases[i].mask);
      if (strcmp (mask, "a") == 0)
        assert_ids (tokenizer, text, 4, 0, cases[i].mask, cases[i].mask, 2);
      else if (cases[i].strips)
        assert_ids (tokenizer, text, 4, 0, 4, cases[i].mask, 2);
      else
        assert_ids (tokenizer, text, 5, 0, 4, 7, cases[i].mask, 2);
    }
}

/* Special or not decides what decoding skips. */
static void
test_special_flag (void)
{
  const Texts texts = { .vocab = VOCAB,
                        .merges = MERGES,
                        .map = "{\"additional_special_tokens\":[\"<x>\","
                               "{\"content\":\"<y>\",\"special\":false}]}",
                        .added = "{\"<x>\":10,\"<z>\":11}" };
  const gint32 ids[] = { 0, 10, 11, 12, 4, 9, 2 };
  g_autoptr (D2vTokenizer) tokenizer = open_good (&texts);
  g_autofree gchar *kept
      = d2v_tokenizer_decode (tokenizer, ids, 7, FALSE, NULL, NULL);
  g_autofree gchar *skipped
      = d2v_tokenizer_decode (tokenizer, ids, 7, TRUE, NULL, NULL);

  g_assert_cmpstr (kept, ==, "<s><x><z><y>a<mask></s>");
  g_assert_cmpstr (skipped, ==, "<z>a");
}

/* A token that is white space and swallows white space: every match would
 * walk to the end of the run. */
static void
test_swallowing_spaces (void)
{
  const Texts texts
      = { .vocab = VOCAB,
          .merges = MERGES,
          .config = "{\"added_tokens_decoder\":{\"10\":{\"content\":\"\\n\","
                    "\"rstrip\":true},\"11\":{\"content\":\" \","
                    "\"lstrip\":true,\"rstrip\":true}}}" };
  g_autoptr (D2vTokenizer) tokenizer = open_good (&texts);
  D2vEncodeParams params = { .max_text_bytes = 1 << 20 };
  g_autofree gchar *text = g_strnfill (1 << 20, '\n');

  g_autoptr (D2vEncoding) e
      = d2v_tokenizer_encode (tokenizer, text, 1 << 20, NULL, 0, &params, NULL);
  g_assert_cmpuint (e->n_tokens, ==, (1 << 20) + 2);
  g_assert_cmpuint (e->end[1], <=, 1 << 20);
  memset (text, ' ', 1 << 20);
  g_autoptr (D2vEncoding) spaces
      = d2v_tokenizer_encode (tokenizer, text, 1 << 20, NULL, 0, &params, NULL);
  g_assert_nonnull (spaces);
}

/* --------------------------------------------------------------- opening -- */

static void
test_directory (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (d2v_tokenizer_open (TESTS_DATA "/bpe/nowhere", 0, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (d2v_tokenizer_open (TESTS_DATA "/bpe", 0, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOK_MISSING);
  g_clear_error (&error);
  g_assert_null (d2v_tokenizer_open (TESTS_DATA "/bpe/five", 419, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOK_VOCAB);
  g_assert_nonnull (strstr (error->message, "five/tokenizer.json"));
}

/* Every allocation of ours fails once: an error each time, and no leak. */
static void
test_no_memory (void)
{
  const Texts texts = { .vocab = VOCAB,
                        .merges = MERGES,
                        .map = "{\"additional_special_tokens\":[\"<x>\"]}" };
  g_autoptr (D2vTokenizer) tokenizer = NULL;

  for (guint64 nth = 1; !tokenizer; nth++)
    {
      g_autoptr (GError) error = NULL;

      d2v_alloc_fail_at (nth);
      tokenizer = open_texts (&texts, 0, &error);
      if (!tokenizer)
        g_assert_error (error, D2V_ERROR, D2V_ERROR_NO_MEMORY);
      g_assert_cmpuint (nth, <, 200);
    }
  d2v_alloc_fail_at (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/bpe-files/sources", test_sources);
  g_test_add_func ("/process/bpe-files/disagreement", test_disagreement);
  g_test_add_func ("/process/bpe-files/vocab", test_vocab);
  g_test_add_func ("/process/bpe-files/vocab-size", test_vocab_size);
  g_test_add_func ("/process/bpe-files/messages", test_messages);
  g_test_add_func ("/process/bpe-files/merges", test_merges);
  g_test_add_func ("/process/bpe-files/tokenizer", test_tokenizer);
  g_test_add_func ("/process/bpe-files/tokenizer-variants",
                   test_tokenizer_variants);
  g_test_add_func ("/process/bpe-files/config", test_config);
  g_test_add_func ("/process/bpe-files/model-max-length",
                   test_model_max_length);
  g_test_add_func ("/process/bpe-files/special-tokens", test_special_tokens);
  g_test_add_func ("/process/bpe-files/special-flag", test_special_flag);
  g_test_add_func ("/process/bpe-files/swallowing-spaces",
                   test_swallowing_spaces);
  g_test_add_func ("/process/bpe-files/directory", test_directory);
  g_test_add_func ("/process/bpe-files/no-memory", test_no_memory);
  return g_test_run ();
}
