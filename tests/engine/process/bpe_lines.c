/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bpe_lines MODEL: tokenizer requests in, answers out, one JSON object a line;
 * the protocol is that of `d2v tokenize MODEL --jsonl`. It lets
 * tests/data/bpe/compare.py hold the library to the original. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/error.h"
#include "engine/io/json.h"
#include "engine/process/bpe.h"

static const D2vTokenizer *tokenizer;

static void
append_integers (GString *out, const gchar *key, const D2vEncoding *e,
                 gsize row, gint64 (*get) (const D2vEncoding *, gsize))
{
  if (key)
    g_string_append_printf (out, "\"%s\":", key);
  g_string_append_c (out, '[');
  for (gsize i = e->row_begin[row]; i < e->row_begin[row + 1]; i++)
    g_string_append_printf (out, "%s%" G_GINT64_FORMAT,
                            i > e->row_begin[row] ? "," : "", get (e, i));
  g_string_append_c (out, ']');
}

static gint64
get_id (const D2vEncoding *e, gsize i)
{
  return e->ids[i];
}

static gint64
get_attention (const D2vEncoding *e, gsize i)
{
  return e->attention_mask[i];
}

static gint64
get_special (const D2vEncoding *e, gsize i)
{
  return e->special_mask[i];
}

static gint64
get_word (const D2vEncoding *e, gsize i)
{
  return e->word[i];
}

static gint64
get_sequence (const D2vEncoding *e, gsize i)
{
  return e->sequence[i];
}

static void
append_offsets (GString *out, const D2vEncoding *e, gsize row)
{
  g_string_append_c (out, '[');
  for (gsize i = e->row_begin[row]; i < e->row_begin[row + 1]; i++)
    g_string_append_printf (out, "%s[%u,%u]", i > e->row_begin[row] ? "," : "",
                            e->start[i], e->end[i]);
  g_string_append_c (out, ']');
}

static void
append_encoding (GString *out, const D2vEncoding *e, gboolean rows)
{
  static const struct
  {
    const gchar *key;
    gint64 (*get) (const D2vEncoding *, gsize);
  } columns[] = { { "input_ids", get_id },
                  { "attention_mask", get_attention },
                  { "special_tokens_mask", get_special },
                  { "word_ids", get_word },
                  { "sequence_ids", get_sequence },
                  { "offsets", NULL } };

  for (guint c = 0; c < G_N_ELEMENTS (columns); c++)
    {
      g_string_append_printf (out, "%c\"%s\":%s", c ? ',' : '{', columns[c].key,
                              rows ? "[" : "");
      for (gsize r = 0; r < e->n_rows && (rows || r == 0); r++)
        {
          if (r > 0)
            g_string_append_c (out, ',');
          if (columns[c].get)
            append_integers (out, NULL, e, r, columns[c].get);
          else
            append_offsets (out, e, r);
        }
      if (rows)
        g_string_append_c (out, ']');
    }
  g_string_append_c (out, '}');
}

static D2vString
string_of (const D2vJsonValue *value)
{
  gsize length = 0;
  const gchar *text = d2v_json_string (value, &length);

  return (D2vString){ text, (gssize) length };
}

static D2vString *
strings_of (const D2vJsonValue *value)
{
  gsize n = d2v_json_length (value);
  D2vString *strings = g_new0 (D2vString, n + 1);

  for (gsize i = 0; i < n; i++)
    strings[i] = string_of (d2v_json_element (value, i));
  return strings;
}

static D2vEncodeParams
params_of (const D2vJsonValue *request)
{
  const D2vJsonValue *truncation = d2v_json_member (request, "truncation");
  const D2vJsonValue *padding = d2v_json_member (request, "padding");
  const gchar *cut = d2v_json_string (truncation, NULL);
  const gchar *pad = d2v_json_string (padding, NULL);
  D2vEncodeParams params = {
    .max_length
    = (gsize) d2v_json_integer (d2v_json_member (request, "max_length")),
    .all_parts = d2v_json_has (request, "stride"),
    .stride = (gsize) d2v_json_integer (d2v_json_member (request, "stride")),
    .pad_to_multiple_of = (gsize) d2v_json_integer (
        d2v_json_member (request, "pad_to_multiple_of")),
    .no_template = d2v_json_bool (d2v_json_member (request, "no_template")),
    .max_text_bytes = 1 << 26
  };

  if (d2v_json_bool (truncation) || g_strcmp0 (cut, "longest_first") == 0)
    params.truncation = D2V_TRUNCATE_LONGEST_FIRST;
  else if (g_strcmp0 (cut, "only_first") == 0)
    params.truncation = D2V_TRUNCATE_ONLY_FIRST;
  else if (g_strcmp0 (cut, "only_second") == 0)
    params.truncation = D2V_TRUNCATE_ONLY_SECOND;
  if (d2v_json_bool (padding) || g_strcmp0 (pad, "longest") == 0)
    params.padding = D2V_PAD_LONGEST;
  else if (g_strcmp0 (pad, "max_length") == 0)
    params.padding = D2V_PAD_MAX_LENGTH;
  return params;
}

static gboolean
answer_decode (GString *out, const D2vJsonValue *request, GError **error)
{
  const D2vJsonValue *ids = d2v_json_member (request, "decode");
  gsize n = d2v_json_length (ids), length;
  g_autofree gint32 *values = g_new0 (gint32, n + 1);
  g_autofree gchar *text = NULL;

  for (gsize i = 0; i < n; i++)
    values[i] = (gint32) d2v_json_integer (d2v_json_element (ids, i));
  text = d2v_tokenizer_decode (
      tokenizer, values, n,
      d2v_json_bool (d2v_json_member (request, "skip_special_tokens")), &length,
      error);
  if (!text)
    return FALSE;
  g_string_append (out, "{\"text\":");
  d2v_json_append_string (out, text, (gssize) length);
  g_string_append_c (out, '}');
  return TRUE;
}

static gboolean
answer (GString *out, const D2vJsonValue *request, GError **error)
{
  const D2vJsonValue *text = d2v_json_member (request, "text");
  const D2vJsonValue *pair = d2v_json_member (request, "pair");
  D2vEncodeParams params = params_of (request);
  gboolean batch = d2v_json_type (text) == D2V_JSON_ARRAY;
  g_autoptr (D2vEncoding) encoding = NULL;

  if (d2v_json_has (request, "decode"))
    return answer_decode (out, request, error);
  if (batch)
    {
      g_autofree D2vString *texts = strings_of (text);
      g_autofree D2vString *pairs = pair ? strings_of (pair) : NULL;

      encoding = d2v_tokenizer_encode_batch (tokenizer, d2v_json_length (text),
                                             texts, pairs, &params, error);
    }
  else
    {
      D2vString one = string_of (text), two = string_of (pair);

      encoding = d2v_tokenizer_encode (tokenizer, one.text, one.length,
                                       two.text, two.length, &params, error);
    }
  if (encoding)
    append_encoding (out, encoding, batch || params.all_parts);
  return encoding != NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  D2vJsonLimits limits = { .max_growth = 64 };
  char *line = NULL;
  size_t capacity = 0;

  tokenizer = argc == 2 ? d2v_tokenizer_open (argv[1], 0, &failure) : NULL;
  if (!tokenizer)
    {
      fprintf (stderr, "%s\n", failure ? failure->message : "bpe_lines MODEL");
      return 1;
    }
  for (ssize_t n; (n = getline (&line, &capacity, stdin)) > 0;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vJson) json
          = d2v_json_parse (line, (gsize) n, "request", &limits, &error);

      g_string_truncate (out, 0);
      if (!json || !answer (out, d2v_json_root (json), &error))
        {
          g_string_assign (out, "{\"error\":");
          d2v_json_append_string (out, error->message, -1);
          g_string_append_c (out, '}');
        }
      puts (out->str);
      fflush (stdout);
    }
  free (line);
  d2v_tokenizer_unref ((D2vTokenizer *) tokenizer);
  return 0;
}
