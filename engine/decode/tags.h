/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tags.h: token classification: logits of every token as labelled tokens or
 * spans (spec 8.5). Any thread. */
#pragma once

#include "engine/process/bpe.h"

typedef enum
{
  D2V_TAGS_NONE,    /* every token by itself */
  D2V_TAGS_SIMPLE,  /* neighbours of one label together */
  D2V_TAGS_FIRST,   /* words first: labelled as their first token, */
  D2V_TAGS_AVERAGE, /* as the mean of their tokens' scores, */
  D2V_TAGS_MAX      /* as their token with the highest score */
} D2vTagsStrategy;

/* "none", "simple", "first", "average" or "max". */
gboolean d2v_tags_strategy_from_name (const gchar *name, D2vTagsStrategy *out);

/* Zeros are the defaults. */
typedef struct
{
  D2vTagsStrategy strategy;
  const gchar *const *ignore_labels; /* NULL-terminated; NULL: "O" alone */
  gboolean has_stride; /* read all of a long text, in parts that share */
  gsize stride;        /* this many tokens; not with NONE */
} D2vTagsParams;

typedef struct
{
  const gchar *label; /* in the caller's labels, or the end of one of them */
  gfloat score;
  gsize index;        /* of the token in its row; NONE only */
  gchar *word;        /* NONE: as the vocabulary spells it; else as text */
  gsize word_length;  /* in bytes; it may hold U+0000 */
  guint32 start, end; /* code points of the text */
} D2vTag;

typedef struct
{
  D2vTag *items; /* in the order of the text */
  gsize n_items;
} D2vTags;

/* The rows to run: one cut to the model's length, or with a stride all parts,
 * padded. INPUT for a stride that does not fit. */
D2vEncoding *d2v_tags_encode (const D2vTokenizer *tokenizer, const gchar *text,
                              gssize length, const D2vTagsParams *params,
                              GError **error);

/* @encoding: of @text alone, as above. @logits: (n_tokens, n_labels), one row
 * a token of @encoding, padding too. @labels: (n_labels), which outlive the
 * result. NO_MEMORY. */
D2vTags *d2v_tags_decode (const D2vTokenizer *tokenizer, const gchar *text,
                          gssize length, const D2vEncoding *encoding,
                          const gfloat *logits, gchar *const *labels,
                          gsize n_labels, const D2vTagsParams *params,
                          GError **error);
void d2v_tags_free (D2vTags *tags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vTags, d2v_tags_free)
