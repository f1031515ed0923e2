/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inputs.c: raw inputs, checked and converted. */

#include "engine/base/error.h"
#include "engine/model/family.h"

#include <math.h>

static D2vTensor *
find (const D2vTensors *inputs, const gchar *name, guint rank, GError **error)
{
  D2vTensor *tensor = d2v_tensors_get (inputs, name);

  if (tensor == NULL)
    d2v_fail (error, D2V_ERROR_INPUT, NULL, "input %s is missing", name);
  else if (tensor->shape.rank != rank || d2v_tensor_n_elements (tensor) == 0)
    {
      g_autofree gchar *found = d2v_shape_text (&tensor->shape);
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "%s: expected %u dimensions, none of them 0, found %s", name,
                rank, found);
    }
  else
    return tensor;
  return NULL;
}

D2vTensor *
d2v_input_f32 (const D2vTensors *inputs, const gchar *name, guint rank,
               GError **error)
{
  D2vTensor *tensor = find (inputs, name, rank, error);

  if (tensor == NULL)
    return NULL;
  if (!d2v_dtype_is_float (tensor->dtype))
    {
      d2v_fail (error, D2V_ERROR_INPUT, NULL, "%s: expected floats, found %s",
                name, d2v_dtype_name (tensor->dtype));
      return NULL;
    }

  D2vTensor *out = d2v_tensor_to_f32 (tensor);
  if (out == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%s", name);
      return NULL;
    }
  const gfloat *data = out->data;
  for (gsize i = 0; i < d2v_tensor_n_elements (out); i++)
    if (!isfinite (data[i]))
      {
        d2v_fail (error, D2V_ERROR_INPUT, NULL,
                  "%s: number %" G_GSIZE_FORMAT " is not finite", name, i);
        d2v_tensor_unref (out);
        return NULL;
      }
  return out;
}

D2vTensor *
d2v_input_i64 (const D2vTensors *inputs, const gchar *name, guint rank,
               GError **error)
{
  D2vTensor *tensor = find (inputs, name, rank, error);
  GError *inner = NULL;

  if (tensor == NULL)
    return NULL;
  D2vTensor *out = d2v_tensor_to_i64 (tensor, &inner);
  if (out == NULL)
    {
      g_prefix_error (&inner, "%s: ", name);
      g_propagate_error (error, inner);
    }
  return out;
}

D2vTensor *
d2v_input_mask (const D2vTensors *inputs, const gchar *name,
                const D2vShape *shape, GError **error)
{
  g_autoptr (D2vTensor) integers
      = d2v_input_i64 (inputs, name, shape->rank, error);

  if (integers == NULL)
    return NULL;
  if (!d2v_shape_equal (&integers->shape, shape))
    {
      g_autofree gchar *expected = d2v_shape_text (shape);
      g_autofree gchar *found = d2v_shape_text (&integers->shape);
      d2v_fail (error, D2V_ERROR_INPUT, NULL, "%s: expected %s, found %s", name,
                expected, found);
      return NULL;
    }
  D2vTensor *out = d2v_tensor_new_empty (D2V_F32, shape);
  if (out == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL, "%s", name);
      return NULL;
    }
  for (gsize i = 0; i < d2v_tensor_n_elements (out); i++)
    {
      gint64 v = ((const gint64 *) integers->data)[i];
      if (v != 0 && v != 1)
        {
          d2v_fail (error, D2V_ERROR_INPUT, NULL,
                    "%s: expected 0 or 1, found %" G_GINT64_FORMAT, name, v);
          d2v_tensor_unref (out);
          return NULL;
        }
      ((gfloat *) out->data)[i] = (gfloat) v;
    }
  return out;
}

gboolean
d2v_input_check_names (const D2vTensors *inputs, const gchar *const *known,
                       GError **error)
{
  for (guint i = 0; i < d2v_tensors_size (inputs); i++)
    if (!g_strv_contains (known, d2v_tensors_name (inputs, i)))
      {
        g_autofree gchar *all = g_strjoinv (", ", (gchar **) known);
        g_autofree gchar *name
            = d2v_escape_name (d2v_tensors_name (inputs, i), -1);
        return d2v_fail (error, D2V_ERROR_INPUT, NULL,
                         "unknown input %s; this model takes %s", name, all);
      }
  return TRUE;
}

D2vValue
d2v_graph_prepared (D2vGraph *graph, const D2vTensors *prepared,
                    const gchar *name)
{
  const D2vTensor *tensor = d2v_tensors_get (prepared, name);

  if (tensor == NULL)
    return D2V_NONE;
  return d2v_graph_input (graph, name, tensor->dtype, tensor->shape);
}
