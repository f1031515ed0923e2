/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bpe_private.h: the parts of the tokenizer, for each other.
 *
 *   bpe                     opens, and answers what it holds
 *   bpe_load, bpe_special,
 *   bpe_components          files -> D2vTokenizer
 *   bpe_added               finds added tokens in a text
 *   bpe_split               cuts what is between them into pieces
 *   bpe_merge               merges the bytes of a piece
 *   bpe_text                the three together: a text -> D2vBpeRun
 *   bpe_encode              runs -> truncation, template, padding, rows
 *   bpe_decode              ids -> text */
#pragma once

#include "engine/base/ref.h"
#include "engine/io/json.h"
#include "engine/process/bpe.h"
#include "engine/process/bpe_table.h"

#define D2V_MAX_TOKENS (1 << 20)
#define D2V_MAX_TOKEN_BYTES 1024
#define D2V_MAX_MERGES (1 << 22)

/* --------------------------------------------------------- added tokens -- */

typedef struct
{
  guint32 id;
  gboolean lstrip, rstrip, single_word, normalized, special;
} D2vAddedToken;

/* A node of the strings read from their ends. Where a string goes on no
 * further, `fall` is the node of the longest one that still may. */
typedef struct
{
  guint32 parent, fall;
  guint32 found;         /* index of the longest string that ends in this node,
                          * so begins at its byte; D2V_BPE_NONE: none */
  guint16 length, depth; /* of that string, and of the node */
  guint8 byte;
} D2vBpeBackNode;

/* Strings in a trie: the longest one that begins at a place. Walking on from
 * each place is quick in any text but one made against it; for such a text
 * all places are looked up in one walk back over it (Aho and Corasick). */
typedef struct
{
  D2vPairMap back_edges; /* (node, byte) -> node of back */
  D2vBpeBackNode *back;
  gsize n_back, back_capacity;

  D2vPairMap edges; /* (node, byte) -> node; the root is 0 */
  guint32 *found;   /* by node: index of its token, D2V_BPE_NONE: none */
  gsize n_nodes, capacity;
  gboolean begins[256]; /* whether a string begins with this byte */
} D2vBpeTrie;

gboolean d2v_bpe_trie_add (D2vBpeTrie *trie, const gchar *text, gsize length,
                           guint32 token);
/* After the last string, before the first search. */
gboolean d2v_bpe_trie_finish (D2vBpeTrie *trie);
void d2v_bpe_trie_clear (D2vBpeTrie *trie);

/* ------------------------------------------------------------ tokenizer -- */

/* Characters of a token's string that trim_offsets takes off each end. */
typedef struct
{
  guint16 n_chars, lead, trail;
} D2vBpeTrim;

struct _D2vTokenizer
{
  D2vRefCount ref_count;

  D2vTokenNames names; /* vocabulary and added tokens */
  gsize n_vocab_ids;   /* ids below it may be the vocabulary's */
  D2vBpeTrim *trims;   /* by id */
  D2vPairMap merges;   /* (id, id) -> rank */
  guint32 *merged;     /* by rank: id of the two together */
  gsize n_merges;
  guint32 byte_ids[256]; /* D2V_BPE_NONE: dropped */

  D2vAddedToken *added;
  gsize n_added, added_capacity;
  guint8 *is_special;  /* by id */
  D2vBpeTrie tries[2]; /* not normalized first, then normalized */

  gint32 specials[D2V_N_SPECIALS];
  gboolean add_prefix_space, trim_offsets, pads_left, truncates_left;
  gsize model_max_length;
};

/* The character that stands for a byte in the vocabulary's strings, and back;
 * -1 for a character that stands for none. */
gunichar d2v_bpe_byte_to_char (guint8 byte);
gint d2v_bpe_char_to_byte (gunichar c);

/* -------------------------------------------------------- one text's run -- */

/* Where the piece that begins at @begin < n ends. @text is valid UTF-8. */
gsize d2v_bpe_piece_end (const gchar *text, gsize n, gsize begin);

/* A list of tokens in the making: each symbol has its id, the rank of the
 * merge with the next one (D2V_BPE_NONE: none), and its neighbours. */
typedef struct
{
  guint32 id, rank, previous, next;
} D2vBpeSymbol;

typedef struct
{
  D2vBpeSymbol *symbols;
  guint64 *heap; /* of rank << 32 | symbol */
  gsize symbols_capacity, heap_capacity;
} D2vBpeMerger;

/* Takes room for @n symbols. FALSE when memory is short. */
gboolean d2v_bpe_merger_reserve (D2vBpeMerger *merger, gsize n);
/* Merges merger->symbols[0..n - 1], of which the caller set the ids. What is
 * left is a list from symbol 0, linked by next up to @n; each index is still
 * that of the symbol's first byte. */
void d2v_bpe_merge (const D2vTokenizer *tokenizer, D2vBpeMerger *merger,
                    gsize n);
void d2v_bpe_merger_clear (D2vBpeMerger *merger);

typedef struct
{
  guint32 id;
  guint32 word;        /* index of its piece */
  guint32 begin, end;  /* code points, before trimming */
  guint32 lead, trail; /* as D2vBpeTrim */
} D2vBpeToken;

typedef struct
{
  D2vBpeToken *tokens;
  gsize n, capacity;
} D2vBpeRun;

/* Appends the tokens of @text, without template. Stops when there are @limit
 * of them or a few more. INPUT or NO_MEMORY. */
gboolean d2v_bpe_run (const D2vTokenizer *tokenizer, const gchar *text,
                      gsize n_bytes, gsize max_bytes, gsize limit,
                      D2vBpeRun *run, GError **error);

/* Places of a text that are looked up at once. */
#define D2V_BPE_BLOCK 2048

/* Added tokens in text[begin..end), one pass. Each call gives the next token
 * and where it is; between the end of one and the beginning of the next lies
 * text without. */
typedef struct
{
  const D2vTokenizer *tokenizer;
  const D2vBpeTrie *trie;
  const gchar *text;
  gsize begin, end;
  gsize at;   /* where the search goes on */
  gsize done; /* end of the last match, white space included */
  gsize space_begin, space_end; /* the run last seen right of a match */
  gsize n_steps;                /* bytes walked over so far */
  guint32 *block; /* (D2V_BPE_BLOCK), the caller's: nodes of the trie's back */
  gsize block_begin, block_end; /* the places that are in it */
} D2vBpeScan;

typedef struct
{
  const D2vAddedToken *token;
  gsize begin, end;           /* with the white space it swallows */
  gsize name_begin, name_end; /* without */
} D2vBpeMatch;

gboolean d2v_bpe_scan_next (D2vBpeScan *scan, D2vBpeMatch *match);

/* ------------------------------------------------------ loading, in parts */

/* The files, parsed; NULL: not there. */
typedef struct
{
  D2vTokenizer *tokenizer; /* in the making */
  const D2vTokenizerFiles *files;
  gsize vocab_size; /* no id of the vocabulary may reach it */
  D2vJson *vocab, *tokenizer_json, *config, *map, *added;
  gchar *merges_name; /* for messages */
} D2vBpeLoader;

/* First: whether tokenizer.json asks for anything else than what is done here
 * (rule T3). */
gboolean d2v_bpe_check_components (const D2vBpeLoader *loader, GError **error);
/* Vocabulary, merges and bytes. */
gboolean d2v_bpe_load_model (D2vBpeLoader *loader, GError **error);
/* After that: configuration, special and added tokens. */
gboolean d2v_bpe_load_special (D2vBpeLoader *loader, GError **error);
/* After that: whether tokenizer.json's template has these special tokens. */
gboolean d2v_bpe_check_template (const D2vBpeLoader *loader, GError **error);
