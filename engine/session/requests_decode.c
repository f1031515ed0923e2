/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* requests_decode.c: logits as text with times, or as a map of classes. */

#include "engine/base/error.h"
#include "engine/decode/ctc.h"
#include "engine/decode/labelmap.h"
#include "engine/session/requests_private.h"

#include <math.h>

/* -------------------------------------------------------------- logits -- */

/* `logits` of @path: of @rank without a batch, and one more with it; numbers
 * of one class stand at dim @class_dim from the end. */
static D2vTensor *
read_logits (const gchar *path, guint rank, guint class_dim, gsize n_classes,
             GError **error)
{
  g_autoptr (D2vTensors) tensors = d2v_tensors_load (path, error);
  if (tensors == NULL)
    return NULL;

  D2vTensor *logits = d2v_tensors_get (tensors, "logits");
  if (logits == NULL)
    d2v_fail (error, D2V_ERROR_INPUT, path,
              "expected a tensor logits, found "
              "none of that name");
  else if (logits->dtype != D2V_F32)
    d2v_fail (error, D2V_ERROR_INPUT, path, "logits: expected F32, found %s",
              d2v_dtype_name (logits->dtype));
  else if (logits->shape.rank != rank && logits->shape.rank != rank + 1)
    d2v_fail (error, D2V_ERROR_INPUT, path,
              "logits: expected %u or %u dimensions, found %u", rank, rank + 1,
              logits->shape.rank);
  else if (logits->shape.dim[logits->shape.rank - class_dim] != n_classes)
    d2v_fail (error, D2V_ERROR_INPUT, path,
              "logits: expected %" G_GSIZE_FORMAT
              " classes, as config.json has, found %" G_GSIZE_FORMAT,
              n_classes, logits->shape.dim[logits->shape.rank - class_dim]);
  else
    return d2v_tensor_ref (logits);
  return NULL;
}

static gboolean
check_logits (const D2vTensor *logits, const gchar *path, GError **error)
{
  const gfloat *data = logits->data;

  for (gsize i = 0; i < d2v_tensor_n_elements (logits); i++)
    if (isnan (data[i]))
      return d2v_fail (error, D2V_ERROR_INPUT, path,
                       "logits: number %" G_GSIZE_FORMAT " is not a number", i);
  return TRUE;
}

/* Answers one element of the batch. */
typedef gboolean (*AnswerFunc) (D2vService *service, gconstpointer params,
                                const gfloat *logits, const gsize *shape,
                                GString *out, GError **error);

/* An answer, or for more than one element an array of them. @rank: of one
 * element. */
static gboolean
answer_each (D2vService *service, gconstpointer params, const D2vTensor *logits,
             guint rank, AnswerFunc answer, GString *out, GError **error)
{
  gsize B = logits->shape.rank > rank ? logits->shape.dim[0] : 1;
  const gsize *shape = &logits->shape.dim[logits->shape.rank - rank];
  const gfloat *data = logits->data;
  gsize n = d2v_tensor_n_elements (logits) / B;

  if (B > 1)
    g_string_append_c (out, '[');
  for (gsize b = 0; b < B; b++)
    {
      d2v_answer_comma (out);
      if (!answer (service, params, data + b * n, shape, out, error))
        return FALSE;
    }
  if (B > 1)
    g_string_append_c (out, ']');
  return TRUE;
}

/* ----------------------------------------------------------------- CTC -- */

static void
append_span (GString *out, const gchar *text, gsize start, gsize end)
{
  d2v_answer_comma (out);
  g_string_append_c (out, '[');
  d2v_json_append_string (out, text, -1);
  g_string_append_printf (out, ",%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]",
                          start, end);
}

static void
append_chars (GString *out, const D2vCtcResult *ctc)
{
  d2v_answer_key (out, "chars");
  g_string_append_c (out, '[');
  for (gsize i = 0; i < ctc->n_chars; i++)
    append_span (out, ctc->chars[i].text, ctc->chars[i].start,
                 ctc->chars[i].end);
  g_string_append_c (out, ']');
}

static void
append_words (GString *out, const D2vCtcResult *ctc)
{
  d2v_answer_key (out, "words");
  g_string_append_c (out, '[');
  for (gsize i = 0; i < ctc->n_words; i++)
    append_span (out, ctc->words[i].text, ctc->words[i].start,
                 ctc->words[i].end);
  g_string_append_c (out, ']');
}

/* Which lists are wanted. */
typedef enum
{
  ONLY_CHARS,
  ONLY_WORDS,
  BOTH
} Lists;

static void
append_ctc (GString *out, const D2vCtcResult *ctc, Lists lists)
{
  g_string_append_c (out, '{');
  d2v_answer_string (out, "text", ctc->text, -1);
  if (lists != ONLY_WORDS)
    append_chars (out, ctc);
  if (lists != ONLY_CHARS)
    append_words (out, ctc);
  g_string_append_c (out, '}');
}

/* @shape: (T, V). */
static gboolean
answer_frames (D2vService *service, gconstpointer params, const gfloat *logits,
               const gsize *shape, GString *out, GError **error)
{
  g_autoptr (D2vCtcResult) ctc = d2v_ctc_decode_logits (
      service->model->vocab, logits, shape[0], shape[1], error);

  if (ctc != NULL)
    append_ctc (out, ctc, *(const Lists *) params);
  return ctc != NULL;
}

static gboolean
answer_ids (D2vService *service, const gint64 *ids, gsize n, Lists lists,
            GString *out, GError **error)
{
  g_autoptr (D2vCtcResult) ctc
      = d2v_ctc_decode (service->model->vocab, ids, NULL, n, error);

  if (ctc != NULL)
    append_ctc (out, ctc, lists);
  return ctc != NULL;
}

static gboolean
answer_ctc (D2vService *service, const D2vJsonValue *request, GString *out,
            GError **error)
{
  static const gchar *const known[]
      = { "inputs", "ids", "return_timestamps", NULL };
  static const gchar *const names[] = { "char", "word", NULL };
  const gchar *path = NULL;
  g_autofree gint64 *ids = NULL;
  gsize n_ids;
  guint lists = BOTH;

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_string (request, "inputs", &path, error)
      || !d2v_request_integers (request, "ids", G_MININT32, G_MAXINT32, &ids,
                                &n_ids, error)
      || !d2v_request_choice (request, "return_timestamps", names, &lists,
                              error))
    return FALSE;
  if ((path != NULL) == (ids != NULL))
    return d2v_fail (error, D2V_ERROR_USAGE, "request",
                     "expected one of inputs and ids");
  if (ids != NULL)
    return answer_ids (service, ids, n_ids, lists, out, error);

  g_autoptr (D2vTensor) logits
      = read_logits (path, 2, 1, service->model->config->vocab_size, error);
  return logits != NULL && check_logits (logits, path, error)
         && answer_each (service, &lists, logits, 2, answer_frames, out, error);
}

/* -------------------------------------------------------- segmentation -- */

typedef struct
{
  gsize height, width; /* 0: the logits' own */
} TargetSize;

static void
append_map (GString *out, const D2vLabelMap *map)
{
  g_string_append (out, "{\"labels\":[");
  for (gsize y = 0; y < map->height; y++)
    {
      d2v_answer_comma (out);
      g_string_append_c (out, '[');
      for (gsize x = 0; x < map->width; x++)
        g_string_append_printf (out, x > 0 ? ",%u" : "%u",
                                map->labels[y * map->width + x]);
      g_string_append_c (out, ']');
    }
  g_string_append (out, "]}");
}

/* @shape: (NL, h, w). */
static gboolean
answer_map (D2vService *service, gconstpointer params, const gfloat *logits,
            const gsize *shape, GString *out, GError **error)
{
  const TargetSize *size = params;
  g_autoptr (D2vLabelMap) map
      = d2v_label_map_new (logits, shape[0], shape[1], shape[2],
                           size->height > 0 ? size->height : shape[1],
                           size->width > 0 ? size->width : shape[2], error);

  if (map != NULL)
    append_map (out, map);
  return map != NULL;
}

static gboolean
answer_segmentation (D2vService *service, const D2vJsonValue *request,
                     GString *out, GError **error)
{
  static const gchar *const known[] = { "inputs", "target_size", NULL };
  const gchar *path = NULL;
  g_autofree gint64 *size = NULL;
  gsize n;

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_string (request, "inputs", &path, error)
      || !d2v_request_integers (request, "target_size", 1, G_MAXINT32, &size,
                                &n, error))
    return FALSE;
  if (path == NULL)
    return d2v_request_missing ("inputs", error);
  if (size != NULL && n != 2)
    return d2v_fail (error, D2V_ERROR_USAGE, "request",
                     "target_size: expected height and width");
  TargetSize target = { 0 };
  if (size != NULL)
    target = (TargetSize){ (gsize) size[0], (gsize) size[1] };

  g_autoptr (D2vTensor) logits
      = read_logits (path, 3, 3, service->model->config->num_labels, error);
  return logits != NULL && check_logits (logits, path, error)
         && answer_each (service, &target, logits, 3, answer_map, out, error);
}

gboolean
d2v_answer_decode (D2vService *service, const D2vJsonValue *request,
                   GString *out, GError **error)
{
  return service->model->head == D2V_HEAD_CTC
             ? answer_ctc (service, request, out, error)
             : answer_segmentation (service, request, out, error);
}
