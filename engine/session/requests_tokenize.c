/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* requests_tokenize.c: text to ids with offsets, ids to text. */

#include "engine/base/error.h"
#include "engine/session/requests_private.h"

#include <string.h>

/* ------------------------------------------------------------ decoding -- */

static gboolean
answer_decode (D2vService *service, const D2vJsonValue *request, GString *out,
               GError **error)
{
  static const gchar *const known[] = { "decode", "skip_special_tokens", NULL };
  gboolean skip = FALSE;
  g_autofree gint64 *numbers = NULL;
  gsize n, length;

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_flag (request, "skip_special_tokens", &skip, error)
      || !d2v_request_integers (request, "decode", 0, G_MAXINT32, &numbers, &n,
                                error))
    return FALSE;
  g_autofree gint32 *ids = g_new (gint32, n + 1);
  for (gsize i = 0; i < n; i++)
    ids[i] = (gint32) numbers[i];
  g_autofree gchar *text
      = d2v_tokenizer_decode (service->tokenizer, ids, n, skip, &length, error);
  if (text == NULL)
    return FALSE;
  g_string_append_c (out, '{');
  d2v_answer_string (out, "text", text, (gssize) length);
  g_string_append_c (out, '}');
  return TRUE;
}

/* ------------------------------------------------------------- reading -- */

typedef struct
{
  D2vString *texts, *pairs; /* (n); pairs may be NULL */
  gsize n;
  gboolean single;
} Texts;

static void
texts_clear (Texts *texts)
{
  g_free (texts->texts);
  g_free (texts->pairs);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Texts, texts_clear)

static gboolean
read_texts (const D2vJsonValue *request, Texts *t, GError **error)
{
  gboolean single_pair = FALSE;
  gsize n_pairs;

  if (!d2v_request_texts (request, "text", &t->texts, &t->n, &t->single, error)
      || !d2v_request_texts (request, "pair", &t->pairs, &n_pairs, &single_pair,
                             error))
    return FALSE;
  if (t->texts == NULL)
    return d2v_request_missing ("text", error);
  if (t->pairs != NULL && (n_pairs != t->n || single_pair != t->single))
    return d2v_fail (error, D2V_ERROR_USAGE, "request",
                     "text and pair: expected two strings or two arrays of "
                     "equal length");
  return TRUE;
}

static gboolean
read_params (const D2vJsonValue *request, D2vEncodeParams *p, GError **error)
{
  /* The order of the enums. */
  static const gchar *const paddings[]
      = { "do_not_pad", "longest", "max_length", NULL };
  guint padding = D2V_PAD_NOT;

  if (!d2v_request_truncation (request, &p->truncation, error)
      || !d2v_request_flag_or_choice (request, "padding", paddings,
                                      D2V_PAD_LONGEST, &padding, error)
      || !d2v_request_size (request, "max_length", 1, G_MAXINT32,
                            &p->max_length, error)
      || !d2v_request_size (request, "stride", 0, G_MAXINT32, &p->stride, error)
      || !d2v_request_size (request, "pad_to_multiple_of", 1, G_MAXINT32,
                            &p->pad_to_multiple_of, error))
    return FALSE;
  p->padding = padding;
  p->all_parts = d2v_json_member (request, "stride") != NULL;
  p->max_text_bytes = D2V_MAX_DOCUMENT_BYTES;
  return TRUE;
}

/* ------------------------------------------------------------- writing -- */

typedef void (*AppendFunc) (GString *out, const D2vEncoding *e, gsize token);

static void
append_id (GString *out, const D2vEncoding *e, gsize token)
{
  g_string_append_printf (out, "%d", e->ids[token]);
}

static void
append_attention (GString *out, const D2vEncoding *e, gsize token)
{
  g_string_append_printf (out, "%d", e->attention_mask[token]);
}

static void
append_special (GString *out, const D2vEncoding *e, gsize token)
{
  g_string_append_printf (out, "%d", e->special_mask[token]);
}

static void
append_offsets (GString *out, const D2vEncoding *e, gsize token)
{
  g_string_append_printf (out, "[%u,%u]", e->start[token], e->end[token]);
}

static void
append_row (GString *out, const D2vEncoding *e, gsize row, AppendFunc append)
{
  g_string_append_c (out, '[');
  for (gsize i = e->row_begin[row]; i < e->row_begin[row + 1]; i++)
    {
      d2v_answer_comma (out);
      append (out, e, i);
    }
  g_string_append_c (out, ']');
}

/* Tokens by row, or those of the only one. */
static void
append_rows (GString *out, const gchar *key, const D2vEncoding *e,
             gboolean rows, AppendFunc append)
{
  d2v_answer_key (out, key);
  if (!rows)
    {
      append_row (out, e, 0, append);
      return;
    }
  g_string_append_c (out, '[');
  for (gsize row = 0; row < e->n_rows; row++)
    {
      d2v_answer_comma (out);
      append_row (out, e, row, append);
    }
  g_string_append_c (out, ']');
}

static void
append_encoding (GString *out, const D2vEncoding *e, gboolean rows)
{
  g_string_append_c (out, '{');
  append_rows (out, "input_ids", e, rows, append_id);
  append_rows (out, "attention_mask", e, rows, append_attention);
  append_rows (out, "special_tokens_mask", e, rows, append_special);
  append_rows (out, "offsets", e, rows, append_offsets);
  g_string_append_c (out, '}');
}

/* ----------------------------------------------------------- answering -- */

static D2vEncoding *
encode (const D2vTokenizer *tokenizer, const Texts *t,
        const D2vEncodeParams *params, GError **error)
{
  if (!t->single)
    return d2v_tokenizer_encode_batch (tokenizer, t->n, t->texts, t->pairs,
                                       params, error);
  return d2v_tokenizer_encode (tokenizer, t->texts->text, t->texts->length,
                               t->pairs != NULL ? t->pairs->text : NULL,
                               t->pairs != NULL ? t->pairs->length : 0, params,
                               error);
}

gboolean
d2v_answer_tokenize (D2vService *service, const D2vJsonValue *request,
                     GString *out, GError **error)
{
  static const gchar *const known[] = { "text",
                                        "pair",
                                        "truncation",
                                        "padding",
                                        "stride",
                                        "max_length",
                                        "decode",
                                        "skip_special_tokens",
                                        "pad_to_multiple_of",
                                        NULL };
  D2vEncodeParams params = { D2V_TRUNCATE_NOT };
  g_auto (Texts) texts = { NULL };

  if (d2v_json_member (request, "decode") != NULL)
    return answer_decode (service, request, out, error);
  if (!d2v_request_check_keys (request, known, error)
      || !read_texts (request, &texts, error)
      || !read_params (request, &params, error))
    return FALSE;
  if (d2v_json_member (request, "skip_special_tokens") != NULL)
    return d2v_fail (error, D2V_ERROR_USAGE, "request",
                     "skip_special_tokens goes with decode only");
  g_autoptr (D2vEncoding) encoding
      = encode (service->tokenizer, &texts, &params, error);
  if (encoding == NULL)
    return FALSE;
  append_encoding (out, encoding, !texts.single || params.all_parts);
  return TRUE;
}
