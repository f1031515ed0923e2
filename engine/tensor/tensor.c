/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/tensor/tensor.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <pthread.h>
#include <string.h>

static const struct
{
  const gchar *name;
  gsize size;
} dtypes[D2V_N_DTYPES] = {
  [D2V_F32] = { "F32", 4 },   [D2V_F16] = { "F16", 2 },
  [D2V_BF16] = { "BF16", 2 }, [D2V_F64] = { "F64", 8 },
  [D2V_I64] = { "I64", 8 },   [D2V_I32] = { "I32", 4 },
  [D2V_I16] = { "I16", 2 },   [D2V_I8] = { "I8", 1 },
  [D2V_U64] = { "U64", 8 },   [D2V_U32] = { "U32", 4 },
  [D2V_U16] = { "U16", 2 },   [D2V_U8] = { "U8", 1 },
  [D2V_BOOL] = { "BOOL", 1 },
};

G_DEFINE_BOXED_TYPE (D2vTensor, d2v_tensor, d2v_tensor_ref, d2v_tensor_unref)

gsize
d2v_dtype_size (D2vDType dtype)
{
  return dtypes[dtype].size;
}

const gchar *
d2v_dtype_name (D2vDType dtype)
{
  return dtypes[dtype].name;
}

gboolean
d2v_dtype_is_float (D2vDType dtype)
{
  return dtype == D2V_F32 || dtype == D2V_F16 || dtype == D2V_BF16
         || dtype == D2V_F64;
}

D2vShape
d2v_shape_from (guint rank, const gsize *dim)
{
  D2vShape shape = { .rank = rank };

  g_assert (rank <= D2V_MAX_RANK);
  for (guint i = 0; i < D2V_MAX_RANK; i++)
    shape.dim[i] = i < rank ? dim[i] : 1;
  return shape;
}

gboolean
d2v_shape_equal (const D2vShape *a, const D2vShape *b)
{
  if (a->rank != b->rank)
    return FALSE;
  for (guint i = 0; i < a->rank; i++)
    if (a->dim[i] != b->dim[i])
      return FALSE;
  return TRUE;
}

gsize
d2v_shape_size (const D2vShape *shape)
{
  gsize n = 1;

  for (guint i = 0; i < shape->rank; i++)
    n *= shape->dim[i];
  return n;
}

gsize
d2v_shape_last (const D2vShape *shape)
{
  return shape->rank == 0 ? 1 : shape->dim[shape->rank - 1];
}

gsize
d2v_shape_rows (const D2vShape *shape)
{
  gsize n = 1;

  for (guint i = 0; i + 1 < shape->rank; i++)
    n *= shape->dim[i];
  return n;
}

gchar *
d2v_shape_text (const D2vShape *shape)
{
  GString *text = g_string_new (shape->rank == 0 ? "scalar" : NULL);

  for (guint i = 0; i < shape->rank; i++)
    g_string_append_printf (text, "%s%" G_GSIZE_FORMAT, i ? "x" : "",
                            shape->dim[i]);
  return g_string_free (text, FALSE);
}

/* FALSE when the product overflows, also when a later dim is 0. */
static gboolean
size_in_bytes (D2vDType dtype, const D2vShape *shape, gsize *n_bytes)
{
  gsize n = dtypes[dtype].size;

  for (guint i = 0; i < shape->rank; i++)
    if (!d2v_mul (n, shape->dim[i], &n))
      return FALSE;
  *n_bytes = n;
  return TRUE;
}

D2vTensor *
d2v_tensor_new_empty (D2vDType dtype, const D2vShape *shape)
{
  gsize n_bytes;

  if (!size_in_bytes (dtype, shape, &n_bytes))
    return NULL;
  gpointer data = d2v_malloc (MAX (n_bytes, 1));
  if (data == NULL)
    return NULL;

  D2vTensor *tensor = g_new0 (D2vTensor, 1);
  tensor->dtype = dtype;
  tensor->shape = *shape;
  tensor->data = data;
  tensor->n_bytes = n_bytes;
  d2v_ref_init (&tensor->ref_count);
  return tensor;
}

D2vTensor *
d2v_tensor_new (D2vDType dtype, guint rank, const gsize *dim)
{
  if (rank > D2V_MAX_RANK)
    return NULL;

  D2vShape shape = d2v_shape_from (rank, dim);
  D2vTensor *tensor = d2v_tensor_new_empty (dtype, &shape);
  if (tensor != NULL)
    memset (tensor->data, 0, MAX (tensor->n_bytes, 1));
  return tensor;
}

D2vTensor *
d2v_tensor_ref (D2vTensor *tensor)
{
  d2v_ref_inc (&tensor->ref_count);
  return tensor;
}

void
d2v_tensor_unref (D2vTensor *tensor)
{
  if (tensor == NULL || !d2v_ref_dec (&tensor->ref_count))
    return;
  d2v_free (tensor->data);
  if (tensor->packed != NULL)
    tensor->packed->free (tensor->packed);
  g_free (tensor);
}

static pthread_mutex_t forms = PTHREAD_MUTEX_INITIALIZER;

void
d2v_tensor_lock_forms (void)
{
  pthread_mutex_lock (&forms);
}

void
d2v_tensor_unlock_forms (void)
{
  pthread_mutex_unlock (&forms);
}

gboolean
d2v_tensor_keep_plain (D2vTensor *tensor)
{
  tensor->keep_plain = TRUE;
  if (tensor->data != NULL)
    return TRUE;
  tensor->data = d2v_malloc (tensor->n_bytes);
  if (tensor->data == NULL)
    return FALSE;
  tensor->packed->unpack (tensor->packed, tensor->data);
  return TRUE;
}

D2vTensor *
d2v_tensor_plain (D2vTensor *tensor)
{
  D2vTensor *plain = NULL;

  d2v_tensor_lock_forms ();
  if (tensor->data != NULL)
    {
      tensor->keep_plain = TRUE;
      plain = d2v_tensor_ref (tensor);
    }
  else if ((plain = d2v_tensor_new_empty (tensor->dtype, &tensor->shape)))
    tensor->packed->unpack (tensor->packed, plain->data);
  d2v_tensor_unlock_forms ();
  return plain;
}

D2vDType
d2v_tensor_dtype (const D2vTensor *tensor)
{
  return tensor->dtype;
}

guint
d2v_tensor_rank (const D2vTensor *tensor)
{
  return tensor->shape.rank;
}

const gsize *
d2v_tensor_shape (const D2vTensor *tensor)
{
  return tensor->shape.dim;
}

gsize
d2v_tensor_n_elements (const D2vTensor *tensor)
{
  return d2v_shape_size (&tensor->shape);
}

gsize
d2v_tensor_n_bytes (const D2vTensor *tensor)
{
  return tensor->n_bytes;
}

gpointer
d2v_tensor_data (const D2vTensor *tensor)
{
  return tensor->data;
}

/* IEEE half to float, subnormals and infinities included. */
static gfloat
half_to_float (guint16 h)
{
  guint32 sign = (guint32) (h & 0x8000) << 16;
  guint32 exponent = (h >> 10) & 31;
  guint32 mantissa = h & 0x3ff;
  guint32 bits;
  gfloat value;

  if (exponent == 31)
    bits = sign | 0x7f800000u | mantissa << 13;
  else if (exponent != 0)
    bits = sign | (exponent + 112) << 23 | mantissa << 13;
  else
    {
      value = (gfloat) mantissa * 0x1p-24f;
      return sign ? -value : value;
    }
  memcpy (&value, &bits, sizeof value);
  return value;
}

static gfloat
bfloat_to_float (guint16 h)
{
  guint32 bits = (guint32) h << 16;
  gfloat value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* Sources may lie at any address, so each number is copied out first. */
#define CONVERT(type, expression)                                              \
  for (gsize i = 0; i < n; i++)                                                \
    {                                                                          \
      type v;                                                                  \
      memcpy (&v, (const guint8 *) source + i * sizeof v, sizeof v);           \
      out[i] = (expression);                                                   \
    }                                                                          \
  break

void
d2v_convert_to_f32 (D2vDType from, gconstpointer source, gfloat *out, gsize n)
{
  switch (from)
    {
    case D2V_F32:
      memcpy (out, source, n * sizeof *out);
      break;
    case D2V_F16:
      CONVERT (guint16, half_to_float (v));
    case D2V_BF16:
      CONVERT (guint16, bfloat_to_float (v));
    case D2V_F64:
      CONVERT (gdouble, (gfloat) v);
    case D2V_I64:
      CONVERT (gint64, (gfloat) v);
    case D2V_I32:
      CONVERT (gint32, (gfloat) v);
    case D2V_I16:
      CONVERT (gint16, (gfloat) v);
    case D2V_I8:
      CONVERT (gint8, (gfloat) v);
    case D2V_U64:
      CONVERT (guint64, (gfloat) v);
    case D2V_U32:
      CONVERT (guint32, (gfloat) v);
    case D2V_U16:
      CONVERT (guint16, (gfloat) v);
    case D2V_U8:
      CONVERT (guint8, (gfloat) v);
    case D2V_BOOL:
      CONVERT (guint8, v != 0 ? 1.f : 0.f);
    case D2V_N_DTYPES:
      g_assert_not_reached ();
    }
}

D2vTensor *
d2v_tensor_to_f32 (D2vTensor *tensor)
{
  if (tensor->dtype == D2V_F32)
    return d2v_tensor_ref (tensor);

  D2vTensor *out = d2v_tensor_new_empty (D2V_F32, &tensor->shape);
  if (out != NULL)
    d2v_convert_to_f32 (tensor->dtype, tensor->data, out->data,
                        d2v_tensor_n_elements (tensor));
  return out;
}

static gint64
integer_at (const D2vTensor *tensor, gsize i)
{
  switch (tensor->dtype)
    {
    case D2V_I32:
      return ((const gint32 *) tensor->data)[i];
    case D2V_I16:
      return ((const gint16 *) tensor->data)[i];
    case D2V_I8:
      return ((const gint8 *) tensor->data)[i];
    case D2V_U32:
      return ((const guint32 *) tensor->data)[i];
    case D2V_U16:
      return ((const guint16 *) tensor->data)[i];
    case D2V_U8:
      return ((const guint8 *) tensor->data)[i];
    case D2V_BOOL:
      return ((const guint8 *) tensor->data)[i] != 0;
    default: /* I64 and U64: the same bits */
      return ((const gint64 *) tensor->data)[i];
    }
}

D2vTensor *
d2v_tensor_to_i64 (D2vTensor *tensor, GError **error)
{
  if (d2v_dtype_is_float (tensor->dtype))
    {
      d2v_fail (error, D2V_ERROR_INPUT, NULL,
                "expected integers, found type %s",
                d2v_dtype_name (tensor->dtype));
      return NULL;
    }
  if (tensor->dtype == D2V_I64)
    return d2v_tensor_ref (tensor);

  D2vTensor *out = d2v_tensor_new_empty (D2V_I64, &tensor->shape);
  if (out == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "%" G_GSIZE_FORMAT " integers", d2v_tensor_n_elements (tensor));
      return NULL;
    }
  for (gsize i = 0; i < d2v_tensor_n_elements (tensor); i++)
    ((gint64 *) out->data)[i] = integer_at (tensor, i);
  return out;
}
