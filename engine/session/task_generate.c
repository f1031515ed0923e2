/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task_generate.c: a text goes on (spec 3.5, 8.5). */

#include "engine/base/error.h"
#include "engine/decode/generate.h"
#include "engine/io/json.h"
#include "engine/session/generate.h"
#include "engine/session/task.h"

#include <string.h>

/* What the original's pipeline does when nobody says. */
#define DEFAULT_NEW_TOKENS 256
#define MAX_STOP_IDS 64

/* ------------------------------------------------------------ stopping -- */

/* eos_token_id of generation_config.json, a number or several, before that of
 * config.json. */
static gboolean
read_stop_ids (const D2vModel *model, gint32 *ids, gsize *n, GError **error)
{
  g_autoptr (D2vJson) json = NULL;
  gsize found[MAX_STOP_IDS];

  ids[0] = (gint32) model->config->eos_token_id;
  *n = 1;
  if (!d2v_json_read_optional (model->dir, "generation_config.json", NULL,
                               &json, error))
    return FALSE;
  const D2vJsonValue *root
      = json != NULL ? d2v_json_root_object (json, error) : NULL;
  if (root == NULL)
    return json == NULL;
  if (d2v_json_type (d2v_json_member (root, "eos_token_id")) != D2V_JSON_ARRAY)
    {
      gsize one = (gsize) ids[0];
      gboolean ok = d2v_json_get_size (json, root, "eos_token_id", 0,
                                       G_MAXINT32, &one, error);
      ids[0] = (gint32) one;
      return ok;
    }
  if (!d2v_json_get_sizes (json, root, "eos_token_id", 0, G_MAXINT32, 0,
                           MAX_STOP_IDS, found, n, error))
    return FALSE;
  for (gsize i = 0; i < *n; i++)
    ids[i] = (gint32) found[i];
  return TRUE;
}

/* ---------------------------------------------------------- generating -- */

/* One continuation in the making. */
typedef struct
{
  const D2vTask *task;
  const D2vGenerateParams *params;
  D2vGeneration *generation;
  D2vDecoder *decoder;
} Run;

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->generation, d2v_generation_free);
  g_clear_pointer (&run->decoder, d2v_decoder_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* The last token that there is room for is not read any more. Without a wish
 * for more, the text ends where the positions end. */
static gboolean
start_generation (Run *run, const D2vEncoding *prompt, GError **error)
{
  const D2vModel *model = run->task->model;
  const D2vGenerateParams *p = run->params;
  gint32 stop_ids[MAX_STOP_IDS];
  D2vGenerationParams how = { .max_new_tokens = p->max_new_tokens,
                              .stop_ids = p->stop_ids,
                              .n_stop_ids = p->n_stop_ids,
                              .sampler = p->sampler };

  if (how.max_new_tokens == 0)
    {
      how.max_new_tokens = DEFAULT_NEW_TOKENS;
      how.max_length = d2v_decoder_room (model, p->forward_positions) + 1;
    }
  if (how.stop_ids == NULL)
    {
      if (!read_stop_ids (model, stop_ids, &how.n_stop_ids, error))
        return FALSE;
      how.stop_ids = stop_ids;
    }
  run->generation
      = d2v_generation_new (run->task->tokenizer, prompt->ids, prompt->n_tokens,
                            model->config->vocab_size, &how, error);
  return run->generation != NULL;
}

static gboolean
start_decoder (Run *run, GError **error)
{
  gsize n, room = d2v_decoder_room (run->task->model,
                                    run->params->forward_positions);
  const gint32 *ids = d2v_generation_ids (run->generation, &n);
  g_autofree gint64 *wide = g_new (gint64, n);
  gsize n_new = run->params->max_new_tokens > 0 ? run->params->max_new_tokens
                                                : DEFAULT_NEW_TOKENS;
  const D2vDecoderParams how = {
    .ids = wide,
    .B = 1,
    .n = n,
    .max_tokens = n <= room ? n + MIN (n_new, room + 1 - n) : n,
    .forward_positions = run->params->forward_positions,
    .no_cache = run->params->no_cache,
  };

  for (gsize i = 0; i < n; i++)
    wide[i] = ids[i];
  run->decoder = d2v_decoder_new (run->task->session, &how, error);
  return run->decoder != NULL;
}

static void
tell (const Run *run, const gchar *text, gsize length)
{
  if (run->params->progress != NULL && length > 0)
    run->params->progress (text, length, run->params->progress_data);
}

static gboolean
generate (Run *run, GCancellable *cancellable, GError **error)
{
  const gchar *text;
  gsize length;

  while (!d2v_generation_is_done (run->generation))
    {
      const gfloat *logits
          = d2v_decoder_logits (run->decoder, cancellable, error);
      if (logits == NULL)
        return FALSE;
      gint64 next
          = d2v_generation_step (run->generation, logits, &text, &length);
      tell (run, text, length);
      if (!d2v_generation_is_done (run->generation)
          && !d2v_decoder_append (run->decoder, &next, error))
        return FALSE;
    }
  text = d2v_generation_rest (run->generation, &length);
  tell (run, text, length);
  return TRUE;
}

static D2vContinuation *
make_continuation (const Run *run, const D2vString *prompt, GError **error)
{
  D2vContinuation *c = g_new0 (D2vContinuation, 1);
  gboolean whole = !run->params->new_text_only;
  gsize n;
  const gint32 *ids = d2v_generation_ids (run->generation, &n);

  c->text = d2v_generation_text (run->generation, whole ? prompt->text : NULL,
                                 whole ? prompt->length : 0, &c->length, error);
  c->n_ids = d2v_generation_n_new (run->generation);
  c->ids = g_memdup2 (ids + n - c->n_ids, c->n_ids * sizeof (gint32));
  if (c->text == NULL)
    g_clear_pointer (&c, d2v_continuation_free);
  return c;
}

D2vContinuation *
d2v_task_generate (D2vTask *task, const D2vString *text,
                   const D2vGenerateParams *params, GCancellable *cancellable,
                   GError **error)
{
  static const D2vGenerateParams defaults;
  D2vEncodeParams how = { D2V_TRUNCATE_NOT };
  g_auto (Run) run = { task, params != NULL ? params : &defaults };

  if (!d2v_task_check (task, D2V_MODALITY_TEXT, D2V_HEAD_CAUSAL_LM, error))
    return NULL;
  how.no_template = run.params->no_special_tokens;
  g_autoptr (D2vEncoding) prompt
      = d2v_task_encode (task, text, NULL, &how, error);
  if (prompt == NULL || !start_generation (&run, prompt, error)
      || !start_decoder (&run, error) || !generate (&run, cancellable, error))
    return NULL;
  return make_continuation (&run, text, error);
}

void
d2v_continuation_free (D2vContinuation *continuation)
{
  if (continuation == NULL)
    return;
  g_free (continuation->text);
  g_free (continuation->ids);
  g_free (continuation);
}
