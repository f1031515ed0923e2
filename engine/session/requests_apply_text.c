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
  g_autoptr (D2vLabelScores) scores = d2v_task_classify_text (
      service->task, &text, pair.text != NULL ? &pair : NULL, &params, NULL,
      error);
  if (scores != NULL)
    d2v_answer_label_scores (out, scores);
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
