/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/session/requests_private.h"

#include <math.h>
#include <string.h>

void
d2v_answer_comma (GString *out)
{
  if (out->len > 0 && strchr ("[{:", out->str[out->len - 1]) == NULL)
    g_string_append_c (out, ',');
}

void
d2v_answer_key (GString *out, const gchar *key)
{
  d2v_answer_comma (out);
  g_string_append_printf (out, "\"%s\":", key);
}

void
d2v_answer_size (GString *out, const gchar *key, gsize value)
{
  d2v_answer_key (out, key);
  g_string_append_printf (out, "%" G_GSIZE_FORMAT, value);
}

void
d2v_answer_score (GString *out, const gchar *key, gfloat value)
{
  d2v_answer_key (out, key);
  d2v_json_append_double (out, value);
}

void
d2v_answer_string (GString *out, const gchar *key, const gchar *value,
                   gssize length)
{
  d2v_answer_key (out, key);
  d2v_json_append_string (out, value, length);
}

void
d2v_answer_classes (GString *out, const D2vClasses *classes)
{
  g_string_append_c (out, '[');
  for (gsize i = 0; i < classes->n_items; i++)
    {
      d2v_answer_comma (out);
      g_string_append_c (out, '{');
      d2v_answer_string (out, "label", classes->items[i].label, -1);
      d2v_answer_score (out, "score", classes->items[i].score);
      g_string_append_c (out, '}');
    }
  g_string_append_c (out, ']');
}

/* Nine digits read back as the same float, in half of the room that the
 * double would take. */
static void
append_float (GString *out, gfloat value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  d2v_answer_comma (out);
  if (isfinite (value))
    g_string_append (out, g_ascii_formatd (text, sizeof text, "%.9g", value));
  else
    g_string_append (out, "null");
}

static void
append_dim (GString *out, const D2vShape *shape, guint dim, const gfloat **data)
{
  d2v_answer_comma (out);
  g_string_append_c (out, '[');
  for (gsize i = 0; i < shape->dim[dim]; i++)
    if (dim + 1 == shape->rank)
      append_float (out, *(*data)++);
    else
      append_dim (out, shape, dim + 1, data);
  g_string_append_c (out, ']');
}

void
d2v_answer_tensor (GString *out, const D2vTensor *tensor)
{
  const gfloat *data = tensor->data;

  append_dim (out, &tensor->shape, 0, &data);
}
