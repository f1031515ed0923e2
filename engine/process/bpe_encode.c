/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/bpe_private.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

/* Tokens of <s> A </s> and <s> A </s></s> B </s> that are not the texts'. */
#define SINGLE_TEMPLATE 2
#define PAIR_TEMPLATE 4

/* A row in the making: a part of a text and a part of its pair. */
typedef struct
{
  guint32 text;
  guint32 begin[2], end[2]; /* tokens of their runs */
  gboolean has_pair;
} Row;

typedef struct
{
  const D2vTokenizer *tokenizer;
  D2vEncodeParams params; /* with the defaults put in */
  D2vBpeRun *runs;        /* text 0, pair 0, text 1, ... */
  gsize n_texts;
  Row *rows;
  gsize n_rows, rows_capacity;
  gsize n_tokens; /* of all rows, without padding */
  gsize longest;  /* row */
} Batch;

/* ----------------------------------------------------------- parameters -- */

static gboolean
settle_params (Batch *batch, GError **error)
{
  D2vEncodeParams *p = &batch->params;
  gsize model_max = batch->tokenizer->model_max_length;

  if (p->max_text_bytes == 0)
    p->max_text_bytes = D2V_MAX_TEXT_BYTES;
  if (p->max_length == 0)
    p->max_length = model_max;
  if (p->max_length == G_MAXSIZE)
    {
      p->truncation = D2V_TRUNCATE_NOT;
      if (p->padding == D2V_PAD_MAX_LENGTH)
        p->padding = D2V_PAD_NOT;
    }
  if (p->truncation != D2V_TRUNCATE_NOT && p->all_parts
      && p->max_length >= SINGLE_TEMPLATE
      && p->stride > p->max_length - SINGLE_TEMPLATE)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a stride of at most max_length - %d, found "
                     "%" G_GSIZE_FORMAT,
                     SINGLE_TEMPLATE, p->stride);
  /* The original refuses it too: such rows would be longer than allowed. */
  if (p->truncation != D2V_TRUNCATE_NOT && p->padding != D2V_PAD_NOT
      && p->pad_to_multiple_of > 0
      && p->max_length % p->pad_to_multiple_of != 0)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected max_length to be a multiple of "
                     "pad_to_multiple_of %" G_GSIZE_FORMAT
                     ", found %" G_GSIZE_FORMAT,
                     p->pad_to_multiple_of, p->max_length);
  return TRUE;
}

static gsize
template_size (const Batch *batch, gboolean has_pair)
{
  return batch->params.no_template ? 0
         : has_pair                ? PAIR_TEMPLATE
                                   : SINGLE_TEMPLATE;
}

/* Tokens of a single text beyond which nothing can matter: one more than may
 * stay says that it is to be cut. A pair's lengths decide how both are cut, so
 * those are counted to the end. */
static gsize
token_limit (const Batch *batch, gboolean has_pair)
{
  const D2vEncodeParams *p = &batch->params;

  if (has_pair || p->truncation == D2V_TRUNCATE_NOT || p->all_parts
      || batch->tokenizer->truncates_left)
    return G_MAXSIZE;
  return p->max_length + 1;
}

/* ----------------------------------------------------------- truncation -- */

/* How many tokens of each side may stay, longest first, when both together
 * are too many for @budget. */
static void
share (gsize n[2], gsize budget)
{
  guint shorter = n[0] > n[1];
  gsize few = n[shorter], many;

  many = few > budget ? few : MAX (few, budget - few);
  if (few + many > budget)
    {
      few = budget / 2;
      many = few + budget % 2;
    }
  n[shorter] = few;
  n[!shorter] = many;
}

/* Turns the lengths in @n into those that stay. */
static gboolean
cut_lengths (const Batch *batch, gboolean has_pair, gsize n[2], GError **error)
{
  const D2vEncodeParams *p = &batch->params;
  gsize fixed = template_size (batch, has_pair);
  guint side = p->truncation == D2V_TRUNCATE_ONLY_SECOND;

  if (p->truncation == D2V_TRUNCATE_NOT)
    return TRUE;
  if (p->max_length < fixed)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a max_length of at least %" G_GSIZE_FORMAT
                     ", found %" G_GSIZE_FORMAT,
                     fixed, p->max_length);

  gsize budget = p->max_length - fixed;
  if (budget == 0)
    n[0] = n[1] = 0;
  if (n[0] + n[1] <= budget)
    return TRUE;
  if (p->truncation == D2V_TRUNCATE_LONGEST_FIRST)
    {
      if (has_pair)
        share (n, budget);
      else
        n[0] = budget;
      return TRUE;
    }
  if (side == 1 && !has_pair)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a second text to cut, found none");
  if (n[!side] >= budget)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a text to cut that leaves a token, found that "
                     "the other takes %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT,
                     n[!side], budget);
  n[side] = budget - n[!side];
  return TRUE;
}

/* ---------------------------------------------------------------- parts -- */

/* A side of @n tokens in parts of @length. */
typedef struct
{
  gsize n, length, step, n_parts;
  gboolean from_right;
} Parts;

static gboolean
split (const Batch *batch, gsize n, gsize length, Parts *parts, GError **error)
{
  gsize stride = batch->params.stride;

  *parts = (Parts){ n, length, 0, 1, batch->tokenizer->truncates_left };
  if (length >= n || !batch->params.all_parts)
    return TRUE;
  if (stride >= length)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a stride below the %" G_GSIZE_FORMAT
                     " tokens of a part, found %" G_GSIZE_FORMAT,
                     length, stride);
  parts->step = length - stride;
  parts->n_parts = 1 + d2v_ceil_div (n - length, parts->step);
  return TRUE;
}

static void
take_part (const Parts *parts, gsize k, guint32 *begin, guint32 *end)
{
  gsize near = k * parts->step;
  gsize far = d2v_min (near + parts->length, parts->n);

  *begin = (guint32) (parts->from_right ? parts->n - far : near);
  *end = (guint32) (parts->from_right ? parts->n - near : far);
}

static gboolean
add_row (Batch *batch, gsize text, gboolean has_pair, const Parts parts[2],
         gsize k0, gsize k1)
{
  Row row = { .text = (guint32) text, .has_pair = has_pair };
  gpointer grown
      = d2v_bpe_grow (batch->rows, &batch->rows_capacity, batch->n_rows,
                      batch->n_rows + 1, sizeof (Row));

  if (!grown)
    return FALSE;
  batch->rows = grown;
  take_part (&parts[0], k0, &row.begin[0], &row.end[0]);
  take_part (&parts[1], k1, &row.begin[1], &row.end[1]);
  gsize n = row.end[0] - row.begin[0] + row.end[1] - row.begin[1]
            + template_size (batch, has_pair);
  batch->rows[batch->n_rows++] = row;
  batch->n_tokens += n;
  batch->longest = d2v_max (batch->longest, n);
  return TRUE;
}

static gboolean
fail_big (GError **error)
{
  return d2v_fail (error, D2V_ERROR_TOO_BIG, NULL,
                   "expected at most %d tokens in all, found more",
                   D2V_MAX_ENCODED_TOKENS);
}

static gboolean
fail_memory (GError **error)
{
  return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                   "expected memory for the tokens, found none");
}

/* The rows of one text, in the order that the original's nesting gives. */
static gboolean
add_rows (Batch *batch, gsize text, gboolean has_pair, GError **error)
{
  gsize n[2] = { batch->runs[2 * text].n, batch->runs[2 * text + 1].n };
  gsize kept[2] = { n[0], n[1] }, n_rows, n_tokens;
  Parts parts[2];
  gboolean done = TRUE;

  if (!cut_lengths (batch, has_pair, kept, error)
      || !split (batch, n[0], kept[0], &parts[0], error)
      || !split (batch, n[1], kept[1], &parts[1], error))
    return FALSE;
  if (!d2v_mul (parts[0].n_parts, parts[1].n_parts, &n_rows)
      || !d2v_mul (n_rows, kept[0] + kept[1] + PAIR_TEMPLATE, &n_tokens)
      || n_tokens > D2V_MAX_ENCODED_TOKENS
      || batch->n_tokens + n_tokens > D2V_MAX_ENCODED_TOKENS)
    return fail_big (error);

  done = add_row (batch, text, has_pair, parts, 0, 0);
  for (gsize k = 1; done && k < parts[0].n_parts; k++)
    for (gsize j = 0; done && j < parts[1].n_parts; j++)
      done = add_row (batch, text, has_pair, parts, k, j);
  for (gsize j = 1; done && j < parts[1].n_parts; j++)
    done = add_row (batch, text, has_pair, parts, 0, j);
  return done || fail_memory (error);
}

/* ----------------------------------------------------------------- rows -- */

/* Where the row that is being written stands. */
typedef struct
{
  const D2vTokenizer *tokenizer;
  D2vEncoding *encoding;
  gsize at;
} Writer;

static void
put_fixed (Writer *w, D2vSpecial special, gboolean attended)
{
  D2vEncoding *e = w->encoding;

  e->ids[w->at] = w->tokenizer->specials[special];
  e->attention_mask[w->at] = attended;
  e->special_mask[w->at] = 1;
  e->sequence[w->at] = -1;
  e->word[w->at] = -1;
  e->start[w->at] = e->end[w->at] = 0;
  w->at++;
}

/* trim_offsets: the white space that a token's string begins and ends with is
 * not part of its span. The space that add_prefix_space put before the text
 * is thought to be part of the first token and of all that start at 0. */
static void
trim (const D2vTokenizer *tokenizer, const D2vBpeToken *token, gboolean first,
      guint32 *start, guint32 *end)
{
  guint32 lead = token->lead, trail = token->trail;

  if (tokenizer->add_prefix_space && lead == 1 && (first || *start == 0))
    lead = 0;
  *start = MIN (*start + lead, *end);
  if (*end >= trail)
    *end = MAX (*end - trail, *start);
}

static void
put_tokens (Writer *w, const D2vBpeRun *run, gsize begin, gsize end,
            gint8 sequence)
{
  D2vEncoding *e = w->encoding;

  for (gsize i = begin; i < end; i++, w->at++)
    {
      const D2vBpeToken *token = &run->tokens[i];

      e->ids[w->at] = (gint32) token->id;
      e->attention_mask[w->at] = 1;
      e->special_mask[w->at] = 0;
      e->sequence[w->at] = sequence;
      e->word[w->at] = (gint32) token->word;
      e->start[w->at] = token->begin;
      e->end[w->at] = token->end;
      if (w->tokenizer->trim_offsets)
        trim (w->tokenizer, token, i == begin, &e->start[w->at],
              &e->end[w->at]);
    }
}

/* <s> A </s>, and with a pair </s> B </s> after it. */
static void
put_row (Writer *w, const Batch *batch, const Row *row, gsize n_padding)
{
  const D2vBpeRun *runs = &batch->runs[2 * row->text];
  gboolean template = !batch->params.no_template;
  gboolean left = w->tokenizer->pads_left;

  for (gsize i = 0; left && i < n_padding; i++)
    put_fixed (w, D2V_SPECIAL_PAD, FALSE);
  if (template)
    put_fixed (w, D2V_SPECIAL_CLS, TRUE);
  put_tokens (w, &runs[0], row->begin[0], row->end[0], 0);
  if (template)
    put_fixed (w, D2V_SPECIAL_SEP, TRUE);
  if (row->has_pair && template)
    put_fixed (w, D2V_SPECIAL_SEP, TRUE);
  put_tokens (w, &runs[1], row->begin[1], row->end[1], 1);
  if (row->has_pair && template)
    put_fixed (w, D2V_SPECIAL_SEP, TRUE);
  for (gsize i = 0; !left && i < n_padding; i++)
    put_fixed (w, D2V_SPECIAL_PAD, FALSE);
}

/* The length rows are padded to; 0: each its own. */
static gboolean
padded_length (const Batch *batch, gsize *length, GError **error)
{
  const D2vEncodeParams *p = &batch->params;

  *length = p->padding == D2V_PAD_NOT       ? 0
            : p->padding == D2V_PAD_LONGEST ? batch->longest
                                            : p->max_length;
  if (*length == 0 || p->pad_to_multiple_of == 0)
    return TRUE;
  return d2v_mul (d2v_ceil_div (*length, p->pad_to_multiple_of),
                  p->pad_to_multiple_of, length)
         || fail_big (error);
}

static gboolean
allocate (D2vEncoding *e)
{
  /* Of an empty batch, too, the arrays are there. */
  gsize n = d2v_max (e->n_tokens, 1);

  e->row_begin = d2v_malloc_n (e->n_rows + 1, sizeof (gsize));
  e->row_text = d2v_malloc_n (e->n_rows + 1, sizeof (guint32));
  e->ids = d2v_malloc_n (n, sizeof (gint32));
  e->attention_mask = d2v_malloc (n);
  e->special_mask = d2v_malloc (n);
  e->sequence = d2v_malloc (n);
  e->word = d2v_malloc_n (n, sizeof (gint32));
  e->start = d2v_malloc_n (n, sizeof (guint32));
  e->end = d2v_malloc_n (n, sizeof (guint32));
  return e->row_begin && e->row_text && e->ids && e->attention_mask
         && e->special_mask && e->sequence && e->word && e->start && e->end;
}

static gsize
row_size (const Batch *batch, const Row *row)
{
  return row->end[0] - row->begin[0] + row->end[1] - row->begin[1]
         + template_size (batch, row->has_pair);
}

static D2vEncoding *
write_rows (const Batch *batch, GError **error)
{
  g_autoptr (D2vEncoding) e = g_new0 (D2vEncoding, 1);
  Writer w = { batch->tokenizer, e, 0 };
  gsize length;

  if (!padded_length (batch, &length, error))
    return NULL;
  if (length > D2V_MAX_ENCODED_TOKENS)
    return fail_big (error), NULL;
  e->n_rows = batch->n_rows;
  for (gsize r = 0; r < e->n_rows && e->n_tokens <= D2V_MAX_ENCODED_TOKENS; r++)
    e->n_tokens += d2v_max (length, row_size (batch, &batch->rows[r]));
  if (e->n_tokens > D2V_MAX_ENCODED_TOKENS)
    return fail_big (error), NULL;
  if (!allocate (e))
    return fail_memory (error), NULL;

  for (gsize r = 0; r < e->n_rows; r++)
    {
      gsize size = row_size (batch, &batch->rows[r]);

      e->row_begin[r] = w.at;
      e->row_text[r] = batch->rows[r].text;
      put_row (&w, batch, &batch->rows[r], length > size ? length - size : 0);
    }
  e->row_begin[e->n_rows] = w.at;
  return g_steal_pointer (&e);
}

/* ---------------------------------------------------------------- batch -- */

static gsize
string_length (const D2vString *string)
{
  return string->length < 0 ? strlen (string->text) : (gsize) string->length;
}

static gboolean
add_text (Batch *batch, gsize i, const D2vString *text, const D2vString *pair,
          GError **error)
{
  gsize limit = token_limit (batch, pair != NULL);
  gsize max = batch->params.max_text_bytes;

  return d2v_bpe_run (batch->tokenizer, text->text, string_length (text), max,
                      limit, &batch->runs[2 * i], error)
         && (!pair
             || d2v_bpe_run (batch->tokenizer, pair->text, string_length (pair),
                             max, limit, &batch->runs[2 * i + 1], error))
         && add_rows (batch, i, pair != NULL, error);
}

D2vEncoding *
d2v_tokenizer_encode_batch (const D2vTokenizer *tokenizer, gsize n,
                            const D2vString *texts, const D2vString *pairs,
                            const D2vEncodeParams *params, GError **error)
{
  Batch batch = { tokenizer, params ? *params : (D2vEncodeParams){ 0 } };
  D2vEncoding *encoding = NULL;
  gboolean done = settle_params (&batch, error);

  if (done && n >= D2V_MAX_ENCODED_TOKENS)
    return fail_big (error), NULL;
  batch.runs = d2v_malloc0 ((n + 1) * 2 * sizeof (D2vBpeRun));
  if (done && !batch.runs)
    done = fail_memory (error);
  for (gsize i = 0; done && i < n; i++)
    done = add_text (&batch, i, &texts[i], pairs ? &pairs[i] : NULL, error);
  if (done)
    encoding = write_rows (&batch, error);

  for (gsize i = 0; batch.runs && i < 2 * n; i++)
    d2v_free (batch.runs[i].tokens);
  d2v_free (batch.runs);
  d2v_free (batch.rows);
  return encoding;
}

D2vEncoding *
d2v_tokenizer_encode (const D2vTokenizer *tokenizer, const gchar *text,
                      gssize length, const gchar *pair, gssize pair_length,
                      const D2vEncodeParams *params, GError **error)
{
  D2vString first = { text, length }, second = { pair, pair_length };
  gboolean has_pair = pair && string_length (&second) > 0;

  return d2v_tokenizer_encode_batch (tokenizer, 1, &first,
                                     has_pair ? &second : NULL, params, error);
}

void
d2v_encoding_free (D2vEncoding *encoding)
{
  if (!encoding)
    return;
  d2v_free (encoding->row_begin);
  d2v_free (encoding->row_text);
  d2v_free (encoding->ids);
  d2v_free (encoding->attention_mask);
  d2v_free (encoding->special_mask);
  d2v_free (encoding->sequence);
  d2v_free (encoding->word);
  d2v_free (encoding->start);
  d2v_free (encoding->end);
  g_free (encoding);
}
