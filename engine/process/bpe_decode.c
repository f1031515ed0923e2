/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/process/unicode.h"

/* ------------------------------------------------------------- alphabet -- */

/* Bytes that print stand for themselves; the 68 others are U+0100 and on. */
static gboolean
prints (guint8 byte)
{
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

gunichar
d2v_bpe_byte_to_char (guint8 byte)
{
  gunichar c = 0x100;

  if (prints (byte))
    return byte;
  for (guint before = 0; before < byte; before++)
    c += !prints ((guint8) before);
  return c;
}

/* U+0100 to U+0120 are bytes 00 to 20, U+0121 to U+0142 7F to A0, and U+0143
 * is AD. */
gint
d2v_bpe_char_to_byte (gunichar c)
{
  if (c < 0x100)
    return prints ((guint8) c) ? (gint) c : -1;
  if (c <= 0x120)
    return (gint) (c - 0x100);
  if (c <= 0x142)
    return (gint) (c - 0x121 + 0x7f);
  return c == 0x143 ? 0xad : -1;
}

/* Writes the bytes that @token stands for to @out and returns how many: a
 * token with any character outside the alphabet is text as it is. */
static gsize
token_bytes (const gchar *token, gsize length, gchar *out)
{
  gsize n = 0;

  for (gsize at = 0; at < length;)
    {
      gint byte = d2v_bpe_char_to_byte (d2v_utf8_next (token, &at));

      if (byte < 0)
        {
          memcpy (out, token, length);
          return length;
        }
      out[n++] = (gchar) byte;
    }
  return n;
}

/* The string of @id, NULL when it is unknown or to be skipped. */
static const gchar *
shown_token (const D2vTokenizer *tokenizer, gint32 id, gboolean skip_special,
             gsize *length)
{
  const gchar *token
      = id < 0 ? NULL
               : d2v_token_names_get (&tokenizer->names, (guint32) id, length);

  return token && skip_special && tokenizer->is_special[id] ? NULL : token;
}

/* What tokens are asked for one by one. */
typedef struct
{
  const D2vTokenizer *tokenizer; /* NULL: strings are given */
  const gint32 *ids;
  gboolean skip_special;
  const D2vString *strings;
} Tokens;

static const gchar *
nth_token (const Tokens *tokens, gsize i, gsize *length)
{
  if (tokens->tokenizer)
    return shown_token (tokens->tokenizer, tokens->ids[i], tokens->skip_special,
                        length);
  const D2vString *string = &tokens->strings[i];
  *length = string->length < 0 ? strlen (string->text) : (gsize) string->length;
  return string->text;
}

/* Room for the bytes of @n tokens; NULL when memory is short. */
static gchar *
make_room (const Tokens *tokens, gsize n)
{
  gsize most = 1, length;

  for (gsize i = 0; i < n; i++)
    if (nth_token (tokens, i, &length) && !d2v_add (most, length, &most))
      return NULL;
  return g_try_malloc (most);
}

static gchar *
decode (const Tokens *tokens, gsize n, gsize *length, GError **error)
{
  g_autofree gchar *bytes = make_room (tokens, n);
  gchar *text = NULL;
  gsize n_bytes = 0;

  for (gsize i = 0; bytes && i < n; i++)
    {
      gsize token_length;
      const gchar *token = nth_token (tokens, i, &token_length);

      if (token)
        n_bytes += token_bytes (token, token_length, bytes + n_bytes);
    }
  if (bytes)
    text = g_try_malloc_n (n_bytes + 1, 3);
  if (!text)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "expected memory for the text of %" G_GSIZE_FORMAT
                " tokens, found none",
                n);
      return NULL;
    }
  n_bytes = d2v_utf8_repair (bytes, n_bytes, text, NULL);
  text[n_bytes] = '\0';
  if (length)
    *length = n_bytes;
  return text;
}

gchar *
d2v_tokenizer_decode (const D2vTokenizer *tokenizer, const gint32 *ids, gsize n,
                      gboolean skip_special, gsize *length, GError **error)
{
  const Tokens tokens
      = { .tokenizer = tokenizer, .ids = ids, .skip_special = skip_special };

  return decode (&tokens, n, length, error);
}

gchar *
d2v_tokens_decode (const D2vString *strings, gsize n, gsize *length,
                   GError **error)
{
  const Tokens tokens = { .strings = strings };

  return decode (&tokens, n, length, error);
}

/* --------------------------------------------------------------- stream -- */

/* Bytes of a character that is not whole, and of a token after it. */
#define STREAM_BYTES (D2V_MAX_TOKEN_BYTES + 8)

struct _D2vTextStream
{
  D2vTokenizer *tokenizer;
  gboolean skip_special;
  gsize n_kept;
  gchar bytes[STREAM_BYTES];
  gchar text[3 * STREAM_BYTES + 1];
};

D2vTextStream *
d2v_text_stream_new (const D2vTokenizer *tokenizer, gboolean skip_special)
{
  D2vTextStream *stream = g_new0 (D2vTextStream, 1);

  stream->tokenizer = d2v_tokenizer_ref ((D2vTokenizer *) tokenizer);
  stream->skip_special = skip_special;
  return stream;
}

/* Gives the first @n of the bytes kept and keeps the rest. */
static const gchar *
give (D2vTextStream *stream, gsize n, gsize *length)
{
  *length = d2v_utf8_repair (stream->bytes, n, stream->text, NULL);
  stream->text[*length] = '\0';
  stream->n_kept -= n;
  memmove (stream->bytes, stream->bytes + n, stream->n_kept);
  return stream->text;
}

const gchar *
d2v_text_stream_push (D2vTextStream *stream, gint32 id, gsize *length)
{
  gsize token_length, whole_end = 0;
  const gchar *token = shown_token (stream->tokenizer, id, stream->skip_special,
                                    &token_length);

  if (token)
    stream->n_kept
        += token_bytes (token, token_length, stream->bytes + stream->n_kept);
  for (gsize at = 0; at < stream->n_kept; whole_end = at)
    {
      gboolean whole, cut;

      at += d2v_utf8_sequence (stream->bytes + at, stream->n_kept - at, &whole,
                               &cut);
      if (cut)
        break;
    }
  return give (stream, whole_end, length);
}

const gchar *
d2v_text_stream_finish (D2vTextStream *stream, gsize *length)
{
  return give (stream, stream->n_kept, length);
}

void
d2v_text_stream_free (D2vTextStream *stream)
{
  if (!stream)
    return;
  d2v_tokenizer_unref (stream->tokenizer);
  g_free (stream);
}
