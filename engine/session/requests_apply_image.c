/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* requests_apply_image.c: requests to the classes that see. */

#include "engine/base/error.h"
#include "engine/process/ppm.h"
#include "engine/session/requests_private.h"

static D2vImage *
read_image (const D2vJsonValue *request, GError **error)
{
  const D2vJsonValue *input = d2v_request_input (request, error);
  const gchar *path
      = input != NULL ? d2v_request_path (input, "input", error) : NULL;

  return path != NULL ? d2v_image_read (path, error) : NULL;
}

/* What failed after reading is about the image. */
static gboolean
fail_with_image (const D2vJsonValue *request, GError **error)
{
  d2v_request_name_file (
      error, d2v_json_string (d2v_json_member (request, "input"), NULL));
  return FALSE;
}

gboolean
d2v_answer_image_classes (D2vService *service, const D2vJsonValue *request,
                          GString *out, GError **error)
{
  static const gchar *const known[]
      = { "input", "top_k", "function_to_apply", NULL };
  D2vClassifyParams params = { 0 };

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_classify (request, &params, error))
    return FALSE;
  g_autoptr (D2vImage) image = read_image (request, error);
  if (image == NULL)
    return FALSE;
  const D2vImageView view = d2v_image_view (image);
  g_autoptr (D2vClasses) scores
      = d2v_task_classify_image (service->task, &view, &params, NULL, error);
  if (scores == NULL)
    return fail_with_image (request, error);
  d2v_answer_classes (out, scores);
  return TRUE;
}

/* -------------------------------------------------------- segmentation -- */

static void
append_class (GString *out, const D2vLabelMap *s, const gchar *label,
              gsize n_pixels)
{
  d2v_answer_comma (out);
  g_string_append (out, "{\"score\":null");
  d2v_answer_string (out, "label", label, -1);
  g_string_append_printf (out,
                          ",\"mask\":{\"size\":[%" G_GSIZE_FORMAT
                          ",%" G_GSIZE_FORMAT "],\"pixels\":%" G_GSIZE_FORMAT
                          "}}",
                          s->height, s->width, n_pixels);
}

static void
append_segmentation (GString *out, const D2vModel *model, const D2vLabelMap *s)
{
  g_string_append_c (out, '[');
  for (gsize i = 0; i < s->n_classes; i++)
    if (s->counts[i] > 0)
      append_class (out, s, d2v_model_label (model, (guint) i), s->counts[i]);
  g_string_append_c (out, ']');
}

gboolean
d2v_answer_segmentation (D2vService *service, const D2vJsonValue *request,
                         GString *out, GError **error)
{
  static const gchar *const known[] = { "input", "mask_output", NULL };
  const gchar *mask = NULL;

  if (!d2v_request_check_keys (request, known, error)
      || !d2v_request_string (request, "mask_output", &mask, error))
    return FALSE;
  g_autoptr (D2vImage) image = read_image (request, error);
  if (image == NULL)
    return FALSE;
  const D2vImageView view = d2v_image_view (image);
  g_autoptr (D2vLabelMap) s
      = d2v_task_segment (service->task, &view, NULL, error);
  if (s == NULL)
    return fail_with_image (request, error);
  guint max_value = s->n_classes <= 256 ? 255 : 65535;
  if (mask != NULL
      && !d2v_pgm_write (mask, s->labels, s->width, s->height, max_value,
                         error))
    return FALSE;
  append_segmentation (out, service->model, s);
  return TRUE;
}

gboolean
d2v_answer_image_features (D2vService *service, const D2vJsonValue *request,
                           GString *out, GError **error)
{
  static const gchar *const known[] = { "input", NULL };

  if (!d2v_request_check_keys (request, known, error))
    return FALSE;
  g_autoptr (D2vImage) image = read_image (request, error);
  if (image == NULL)
    return FALSE;
  const D2vImageView view = d2v_image_view (image);
  g_autoptr (D2vTensor) rows
      = d2v_task_embed_image (service->task, &view, NULL, NULL, error);
  if (rows == NULL)
    return fail_with_image (request, error);
  d2v_answer_tensor (out, rows);
  return TRUE;
}
