/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bpe.h: RoBERTa's byte-level BPE tokenizer: text to ids with offsets, ids to
 * text (spec 8.3, rules T).
 *
 * Read from the files that the hub publishes: vocab.json and merges.txt, or
 * tokenizer.json alone, with tokenizer_config.json, special_tokens_map.json
 * and added_tokens.json where they are there. Results equal those of the
 * original's fast tokenizer. A tokenizer is immutable: any thread. Time and
 * memory grow with n log n at worst, whatever the text.
 *
 * Strings are UTF-8 with a length, for U+0000 is text; a length of -1 means
 * NUL-terminated. */
#pragma once

#include "engine/d2v.h"

/* What a text may hold unless the caller says otherwise (rule T6). */
#define D2V_MAX_TEXT_BYTES (64 << 10)
/* What a document may hold that somebody asks about. */
#define D2V_MAX_DOCUMENT_BYTES (1 << 20)
/* Tokens of one encoding, all rows together. */
#define D2V_MAX_ENCODED_TOKENS (1 << 24)

typedef struct _D2vTokenizer D2vTokenizer;

/* -------------------------------------------------------------- opening -- */

/* Reads @dir; no weights are needed. @vocab_size: of config.json; no id of
 * the vocabulary may reach it (added tokens may). 0: not checked. Fails with
 * TOK_MISSING, TOK_VOCAB, TOK_MERGES, TOK_UNSUPPORTED, TOK_DISAGREE,
 * TOK_SPECIAL, JSON, CONFIG_TYPE, CONFIG_RANGE or what reading a file gives,
 * and names the file. */
D2vTokenizer *d2v_tokenizer_open (const gchar *dir, gsize vocab_size,
                                  GError **error);

/* The files as bytes in memory, for tests and fuzzing; NULL: not there. */
typedef struct
{
  const gchar *dir;           /* for messages; may be NULL */
  GBytes *vocab;              /* vocab.json */
  GBytes *merges;             /* merges.txt */
  GBytes *tokenizer;          /* tokenizer.json */
  GBytes *tokenizer_config;   /* tokenizer_config.json */
  GBytes *special_tokens_map; /* special_tokens_map.json */
  GBytes *added_tokens;       /* added_tokens.json */
} D2vTokenizerFiles;

D2vTokenizer *d2v_tokenizer_new (const D2vTokenizerFiles *files,
                                 gsize vocab_size, GError **error);
D2vTokenizer *d2v_tokenizer_ref (D2vTokenizer *tokenizer);
void d2v_tokenizer_unref (D2vTokenizer *tokenizer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTokenizer, d2v_tokenizer_unref)

/* --------------------------------------------------------------- tokens -- */

typedef enum
{
  D2V_SPECIAL_BOS,
  D2V_SPECIAL_EOS,
  D2V_SPECIAL_UNK,
  D2V_SPECIAL_SEP,
  D2V_SPECIAL_PAD,
  D2V_SPECIAL_CLS,
  D2V_SPECIAL_MASK,
  D2V_N_SPECIALS
} D2vSpecial;

/* Every special token has an id; one that no file lists gets the next free
 * one, as in the original, and then the model has no row for it. */
gint32 d2v_tokenizer_special (const D2vTokenizer *tokenizer,
                              D2vSpecial special);
/* The greatest id and one. */
gsize d2v_tokenizer_n_ids (const D2vTokenizer *tokenizer);
/* The token as the vocabulary spells it ("\u0120free"), borrowed; NULL for an
 * unknown id. @length may be NULL. */
const gchar *d2v_tokenizer_token (const D2vTokenizer *tokenizer, gint32 id,
                                  gsize *length);
/* The id of a token spelled that way, -1 when there is none. */
gint32 d2v_tokenizer_lookup (const D2vTokenizer *tokenizer, const gchar *token,
                             gssize length);
/* tokenizer_config.json's model_max_length; G_MAXSIZE: no limit. */
gsize d2v_tokenizer_model_max_length (const D2vTokenizer *tokenizer);
/* Whether padding_side is "left". */
gboolean d2v_tokenizer_pads_left (const D2vTokenizer *tokenizer);

/* ------------------------------------------------------------- encoding -- */

typedef enum
{
  D2V_PAD_NOT,
  D2V_PAD_LONGEST,   /* to the longest row */
  D2V_PAD_MAX_LENGTH /* to max_length; not at all when there is none */
} D2vPadding;

/* Zeros are the defaults. */
typedef struct
{
  D2vTruncation truncation;
  gsize max_length;   /* of a row with its template; 0: the model's */
  gboolean all_parts; /* also what truncation cuts off, as more rows */
  gsize stride;       /* tokens that neighbouring parts share */
  D2vPadding padding;
  gsize pad_to_multiple_of; /* 0: any length */
  gboolean no_template;     /* without <s> and </s> */
  gsize max_text_bytes;     /* 0: D2V_MAX_TEXT_BYTES */
} D2vEncodeParams;

/**
 * D2vEncoding:
 *
 * Rows of tokens. Row r is tokens row_begin[r] .. row_begin[r + 1] - 1 of the
 * arrays below it; rows of one text are its parts in order. With two cut
 * sides that is (A0,B0), then each later part of A with every part of B, then
 * A0 with the later parts of B.
 */
typedef struct
{
  gsize n_rows;
  gsize n_tokens;    /* of all rows */
  gsize *row_begin;  /* n_rows + 1 */
  guint32 *row_text; /* n_rows: which text it comes from */

  gint32 *ids;            /* each of the rest: n_tokens */
  guint8 *attention_mask; /* 0: padding */
  guint8 *special_mask;   /* 1: template or padding */
  gint8 *sequence;        /* 0: text, 1: pair, -1: template or padding */
  gint32 *word;           /* index of its piece in its text, or -1 */
  guint32 *start;         /* code points from the start of its own text */
  guint32 *end;           /* after the last */
} D2vEncoding;

/* One text, or a pair where @pair is neither NULL nor empty. @params may be
 * NULL. INPUT: not UTF-8, too long for max_text_bytes, or not to be cut as
 * asked for; TOO_BIG: more than D2V_MAX_ENCODED_TOKENS; NO_MEMORY. */
D2vEncoding *d2v_tokenizer_encode (const D2vTokenizer *tokenizer,
                                   const gchar *text, gssize length,
                                   const gchar *pair, gssize pair_length,
                                   const D2vEncodeParams *params,
                                   GError **error);
/* @n texts, and as many pairs unless NULL. In a batch an empty pair is still
 * a pair, as in the original. */
D2vEncoding *d2v_tokenizer_encode_batch (const D2vTokenizer *tokenizer, gsize n,
                                         const D2vString *texts,
                                         const D2vString *pairs,
                                         const D2vEncodeParams *params,
                                         GError **error);
void d2v_encoding_free (D2vEncoding *encoding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vEncoding, d2v_encoding_free)

/* ------------------------------------------------------------- decoding -- */

/* The text of @n ids: always valid UTF-8, with one U+FFFD for each ill-formed
 * part. Unknown ids are skipped. It may hold U+0000; @length may be NULL.
 * Free with g_free(); NULL with NO_MEMORY. */
gchar *d2v_tokenizer_decode (const D2vTokenizer *tokenizer, const gint32 *ids,
                             gsize n, gboolean skip_special, gsize *length,
                             GError **error);

/* The text of @n tokens given as strings, as d2v_tokenizer_decode() makes it of
 * ids. No tokenizer is asked: the alphabet is the same for all. */
gchar *d2v_tokens_decode (const D2vString *tokens, gsize n, gsize *length,
                          GError **error);

/**
 * D2vTextStream:
 *
 * Decoding one id at a time: gives the text as far as its characters are
 * whole, keeping the bytes of one that is not. Everything it gave is together
 * what d2v_tokenizer_decode() gives. One thread at a time.
 */
typedef struct _D2vTextStream D2vTextStream;

D2vTextStream *d2v_text_stream_new (const D2vTokenizer *tokenizer,
                                    gboolean skip_special);
/* What @id completes, maybe nothing: borrowed until the next call. */
const gchar *d2v_text_stream_push (D2vTextStream *stream, gint32 id,
                                   gsize *length);
/* Ends the text: U+FFFD for what was not completed, else nothing. */
const gchar *d2v_text_stream_finish (D2vTextStream *stream, gsize *length);
void d2v_text_stream_free (D2vTextStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTextStream, d2v_text_stream_free)
