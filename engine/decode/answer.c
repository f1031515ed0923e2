/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/answer.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/decode/lower.h"
#include "engine/decode/scores.h"
#include "engine/process/unicode.h"

#define DEFAULT_SEQ_LEN 384
#define DEFAULT_DOC_STRIDE 128
#define DEFAULT_ANSWER_LEN 15
/* What the original puts in place of logits that must not win. */
#define MASKED_LOGIT -10000.0f

/* Tokens first..last of a row, counted from its begin. */
typedef struct
{
  gfloat score;
  guint32 first, last;
} Span;

typedef struct
{
  const D2vTokenizer *tokenizer;
  const gchar *context;
  guint32 *chars; /* (n_chars + 1): where each character begins */
  gsize n_chars;
  const D2vEncoding *encoding;
  D2vAnswerParams params; /* with the defaults put in */
  gboolean question_first;
  guint8 *wanted;        /* (N): whether an answer may begin or end there */
  gfloat *starts, *ends; /* (N): probabilities */
  Span *spans;           /* the best, a heap with the worst on top */
  gsize n_spans, max_spans;
  gdouble null_score;
  GHashTable *found; /* answer in lower case -> its index */
  GArray *answers;   /* of D2vAnswer */
} Decoder;

static D2vAnswerParams
settle_params (const D2vTokenizer *tokenizer, const D2vAnswerParams *given)
{
  D2vAnswerParams p = given ? *given : (D2vAnswerParams){ 0 };

  if (p.max_seq_len == 0)
    p.max_seq_len
        = MIN (d2v_tokenizer_model_max_length (tokenizer), DEFAULT_SEQ_LEN);
  if (!p.has_doc_stride)
    p.doc_stride = MIN (p.max_seq_len / 2, DEFAULT_DOC_STRIDE);
  if (p.top_k == 0)
    p.top_k = 1;
  if (p.max_answer_len == 0)
    p.max_answer_len = DEFAULT_ANSWER_LEN;
  return p;
}

/* ------------------------------------------------------------- encoding -- */

static gsize
byte_length (const gchar *text, gssize length)
{
  return length < 0 ? strlen (text) : (gsize) length;
}

/* A tokenizer that pads on the left takes the context first. */
D2vEncoding *
d2v_answers_encode (const D2vTokenizer *tokenizer, const gchar *question,
                    gssize question_length, const gchar *context,
                    gssize context_length, const D2vAnswerParams *params,
                    GError **error)
{
  const D2vAnswerParams p = settle_params (tokenizer, params);
  gboolean context_first = d2v_tokenizer_pads_left (tokenizer);
  const D2vEncodeParams encode
      = { .truncation
          = context_first ? D2V_TRUNCATE_ONLY_FIRST : D2V_TRUNCATE_ONLY_SECOND,
          .max_length = p.max_seq_len,
          .all_parts = TRUE,
          .stride = p.doc_stride,
          .max_text_bytes = D2V_MAX_DOCUMENT_BYTES };

  if (byte_length (question, question_length) == 0
      || byte_length (context, context_length) == 0)
    {
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "expected a question and a context, found an empty one");
      return NULL;
    }
  if (context_first)
    return d2v_tokenizer_encode (tokenizer, context, context_length, question,
                                 question_length, &encode, error);
  return d2v_tokenizer_encode (tokenizer, question, question_length, context,
                               context_length, &encode, error);
}

/* ----------------------------------------------------------- candidates -- */

/* Tokens of the context, and any that is <s>, which some models point at when
 * there is no answer. With the context first the original wants all. */
static void
mark_wanted (Decoder *d, gsize begin, gsize n)
{
  const D2vEncoding *e = d->encoding;
  gint32 cls = d2v_tokenizer_special (d->tokenizer, D2V_SPECIAL_CLS);

  for (gsize i = 0; i < n; i++)
    d->wanted[i] = e->attention_mask[begin + i]
                   && (!d->question_first || e->sequence[begin + i] == 1
                       || e->ids[begin + i] == cls);
}

static void
mask_softmax (const Decoder *d, const gfloat *logits, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = d->wanted[i] ? logits[i] : MASKED_LOGIT;
  d2v_softmax (out, out, n);
}

/* Whether @a comes after @b: lower score, then the later of equal ones. */
static gboolean
is_worse (const Span *a, const Span *b)
{
  if (a->score != b->score)
    return a->score < b->score;
  return a->first != b->first ? a->first > b->first : a->last > b->last;
}

static void
sift_down (Span *heap, gsize n, gsize root)
{
  Span moved = heap[root];

  for (gsize child; (child = 2 * root + 1) < n; root = child)
    {
      if (child + 1 < n && is_worse (&heap[child + 1], &heap[child]))
        child++;
      if (!is_worse (&heap[child], &moved))
        break;
      heap[root] = heap[child];
    }
  heap[root] = moved;
}

static void
offer (Decoder *d, Span span)
{
  gsize at = d->n_spans;

  if (at == d->max_spans)
    {
      if (is_worse (&span, &d->spans[0]))
        return;
      d->spans[0] = span;
      sift_down (d->spans, d->n_spans, 0);
      return;
    }
  d->n_spans++;
  for (gsize up; at > 0 && is_worse (&span, &d->spans[up = (at - 1) / 2]);
       at = up)
    d->spans[at] = d->spans[up];
  d->spans[at] = span;
}

/* Best first, in place. */
static void
sort_spans (Decoder *d)
{
  for (gsize left = d->n_spans; left > 1; left--)
    {
      Span worst = d->spans[0];

      d->spans[0] = d->spans[left - 1];
      d->spans[left - 1] = worst;
      sift_down (d->spans, left - 1, 0);
    }
}

/* The original picks from the whole table of starts and ends, where spans
 * that cannot be have the score 0; those are left out here. */
static void
pick_spans (Decoder *d, gsize n)
{
  d->n_spans = 0;
  for (gsize i = 0; i < n; i++)
    for (gsize j = i; j < n && j - i < d->params.max_answer_len; j++)
      {
        gfloat score = d->starts[i] * d->ends[j];

        if (score > 0)
          offer (d, (Span){ score, (guint32) i, (guint32) j });
      }
  sort_spans (d);
}

/* -------------------------------------------------------------- answers -- */

/* First or last token of the row's context that is in the same piece as token
 * @i. FALSE when there is none: @i is the template's, or the question's and
 * the context has no piece of that number. */
static gboolean
piece_edge (const Decoder *d, gsize row, gsize i, gboolean last, gsize *found)
{
  const D2vEncoding *e = d->encoding;
  gint8 context = d->question_first ? 1 : 0;
  gboolean any = FALSE;

  for (gsize k = e->row_begin[row]; k < e->row_begin[row + 1]; k++)
    if (e->sequence[k] == context && e->word[k] == e->word[i] && e->word[k] >= 0
        && (last || !any))
      {
        *found = k;
        any = TRUE;
      }
  return any;
}

static void
find_edges (const Decoder *d, gsize row, const Span *span, guint32 *start,
            guint32 *end)
{
  const D2vEncoding *e = d->encoding;
  gsize first = e->row_begin[row] + span->first;
  gsize last = e->row_begin[row] + span->last;
  gsize piece_first, piece_last;

  if (!d->params.exact_tokens && piece_edge (d, row, first, FALSE, &piece_first)
      && piece_edge (d, row, last, TRUE, &piece_last))
    {
      first = piece_first;
      last = piece_last;
    }
  *start = e->start[first];
  *end = e->end[last];
}

/* What equal answers share: lower case, with U+0000 made visible to C. */
static gchar *
answer_key (const gchar *text, gsize length)
{
  g_autofree gchar *copy = g_strndup (text, length);

  for (gsize i = 0; i < length; i++)
    copy[i] = text[i] ? text[i] : '\001';
  return d2v_lower (copy);
}

/* A <s> in the question counts from the question's start, maybe beyond the
 * context's end; such a span is cut as the original cuts it. */
static void
add_answer (Decoder *d, gdouble score, guint32 start, guint32 end)
{
  guint32 begin = d->chars[MIN (start, d->n_chars)];
  gsize length = end > start ? d->chars[MIN (end, d->n_chars)] - begin : 0;
  gchar *key = answer_key (d->context + begin, length);
  gpointer index;

  if (g_hash_table_lookup_extended (d->found, key, NULL, &index))
    {
      g_array_index (d->answers, D2vAnswer, GPOINTER_TO_SIZE (index)).score
          += score;
      g_free (key);
      return;
    }
  D2vAnswer answer = { g_malloc (length + 1), length, score, start, end };
  memcpy (answer.text, d->context + begin, length);
  answer.text[length] = '\0';
  g_hash_table_insert (d->found, key, GSIZE_TO_POINTER (d->answers->len));
  g_array_append_val (d->answers, answer);
}

static void
decode_row (Decoder *d, gsize row, const gfloat *starts, const gfloat *ends)
{
  gsize begin = d->encoding->row_begin[row];
  gsize n = d->encoding->row_begin[row + 1] - begin;

  mark_wanted (d, begin, n);
  mask_softmax (d, starts + begin, d->starts, n);
  mask_softmax (d, ends + begin, d->ends, n);
  d->null_score = MIN (d->null_score, d->starts[0] * d->ends[0]);
  d->starts[0] = d->ends[0] = 0;
  pick_spans (d, n);
  for (gsize k = 0; k < d->n_spans; k++)
    {
      const Span *span = &d->spans[k];
      guint32 start, end;

      if (!d->wanted[span->first] || !d->wanted[span->last])
        continue;
      find_edges (d, row, span, &start, &end);
      add_answer (d, span->score, start, end);
    }
}

/* ------------------------------------------------------------- decoding -- */

static gint
compare_scores (gconstpointer a, gconstpointer b)
{
  const D2vAnswer *one = a, *two = b;

  return one->score > two->score ? -1 : one->score < two->score;
}

/* g_array_sort() is stable: equal scores stay in the order found. */
static D2vAnswers *
take_answers (Decoder *d)
{
  D2vAnswers *answers = g_new0 (D2vAnswers, 1);

  if (d->params.handle_impossible_answer)
    {
      D2vAnswer none = { g_strdup (""), 0, d->null_score, 0, 0 };

      g_array_append_val (d->answers, none);
    }
  g_array_sort (d->answers, compare_scores);
  for (gsize i = d->params.top_k; i < d->answers->len; i++)
    g_free (g_array_index (d->answers, D2vAnswer, i).text);
  answers->n_items = MIN (d->answers->len, d->params.top_k);
  answers->items = (gpointer) g_array_free (d->answers, FALSE);
  d->answers = NULL;
  return answers;
}

static gsize
longest_row (const D2vEncoding *encoding)
{
  gsize longest = 1;

  for (gsize r = 0; r < encoding->n_rows; r++)
    longest
        = MAX (longest, encoding->row_begin[r + 1] - encoding->row_begin[r]);
  return longest;
}

/* No more spans than a row has can be the best. */
static gboolean
allocate (Decoder *d, gsize context_bytes)
{
  gsize n = longest_row (d->encoding);
  gsize most = n * MIN (n, d->params.max_answer_len);

  d->max_spans = most;
  if (d->params.exact_tokens)
    d->max_spans = MIN (most, d->params.top_k);
  else if (d->params.top_k < most / 2)
    d->max_spans = MIN (most, 2 * d->params.top_k + 10);
  d->chars = d2v_utf8_index (d->context, context_bytes, &d->n_chars);
  d->wanted = d2v_malloc (n);
  d->starts = d2v_malloc_n (n, sizeof (gfloat));
  d->ends = d2v_malloc_n (n, sizeof (gfloat));
  d->spans = d2v_malloc_n (d->max_spans, sizeof (Span));
  return d->chars && d->wanted && d->starts && d->ends && d->spans;
}

D2vAnswers *
d2v_answers_decode (const D2vTokenizer *tokenizer, const gchar *context,
                    gssize context_length, const D2vEncoding *encoding,
                    const gfloat *starts, const gfloat *ends,
                    const D2vAnswerParams *params, GError **error)
{
  Decoder d = { .tokenizer = tokenizer,
                .context = context,
                .encoding = encoding,
                .params = settle_params (tokenizer, params),
                .question_first = !d2v_tokenizer_pads_left (tokenizer),
                .null_score = INFINITY };
  D2vAnswers *answers = NULL;

  if (allocate (&d, byte_length (context, context_length)))
    {
      d.found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      d.answers = g_array_new (FALSE, FALSE, sizeof (D2vAnswer));
      for (gsize r = 0; r < encoding->n_rows; r++)
        decode_row (&d, r, starts, ends);
      answers = take_answers (&d);
      g_hash_table_unref (d.found);
    }
  else
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
              "expected memory for the answers, found none");
  d2v_free (d.chars);
  d2v_free (d.wanted);
  d2v_free (d.starts);
  d2v_free (d.ends);
  d2v_free (d.spans);
  return answers;
}

void
d2v_answers_free (D2vAnswers *answers)
{
  if (!answers)
    return;
  for (gsize i = 0; i < answers->n_items; i++)
    g_free (answers->items[i].text);
  g_free (answers->items);
  g_free (answers);
}
