/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/generate.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/decode/scores.h"

#define DEFAULT_TOP_K 50
#define DEFAULT_NEW_TOKENS 20
#define MAX_NEW_TOKENS (1 << 20)

/* ------------------------------------------------------------- sampling -- */

struct _D2vSampler
{
  D2vSamplerParams params; /* with the defaults put in */
  gsize n_vocab;
  guint64 state;  /* of the generator */
  gfloat *scores; /* (n_vocab) */
  gfloat *sorted; /* (n_vocab) */
  gsize *order;   /* (n_vocab), best first */
};

static gboolean
fail_range (const gchar *name, const gchar *expected, gdouble found,
            GError **error)
{
  return d2v_fail (error, D2V_ERROR_INPUT, NULL, "expected a %s %s, found %g",
                   name, expected, found);
}

static gboolean
settle_params (D2vSamplerParams *p, GError **error)
{
  if (p->temperature == 0)
    p->temperature = 1;
  if (p->top_k == 0)
    p->top_k = DEFAULT_TOP_K;
  if (p->top_p == 0)
    p->top_p = 1;
  if (!(p->temperature > 0 && isfinite (p->temperature)))
    return fail_range ("temperature", "above 0", p->temperature, error);
  if (!(p->top_p > 0 && p->top_p <= 1))
    return fail_range ("top_p", "above 0 and at most 1", p->top_p, error);
  return TRUE;
}

D2vSampler *
d2v_sampler_new (const D2vSamplerParams *params, gsize n_vocab, GError **error)
{
  g_autoptr (D2vSampler) sampler = g_new0 (D2vSampler, 1);

  if (params)
    sampler->params = *params;
  if (!settle_params (&sampler->params, error))
    return NULL;
  if (n_vocab == 0 || n_vocab > G_MAXINT32)
    return fail_range ("vocabulary", "of 1 to 2147483647 tokens",
                       (gdouble) n_vocab, error),
           NULL;
  sampler->n_vocab = n_vocab;
  sampler->state = sampler->params.seed;
  sampler->scores = d2v_malloc_n (n_vocab, sizeof (gfloat));
  sampler->sorted = d2v_malloc_n (n_vocab, sizeof (gfloat));
  sampler->order = d2v_malloc_n (n_vocab, sizeof (gsize));
  if (sampler->scores && sampler->sorted && sampler->order)
    return g_steal_pointer (&sampler);
  d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
            "expected memory for the scores, found none");
  return NULL;
}

void
d2v_sampler_free (D2vSampler *sampler)
{
  if (!sampler)
    return;
  d2v_free (sampler->scores);
  d2v_free (sampler->sorted);
  d2v_free (sampler->order);
  g_free (sampler);
}

/* A number from 0 to below 1: SplitMix64, which is three lines and the same
 * everywhere. */
static gdouble
draw (D2vSampler *sampler)
{
  guint64 z = sampler->state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ z >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return (gdouble) ((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Drops what is below the k-th best; its equals stay, as in the original.
 * Leaves the best in order and returns how many there are. */
static gsize
keep_top_k (D2vSampler *s)
{
  gsize k = MIN (s->params.top_k, s->n_vocab);

  if (k < s->n_vocab)
    {
      d2v_top_k (s->scores, s->n_vocab, k, s->order);
      gfloat least = s->scores[s->order[k - 1]];

      for (gsize i = k = 0; i < s->n_vocab; i++)
        if (s->scores[i] < least)
          s->scores[i] = -INFINITY;
        else
          k++;
    }
  return k;
}

/* From the least likely on, drops what is together at most 1 - top_p likely;
 * the best stays. */
static void
keep_top_p (D2vSampler *s, gsize n_left)
{
  gfloat allowed = (gfloat) (1 - s->params.top_p);
  gdouble sum = 0;

  if (s->params.top_p >= 1)
    return;
  n_left = d2v_top_k (s->scores, s->n_vocab, n_left, s->order);
  for (gsize i = 0; i < n_left; i++)
    s->sorted[i] = s->scores[s->order[i]];
  d2v_softmax (s->sorted, s->sorted, n_left);
  for (gsize i = n_left - 1; i > 0; i--)
    {
      sum += s->sorted[i];
      if ((gfloat) sum > allowed)
        return;
      s->scores[s->order[i]] = -INFINITY;
    }
}

const gfloat *
d2v_sampler_probabilities (D2vSampler *sampler, const gfloat *logits)
{
  gfloat temperature = (gfloat) sampler->params.temperature;

  for (gsize i = 0; i < sampler->n_vocab; i++)
    sampler->scores[i] = logits[i] / temperature;
  keep_top_p (sampler, keep_top_k (sampler));
  d2v_softmax (sampler->scores, sampler->scores, sampler->n_vocab);
  return sampler->scores;
}

gint32
d2v_sampler_pick (D2vSampler *sampler, const gfloat *logits)
{
  gsize best = d2v_argmax (logits, sampler->n_vocab);
  gdouble left;

  if (!sampler->params.sample)
    return (gint32) best;
  const gfloat *p = d2v_sampler_probabilities (sampler, logits);
  left = draw (sampler);
  for (gsize i = 0; i < sampler->n_vocab; i++)
    if (p[i] > 0 && (left -= p[i]) < 0)
      return (gint32) i;
  return (gint32) best; /* the probabilities' rounded sum was below 1 */
}

/* ----------------------------------------------------------- generation -- */

struct _D2vGeneration
{
  D2vTokenizer *tokenizer;
  D2vSampler *sampler;
  D2vTextStream *stream;
  gint32 *ids; /* (n), room for n_most */
  gsize n, n_prompt, n_most;
  gint32 *stop_ids; /* (n_stop_ids) */
  gsize n_stop_ids;
  gboolean done;
};

/* How long prompt and new tokens may become. */
static gsize
most_ids (gsize n_prompt, const D2vGenerationParams *p)
{
  gsize n_new = p->max_new_tokens ? p->max_new_tokens : DEFAULT_NEW_TOKENS;
  gsize most = n_prompt + MIN (n_new, MAX_NEW_TOKENS);

  return p->max_length ? MAX (n_prompt, MIN (most, p->max_length)) : most;
}

static gboolean
allocate (D2vGeneration *g, const D2vGenerationParams *p)
{
  g->n_stop_ids = p->stop_ids ? p->n_stop_ids : 1;
  g->ids = d2v_malloc_n (g->n_most, sizeof (gint32));
  g->stop_ids = d2v_malloc_n (g->n_stop_ids + 1, sizeof (gint32));
  if (!g->ids || !g->stop_ids)
    return FALSE;
  if (p->stop_ids && p->n_stop_ids > 0)
    memcpy (g->stop_ids, p->stop_ids, p->n_stop_ids * sizeof (gint32));
  else
    g->stop_ids[0] = d2v_tokenizer_special (g->tokenizer, D2V_SPECIAL_EOS);
  return TRUE;
}

D2vGeneration *
d2v_generation_new (const D2vTokenizer *tokenizer, const gint32 *prompt,
                    gsize n, gsize n_vocab, const D2vGenerationParams *params,
                    GError **error)
{
  static const D2vGenerationParams defaults;
  const D2vGenerationParams *p = params ? params : &defaults;
  g_autoptr (D2vGeneration) g = g_new0 (D2vGeneration, 1);
  gint32 bos = d2v_tokenizer_special (tokenizer, D2V_SPECIAL_BOS);

  g->tokenizer = d2v_tokenizer_ref ((D2vTokenizer *) tokenizer);
  g->sampler = d2v_sampler_new (&p->sampler, n_vocab, error);
  if (!g->sampler)
    return NULL;
  g->n = g->n_prompt = MAX (n, 1);
  g->n_most = most_ids (g->n_prompt, p);
  if (!allocate (g, p))
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "expected memory for %" G_GSIZE_FORMAT " tokens, found none",
                g->n_most);
      return NULL;
    }
  memcpy (g->ids, n > 0 ? prompt : &bos, g->n_prompt * sizeof (gint32));
  g->stream = d2v_text_stream_new (tokenizer, TRUE);
  g->done = g->n == g->n_most;
  return g_steal_pointer (&g);
}

void
d2v_generation_free (D2vGeneration *generation)
{
  if (!generation)
    return;
  d2v_text_stream_free (generation->stream);
  d2v_sampler_free (generation->sampler);
  d2v_tokenizer_unref (generation->tokenizer);
  d2v_free (generation->ids);
  d2v_free (generation->stop_ids);
  g_free (generation);
}

gboolean
d2v_generation_is_done (const D2vGeneration *generation)
{
  return generation->done;
}

gint32
d2v_generation_step (D2vGeneration *generation, const gfloat *logits,
                     const gchar **text, gsize *length)
{
  gint32 id = d2v_sampler_pick (generation->sampler, logits);
  gsize n_bytes;

  g_assert (!generation->done);
  generation->ids[generation->n++] = id;
  generation->done = generation->n == generation->n_most;
  for (gsize i = 0; i < generation->n_stop_ids; i++)
    if (generation->stop_ids[i] == id)
      generation->done = TRUE;

  const gchar *some = d2v_text_stream_push (generation->stream, id, &n_bytes);
  if (text)
    *text = some;
  if (length)
    *length = n_bytes;
  return id;
}

const gchar *
d2v_generation_rest (D2vGeneration *generation, gsize *length)
{
  gsize n_bytes;
  const gchar *rest = d2v_text_stream_finish (generation->stream, &n_bytes);

  if (length)
    *length = n_bytes;
  return rest;
}

const gint32 *
d2v_generation_ids (const D2vGeneration *generation, gsize *n)
{
  *n = generation->n;
  return generation->ids;
}

gsize
d2v_generation_n_new (const D2vGeneration *generation)
{
  return generation->n - generation->n_prompt;
}

gchar *
d2v_generation_text (const D2vGeneration *generation, const gchar *prompt_text,
                     gssize prompt_length, gsize *length, GError **error)
{
  gsize n_new, n_prompt = !prompt_text        ? 0
                          : prompt_length < 0 ? strlen (prompt_text)
                                              : (gsize) prompt_length;
  g_autofree gchar *new_text = d2v_tokenizer_decode (
      generation->tokenizer, generation->ids + generation->n_prompt,
      d2v_generation_n_new (generation), TRUE, &n_new, error);
  gchar *text = new_text ? g_try_malloc (n_prompt + n_new + 1) : NULL;

  if (new_text && !text)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
              "expected memory for the text, found none");
  if (!text)
    return NULL;
  if (n_prompt > 0)
    memcpy (text, prompt_text, n_prompt);
  memcpy (text + n_prompt, new_text, n_new + 1);
  if (length)
    *length = n_prompt + n_new;
  return text;
}
