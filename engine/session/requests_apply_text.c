/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* requests_apply_text.c: requests to the classes that read. */

#include "engine/session/requests_private.h"

static gboolean
read_text (const D2vJsonValue *request, D2vString *text, GError **error)
{
  return d2v_request_text (request, "input", text, error)
         && (text->text != NULL || d2v_request_missing ("input", error));
}

gboolean
d2v_answer_text_classes (D2vService *service, const D2vJsonValue *request,
                         GString *out, GError **error)
{
  static const gchar *const known[] = { "input",      "text_pair",
                                        "top_k",      "function_to_apply",
                                        "truncation", NULL };
  D2vClassifyParams params = { 0 };
  D2vString text = { NULL }, pair = { NULL };

  if (!d2v_request_check_keys (request, known, error)
      || !read_text (request, &text, error)
      || !d2v_request_text (request, "text_pair", &pair, error)
      || !d2v_request_truncation (request, &params.truncation, error)
      || !d2v_request_classify (request, &params, error))
    return FALSE;
  g_autoptr (D2vClasses) scores = d2v_task_classify_text (
      service->task, &text, pair.text != NULL ? &pair : NULL, &params, NULL,
      error);
  if (scores != NULL)
    d2v_answer_classes (out, scores);
  return scores != NULL;
}

gboolean
d2v_answer_text_features (D2vService *service, const D2vJsonValue *request,
                          GString *out, GError **error)
{
  static const gchar *const known[] = { "input", NULL };
  D2vString text = { NULL };

  if (!d2v_request_check_keys (request, known, error)
      || !read_text (request, &text, error))
    return FALSE;
  g_autoptr (D2vTensor) rows
      = d2v_task_embed_text (service->task, &text, NULL, NULL, error);
  if (rows != NULL)
    d2v_answer_tensor (out, rows);
  return rows != NULL;
}

/* ---------------------------------------------------------------- names -- */

/* `ignore_labels` as a NULL-ended list; free with g_free(), not the strings. */
static gboolean
read_labels (const D2vJsonValue *request, const gchar ***labels, GError **error)
{
  g_autofree D2vString *texts = NULL;
  gsize n;

  *labels = NULL;
  if (!d2v_request_texts (request, "ignore_labels", &texts, &n, NULL, error))
    return FALSE;
  if (texts == NULL)
    return TRUE;
  *labels = g_new0 (const gchar *, n + 1);
  for (gsize i = 0; i < n; i++)
    (*labels)[i] = texts[i].text;
  return TRUE;
}

static gboolean
read_tags_params (const D2vJsonValue *request, D2vTagsParams *params,
                  GError **error)
{
  /* The order of the enum. */
  static const gchar *const strategies[]
      = { "none", "simple", "first", "average", "max", NULL };
  guint strategy = D2V_TAGS_NONE;

  if (!d2v_request_choice (request, "aggregation_strategy", strategies,
                           &strategy, error)
      || !d2v_request_size (request, "stride", 0, G_MAXINT32, &params->stride,
                            error))
    return FALSE;
  params->strategy = strategy;
  params->has_stride = d2v_json_member (request, "stride") != NULL;
  return TRUE;
}

static void
append_tag (GString *out, const D2vTag *tag, gboolean is_token)
{
  d2v_answer_comma (out);
  g_string_append_c (out, '{');
  d2v_answer_string (out, is_token ? "entity" : "entity_group", tag->label, -1);
  d2v_answer_score (out, "score", tag->score);
  if (is_token)
    d2v_answer_size (out, "index", tag->index);
  d2v_answer_string (out, "word", tag->word, (gssize) tag->word_length);
  d2v_answer_size (out, "start", tag->start);
  d2v_answer_size (out, "end", tag->end);
  g_string_append_c (out, '}');
}

gboolean
d2v_answer_tags (D2vService *service, const D2vJsonValue *request, GString *out,
                 GError **error)
{
  static const gchar *const known[]
      = { "input", "aggregation_strategy", "ignore_labels", "stride", NULL };
  D2vTagsParams params = { D2V_TAGS_NONE };
  D2vString text = { NULL };
  g_autofree const gchar **labels = NULL;

  if (!d2v_request_check_keys (request, known, error)
      || !read_text (request, &text, error)
      || !read_tags_params (request, &params, error)
      || !read_labels (request, &labels, error))
    return FALSE;
  params.ignore_labels = labels;
  g_autoptr (D2vTags) tags
      = d2v_task_tag (service->task, &text, &params, NULL, error);
  if (tags == NULL)
    return FALSE;
  g_string_append_c (out, '[');
  for (gsize i = 0; i < tags->n_items; i++)
    append_tag (out, &tags->items[i], params.strategy == D2V_TAGS_NONE);
  g_string_append_c (out, ']');
  return TRUE;
}

/* -------------------------------------------------------------- answers -- */

static gboolean
read_answer_params (const D2vJsonValue *request, D2vAnswerParams *params,
                    GError **error)
{
  gsize ignored = 0; /* the original cuts no question either */
  gboolean align = TRUE;

  if (!d2v_request_size (request, "top_k", 1, G_MAXINT32, &params->top_k, error)
      || !d2v_request_size (request, "max_answer_len", 1, G_MAXINT32,
                            &params->max_answer_len, error)
      || !d2v_request_size (request, "max_seq_len", 1, G_MAXINT32,
                            &params->max_seq_len, error)
      || !d2v_request_size (request, "doc_stride", 0, G_MAXINT32,
                            &params->doc_stride, error)
      || !d2v_request_size (request, "max_question_len", 1, G_MAXINT32,
                            &ignored, error)
      || !d2v_request_flag (request, "handle_impossible_answer",
                            &params->handle_impossible_answer, error)
      || !d2v_request_flag (request, "align_to_words", &align, error))
    return FALSE;
  params->has_doc_stride = d2v_json_member (request, "doc_stride") != NULL;
  params->exact_tokens = !align;
  return TRUE;
}

static void
append_answer (GString *out, const D2vAnswer *answer)
{
  d2v_answer_comma (out);
  g_string_append_c (out, '{');
  d2v_answer_key (out, "score");
  d2v_json_append_double (out, answer->score);
  d2v_answer_size (out, "start", answer->start);
  d2v_answer_size (out, "end", answer->end);
  d2v_answer_string (out, "answer", answer->text, (gssize) answer->length);
  g_string_append_c (out, '}');
}

gboolean
d2v_answer_question (D2vService *service, const D2vJsonValue *request,
                     GString *out, GError **error)
{
  static const gchar *const known[] = { "question",
                                        "context",
                                        "top_k",
                                        "max_answer_len",
                                        "max_seq_len",
                                        "doc_stride",
                                        "max_question_len",
                                        "handle_impossible_answer",
                                        "align_to_words",
                                        NULL };
  D2vAnswerParams params = { 0 };
  D2vString question = { NULL }, context = { NULL };

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_text (request, "question", &question, error)
      || !d2v_request_text (request, "context", &context, error)
      || !read_answer_params (request, &params, error))
    return FALSE;
  if (question.text == NULL || context.text == NULL)
    return d2v_request_missing (question.text == NULL ? "question" : "context",
                                error);
  g_autoptr (D2vAnswers) answers = d2v_task_answer (
      service->task, &question, &context, &params, NULL, error);
  if (answers == NULL)
    return FALSE;
  g_string_append_c (out, '[');
  for (gsize i = 0; i < answers->n_items; i++)
    append_answer (out, &answers->items[i]);
  g_string_append_c (out, ']');
  return TRUE;
}

/* -------------------------------------------------------- missing words -- */

static void
append_candidate (GString *out, const D2vFillCandidate *c)
{
  d2v_answer_comma (out);
  g_string_append_c (out, '{');
  d2v_answer_score (out, "score", c->score);
  d2v_answer_size (out, "token", (gsize) c->token);
  d2v_answer_string (out, "token_str", c->token_str,
                     (gssize) c->token_str_length);
  d2v_answer_string (out, "sequence", c->sequence, (gssize) c->sequence_length);
  g_string_append_c (out, '}');
}

/* One list, or one for each of several masks. */
static void
append_fills (GString *out, const D2vFills *fills)
{
  if (fills->n_masks > 1)
    g_string_append_c (out, '[');
  for (gsize m = 0; m < fills->n_masks; m++)
    {
      d2v_answer_comma (out);
      g_string_append_c (out, '[');
      for (gsize i = 0; i < fills->n_candidates; i++)
        append_candidate (out, &fills->items[m * fills->n_candidates + i]);
      g_string_append_c (out, ']');
    }
  if (fills->n_masks > 1)
    g_string_append_c (out, ']');
}

gboolean
d2v_answer_fill (D2vService *service, const D2vJsonValue *request, GString *out,
                 GError **error)
{
  static const gchar *const known[] = { "input", "top_k", "targets", NULL };
  D2vFillMaskParams params = { 0 };
  D2vString text = { NULL };
  g_autofree D2vString *targets = NULL;

  if (!d2v_request_check_keys (request, known, error)
      || !read_text (request, &text, error)
      || !d2v_request_top_k (request, 0, &params.top_k, error)
      || !d2v_request_texts (request, "targets", &targets, &params.n_targets,
                             NULL, error))
    return FALSE;
  params.targets = targets;
  g_autoptr (D2vFills) fills
      = d2v_task_fill_mask (service->task, &text, &params, NULL, error);
  if (fills != NULL)
    append_fills (out, fills);
  return fills != NULL;
}

/* -------------------------------------------------------- continuations -- */

gboolean
d2v_answer_continuation (D2vService *service, const D2vJsonValue *request,
                         GString *out, GError **error)
{
  static const gchar *const known[]
      = { "input", "max_new_tokens", "return_full_text", "add_special_tokens",
          NULL };
  D2vGenerateParams params = { 0 };
  D2vString text = { NULL };
  gboolean full = TRUE, special = TRUE;

  if (!d2v_request_check_keys (request, known, error)
      || !read_text (request, &text, error)
      || !d2v_request_size (request, "max_new_tokens", 1, G_MAXINT32,
                            &params.max_new_tokens, error)
      || !d2v_request_flag (request, "return_full_text", &full, error)
      || !d2v_request_flag (request, "add_special_tokens", &special, error))
    return FALSE;
  params.new_text_only = !full;
  params.no_special_tokens = !special;
  g_autoptr (D2vContinuation) c
      = d2v_task_generate (service->task, &text, &params, NULL, error);
  if (c == NULL)
    return FALSE;
  g_string_append (out, "[{");
  d2v_answer_string (out, "generated_text", c->text, (gssize) c->length);
  g_string_append (out, "}]");
  return TRUE;
}

/* -------------------------------------------------------------- choices -- */

static void
append_scores (GString *out, const gchar *key, const gfloat *scores, gsize n)
{
  d2v_answer_key (out, key);
  g_string_append_c (out, '[');
  for (gsize i = 0; i < n; i++)
    {
      d2v_answer_comma (out);
      d2v_json_append_double (out, scores[i]);
    }
  g_string_append_c (out, ']');
}

gboolean
d2v_answer_choice (D2vService *service, const D2vJsonValue *request,
                   GString *out, GError **error)
{
  static const gchar *const known[] = { "input", "choice", NULL };
  D2vString text = { NULL };
  g_autofree D2vString *choices = NULL;
  gsize n;

  if (!d2v_request_check_keys (request, known, error)
      || !read_text (request, &text, error)
      || !d2v_request_texts (request, "choice", &choices, &n, NULL, error))
    return FALSE;
  if (choices == NULL)
    return d2v_request_missing ("choice", error);
  g_autoptr (D2vChoice) choice
      = d2v_task_choose (service->task, &text, choices, n, NULL, error);
  if (choice == NULL)
    return FALSE;
  g_string_append_c (out, '{');
  d2v_answer_size (out, "choice", choice->choice);
  append_scores (out, "scores", choice->scores, choice->n);
  append_scores (out, "logits", choice->logits, choice->n);
  g_string_append_c (out, '}');
  return TRUE;
}
