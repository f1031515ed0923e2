/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as text. The first three say how it is cut and padded; the rest is
 * the text, or a text and its pair with a byte FF between them. UTF-8 comes
 * back from its tokens unchanged; anything else is one error. */

#include "engine/process/bpe.h"
#include "engine/process/unicode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes);

/* The byte alphabet, some pairs of it, and special tokens that swallow
 * nothing. */
static GBytes *
make_vocab (void)
{
  GString *json = g_string_new ("{");
  guint id = 0;

  for (gunichar c = 0x21; c <= 0x143; c++)
    if (c <= 0x7e || (c >= 0xa1 && c != 0xad && c <= 0xff) || c >= 0x100)
      {
        gchar utf8[7] = { 0 };

        g_unichar_to_utf8 (c, utf8);
        g_string_append_printf (json, "\"%s%s\":%u,",
                                c == '"' || c == '\\' ? "\\" : "", utf8, id++);
      }
  g_string_append_printf (json,
                          "\"aa\":%u,\"aaaa\":%u,\"\\u0120a\":%u,\"th\":%u,"
                          "\"the\":%u,\"\\u00f0\\u0141\":%u,\"<s>\":%u,"
                          "\"<pad>\":%u,\"</s>\":%u,\"<unk>\":%u}",
                          id, id + 1, id + 2, id + 3, id + 4, id + 5, id + 6,
                          id + 7, id + 8, id + 9);
  return g_string_free_to_bytes (json);
}

static D2vTokenizer *
make_tokenizer (void)
{
  static const gchar merges[]
      = "a a\nt h\n\304\240 a\nth e\naa aa\n\303\260 \305\201\n";
  static const gchar config[]
      = "{\"mask_token\":{\"content\":\"<mask>\",\"lstrip\":false}}";
  g_autoptr (GBytes) vocab_bytes = make_vocab ();
  g_autoptr (GBytes) merges_bytes
      = g_bytes_new_static (merges, sizeof merges - 1);
  g_autoptr (GBytes) config_bytes
      = g_bytes_new_static (config, sizeof config - 1);
  const D2vTokenizerFiles files = { .vocab = vocab_bytes,
                                    .merges = merges_bytes,
                                    .tokenizer_config = config_bytes };
  g_autoptr (GError) error = NULL;
  D2vTokenizer *tokenizer = d2v_tokenizer_new (&files, 0, &error);

  if (tokenizer == NULL)
    g_error ("%s", error->message);
  return tokenizer;
}

static void
require (gboolean holds)
{
  if (!holds)
    abort ();
}

static void
check_rows (const D2vEncoding *e, const D2vEncodeParams *params)
{
  for (gsize r = 0; r < e->n_rows; r++)
    {
      gsize n = e->row_begin[r + 1] - e->row_begin[r];

      require (e->row_begin[r + 1] <= e->n_tokens);
      if (params->truncation != D2V_TRUNCATE_NOT
          && params->padding == D2V_PAD_NOT)
        require (n <= params->max_length);
    }
  for (gsize i = 0; i < e->n_tokens; i++)
    require (e->start[i] <= e->end[i] && e->ids[i] >= 0);
}

/* As the first three bytes say, which may be refused. */
static void
encode_cut (const D2vTokenizer *tokenizer, const guint8 *options,
            const gchar *text, gsize n, const gchar *pair, gsize n_pair)
{
  const D2vEncodeParams params = {
    .truncation = options[0] & 3,
    .padding = options[0] >> 2 & 3 & ~(options[0] >> 3 & 1),
    .all_parts = options[0] >> 4 & 1,
    .no_template = options[0] >> 5 & 1,
    .max_length = 1 + (options[1] & 63),
    .stride = options[2] & 15,
    .pad_to_multiple_of = options[2] >> 4,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vEncoding) e = d2v_tokenizer_encode (
      tokenizer, text, (gssize) n, pair, (gssize) n_pair, &params, &error);

  require ((e == NULL) == (error != NULL));
  if (e != NULL)
    check_rows (e, &params);
}

static void
round_trip (const D2vTokenizer *tokenizer, const gchar *text, gsize n)
{
  const D2vEncodeParams params = { .no_template = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vEncoding) e = d2v_tokenizer_encode (tokenizer, text, (gssize) n,
                                                    NULL, 0, &params, &error);
  g_autofree gchar *back = NULL;
  gsize length;

  require ((e != NULL)
           == (n <= D2V_MAX_TEXT_BYTES && d2v_utf8_is_valid (text, n)));
  if (e == NULL)
    return;
  check_rows (e, &params);
  back = d2v_tokenizer_decode (tokenizer, e->ids, e->n_tokens, FALSE, &length,
                               NULL);
  require (length == n && memcmp (back, text, n) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  static D2vTokenizer *tokenizer;

  if (tokenizer == NULL)
    tokenizer = make_tokenizer ();
  if (n_bytes < 3)
    return 0;
  const gchar *text = (const gchar *) data + 3;
  gsize n = n_bytes - 3;
  const gchar *mark = memchr (text, 0xff, n);
  gsize n_text = mark ? (gsize) (mark - text) : n;

  round_trip (tokenizer, text, n_text);
  encode_cut (tokenizer, data, text, n_text, mark ? mark + 1 : NULL,
              mark ? n - n_text - 1 : 0);
  return 0;
}
