/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/process/unicode.h"

/* One text on its way to tokens. */
typedef struct
{
  const D2vTokenizer *tokenizer;
  const gchar *text;
  guint32 *characters; /* by byte: which character it is part of; NULL for
                        * ASCII, where byte and character agree */
  D2vBpeMerger merger;
  gchar *prefixed; /* a segment with a space before it */
  gsize prefixed_capacity;
  D2vBpeRun *run;
  guint32 n_words;
  gsize limit;
  guint32 blocks[2][D2V_BPE_BLOCK]; /* one a trie, see D2vBpeScan */
} Encoder;

static guint32
character (const Encoder *encoder, gsize byte)
{
  return encoder->characters ? encoder->characters[byte] : (guint32) byte;
}

static gboolean
is_ascii (const gchar *text, gsize n_bytes)
{
  guint8 seen = 0;

  for (gsize i = 0; i < n_bytes; i++)
    seen |= (guint8) text[i];
  return seen < 0x80;
}

static gboolean
count_characters (Encoder *encoder, gsize n_bytes)
{
  guint32 character = G_MAXUINT32;

  if (is_ascii (encoder->text, n_bytes))
    return TRUE;
  encoder->characters = d2v_malloc_n (n_bytes, sizeof (guint32));
  if (!encoder->characters)
    return FALSE;
  for (gsize i = 0; i < n_bytes; i++)
    {
      character += ((guint8) encoder->text[i] & 0xc0) != 0x80;
      encoder->characters[i] = character;
    }
  return TRUE;
}

static gboolean
push_token (Encoder *encoder, D2vBpeToken token)
{
  D2vBpeRun *run = encoder->run;
  gpointer grown = d2v_bpe_grow (run->tokens, &run->capacity, run->n,
                                 run->n + 1, sizeof (D2vBpeToken));

  if (!grown)
    return FALSE;
  run->tokens = grown;
  run->tokens[run->n++] = token;
  return TRUE;
}

/* --------------------------------------------------------------- pieces -- */

/* A segment: text between added tokens. With a space put before it, its byte
 * 0 is that space, which stands for the first character of the segment. */
typedef struct
{
  const gchar *bytes;
  gsize n;
  gsize begin;  /* in the text */
  gsize prefix; /* 0 or 1 */
} Segment;

static guint32
segment_character (const Encoder *encoder, const Segment *segment, gsize byte)
{
  return character (encoder,
                    segment->begin + byte - MIN (byte, segment->prefix));
}

static gboolean
push_symbol (Encoder *encoder, const Segment *segment, guint32 id, gsize begin,
             gsize end)
{
  D2vBpeTrim trim = encoder->tokenizer->trims[id];
  D2vBpeToken token = {
    .id = id,
    .word = encoder->n_words,
    .begin = segment_character (encoder, segment, begin),
    .end = segment_character (encoder, segment, end - 1) + 1,
    .lead = trim.lead,
    .trail = trim.trail,
  };

  return push_token (encoder, token);
}

/* Bytes of the character that stands for @byte. */
static gsize
shown_bytes (guint8 byte)
{
  return byte >= 0x21 && byte <= 0x7e ? 1 : 2;
}

/* Tokens of a piece some of whose bytes the vocabulary lacks. The original
 * drops them and lays the offsets of what remains one after the other over
 * the piece as it is written in the vocabulary's alphabet, so that all that
 * follow are too far left; so do we. */
static gboolean
push_shifted (Encoder *encoder, const Segment *segment, gsize begin, gsize n)
{
  const D2vBpeSymbol *symbols = encoder->merger.symbols;
  const guint8 *piece = (const guint8 *) segment->bytes + begin;
  const guint32 *byte_ids = encoder->tokenizer->byte_ids;
  gsize kept = 0, from = 0;   /* bytes that symbols were made of */
  gsize under = 0, above = 0; /* bytes under those places, and their ends */

  for (guint32 i = 0; i < n; i = symbols[i].next)
    {
      gsize to = from;

      for (guint32 left = symbols[i].next - i; left > 0; kept++)
        if (byte_ids[piece[kept]] != D2V_BPE_NONE)
          {
            to += shown_bytes (piece[kept]);
            left--;
          }
      for (gsize size; above + (size = shown_bytes (piece[under])) <= from;
           under++)
        above += size;
      gsize last = under;
      for (gsize end = above + shown_bytes (piece[last]); end < to;)
        end += shown_bytes (piece[++last]);
      if (!push_symbol (encoder, segment, symbols[i].id, begin + under,
                        begin + last + 1))
        return FALSE;
      from = to;
    }
  return TRUE;
}

static gboolean
push_piece (Encoder *encoder, const Segment *segment, gsize begin, gsize end)
{
  const D2vTokenizer *tokenizer = encoder->tokenizer;
  gsize n = 0;

  if (!d2v_bpe_merger_reserve (&encoder->merger, end - begin))
    return FALSE;
  D2vBpeSymbol *symbols = encoder->merger.symbols;
  for (gsize i = begin; i < end; i++)
    {
      guint32 id = tokenizer->byte_ids[(guint8) segment->bytes[i]];

      if (id != D2V_BPE_NONE)
        symbols[n++].id = id;
    }
  if (n > 0)
    d2v_bpe_merge (tokenizer, &encoder->merger, n);
  if (n < end - begin)
    return push_shifted (encoder, segment, begin, n);
  for (guint32 i = 0; i < n; i = symbols[i].next)
    if (!push_symbol (encoder, segment, symbols[i].id, begin + i,
                      begin + symbols[i].next))
      return FALSE;
  return TRUE;
}

/* ------------------------------------------------------------- segments -- */

static gboolean
put_prefix (Encoder *encoder, Segment *segment)
{
  gpointer grown = d2v_bpe_grow (encoder->prefixed, &encoder->prefixed_capacity,
                                 0, segment->n + 1, 1);

  if (!grown)
    return FALSE;
  encoder->prefixed = grown;
  encoder->prefixed[0] = ' ';
  memcpy (encoder->prefixed + 1, segment->bytes, segment->n);
  segment->bytes = encoder->prefixed;
  segment->n++;
  segment->prefix = 1;
  return TRUE;
}

static gboolean
push_segment (Encoder *encoder, gsize begin, gsize end)
{
  Segment segment = { encoder->text + begin, end - begin, begin, 0 };
  gsize next;

  if (segment.n > 0 && encoder->tokenizer->add_prefix_space
      && segment.bytes[0] != ' ' && !put_prefix (encoder, &segment))
    return FALSE;
  for (gsize at = 0; at < segment.n && encoder->run->n < encoder->limit;
       at = next)
    {
      next = d2v_bpe_piece_end (segment.bytes, segment.n, at);
      if (!push_piece (encoder, &segment, at, next))
        return FALSE;
      encoder->n_words++;
    }
  return TRUE;
}

/* The matched text is white space, the token's own string, white space. */
static gboolean
push_added (Encoder *encoder, const D2vBpeMatch *match)
{
  D2vBpeTrim trim = encoder->tokenizer->trims[match->token->id];
  guint32 begin = character (encoder, match->begin);
  guint32 end = character (encoder, match->end - 1) + 1;
  guint32 name_begin = character (encoder, match->name_begin);
  D2vBpeToken token = { .id = match->token->id,
                        .word = encoder->n_words++,
                        .begin = begin,
                        .end = end,
                        .lead = end - begin,
                        .trail = end - begin };

  if (trim.lead < trim.n_chars)
    {
      token.lead = name_begin - begin + trim.lead;
      token.trail = end - (name_begin + trim.n_chars) + trim.trail;
    }
  return push_token (encoder, token);
}

/* One pass over text[begin..end) for each trie, then pieces. */
static gboolean
push_text (Encoder *encoder, guint pass, gsize begin, gsize end)
{
  if (pass == G_N_ELEMENTS (encoder->tokenizer->tries))
    return push_segment (encoder, begin, end);

  D2vBpeScan scan = { .tokenizer = encoder->tokenizer,
                      .trie = &encoder->tokenizer->tries[pass],
                      .text = encoder->text,
                      .begin = begin,
                      .end = end,
                      .at = begin,
                      .done = begin,
                      .block = encoder->blocks[pass] };
  for (D2vBpeMatch match; encoder->run->n < encoder->limit;)
    {
      gsize done = scan.done;
      gboolean found = d2v_bpe_scan_next (&scan, &match);
      gsize gap_end = found ? match.begin : end;

      if (done < gap_end && !push_text (encoder, pass + 1, done, gap_end))
        return FALSE;
      if (!found)
        break;
      if (match.begin < match.end && !push_added (encoder, &match))
        return FALSE;
    }
  return TRUE;
}

gboolean
d2v_bpe_run (const D2vTokenizer *tokenizer, const gchar *text, gsize n_bytes,
             gsize max_bytes, gsize limit, D2vBpeRun *run, GError **error)
{
  Encoder encoder = { tokenizer, .text = text, .run = run, .limit = limit };
  gboolean done;

  if (n_bytes > max_bytes || n_bytes > G_MAXINT32)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a text of at most %" G_GSIZE_FORMAT
                     " bytes, found %" G_GSIZE_FORMAT,
                     max_bytes, n_bytes);
  if (!d2v_utf8_is_valid (text, n_bytes))
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a text in UTF-8, found other bytes");

  done = count_characters (&encoder, n_bytes)
         && push_text (&encoder, 0, 0, n_bytes);
  d2v_free (encoder.characters);
  d2v_free (encoder.prefixed);
  d2v_bpe_merger_clear (&encoder.merger);
  return done
         || d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                      "expected memory for the tokens of %" G_GSIZE_FORMAT
                      " bytes, found none",
                      n_bytes);
}
