/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* text_heads.c: the seven text classes, and their inputs. */

#include "engine/base/error.h"
#include "engine/model/text.h"

#include <string.h>

/* ----------------------------------------------------------- binding -- */

/* W: the file's own decoder.weight, which a tied file does not have (should
 * one differ from the embeddings all the same, it is kept, as release 5.23
 * does); b: decoder.bias before lm_head.bias (spec 6.4, 4). */
static void
bind_language_model (D2vBinder *b, D2vTextWeights *w)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size, v = c->vocab_size;

  w->dense = d2v_bind_linear (b, h, h, TRUE, "/lm_head.dense");
  w->dense_norm
      = d2v_bind_norm (b, h, c->layer_norm_eps, "/lm_head.layer_norm");
  w->classifier.weight
      = c->tie_word_embeddings
            ? d2v_bind_optional (b, d2v_shape (v, h), "/lm_head.decoder.weight")
            : d2v_bind (b, d2v_shape (v, h), "/lm_head.decoder.weight");
  if (w->classifier.weight == NULL)
    w->classifier.weight = w->trunk.words;
  w->classifier.bias
      = d2v_bind_optional (b, d2v_shape (v), "/lm_head.decoder.bias");
  if (w->classifier.bias == NULL)
    w->classifier.bias = d2v_bind (b, d2v_shape (v), "/lm_head.bias");
}

static void
bind_pooler (D2vBinder *b, D2vTextWeights *w, gboolean required)
{
  gsize h = d2v_bind_config (b)->hidden_size;

  if (required || d2v_bind_exists (b, "pooler.dense.weight"))
    w->pooler = d2v_bind_linear (b, h, h, TRUE, "pooler.dense");
}

static gpointer
bind (D2vBinder *b, D2vHead head)
{
  const D2vConfig *c = d2v_bind_config (b);
  gsize h = c->hidden_size;
  D2vTextWeights *w = g_new0 (D2vTextWeights, 1);

  d2v_bind_text (b, &w->trunk);
  switch (head)
    {
    case D2V_HEAD_MODEL:
      bind_pooler (b, w, FALSE);
      break;
    case D2V_HEAD_MASKED_LM:
    case D2V_HEAD_CAUSAL_LM:
      bind_language_model (b, w);
      break;
    case D2V_HEAD_SEQUENCE_CLASSIFICATION:
      w->dense = d2v_bind_linear (b, h, h, TRUE, "/classifier.dense");
      w->classifier
          = d2v_bind_linear (b, c->num_labels, h, TRUE, "/classifier.out_proj");
      break;
    case D2V_HEAD_TOKEN_CLASSIFICATION:
      w->classifier
          = d2v_bind_linear (b, c->num_labels, h, TRUE, "/classifier");
      break;
    case D2V_HEAD_QUESTION_ANSWERING:
      w->classifier = d2v_bind_linear (b, 2, h, TRUE, "/qa_outputs");
      break;
    case D2V_HEAD_MULTIPLE_CHOICE:
      bind_pooler (b, w, TRUE);
      w->classifier = d2v_bind_linear (b, 1, h, TRUE, "/classifier");
      break;
    default:
      break;
    }
  return w;
}

static void
free_weights (gpointer weights)
{
  D2vTextWeights *w = weights;

  g_free (w->trunk.layers);
  g_free (w);
}

/* ------------------------------------------------------------ inputs -- */

/* Multiple choice comes as (B, choices, T) and runs as (B choices, T). */
static D2vTensor *
flat_ids (const D2vTensors *inputs, const gchar *name, guint rank, gint64 limit,
          const D2vShape *like, GError **error)
{
  g_autoptr (D2vTensor) ids = d2v_input_i64 (inputs, name, rank, error);

  if (ids == NULL)
    return NULL;
  gsize last = d2v_shape_last (&ids->shape);
  D2vShape flat = d2v_shape (d2v_shape_rows (&ids->shape), last);
  /* One row for the whole batch, as position_ids may come. */
  gboolean repeat
      = like != NULL && flat.dim[0] == 1 && flat.dim[1] == like->dim[1];
  if (like != NULL && !repeat && !d2v_shape_equal (&flat, like))
    {
      g_autofree gchar *found = d2v_shape_text (&ids->shape);
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "%s: expected the shape of input_ids, found %s", name, found);
      return NULL;
    }
  for (gsize i = 0; i < d2v_tensor_n_elements (ids); i++)
    {
      gint64 id = ((const gint64 *) ids->data)[i];
      if (id < 0 || id >= limit)
        {
          d2v_fail (error, D2V_ERROR_INPUT, NULL,
                    "%s: expected 0 to %" G_GINT64_FORMAT
                    ", found %" G_GINT64_FORMAT " at %" G_GSIZE_FORMAT,
                    name, limit - 1, id, i);
          return NULL;
        }
    }
  if (repeat)
    flat = *like;
  D2vTensor *out = d2v_tensor_new_empty (D2V_I64, &flat);
  if (out == NULL)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%s", name);
  for (gsize at = 0; out != NULL && at < out->n_bytes; at += ids->n_bytes)
    memcpy ((guint8 *) out->data + at, ids->data, ids->n_bytes);
  return out;
}

/* The count of tokens so far that are not padding, from pad_token_id on;
 * padding itself stands at pad_token_id (spec 3.1). */
static D2vTensor *
make_positions (const D2vConfig *c, const D2vTensor *ids, GError **error)
{
  D2vTensor *out = d2v_tensor_new (D2V_I64, 2, ids->shape.dim);
  gsize n = ids->shape.dim[1];

  if (out == NULL)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "position_ids");
  for (gsize b = 0; out != NULL && b < ids->shape.dim[0]; b++)
    {
      const gint64 *row = (const gint64 *) ids->data + b * n;
      gint64 *positions = (gint64 *) out->data + b * n;
      gint64 count = 0;

      for (gsize t = 0; t < n; t++)
        {
          gboolean token = row[t] != c->pad_token_id;
          count += token;
          positions[t] = c->pad_token_id + (token ? count : 0);
        }
      if (c->position_embedding_type == D2V_POSITION_ABSOLUTE
          && c->pad_token_id + count >= (gint64) c->max_position_embeddings)
        {
          d2v_fail (
              error, D2V_ERROR_INPUT, NULL,
              "input_ids: %" G_GINT64_FORMAT
              " tokens, the position table has room for %" G_GINT64_FORMAT,
              count, (gint64) c->max_position_embeddings - c->pad_token_id - 1);
          g_clear_pointer (&out, d2v_tensor_unref);
        }
    }
  return out;
}

static gboolean
prepare_positions (const D2vConfig *c, const D2vTensors *inputs, guint rank,
                   const D2vTensor *ids, D2vTensors *prepared, GError **error)
{
  gboolean given = d2v_tensors_get (inputs, "position_ids") != NULL;
  gboolean relative = c->position_embedding_type != D2V_POSITION_ABSOLUTE;

  if (relative && ids->shape.dim[1] > c->max_position_embeddings)
    return d2v_fail (
        error, D2V_ERROR_INPUT, NULL,
        "input_ids: %" G_GSIZE_FORMAT
        " tokens, the distance table has room for %" G_GSIZE_FORMAT,
        ids->shape.dim[1], c->max_position_embeddings);
  g_autoptr (D2vTensor) positions
      = given
            ? flat_ids (inputs, "position_ids", rank,
                        (gint64) c->max_position_embeddings, &ids->shape, error)
            : make_positions (c, ids, error);
  if (positions == NULL)
    return FALSE;
  d2v_tensors_set (prepared, "position_ids", positions);
  return TRUE;
}

static gboolean
prepare_types (const D2vConfig *c, const D2vTensors *inputs, guint rank,
               const D2vTensor *ids, D2vTensors *prepared, GError **error)
{
  g_autoptr (D2vTensor) types
      = d2v_tensors_get (inputs, "token_type_ids") != NULL
            ? flat_ids (inputs, "token_type_ids", rank,
                        (gint64) c->type_vocab_size, &ids->shape, error)
            : d2v_tensor_new (D2V_I64, 2, ids->shape.dim);

  if (types == NULL)
    return FALSE;
  d2v_tensors_set (prepared, "token_type_ids", types);
  return TRUE;
}

static gboolean
prepare_mask (const D2vTensors *inputs, guint rank, const D2vTensor *ids,
              D2vTensors *prepared, GError **error)
{
  if (d2v_tensors_get (inputs, "attention_mask") == NULL)
    return TRUE;

  g_autoptr (D2vTensor) bits
      = flat_ids (inputs, "attention_mask", rank, 2, &ids->shape, error);
  if (bits == NULL)
    return FALSE;
  g_autoptr (D2vTensor) mask = d2v_tensor_to_f32 (bits);
  if (mask == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "attention_mask");
  d2v_tensors_set (prepared, "attention_mask", mask);
  return TRUE;
}

static gboolean
prepare (const D2vConfig *c, D2vHead head, const D2vTensors *inputs,
         D2vTensors *prepared, GError **error)
{
  static const gchar *const known[]
      = { "input_ids", "attention_mask", "token_type_ids", "position_ids",
          NULL };
  guint rank = head == D2V_HEAD_MULTIPLE_CHOICE ? 3 : 2;

  /* A model with add_cross_attention runs as a plain decoder, as the
   * original does without encoder states. */
  if (d2v_tensors_get (inputs, "encoder_hidden_states") != NULL)
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, NULL,
                     "encoder_hidden_states: cross-attention is not "
                     "available, only self-attention is");
  if (!d2v_input_check_names (inputs, known, error))
    return FALSE;
  g_autoptr (D2vTensor) ids = flat_ids (inputs, "input_ids", rank,
                                        (gint64) c->vocab_size, NULL, error);
  if (ids == NULL)
    return FALSE;
  d2v_tensors_set (prepared, "input_ids", ids);
  if (rank == 3)
    {
      /* Only its shape is read: (B, choices) of the result. */
      const D2vTensor *raw = d2v_tensors_get (inputs, "input_ids");
      g_autoptr (D2vTensor) choices
          = d2v_tensor_new (D2V_I64, 2, raw->shape.dim);
      d2v_tensors_set (prepared, "choices", choices);
    }
  return prepare_types (c, inputs, rank, ids, prepared, error)
         && prepare_positions (c, inputs, rank, ids, prepared, error)
         && prepare_mask (inputs, rank, ids, prepared, error);
}

/* --------------------------------------------------------- recording -- */

/* The first token's row: (B, T, H) -> (B, H). */
static D2vValue
first_row (D2vGraph *g, D2vValue x)
{
  const D2vShape shape = *d2v_graph_shape (g, x);

  x = d2v_op_slice (g, x, 1, 0, 1);
  return d2v_op_reshape (g, x, d2v_shape (shape.dim[0], shape.dim[2]));
}

static D2vValue
pool (D2vGraph *g, D2vValue x, const D2vLinear *pooler)
{
  x = d2v_linear (g, first_row (g, x), pooler);
  return d2v_op_activate (g, x, D2V_ACTIVATION_TANH);
}

/* The tokens of @rows, (1, n) numbers below B T, as (1, n, C); all without it.
 * A vocabulary is large, and who asks for words asks for few of them. */
static D2vValue
pick_rows (D2vGraph *g, D2vValue x, D2vValue rows)
{
  if (d2v_is_none (rows))
    return x;
  const D2vShape shape = *d2v_graph_shape (g, x);
  const D2vValue inputs[] = {
    rows,
    d2v_op_reshape (g, x, d2v_shape (shape.dim[0] * shape.dim[1], shape.dim[2]))
  };

  return d2v_graph_record (g, D2V_OP_GATHER, 2, inputs, NULL);
}

/* The activation is erf-GELU whatever hidden_act says. */
static D2vValue
language_model (D2vGraph *g, D2vValue x, const D2vTextWeights *w)
{
  x = d2v_linear (g, x, &w->dense);
  x = d2v_op_activate (g, x, D2V_ACTIVATION_GELU);
  x = d2v_norm (g, x, &w->dense_norm);
  return d2v_linear (g, x, &w->classifier); /* (B, T, V) */
}

static void
record_answers (D2vGraph *g, D2vValue x, const D2vLinear *classifier)
{
  static const gchar *const names[] = { "start_logits", "end_logits" };
  D2vValue logits = d2v_linear (g, x, classifier); /* (B, T, 2) */
  const D2vShape shape = *d2v_graph_shape (g, logits);

  for (gsize i = 0; i < 2; i++)
    d2v_graph_output (g, names[i],
                      d2v_op_reshape (g, d2v_op_slice (g, logits, 2, i, 1),
                                      d2v_shape (shape.dim[0], shape.dim[1])));
}

static void
record_head (D2vGraph *g, D2vHead head, const D2vTextWeights *w, D2vValue x,
             const D2vTensors *prepared)
{
  switch (head)
    {
    case D2V_HEAD_MODEL:
      d2v_graph_output (g, "last_hidden_state", x);
      if (w->pooler.weight != NULL)
        d2v_graph_output (g, "pooler_output", pool (g, x, &w->pooler));
      break;
    case D2V_HEAD_MASKED_LM:
    case D2V_HEAD_CAUSAL_LM:
      x = pick_rows (g, x, d2v_graph_prepared (g, prepared, "rows"));
      d2v_graph_output (g, "logits", language_model (g, x, w));
      break;
    case D2V_HEAD_SEQUENCE_CLASSIFICATION:
      x = pool (g, x, &w->dense);
      d2v_graph_output (g, "logits", d2v_linear (g, x, &w->classifier));
      break;
    case D2V_HEAD_QUESTION_ANSWERING:
      record_answers (g, x, &w->classifier);
      break;
    case D2V_HEAD_MULTIPLE_CHOICE:
      x = d2v_linear (g, pool (g, x, &w->pooler), &w->classifier);
      d2v_graph_output (
          g, "logits",
          d2v_op_reshape (g, x, d2v_tensors_get (prepared, "choices")->shape));
      break;
    default: /* token classification */
      d2v_graph_output (g, "logits", d2v_linear (g, x, &w->classifier));
      break;
    }
}

static void
record (D2vGraph *g, const D2vConfig *c, D2vHead head, gconstpointer weights,
        const D2vTensors *prepared, const D2vRecordOptions *options)
{
  const D2vTextWeights *w = weights;
  D2vTextInputs in = {
    .ids = d2v_graph_prepared (g, prepared, "input_ids"),
    .types = d2v_graph_prepared (g, prepared, "token_type_ids"),
    .positions = d2v_graph_prepared (g, prepared, "position_ids"),
    .mask = d2v_graph_prepared (g, prepared, "attention_mask"),
    .n_past = d2v_graph_prepared (g, prepared, "n_past"),
    .cache_length = options->cache_length,
  };
  D2vValue x = d2v_text (g, c, &w->trunk, &in, options->hidden_states);

  record_head (g, head, w, x, prepared);
}

const D2vFamily d2v_family_text = {
  .prefix = "data2vec_text.",
  .bind = bind,
  .free = free_weights,
  .prepare = prepare,
  .record = record,
};
