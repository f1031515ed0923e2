/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/decode/ctc.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/decode/lower.h"

#include <math.h>
#include <string.h>

/* The longest text of one result: days of speech. */
#define MAX_TEXT ((gsize) 256 << 20)

/* Comparisons in step: what the compiler turns into vectors. */
#define LANES 16

/* What a vocabulary without an unknown token prints for one; the original's
 * default. */
#define UNKNOWN_TEXT "<unk>"

/* ---- tokens ---- */

gint64
d2v_ctc_token (const D2vVocab *vocab, gint64 id)
{
  gboolean known = id >= 0 && (guint64) id < vocab->n_tokens
                   && vocab->tokens[id][0] != '\0';

  return known ? id : vocab->unk;
}

gboolean
d2v_ctc_is_blank (const D2vVocab *vocab, gint64 token)
{
  return token >= 0 && token == vocab->pad;
}

const gchar *
d2v_ctc_text (const D2vVocab *vocab, gint64 token)
{
  if (token < 0)
    return UNKNOWN_TEXT;
  if (token == vocab->word_delimiter)
    return vocab->replace_word_delimiter_char;
  return vocab->tokens[token];
}

gboolean
d2v_ctc_is_delimiter (const D2vVocab *vocab, gint64 token)
{
  return !d2v_ctc_is_blank (vocab, token)
         && strcmp (d2v_ctc_text (vocab, token),
                    vocab->replace_word_delimiter_char)
                == 0;
}

/* ---- the best token of a frame ---- */

static gfloat
greatest (const gfloat *x, gsize n)
{
  gfloat lane[LANES];
  gfloat best = -INFINITY;
  gsize i = 0;

  for (guint j = 0; j < LANES; j++)
    lane[j] = -INFINITY;
  for (; i + LANES <= n; i += LANES)
    for (guint j = 0; j < LANES; j++)
      lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
  for (; i < n; i++)
    best = x[i] > best ? x[i] : best;
  for (guint j = 0; j < LANES; j++)
    best = lane[j] > best ? lane[j] : best;
  return best;
}

/* 0 when @value is not there: all are NaN. */
static gsize
find (const gfloat *x, gsize n, gfloat value)
{
  for (gsize i = 0; i < n; i++)
    if (x[i] == value)
      return i;
  return 0;
}

/* softmax of the greatest: exp (0) / sum of exp (x - max). */
static gfloat
probability (const gfloat *x, gsize n, gfloat max)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += expf (x[i] - max);
  return (gfloat) (1.0 / sum);
}

void
d2v_ctc_best (const gfloat *logits, gsize n_frames, gsize V, gint64 *ids,
              gfloat *probabilities)
{
  for (gsize t = 0; t < n_frames; t++)
    {
      const gfloat *x = logits + t * V; /* (V) */
      gfloat max = greatest (x, V);

      if (ids != NULL)
        ids[t] = (gint64) find (x, V, max);
      if (probabilities != NULL)
        probabilities[t] = probability (x, V, max);
    }
}

/* ---- characters ---- */

/* The first frame after the run that begins at @start. */
static gsize
run_end (const D2vVocab *vocab, const gint64 *ids, gsize start, gsize n_frames)
{
  gint64 token = d2v_ctc_token (vocab, ids[start]);
  gsize end = start + 1;

  while (end < n_frames && d2v_ctc_token (vocab, ids[end]) == token)
    end++;
  return end;
}

/* Counts the characters and the bytes of their text, or writes them too when
 * @chars is not NULL. FALSE when the text is too long. */
static gboolean
collapse (const D2vVocab *vocab, const gint64 *ids, gsize n_frames,
          D2vCtcChar *chars, gsize *n_chars, gsize *n_bytes)
{
  *n_chars = *n_bytes = 0;
  for (gsize start = 0, end; start < n_frames; start = end)
    {
      gint64 token = d2v_ctc_token (vocab, ids[start]);

      end = run_end (vocab, ids, start, n_frames);
      if (d2v_ctc_is_blank (vocab, token))
        continue;
      const gchar *text = d2v_ctc_text (vocab, token);
      if (chars != NULL)
        chars[*n_chars] = (D2vCtcChar){ text, start, end };
      *n_chars += 1;
      *n_bytes += strlen (text);
      if (*n_bytes > MAX_TEXT)
        return FALSE;
    }
  return TRUE;
}

/* ---- text ---- */

/* What the original's language strips: the white space of Unicode and the
 * four separators of ASCII. */
static gboolean
is_space (gunichar c)
{
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85
         || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A)
         || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F
         || c == 0x3000;
}

static void
strip (GString *text)
{
  const gchar *start = text->str;
  const gchar *end = text->str + text->len;

  while (start < end && is_space (g_utf8_get_char (start)))
    start = g_utf8_next_char (start);
  while (end > start)
    {
      const gchar *last = g_utf8_prev_char (end);

      if (!is_space (g_utf8_get_char (last)))
        break;
      end = last;
    }
  g_string_truncate (text, end - text->str);
  g_string_erase (text, 0, start - text->str);
}

/* Every @from becomes @to, which is not longer: in place and in one pass. */
static void
replace (GString *text, const gchar *from, const gchar *to)
{
  gsize n_from = strlen (from), n_to = strlen (to);
  gchar *out = text->str;
  const gchar *in = text->str;
  const gchar *hit;

  while ((hit = strstr (in, from)) != NULL)
    {
      memmove (out, in, hit - in);
      out += hit - in;
      memcpy (out, to, n_to);
      out += n_to;
      in = hit + n_from;
    }
  memmove (out, in, strlen (in) + 1);
  text->len = strlen (text->str);
}

/* The original's clean-up, in its order. */
static void
clean_up (GString *text)
{
  static const gchar *const rules[][2] = {
    { " .", "." },     { " ?", "?" },     { " !", "!" },   { " ,", "," },
    { " ' ", "'" },    { " n't", "n't" }, { " 'm", "'m" }, { " 's", "'s" },
    { " 've", "'ve" }, { " 're", "'re" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    replace (text, rules[i][0], rules[i][1]);
}

static gchar *
join (const D2vVocab *vocab, const D2vCtcChar *chars, gsize n_chars,
      gsize n_bytes)
{
  GString *text = g_string_sized_new (n_bytes + 1);

  for (gsize i = 0; i < n_chars; i++)
    g_string_append (text, chars[i].text);
  strip (text);
  if (vocab->do_lower_case)
    {
      g_autofree gchar *lower = d2v_lower (text->str);

      g_string_assign (text, lower);
    }
  if (vocab->clean_up_tokenization_spaces)
    clean_up (text);
  return g_string_free (text, FALSE);
}

/* ---- words ---- */

static gboolean
separates (const D2vVocab *vocab, const D2vCtcChar *c)
{
  return strcmp (c->text, vocab->replace_word_delimiter_char) == 0;
}

/* The word whose letters are chars[begin..end-1], its text appended at
 * @out. */
static D2vCtcWord
make_word (const D2vCtcChar *chars, gsize begin, gsize end,
           const gfloat *probabilities, gchar *out)
{
  D2vCtcWord word = { out, chars[begin].start, chars[end - 1].end, 0 };
  gdouble sum = 0;
  gsize n = 0;

  for (gsize i = begin; i < end; i++)
    {
      out = g_stpcpy (out, chars[i].text);
      n += chars[i].end - chars[i].start;
      if (probabilities != NULL)
        for (gsize t = chars[i].start; t < chars[i].end; t++)
          sum += probabilities[t];
    }
  word.confidence = (gfloat) (sum / (gdouble) n);
  return word;
}

static void
split_words (const D2vVocab *vocab, D2vCtcResult *result,
             const gfloat *probabilities)
{
  gchar *out = result->word_text;

  for (gsize i = 0, end; i < result->n_chars; i = end)
    {
      end = i + 1;
      if (separates (vocab, &result->chars[i]))
        continue;
      while (end < result->n_chars && !separates (vocab, &result->chars[end]))
        end++;
      result->words[result->n_words++]
          = make_word (result->chars, i, end, probabilities, out);
      out += strlen (out) + 1;
    }
}

/* Room for @n_chars characters, as many words, and their text: each word's
 * closing NUL comes on top, and there are at most as many as characters. */
static gboolean
reserve (D2vCtcResult *result, gsize n_chars, gsize n_bytes)
{
  if (n_chars == 0)
    return TRUE;
  result->chars = d2v_malloc_n (n_chars, sizeof *result->chars);
  result->words = d2v_malloc_n (n_chars, sizeof *result->words);
  result->word_text = d2v_malloc (n_bytes + n_chars);
  return result->chars != NULL && result->words != NULL
         && result->word_text != NULL;
}

D2vCtcResult *
d2v_ctc_decode (const D2vVocab *vocab, const gint64 *ids,
                const gfloat *probabilities, gsize n_frames, GError **error)
{
  g_autoptr (D2vCtcResult) result = g_new0 (D2vCtcResult, 1);
  gsize n_bytes;

  if (!collapse (vocab, ids, n_frames, NULL, &result->n_chars, &n_bytes))
    {
      d2v_fail (error, D2V_ERROR_TOO_BIG, NULL,
                "expected at most %" G_GSIZE_FORMAT " bytes of text, found "
                "more",
                MAX_TEXT);
      return NULL;
    }
  if (!reserve (result, result->n_chars, n_bytes))
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "expected memory for %" G_GSIZE_FORMAT
                " characters, found none",
                result->n_chars);
      return NULL;
    }
  collapse (vocab, ids, n_frames, result->chars, &result->n_chars, &n_bytes);
  result->text = join (vocab, result->chars, result->n_chars, n_bytes);
  split_words (vocab, result, probabilities);
  return g_steal_pointer (&result);
}

D2vCtcResult *
d2v_ctc_decode_logits (const D2vVocab *vocab, const gfloat *logits,
                       gsize n_frames, gsize V, GError **error)
{
  gint64 *ids = d2v_malloc_n (d2v_max (n_frames, 1), sizeof *ids);
  gfloat *probabilities
      = d2v_malloc_n (d2v_max (n_frames, 1), sizeof *probabilities);
  D2vCtcResult *result = NULL;

  if (ids == NULL || probabilities == NULL)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
              "expected memory for %" G_GSIZE_FORMAT " frames, found none",
              n_frames);
  else
    {
      d2v_ctc_best (logits, n_frames, V, ids, probabilities);
      result = d2v_ctc_decode (vocab, ids, probabilities, n_frames, error);
    }
  d2v_free (ids);
  d2v_free (probabilities);
  return result;
}

void
d2v_ctc_result_free (D2vCtcResult *result)
{
  if (result == NULL)
    return;
  g_free (result->text);
  d2v_free (result->chars);
  d2v_free (result->words);
  d2v_free (result->word_text);
  g_free (result);
}
