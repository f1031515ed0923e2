/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/stored.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"

#include <string.h>

/* ------------------------------------------------------------- checks -- */

gboolean
d2v_stored_check_name (const gchar *name, gsize length, const gchar *where,
                       GError **error)
{
  if (length < 1 || length > D2V_MAX_TENSOR_NAME)
    return d2v_fail (error, D2V_ERROR_ST_LIMIT, where,
                     "expected a tensor name of 1..%d bytes, found "
                     "%" G_GSIZE_FORMAT " (S9)",
                     D2V_MAX_TENSOR_NAME, length);
  for (const gchar *p = name; p < name + length; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      {
        g_autofree gchar *shown = d2v_escape_name (name, (gssize) length);
        return d2v_fail (error, D2V_ERROR_ST_LIMIT, where,
                         "%s: expected a tensor name without control "
                         "characters (S9)",
                         shown);
      }
  return TRUE;
}

/* Every step is checked, also those before a dimension of 0. */
static gboolean
count_bytes (const D2vStored *stored, gsize *n_bytes)
{
  gsize n = 1;

  for (guint i = 0; i < stored->shape.rank; i++)
    if (!d2v_mul (n, stored->shape.dim[i], &n))
      return FALSE;
  return d2v_mul (n, d2v_dtype_size (stored->dtype), n_bytes);
}

gboolean
d2v_stored_check_size (const D2vStored *stored, const gchar *where,
                       gsize *n_bytes, GError **error)
{
  gboolean fits = count_bytes (stored, n_bytes);

  if (fits && *n_bytes > 0)
    return TRUE;
  g_autofree gchar *name = d2v_escape_name (stored->name, -1);
  g_autofree gchar *shape = d2v_shape_text (&stored->shape);
  if (!fits)
    return d2v_fail (error, D2V_ERROR_ST_OVERFLOW, where,
                     "%s: expected a size within 64 bits, found shape %s "
                     "(S12)",
                     name, shape);
  return d2v_fail (error, D2V_ERROR_ST_EMPTY_TENSOR, where,
                   "%s: expected at least one element, found shape %s (S16)",
                   name, shape);
}

/* ------------------------------------------------------------ loading -- */

gboolean
d2v_load_init (D2vLoad *load, GError **error)
{
  load->scratch = d2v_malloc (D2V_PIECE);
  if (load->scratch == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "%" G_GSIZE_FORMAT " bytes to read through", D2V_PIECE);
  return TRUE;
}

void
d2v_load_clear (D2vLoad *load)
{
  g_clear_pointer (&load->scratch, d2v_free);
}

gboolean
d2v_fill_begin (D2vFill *fill, const D2vLoad *load, const D2vStored *stored,
                const gchar *where, GError **error)
{
  gboolean to_f32 = load->as_f32 && d2v_dtype_is_float (stored->dtype);
  D2vDType dtype = to_f32 ? D2V_F32 : stored->dtype;

  *fill = (D2vFill){ .stored = stored };
  fill->tensor = d2v_tensor_new_empty (dtype, &stored->shape);
  if (fill->tensor != NULL)
    return TRUE;
  g_autofree gchar *name = d2v_escape_name (stored->name, -1);
  g_autofree gchar *shape = d2v_shape_text (&stored->shape);
  return d2v_fail (error, D2V_ERROR_NO_MEMORY, where, "%s: %s numbers", name,
                   shape);
}

static gpointer
next_place (const D2vFill *fill)
{
  gsize size = d2v_dtype_size (fill->tensor->dtype);

  return (guint8 *) fill->tensor->data + fill->n_done * size;
}

gpointer
d2v_fill_space (const D2vFill *fill, const D2vLoad *load, gsize *n_bytes)
{
  gsize size = d2v_dtype_size (fill->stored->dtype);
  gsize n_left = d2v_shape_size (&fill->stored->shape) - fill->n_done;

  *n_bytes = d2v_min (n_left, D2V_PIECE / size) * size;
  return fill->tensor->dtype == fill->stored->dtype ? next_place (fill)
                                                    : load->scratch;
}

/* ----------------------------------------------------------- scanning -- */

/* A multiple of every vector width, and known to the compiler. */
#define BLOCK 1024

typedef guint32 __attribute__ ((may_alias)) Bits;

/* Without the sign, adding one to the exponent carries into the top bit for
 * NaN and infinities and for nothing else. */
#define MAGNITUDE 0x7fffffffu
#define ONE_EXPONENT 0x00800000u
#define CARRY 0x80000000u

static inline void
scan_bits (const Bits *x, gsize n, guint32 *carry, guint32 *nonzero)
{
  guint32 c = 0, z = 0;

  for (gsize i = 0; i < n; i++)
    {
      guint32 magnitude = x[i] & MAGNITUDE;
      c |= magnitude + ONE_EXPONENT;
      z |= magnitude;
    }
  *carry |= c;
  *nonzero |= z;
}

/* Rare, so plain. */
static void
count_nonfinite (D2vFill *fill, const Bits *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      if (((x[i] & MAGNITUDE) + ONE_EXPONENT) < CARRY)
        continue;
      if (fill->n_nonfinite++ == 0)
        fill->first_nonfinite = fill->n_done + i;
    }
}

static void
scan_floats (D2vFill *fill, D2vLoad *load, const Bits *x, gsize n)
{
  guint32 carry = 0, nonzero = 0;
  gsize i = 0;

  for (; i + BLOCK <= n; i += BLOCK)
    scan_bits (x + i, BLOCK, &carry, &nonzero);
  scan_bits (x + i, n - i, &carry, &nonzero);
  load->any_nonzero |= nonzero != 0;
  if ((carry & CARRY) != 0)
    count_nonfinite (fill, x, n);
}

void
d2v_fill_add (D2vFill *fill, D2vLoad *load, gconstpointer bytes, gsize n_bytes)
{
  gsize n = n_bytes / d2v_dtype_size (fill->stored->dtype);
  gpointer out = next_place (fill);

  load->hash = d2v_hash (load->hash, bytes, n_bytes);
  if (fill->tensor->dtype != fill->stored->dtype)
    d2v_convert_to_f32 (fill->stored->dtype, bytes, out, n);
  else if (bytes != out)
    memcpy (out, bytes, n_bytes);
  if (fill->tensor->dtype == D2V_F32)
    scan_floats (fill, load, out, n);
  fill->n_done += n;
}

gboolean
d2v_fill_end (const D2vFill *fill, const D2vLoad *load, const gchar *where,
              GError **error)
{
  if (fill->n_nonfinite == 0 || load->allow_nonfinite)
    return TRUE;
  g_autofree gchar *name = d2v_escape_name (fill->stored->name, -1);
  return d2v_fail (error, D2V_ERROR_W_NONFINITE, where,
                   "%s: expected finite numbers, found %" G_GSIZE_FORMAT
                   " NaN or infinite, the first at element %" G_GSIZE_FORMAT
                   " (S18)",
                   name, fill->n_nonfinite, fill->first_nonfinite);
}
