/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/generate.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

/* Runs with one cache are of one shape. A decoder's prompt is read in blocks of
 * so many tokens, and a step reads the last block again, its old tokens beside
 * the new one: reading the weights is what takes time, so that eight tokens
 * cost little more than one. Without the causal mask, old tokens would see the
 * new ones: the block is the prompt, and a step reads the new token and
 * padding, which nobody looks at. */
#define BLOCK 8
/* Caches come in multiples of this, so that generations share plans. */
#define CACHE_STEP 64

struct _D2vDecoder
{
  D2vSession *session;
  const D2vConfig *config;
  gsize B, n, capacity;
  gboolean forward_positions;
  gint64 *ids;       /* (B, capacity) */
  gint64 *positions; /* the same */
  gfloat *mask;      /* the same: 1 a token, 0 padding and beyond n */
  gboolean has_padding;
  gint64 *counts; /* (B): tokens that positions have counted */

  gsize cache_length; /* 0: none */
  gsize block;        /* tokens of a run */
  D2vContext *context;
  gsize n_cached;
  D2vTensors *outputs; /* of the last run: logits (1, B, V) */
};

/* ------------------------------------------------------------ positions -- */

gsize
d2v_decoder_room (const D2vModel *model, gboolean forward_positions)
{
  const D2vConfig *c = model->config;
  gsize taken = forward_positions ? (gsize) c->pad_token_id + 1 : 0;

  if (c->position_embedding_type != D2V_POSITION_ABSOLUTE)
    taken = 0;
  return c->max_position_embeddings > taken ? c->max_position_embeddings - taken
                                            : 0;
}

/* The position of the next token of row @b. From 0, padding counts as nothing
 * and stands anywhere; in a forward pass the padding token stands at its own
 * id, wherever it comes from (spec 3.1, 3.5). */
static gint64
next_position (D2vDecoder *d, gsize b, gint64 id, gboolean is_padding)
{
  gint64 pad = d->config->pad_token_id;

  if (!d->forward_positions)
    return is_padding ? 0 : d->counts[b]++;
  return id == pad ? pad : pad + ++d->counts[b];
}

/* The tables of relative positions know distances, not places. */
static gboolean
is_beyond_table (const D2vDecoder *d, gsize t, gint64 position)
{
  gsize place = d->config->position_embedding_type == D2V_POSITION_ABSOLUTE
                    ? (gsize) position
                    : t;

  return place >= d->config->max_position_embeddings;
}

static gboolean
add (D2vDecoder *d, gsize b, gsize t, gint64 id, gboolean is_padding,
     GError **error)
{
  gsize at = b * d->capacity + t;

  if (id < 0 || id >= (gint64) d->config->vocab_size)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "token %" G_GINT64_FORMAT
                     ": the model has tokens 0 to %" G_GSIZE_FORMAT,
                     id, d->config->vocab_size - 1);
  d->ids[at] = id;
  d->mask[at] = is_padding ? 0 : 1;
  d->has_padding |= is_padding;
  d->positions[at] = next_position (d, b, id, is_padding);
  if (is_beyond_table (d, t, d->positions[at]))
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "token %" G_GSIZE_FORMAT
                     " of the text stands beyond the position table, which "
                     "has %" G_GSIZE_FORMAT " rows",
                     t + 1, d->config->max_position_embeddings);
  return TRUE;
}

/* ------------------------------------------------------------- lifetime -- */

static gboolean
allocate (D2vDecoder *d)
{
  gsize n;

  if (!d2v_mul (d->B, d->capacity, &n))
    return FALSE;
  d->ids = d2v_malloc_n (n, sizeof (gint64));
  d->positions = d2v_malloc_n (n, sizeof (gint64));
  d->mask = d2v_malloc_n (n, sizeof (gfloat));
  d->counts = d2v_malloc_n (d->B, sizeof (gint64));
  if (d->ids == NULL || d->positions == NULL || d->mask == NULL
      || d->counts == NULL)
    return FALSE;
  memset (d->counts, 0, d->B * sizeof (gint64));
  for (gsize i = 0; i < n; i++)
    {
      d->ids[i] = d->positions[i] = d->config->pad_token_id;
      d->mask[i] = 0;
    }
  return TRUE;
}

static gboolean
add_prompt (D2vDecoder *d, const D2vDecoderParams *p, GError **error)
{
  for (gsize b = 0; b < p->B; b++)
    for (gsize t = 0; t < p->n; t++)
      {
        gsize i = b * p->n + t;

        if (!add (d, b, t, p->ids[i], p->mask != NULL && p->mask[i] == 0,
                  error))
          return FALSE;
      }
  d->n = p->n;
  return TRUE;
}

/* Distances are known up to the last row of their table, so that no block may
 * reach beyond it: then all of the text is read each time. */
static void
choose_block (D2vDecoder *d, const D2vDecoderParams *params)
{
  gboolean relative
      = d->config->position_embedding_type != D2V_POSITION_ABSOLUTE;
  gsize n_tokens = MAX (params->max_tokens, params->n);

  d->block = d->config->is_decoder ? BLOCK : params->n;
  /* Room for a step's padding behind the last token. */
  d->capacity = d2v_align (d->config->is_decoder ? MAX (n_tokens, BLOCK)
                                                 : n_tokens + params->n,
                           CACHE_STEP);
  if (!params->no_cache && (d->config->is_decoder || !relative))
    d->cache_length = d->capacity;
}

D2vDecoder *
d2v_decoder_new (D2vSession *session, const D2vDecoderParams *params,
                 GError **error)
{
  g_autoptr (D2vDecoder) d = g_new0 (D2vDecoder, 1);

  d->session = d2v_session_ref (session);
  d->config = d2v_session_model (session)->config;
  d->forward_positions = params->forward_positions;
  d->B = params->B;
  choose_block (d, params);
  if (d->cache_length > 0)
    d->context = d2v_context_new ();
  if (!allocate (d))
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%" G_GSIZE_FORMAT " tokens",
                d->capacity);
      return NULL;
    }
  return add_prompt (d, params, error) ? g_steal_pointer (&d) : NULL;
}

void
d2v_decoder_free (D2vDecoder *d)
{
  if (d == NULL)
    return;
  d2v_context_free (d->context);
  d2v_tensors_unref (d->outputs);
  d2v_session_unref (d->session);
  d2v_free (d->ids);
  d2v_free (d->positions);
  d2v_free (d->mask);
  d2v_free (d->counts);
  g_free (d);
}

/* -------------------------------------------------------------- running -- */

/* Columns @begin.. of the (B, capacity) array @from as a tensor (B, @T). */
static gboolean
set_columns (const D2vDecoder *d, D2vTensors *prepared, const gchar *name,
             D2vDType dtype, gconstpointer from, gsize begin, gsize T,
             GError **error)
{
  const D2vShape shape = d2v_shape (d->B, T);
  gsize size = d2v_dtype_size (dtype);
  g_autoptr (D2vTensor) tensor = d2v_tensor_new_empty (dtype, &shape);

  if (tensor == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%s", name);
  for (gsize b = 0; b < d->B; b++)
    memcpy ((guint8 *) tensor->data + b * T * size,
            (const guint8 *) from + (b * d->capacity + begin) * size, T * size);
  d2v_tensors_set (prepared, name, tensor);
  return TRUE;
}

static gboolean
set_number (D2vTensors *prepared, const gchar *name, gint64 number,
            GError **error)
{
  g_autoptr (D2vTensor) tensor
      = d2v_tensor_new (D2V_I64, 1, (const gsize[]){ 1 });

  if (tensor == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%s", name);
  *(gint64 *) tensor->data = number;
  d2v_tensors_set (prepared, name, tensor);
  return TRUE;
}

/* Of a run of tokens @begin..@begin+@T-1, only what follows the last token of
 * the text is asked for. */
static gboolean
set_rows (const D2vDecoder *d, D2vTensors *prepared, gsize begin, gsize T,
          GError **error)
{
  gsize last = MIN (d->n - begin, T) - 1;
  g_autoptr (D2vTensor) rows
      = d2v_tensor_new (D2V_I64, 2, (const gsize[]){ 1, d->B });

  if (rows == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "rows");
  for (gsize b = 0; b < d->B; b++)
    ((gint64 *) rows->data)[b] = (gint64) (b * T + last);
  d2v_tensors_set (prepared, "rows", rows);
  return TRUE;
}

/* Whether the mask, for want of a causal one, has to hide what lies behind the
 * last token. */
static gboolean
hides_by_mask (const D2vDecoder *d)
{
  return d->cache_length > 0 && !d->config->is_decoder;
}

/* Runs tokens begin..begin+T-1; those before must be in the cache. */
static gboolean
run (D2vDecoder *d, gsize begin, gsize T, GCancellable *cancellable,
     GError **error)
{
  const D2vRecordOptions options = { .cache_length = d->cache_length };
  g_autoptr (D2vTensors) prepared = d2v_tensors_new ();
  const gsize shape[] = { d->B, T };
  g_autoptr (D2vTensor) types = d2v_tensor_new (D2V_I64, 2, shape);

  if (types == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "token_type_ids");
  d2v_tensors_set (prepared, "token_type_ids", types);
  if (!set_columns (d, prepared, "input_ids", D2V_I64, d->ids, begin, T, error)
      || !set_columns (d, prepared, "position_ids", D2V_I64, d->positions,
                       begin, T, error)
      || ((d->has_padding || hides_by_mask (d))
          && !set_columns (d, prepared, "attention_mask", D2V_F32, d->mask, 0,
                           d->cache_length > 0 ? d->cache_length : T, error))
      || (d->cache_length > 0
          && !set_number (prepared, "n_past", (gint64) begin, error))
      || !set_rows (d, prepared, begin, T, error))
    return FALSE;
  g_clear_pointer (&d->outputs, d2v_tensors_unref);
  d->outputs = d2v_session_run_prepared (d->session, prepared, &options,
                                         d->context, cancellable, error);
  return d->outputs != NULL;
}

/* Where the run that ends with token @end - 1 begins. A decoder's text that is
 * shorter than a block is followed by padding, too. */
static gsize
first_of_run (const D2vDecoder *d, gsize end)
{
  if (!d->config->is_decoder)
    return d->n_cached;
  return end > d->block ? end - d->block : 0;
}

/* Fills the cache up to the last token. */
static gboolean
run_blocks (D2vDecoder *d, GCancellable *cancellable, GError **error)
{
  while (d->n_cached < d->n)
    {
      gboolean one = !d->config->is_decoder && d->n_cached > 0;
      gsize end = MIN (d->n_cached + (one ? 1 : d->block), d->n);

      if (!run (d, first_of_run (d, end), d->block, cancellable, error))
        return FALSE;
      d->n_cached = end;
    }
  return TRUE;
}

const gfloat *
d2v_decoder_logits (D2vDecoder *d, GCancellable *cancellable, GError **error)
{
  gboolean ok = d->cache_length > 0 ? run_blocks (d, cancellable, error)
                                    : run (d, 0, d->n, cancellable, error);

  return ok ? d2v_tensors_get (d->outputs, "logits")->data : NULL;
}

gboolean
d2v_decoder_append (D2vDecoder *d, const gint64 *next, GError **error)
{
  if (d->n == d->capacity)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "the text has %" G_GSIZE_FORMAT
                     " tokens, there is room for no more",
                     d->n);
  for (gsize b = 0; b < d->B; b++)
    if (!add (d, b, d->n, next[b], FALSE, error))
      return FALSE;
  d->n++;
  return TRUE;
}
