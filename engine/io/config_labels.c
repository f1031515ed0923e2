/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config_labels.c: how many labels there are and what they are called. The
 * count is not stored: it is that of `id2label`, and a literal `num_labels`
 * counts only where there is none. `label2id` is not read, for label texts
 * may repeat. */

#include "engine/io/config_private.h"

#include "engine/base/error.h"

#include <string.h>

#define MAX_LABELS 65536
#define MAX_LABEL 1024
#define DEFAULT_LABELS 2

static gboolean
uses_labels (D2vHead head)
{
  return head == D2V_HEAD_AUDIO_FRAME_CLASSIFICATION
         || head == D2V_HEAD_SEQUENCE_CLASSIFICATION
         || head == D2V_HEAD_TOKEN_CLASSIFICATION
         || head == D2V_HEAD_IMAGE_CLASSIFICATION
         || head == D2V_HEAD_SEMANTIC_SEGMENTATION;
}

/* A number as a label is taken as its text. */
static gchar *
text_of (const D2vJsonValue *value)
{
  D2vJsonType type = d2v_json_type (value);
  gsize length;

  if (type == D2V_JSON_INTEGER)
    return g_strdup_printf ("%" G_GINT64_FORMAT, d2v_json_integer (value));
  if (type == D2V_JSON_REAL)
    {
      GString *text = g_string_new (NULL);
      d2v_json_append_double (text, d2v_json_number (value));
      return g_string_free (text, FALSE);
    }
  const gchar *text = d2v_json_string (value, &length);
  if (text == NULL || length > MAX_LABEL || strlen (text) != length)
    return NULL;
  return g_strdup (text);
}

/* A decimal without sign or leading zero, below @n; -1 otherwise. */
static gint
label_number (const gchar *key, gsize n)
{
  guint64 number;

  if (strlen (key) > 5 || (key[0] == '0' && key[1] != '\0')
      || !g_ascii_string_to_unsigned (key, 10, 0, n - 1, &number, NULL))
    return -1;
  return (gint) number;
}

static gboolean
fill_labels (const D2vJson *json, const D2vJsonValue *map, gchar **labels,
             GError **error)
{
  gsize n = d2v_json_length (map);
  D2vJsonIter iter = d2v_json_iter (map);
  const gchar *key;
  const D2vJsonValue *value;

  while (d2v_json_iter_next (&iter, &key, &value))
    {
      g_autofree gchar *shown = d2v_escape_name (key, -1);
      gint number = label_number (key, n);
      if (number < 0)
        return d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (json),
                         "id2label: expected the keys 0..%" G_GSIZE_FORMAT
                         ", each once, found %s (C)",
                         n - 1, shown);
      labels[number] = text_of (value);
      if (labels[number] == NULL)
        return d2v_fail (error, D2V_ERROR_CONFIG_TYPE, d2v_json_name (json),
                         "id2label: %s: expected a string of at most %d "
                         "bytes without NUL, or a number (C)",
                         shown, MAX_LABEL);
    }
  /* n different keys below n: every place is filled. */
  return TRUE;
}

static gchar **
read_map (D2vConfigReader *r, const D2vJsonValue *map, GError **error)
{
  gsize n = d2v_json_length (map);

  if (n < 1 || n > MAX_LABELS)
    {
      d2v_fail (error, D2V_ERROR_CONFIG_RANGE, d2v_json_name (r->json),
                "id2label: expected 1..%d labels, found %" G_GSIZE_FORMAT
                " (C)",
                MAX_LABELS, n);
      return NULL;
    }
  gchar **labels = g_new0 (gchar *, n + 1);
  if (fill_labels (r->json, map, labels, error))
    return labels;
  /* Not g_strfreev(): there may be gaps. */
  for (gsize i = 0; i < n; i++)
    g_free (labels[i]);
  g_free (labels);
  return NULL;
}

static gchar **
numbered_labels (gsize n)
{
  gchar **labels = g_new0 (gchar *, n + 1);

  for (gsize i = 0; i < n; i++)
    labels[i] = g_strdup_printf ("LABEL_%" G_GSIZE_FORMAT, i);
  return labels;
}

void
d2v_config_read_labels (D2vConfigReader *r)
{
  static const gchar *const problems[]
      = { "regression", "single_label_classification",
          "multi_label_classification", NULL };
  D2vConfig *c = r->config;
  gboolean used = uses_labels (c->head);
  const D2vJsonValue *map = NULL;
  GError **error = used ? &r->error : NULL;
  gsize n = DEFAULT_LABELS;
  guint problem = G_N_ELEMENTS (problems);

  if (r->error != NULL)
    return;
  d2v_json_get_object (r->json, r->root, "id2label", &map, error);
  if (map != NULL)
    c->id2label = read_map (r, map, error);
  if (c->id2label == NULL)
    {
      d2v_read_size (r, used, "num_labels", 1, MAX_LABELS, &n);
      c->id2label = numbered_labels (n);
    }
  c->num_labels = g_strv_length (c->id2label);
  d2v_read_choice (r, used, "problem_type", problems, 3, &problem);
  if (problem < 3)
    c->problem_type = D2V_PROBLEM_REGRESSION + problem;
}
