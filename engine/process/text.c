/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/text.h"

#include "engine/base/error.h"
#include "engine/process/unicode.h"

static gboolean
check_rows (const D2vEncoding *encoding, gsize begin, gsize n_rows,
            gsize *length, GError **error)
{
  const gsize *row_begin = encoding->row_begin + begin;

  g_assert (n_rows > 0 && n_rows <= encoding->n_rows
            && begin <= encoding->n_rows - n_rows);
  *length = row_begin[1] - row_begin[0];
  for (gsize r = 0; r < n_rows; r++)
    if (row_begin[r + 1] - row_begin[r] != *length)
      return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                       "expected rows of %" G_GSIZE_FORMAT
                       " tokens, found one of %" G_GSIZE_FORMAT,
                       *length, row_begin[r + 1] - row_begin[r]);
  if (*length == 0)
    return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                     "expected a token at least, found none");
  return TRUE;
}

gboolean
d2v_text_inputs (const D2vEncoding *encoding, gsize begin, gsize n_rows,
                 D2vTensors *inputs, GError **error)
{
  gsize shape[2] = { n_rows, 0 };

  if (!check_rows (encoding, begin, n_rows, &shape[1], error))
    return FALSE;
  g_autoptr (D2vTensor) ids = d2v_tensor_new (D2V_I64, 2, shape);
  g_autoptr (D2vTensor) mask = d2v_tensor_new (D2V_I64, 2, shape);
  if (!ids || !mask)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "expected memory for the inputs, found none");

  gsize first = encoding->row_begin[begin];
  gint64 *id = d2v_tensor_data (ids), *attended = d2v_tensor_data (mask);
  for (gsize i = 0; i < shape[0] * shape[1]; i++)
    {
      id[i] = encoding->ids[first + i];
      attended[i] = encoding->attention_mask[first + i];
    }
  d2v_tensors_set (inputs, "input_ids", ids);
  d2v_tensors_set (inputs, "attention_mask", mask);
  return TRUE;
}

gchar *
d2v_text_repair (const gchar *bytes, gsize n_bytes, gsize *length,
                 gsize *n_replaced, GError **error)
{
  gchar *text = n_bytes < G_MAXSIZE / 3 ? g_try_malloc (3 * n_bytes + 1) : NULL;
  gsize written;

  if (!text)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "expected memory for %" G_GSIZE_FORMAT " bytes, found none",
                n_bytes);
      return NULL;
    }
  written = d2v_utf8_repair (bytes, n_bytes, text, n_replaced);
  text[written] = '\0';
  if (length)
    *length = written;
  return text;
}
