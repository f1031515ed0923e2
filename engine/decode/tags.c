/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/tags.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/decode/scores.h"
#include "engine/process/unicode.h"

/* One decoding. */
typedef struct
{
  const D2vTokenizer *tokenizer;
  const gchar *text;
  guint32 *chars; /* where each character of the text begins */
  const D2vEncoding *encoding;
  gfloat *scores; /* (n_tokens, n_labels) */
  gchar *const *labels;
  gsize n_labels;
  const D2vTagsParams *params;
  gsize row_begin;    /* of the row in work */
  gfloat *mean;       /* (n_labels), of one word */
  D2vString *strings; /* (n_tokens), of one word or group */
  D2vTags *tags;      /* room for all tokens and one */
} Decoder;

gboolean
d2v_tags_strategy_from_name (const gchar *name, D2vTagsStrategy *out)
{
  static const gchar *const names[]
      = { "none", "simple", "first", "average", "max" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (name, names[i]) == 0)
      {
        *out = (D2vTagsStrategy) i;
        return TRUE;
      }
  return FALSE;
}

/* --------------------------------------------------------------- tokens -- */

/* The string that stands for token @i: the vocabulary's, or for an unknown one
 * what the text has there. */
static D2vString
token_string (const Decoder *d, gsize i)
{
  const D2vEncoding *e = d->encoding;
  gsize length = 0;

  if (e->ids[i] == d2v_tokenizer_special (d->tokenizer, D2V_SPECIAL_UNK))
    {
      guint32 begin = d->chars[e->start[i]];

      return (D2vString){ d->text + begin,
                          (gssize) (d->chars[e->end[i]] - begin) };
    }
  const gchar *token = d2v_tokenizer_token (d->tokenizer, e->ids[i], &length);
  return (D2vString){ token, (gssize) length };
}

/* Whether U+0020 is character @at of the text. */
static gboolean
is_blank (const Decoder *d, guint32 at)
{
  return d->text[d->chars[at]] == ' ';
}

/* Whether token @i goes on with the word before it. The original looks for a
 * blank before or at its start; tabs, line ends and added tokens end no
 * word. */
static gboolean
continues_word (const Decoder *d, gsize i)
{
  const D2vEncoding *e = d->encoding;
  guint32 start = e->start[i];

  if (start == 0
      || e->ids[i] == d2v_tokenizer_special (d->tokenizer, D2V_SPECIAL_UNK))
    return FALSE;
  return !is_blank (d, start - 1) && !is_blank (d, start);
}

/* ------------------------------------------------------------- entities -- */

static const gfloat *
token_scores (const Decoder *d, gsize i)
{
  return d->scores + i * d->n_labels;
}

static gboolean
fail_memory (GError **error)
{
  return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                   "expected memory for the labels of the text, found none");
}

/* Tokens first..last as one entity, named @word, which it takes. */
static gboolean
add_entity (Decoder *d, const gfloat *scores, gsize first, gsize last,
            gchar *word, gsize word_length)
{
  gsize best = d2v_argmax (scores, d->n_labels);

  if (!word)
    return FALSE;
  d->tags->items[d->tags->n_items++]
      = (D2vTag){ .label = d->labels[best],
                  .score = scores[best],
                  .index = first - d->row_begin,
                  .word = word,
                  .word_length = word_length,
                  .start = d->encoding->start[first],
                  .end = d->encoding->end[last] };
  return TRUE;
}

static gboolean
add_token (Decoder *d, gsize i, GError **error)
{
  D2vString string = token_string (d, i);
  gsize length = (gsize) string.length;
  gchar *word = g_try_malloc (length + 1);

  if (word)
    {
      memcpy (word, string.text, length);
      word[length] = '\0';
    }
  return add_entity (d, token_scores (d, i), i, i, word, length)
         || fail_memory (error);
}

/* Label by label, summed in float and divided in double as the original's. */
static const gfloat *
mean_scores (const Decoder *d, gsize first, gsize last)
{
  for (gsize k = 0; k < d->n_labels; k++)
    {
      gfloat sum = 0;

      for (gsize i = first; i <= last; i++)
        sum += token_scores (d, i)[k];
      d->mean[k] = (gfloat) ((gdouble) sum / (gdouble) (last - first + 1));
    }
  return d->mean;
}

/* Those of the token with the highest one, the first such. */
static const gfloat *
highest_scores (const Decoder *d, gsize first, gsize last)
{
  const gfloat *highest = token_scores (d, first);

  for (gsize i = first + 1; i <= last; i++)
    {
      const gfloat *scores = token_scores (d, i);

      if (scores[d2v_argmax (scores, d->n_labels)]
          > highest[d2v_argmax (highest, d->n_labels)])
        highest = scores;
    }
  return highest;
}

static gboolean
add_word (Decoder *d, gsize first, gsize last, GError **error)
{
  D2vTagsStrategy strategy = d->params->strategy;
  const gfloat *scores
      = strategy == D2V_TAGS_AVERAGE ? mean_scores (d, first, last)
        : strategy == D2V_TAGS_MAX   ? highest_scores (d, first, last)
                                     : token_scores (d, first);
  gsize length;

  for (gsize i = first; i <= last; i++)
    d->strings[i - first] = token_string (d, i);
  gchar *word
      = d2v_tokens_decode (d->strings, last - first + 1, &length, error);
  return add_entity (d, scores, first, last, word, length);
}

/* Words begin at a token that is not the template's and end before the next
 * such that does not go on. Template tokens stand at the ends of a row, so
 * none is inside a word. */
static gboolean
add_words (Decoder *d, gsize begin, gsize end, GError **error)
{
  const guint8 *skip = d->encoding->special_mask;

  for (gsize i = begin, last; i < end; i = last + 1)
    {
      last = i;
      if (skip[i])
        continue;
      while (last + 1 < end && !skip[last + 1] && continues_word (d, last + 1))
        last++;
      if (!add_word (d, i, last, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_tokens (Decoder *d, gsize begin, gsize end, GError **error)
{
  for (gsize i = begin; i < end; i++)
    if (!d->encoding->special_mask[i] && !add_token (d, i, error))
      return FALSE;
  return TRUE;
}

/* --------------------------------------------------------------- groups -- */

/* What B- or I- stands before; a label with neither is its own tag. */
static const gchar *
tag_of (const gchar *label)
{
  return g_str_has_prefix (label, "B-") || g_str_has_prefix (label, "I-")
             ? label + 2
             : label;
}

static gboolean
joins (const D2vTag *before, const D2vTag *tag)
{
  return !g_str_has_prefix (tag->label, "B-")
         && strcmp (tag_of (before->label), tag_of (tag->label)) == 0;
}

/* Entities first..last become one. Their words go through the alphabet once
 * more, as in the original: a word of Latin-1 letters without a blank before
 * it is taken for bytes. */
static gboolean
group (Decoder *d, gsize first, gsize last, D2vTag *out, GError **error)
{
  D2vTag *items = d->tags->items;
  const gchar *dash = strchr (items[first].label, '-');
  gdouble sum = 0;

  for (gsize i = first; i <= last; i++)
    {
      d->strings[i - first]
          = (D2vString){ items[i].word, (gssize) items[i].word_length };
      sum += items[i].score;
    }
  *out = (D2vTag){ .label = dash ? dash + 1 : items[first].label,
                   .score = (gfloat) (sum / (gdouble) (last - first + 1)),
                   .start = items[first].start,
                   .end = items[last].end };
  out->word = d2v_tokens_decode (d->strings, last - first + 1,
                                 &out->word_length, error);
  return out->word != NULL;
}

/* Groups the entities from @begin on in their place. */
static gboolean
group_all (Decoder *d, gsize begin, GError **error)
{
  D2vTags *tags = d->tags;
  gsize n = begin;

  for (gsize i = begin, last; i < tags->n_items; i = last + 1)
    {
      D2vTag grouped;

      last = i;
      while (last + 1 < tags->n_items
             && joins (&tags->items[last], &tags->items[last + 1]))
        last++;
      if (!group (d, i, last, &grouped, error))
        return FALSE;
      for (gsize k = i; k <= last; k++)
        g_clear_pointer (&tags->items[k].word, g_free);
      tags->items[n++] = grouped;
    }
  for (gsize i = n; i < tags->n_items; i++)
    tags->items[i].word = NULL;
  tags->n_items = n;
  return TRUE;
}

static gboolean
is_ignored (const Decoder *d, const gchar *label)
{
  static const gchar *const outside[] = { "O", NULL };
  const gchar *const *ignored
      = d->params->ignore_labels ? d->params->ignore_labels : outside;

  return g_strv_contains (ignored, label);
}

static void
drop_ignored (Decoder *d, gsize begin)
{
  D2vTags *tags = d->tags;
  gsize n = begin;

  for (gsize i = begin; i < tags->n_items; i++)
    if (is_ignored (d, tags->items[i].label))
      g_free (tags->items[i].word);
    else
      tags->items[n++] = tags->items[i];
  tags->n_items = n;
}

static gboolean
decode_row (Decoder *d, gsize row, GError **error)
{
  gsize begin = d->encoding->row_begin[row];
  gsize end = d->encoding->row_begin[row + 1];
  gsize n_before = d->tags->n_items;
  gboolean by_token = d->params->strategy <= D2V_TAGS_SIMPLE;

  d->row_begin = begin;
  if (!(by_token ? add_tokens (d, begin, end, error)
                 : add_words (d, begin, end, error)))
    return FALSE;
  if (d->params->strategy != D2V_TAGS_NONE && !group_all (d, n_before, error))
    return FALSE;
  drop_ignored (d, n_before);
  return TRUE;
}

/* ---------------------------------------------------------------- parts -- */

static gint
compare_starts (gconstpointer a, gconstpointer b)
{
  const D2vTag *one = a, *two = b;

  if (one->start != two->start)
    return one->start < two->start ? -1 : 1;
  return one->index < two->index ? -1 : one->index > two->index;
}

static gboolean
outweighs (const D2vTag *tag, const D2vTag *before)
{
  gint64 length = (gint64) tag->end - tag->start;
  gint64 length_before = (gint64) before->end - before->start;

  return length != length_before ? length > length_before
                                 : tag->score > before->score;
}

/* In the original the first tag meets itself first, so that one without length
 * is there twice: its copy is put before it. */
static gboolean
double_empty_first (D2vTags *tags)
{
  D2vTag *first = tags->items;

  if (tags->n_items == 0 || first->start < first->end)
    return TRUE;
  gchar *word = g_try_malloc (first->word_length + 1);
  if (!word)
    return FALSE;
  memcpy (word, first->word, first->word_length + 1);
  memmove (first + 1, first, tags->n_items * sizeof (D2vTag));
  first->word = word;
  tags->n_items++;
  return TRUE;
}

/* What two parts found in the text they share: the longer span stays. */
static gboolean
merge_parts (D2vTags *tags, GError **error)
{
  gsize n = 0;

  for (gsize i = 0; i < tags->n_items; i++)
    tags->items[i].index = i; /* keeps the order of equal starts */
  qsort (tags->items, tags->n_items, sizeof (D2vTag), compare_starts);
  if (!double_empty_first (tags))
    return fail_memory (error);
  for (gsize i = 1; i < tags->n_items; i++)
    {
      D2vTag *before = &tags->items[n], *tag = &tags->items[i];

      if (before->start > tag->start || tag->start >= before->end)
        tags->items[++n] = *tag;
      else if (outweighs (tag, before))
        {
          g_free (before->word);
          *before = *tag;
        }
      else
        g_free (tag->word);
    }
  tags->n_items = MIN (tags->n_items, n + 1);
  for (gsize i = 0; i < tags->n_items; i++)
    tags->items[i].index = 0;
  return TRUE;
}

/* ------------------------------------------------------------- decoding -- */

static gboolean
allocate (Decoder *d, gsize n_bytes)
{
  gsize n = MAX (d->encoding->n_tokens, 1), n_chars;

  d->chars = d2v_utf8_index (d->text, n_bytes, &n_chars);
  d->scores = d->n_labels <= G_MAXSIZE / n
                  ? d2v_malloc_n (n * d->n_labels, sizeof (gfloat))
                  : NULL;
  d->mean = d2v_malloc_n (d->n_labels, sizeof (gfloat));
  d->strings = d2v_malloc_n (n, sizeof (D2vString));
  d->tags->items = d2v_malloc_n (n + 1, sizeof (D2vTag));
  return d->chars && d->scores && d->mean && d->strings && d->tags->items;
}

D2vTags *
d2v_tags_decode (const D2vTokenizer *tokenizer, const gchar *text,
                 gssize length, const D2vEncoding *encoding,
                 const gfloat *logits, gchar *const *labels, gsize n_labels,
                 const D2vTagsParams *params, GError **error)
{
  static const D2vTagsParams defaults;
  g_autoptr (D2vTags) tags = g_new0 (D2vTags, 1);
  Decoder d = { .tokenizer = tokenizer,
                .text = text,
                .encoding = encoding,
                .labels = labels,
                .n_labels = n_labels,
                .params = params ? params : &defaults,
                .tags = tags };
  gboolean done;

  g_assert (n_labels > 0);
  done = allocate (&d, length < 0 ? strlen (text) : (gsize) length)
         || fail_memory (error);
  for (gsize i = 0; done && i < encoding->n_tokens; i++)
    d2v_softmax (logits + i * n_labels, d.scores + i * n_labels, n_labels);
  for (gsize r = 0; done && r < encoding->n_rows; r++)
    done = decode_row (&d, r, error);
  if (done && encoding->n_rows > 1)
    done = merge_parts (tags, error);
  d2v_free (d.chars);
  d2v_free (d.scores);
  d2v_free (d.mean);
  d2v_free (d.strings);
  return done ? g_steal_pointer (&tags) : NULL;
}

void
d2v_tags_free (D2vTags *tags)
{
  if (!tags)
    return;
  for (gsize i = 0; i < tags->n_items; i++)
    g_free (tags->items[i].word);
  d2v_free (tags->items);
  g_free (tags);
}

/* ------------------------------------------------------------- encoding -- */

D2vEncoding *
d2v_tags_encode (const D2vTokenizer *tokenizer, const gchar *text,
                 gssize length, const D2vTagsParams *params, GError **error)
{
  gboolean parts = params && params->has_stride;
  const D2vEncodeParams encode
      = { .truncation = D2V_TRUNCATE_LONGEST_FIRST,
          .all_parts = parts,
          .stride = parts ? params->stride : 0,
          .padding = parts ? D2V_PAD_LONGEST : D2V_PAD_NOT,
          .max_text_bytes = D2V_MAX_DOCUMENT_BYTES };

  if (parts && params->strategy == D2V_TAGS_NONE)
    {
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "expected an aggregation strategy with a stride, found none");
      return NULL;
    }
  return d2v_tokenizer_encode (tokenizer, text, length, NULL, 0, &encode,
                               error);
}
