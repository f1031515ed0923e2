/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/fill.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/decode/scores.h"

/* -------------------------------------------------------------- targets -- */

/* -1 when @target has no token at all. */
static gboolean
target_id (const D2vTokenizer *tokenizer, const D2vString *target, gint32 *id,
           GError **error)
{
  const D2vEncodeParams params = { .truncation = D2V_TRUNCATE_LONGEST_FIRST,
                                   .max_length = 1,
                                   .no_template = TRUE };
  g_autoptr (D2vEncoding) encoding = NULL;

  *id = d2v_tokenizer_lookup (tokenizer, target->text, target->length);
  if (*id >= 0)
    return TRUE;
  encoding = d2v_tokenizer_encode (tokenizer, target->text, target->length,
                                   NULL, 0, &params, error);
  if (encoding && encoding->n_tokens > 0)
    *id = encoding->ids[0];
  return encoding != NULL;
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  gint32 one = *(const gint32 *) a, two = *(const gint32 *) b;

  return one < two ? -1 : one > two;
}

gint32 *
d2v_fill_targets (const D2vTokenizer *tokenizer, const D2vString *targets,
                  gsize n, gsize *n_ids, GError **error)
{
  g_autofree gint32 *ids = g_try_new (gint32, n + 1);
  gsize n_found = 0;

  for (gsize i = 0; ids && i < n; i++)
    {
      if (!target_id (tokenizer, &targets[i], &ids[n_found], error))
        return NULL;
      n_found += ids[n_found] >= 0;
    }
  if (!ids || n_found == 0)
    {
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "expected a target with a token, found none");
      return NULL;
    }
  qsort (ids, n_found, sizeof (gint32), compare_ids);
  *n_ids = 1;
  for (gsize i = 1; i < n_found; i++)
    if (ids[i] != ids[*n_ids - 1])
      ids[(*n_ids)++] = ids[i];
  return g_steal_pointer (&ids);
}

/* ---------------------------------------------------------------- masks -- */

gsize *
d2v_fill_masks (const D2vTokenizer *tokenizer, const gint32 *ids, gsize n,
                gsize *n_masks, GError **error)
{
  gint32 mask = d2v_tokenizer_special (tokenizer, D2V_SPECIAL_MASK);
  g_autofree gsize *masks = g_try_new (gsize, n + 1);

  *n_masks = 0;
  for (gsize i = 0; masks && i < n; i++)
    if (ids[i] == mask)
      masks[(*n_masks)++] = i;
  if (masks && *n_masks > 0)
    return g_steal_pointer (&masks);
  d2v_fail (error, D2V_ERROR_INPUT, NULL,
            "expected a %s in the text, found none",
            d2v_tokenizer_token (tokenizer, mask, NULL));
  return NULL;
}

/* ------------------------------------------------------------- decoding -- */

typedef struct
{
  const D2vTokenizer *tokenizer;
  gsize n; /* tokens of the input */
  gsize n_vocab;
  D2vFillParams params;
  gfloat *scores;        /* (n_vocab), of one mask */
  gfloat *target_scores; /* (n_targets) */
  gsize *order;          /* (n_candidates) */
  gint32 *filled;        /* (n), the input with a token in its place */
  D2vFills *fills;
} Decoder;

/* The sequence is what a reader wants to see, so special tokens are left out,
 * unless there are more masks than this one, which would go with them. Pads
 * always go. */
static gboolean
write_candidate (const Decoder *d, const gint32 *ids, gsize mask, gint32 token,
                 D2vFillCandidate *out, GError **error)
{
  gint32 pad = d2v_tokenizer_special (d->tokenizer, D2V_SPECIAL_PAD);
  gsize n = 0;

  for (gsize i = 0; i < d->n; i++)
    {
      d->filled[n] = i == mask ? token : ids[i];
      n += d->filled[n] != pad;
    }
  out->token = token;
  out->token_str = d2v_tokenizer_decode (d->tokenizer, &token, 1, FALSE,
                                         &out->token_str_length, error);
  out->sequence = d2v_tokenizer_decode (d->tokenizer, d->filled, n,
                                        d->fills->n_masks == 1,
                                        &out->sequence_length, error);
  return out->token_str && out->sequence;
}

/* Indices of the best go to d->order, their scores stay where this points. */
static const gfloat *
rank (const Decoder *d)
{
  const D2vFillParams *p = &d->params;

  for (gsize i = 0; i < p->n_targets; i++)
    d->target_scores[i] = d->scores[p->targets[i]];
  d2v_top_k (p->targets ? d->target_scores : d->scores,
             p->targets ? p->n_targets : d->n_vocab, d->fills->n_candidates,
             d->order);
  return p->targets ? d->target_scores : d->scores;
}

static gboolean
decode_mask (const Decoder *d, const gint32 *ids, const gfloat *logits,
             gsize mask, D2vFillCandidate *out, GError **error)
{
  d2v_softmax (logits, d->scores, d->n_vocab);
  const gfloat *scores = rank (d);
  for (gsize k = 0; k < d->fills->n_candidates; k++)
    {
      gsize best = d->order[k];
      gint32 token
          = d->params.targets ? d->params.targets[best] : (gint32) best;

      out[k].score = scores[best];
      if (!write_candidate (d, ids, mask, token, &out[k], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_targets (const Decoder *d, GError **error)
{
  for (gsize i = 0; i < d->params.n_targets; i++)
    if (d->params.targets[i] < 0 || (gsize) d->params.targets[i] >= d->n_vocab)
      return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                       "expected targets below %" G_GSIZE_FORMAT ", found %d",
                       d->n_vocab, d->params.targets[i]);
  return TRUE;
}

static gboolean
allocate (Decoder *d)
{
  D2vFills *fills = d->fills;
  gsize n_items;

  fills->n_candidates
      = MIN (d->params.top_k ? d->params.top_k : D2V_FILL_DEFAULT_TOP_K,
             d->params.targets ? d->params.n_targets : d->n_vocab);
  if (fills->n_candidates > G_MAXUINT32 / fills->n_masks)
    return FALSE;
  n_items = fills->n_candidates * fills->n_masks;
  fills->items = d2v_malloc0 (n_items * sizeof (D2vFillCandidate));
  d->scores = d2v_malloc_n (d->n_vocab, sizeof (gfloat));
  d->target_scores = d2v_malloc_n (d->params.n_targets + 1, sizeof (gfloat));
  d->order = d2v_malloc_n (fills->n_candidates, sizeof (gsize));
  d->filled = d2v_malloc_n (d->n, sizeof (gint32));
  return fills->items && d->scores && d->target_scores && d->order && d->filled;
}

D2vFills *
d2v_fill_decode (const D2vTokenizer *tokenizer, const gint32 *ids, gsize n,
                 const gfloat *logits, gsize n_vocab,
                 const D2vFillParams *params, GError **error)
{
  g_autoptr (D2vFills) fills = g_new0 (D2vFills, 1);
  Decoder d = { .tokenizer = tokenizer,
                .n = n,
                .n_vocab = n_vocab,
                .params = params ? *params : (D2vFillParams){ 0 },
                .fills = fills };
  g_autofree gsize *masks
      = d2v_fill_masks (tokenizer, ids, n, &fills->n_masks, error);
  gboolean done = masks && check_targets (&d, error);

  if (done && !allocate (&d))
    done = d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "expected memory for the candidates, found none");
  for (gsize i = 0; done && i < fills->n_masks; i++)
    done = decode_mask (&d, ids, logits + i * n_vocab, masks[i],
                        fills->items + i * fills->n_candidates, error);
  d2v_free (d.scores);
  d2v_free (d.target_scores);
  d2v_free (d.order);
  d2v_free (d.filled);
  return done ? g_steal_pointer (&fills) : NULL;
}

void
d2v_fills_free (D2vFills *fills)
{
  if (!fills)
    return;
  for (gsize i = 0; fills->items && i < fills->n_masks * fills->n_candidates;
       i++)
    {
      g_free (fills->items[i].token_str);
      g_free (fills->items[i].sequence);
    }
  d2v_free (fills->items);
  g_free (fills);
}
