/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/vulkan/vulkan_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"

#include <math.h>
#include <string.h>

#define ALIGNMENT 256
/* Bytes of a weight that are on their way at a time. */
#define STAGING_BYTES ((gsize) 32 << 20)
#define LEAST_STAGING_BYTES ((gsize) 1 << 20)

/* One weight; `block` and `offset` once it is placed. */
typedef struct
{
  D2vVkWeightKey key;
  guint block;
  gsize offset, n_bytes;
} Weight;

struct _D2vVkWeights
{
  D2vVkContext *context;
  GHashTable *all; /* of Weight, by key */
  GPtrArray *todo; /* of Weight, not uploaded yet */
  GArray *blocks;  /* of D2vVkBuffer */
  gsize n_bytes;
};

static guint
hash (gconstpointer weight)
{
  return (guint) d2v_hash (0, weight, sizeof (D2vVkWeightKey));
}

static gboolean
equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (D2vVkWeightKey)) == 0;
}

static void
free_weight (gpointer data)
{
  Weight *weight = data;

  for (guint i = 0; i < 3; i++)
    if (weight->key.parts[i] != NULL)
      d2v_tensor_unref (weight->key.parts[i]);
  g_free (weight);
}

D2vVkWeights *
vk_weights_new (D2vVkContext *context)
{
  D2vVkWeights *weights = g_new0 (D2vVkWeights, 1);

  weights->context = context;
  weights->all = g_hash_table_new_full (hash, equal, free_weight, NULL);
  weights->todo = g_ptr_array_new ();
  weights->blocks = g_array_new (FALSE, TRUE, sizeof (D2vVkBuffer));
  return weights;
}

void
vk_weights_free (D2vVkWeights *weights)
{
  for (guint i = 0; i < weights->blocks->len; i++)
    vk_buffer_clear (weights->context,
                     &g_array_index (weights->blocks, D2vVkBuffer, i));
  g_array_unref (weights->blocks);
  g_ptr_array_unref (weights->todo);
  g_hash_table_unref (weights->all);
  g_free (weights);
}

static gsize
element_bytes (const D2vVkWeightKey *key)
{
  for (guint i = 0; i < 3; i++)
    if (key->parts[i] != NULL)
      return key->word == VK_WORD_HALF ? sizeof (guint16)
                                       : d2v_dtype_size (key->parts[i]->dtype);
  return sizeof (gfloat);
}

/* A weight may have more than two dimensions: those of a convolution whose
 * steps are as long as its kernel. */
static gsize
row_length (const D2vShape *shape)
{
  return d2v_shape_size (shape) / shape->dim[0];
}

/* Of one row of (N, K) as bytes: a scale and the numbers. */
static gsize
int8_row_bytes (gsize n_in)
{
  return sizeof (gfloat) + d2v_align (n_in, 4);
}

static gsize
part_bytes (const D2vVkWeightKey *key, guint part)
{
  if (key->n_elements[part] > 0 && key->word == VK_WORD_INT8)
    {
      const D2vShape *shape = &key->parts[part]->shape;
      return shape->dim[0] * int8_row_bytes (row_length (shape));
    }
  return key->n_elements[part] * element_bytes (key);
}

void
vk_weights_want (D2vVkWeights *weights, const D2vVkWeightKey *key)
{
  if (g_hash_table_contains (weights->all, key))
    return;
  Weight *weight = g_new0 (Weight, 1);
  memcpy (&weight->key, key, sizeof *key);
  for (guint i = 0; i < 3; i++)
    {
      if (key->parts[i] != NULL)
        d2v_tensor_ref (key->parts[i]);
      weight->n_bytes += part_bytes (key, i);
    }
  g_hash_table_add (weights->all, weight);
  g_ptr_array_add (weights->todo, weight);
}

gsize
vk_weights_missing_bytes (const D2vVkWeights *weights)
{
  gsize n_bytes = 0;

  for (guint i = 0; i < weights->todo->len; i++)
    {
      const Weight *weight = g_ptr_array_index (weights->todo, i);
      n_bytes += d2v_align (weight->n_bytes, ALIGNMENT);
    }
  return n_bytes;
}

gsize
vk_weights_n_bytes (const D2vVkWeights *weights)
{
  return weights->n_bytes;
}

D2vVkRange
vk_weights_range (const D2vVkWeights *weights, const D2vVkWeightKey *key)
{
  const Weight *weight = g_hash_table_lookup (weights->all, key);

  g_assert (weight != NULL);
  const D2vVkBuffer *block
      = &g_array_index (weights->blocks, D2vVkBuffer, weight->block);
  return (D2vVkRange){ block->address + weight->offset,
                       block->address + weight->offset + weight->n_bytes };
}

/* ------------------------------------------------------------- layout -- */

/* (O, C, taps) as (O, taps, C): a product then runs along channels. */
static void
turn_taps (const gfloat *from, gfloat *to, const D2vShape *shape, gsize n_taps)
{
  gsize n_channels = shape->dim[1];

  for (gsize o = 0; o < shape->dim[0]; o++, from += n_channels * n_taps)
    for (gsize tap = 0; tap < n_taps; tap++)
      for (gsize c = 0; c < n_channels; c++)
        *to++ = from[c * n_taps + tap];
}

/* The nearest 16-bit float, ties to even. */
static guint16
to_half (gfloat value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  guint32 sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
  if (rest > 0x7f800000)
    return sign | 0x7e00; /* NaN */
  if (rest >= 0x477ff000)
    return sign | (rest == 0x7f800000 ? 0x7c00 : 0x7bff); /* the largest */
  if (rest < 0x33000000)
    return sign;
  guint32 shift = rest < 0x38800000 ? 126 - (rest >> 23) : 13;
  guint32 mantissa
      = rest < 0x38800000 ? (rest & 0x7fffff) | 0x800000 : rest - 0x38000000;
  guint32 half = 1u << (shift - 1);
  guint32 rounded = mantissa >> shift, cut = mantissa & ((1u << shift) - 1);
  return sign | (rounded + (cut > half || (cut == half && (rounded & 1))));
}

/* So that the largest becomes 127. A row of next to nothing becomes 0, one
 * with what is no number stays that by its scale. */
static void
row_to_int8 (const gfloat *from, guint8 *to, gsize n)
{
  gfloat most = 0, by, scale;

  for (gsize i = 0; i < n; i++)
    most = fabsf (from[i]) <= most ? most : fabsf (from[i]);
  by = most < 1e-30f ? 0 : 127 / most;
  scale = most / 127;
  memcpy (to, &scale, sizeof scale);
  to += sizeof scale;
  memset (to, 0, d2v_align (n, 4));
  for (gsize i = 0; i < n && isfinite (most); i++)
    to[i] = (guint8) (gint8) rintf (from[i] * by);
}

static void
to_int8 (const gfloat *from, guint8 *to, const D2vShape *shape)
{
  gsize n_in = row_length (shape);

  for (gsize i = 0; i < shape->dim[0]; i++)
    row_to_int8 (from + i * n_in, to + i * int8_row_bytes (n_in), n_in);
}

/* One part's numbers in the layout wanted, into @to. */
static gboolean
lay_out (const D2vVkWeightKey *key, guint part, guint8 *to, GError **error)
{
  gsize n = key->n_elements[part];
  D2vTensor *tensor = key->parts[part];

  if (tensor == NULL)
    {
      memset (to, 0, part_bytes (key, part));
      return TRUE;
    }
  g_autoptr (D2vTensor) plain = d2v_tensor_plain (tensor);
  gfloat *turned = NULL;
  gconstpointer from = plain != NULL ? plain->data : NULL;

  if (from != NULL && key->form != VK_FORM_PLAIN)
    {
      gsize n_taps = tensor->shape.dim[2];
      if (key->form == VK_FORM_TAPS_2D)
        n_taps *= tensor->shape.dim[3];
      from = turned = d2v_malloc_n (n, sizeof (gfloat));
      if (turned != NULL)
        turn_taps (plain->data, turned, &tensor->shape, n_taps);
    }
  if (from == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                     "%" G_GSIZE_FORMAT " bytes for a weight",
                     n * sizeof (gfloat));
  if (key->word == VK_WORD_SAME)
    memcpy (to, from, n * element_bytes (key));
  else if (key->word == VK_WORD_INT8)
    to_int8 (from, to, &tensor->shape);
  else
    for (gsize i = 0; i < n; i++)
      ((guint16 *) to)[i] = to_half (((const gfloat *) from)[i]);
  d2v_free (turned);
  return TRUE;
}

static guint8 *
lay_out_all (const Weight *weight, GError **error)
{
  guint8 *data = d2v_malloc (weight->n_bytes);
  gsize at = 0;

  if (data == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "%" G_GSIZE_FORMAT " bytes for a weight", weight->n_bytes);
      return NULL;
    }
  for (guint part = 0; part < 3; part++)
    {
      if (weight->key.n_elements[part] == 0)
        continue;
      if (!lay_out (&weight->key, part, data + at, error))
        {
          d2v_free (data);
          return NULL;
        }
      at += part_bytes (&weight->key, part);
    }
  return data;
}

/* ------------------------------------------------------------- upload -- */

typedef struct
{
  D2vVkContext *context;
  D2vVkBuffer staging;
  VkCommandBuffer commands;
} Upload;

static gboolean
send_piece (Upload *u, const guint8 *data, const D2vVkBuffer *to, gsize offset,
            gsize n_bytes, GError **error)
{
  memcpy (u->staging.mapped, data, n_bytes);
  if (!vk_commands_begin (u->context, &u->commands, error))
    return FALSE;
  vk_commands_copy (u->context, u->commands, &u->staging, to, 0, offset,
                    n_bytes);
  return vk_commands_end (u->context, u->commands, error)
         && vk_context_run (u->context, u->commands,
                            vk_context_least_limit_us (u->context), NULL, NULL,
                            error);
}

static gboolean
send_weight (Upload *u, const Weight *weight, const D2vVkBuffer *to,
             GError **error)
{
  guint8 *data = lay_out_all (weight, error);
  gboolean ok = data != NULL;

  for (gsize at = 0; ok && at < weight->n_bytes; at += u->staging.n_bytes)
    ok = send_piece (u, data + at, to, weight->offset + at,
                     d2v_min (u->staging.n_bytes, weight->n_bytes - at), error);
  d2v_free (data);
  return ok;
}

/* Where memory is short a smaller one does as well. */
static gboolean
make_staging (Upload *u, gsize n_bytes, GError **error)
{
  n_bytes = d2v_min (n_bytes, STAGING_BYTES);
  if (vk_buffer_init (u->context, &u->staging, VK_MEMORY_UPLOAD, n_bytes,
                      n_bytes > LEAST_STAGING_BYTES ? NULL : error))
    return TRUE;
  return n_bytes > LEAST_STAGING_BYTES && !u->context->lost
         && vk_buffer_init (u->context, &u->staging, VK_MEMORY_UPLOAD,
                            LEAST_STAGING_BYTES, error);
}

/* Places as many of the missing weights, from @first on, as go into one
 * allocation. Returns the first that does not, or 0 on failure. */
static guint
place_block (D2vVkWeights *weights, guint first, GError **error)
{
  gsize at = 0, most = weights->context->found->max_allocation;
  D2vVkBuffer block;
  guint i = first;

  for (; i < weights->todo->len; i++)
    {
      Weight *weight = g_ptr_array_index (weights->todo, i);
      gsize n_bytes = d2v_align (weight->n_bytes, ALIGNMENT);

      if (at > 0 && at + n_bytes > most)
        break;
      weight->block = weights->blocks->len;
      weight->offset = at;
      at += n_bytes;
    }
  if (!vk_buffer_init (weights->context, &block, VK_MEMORY_DEVICE, at, error))
    return 0;
  g_array_append_val (weights->blocks, block);
  weights->n_bytes += at;
  return i;
}

/* Forgets what is missing, so that a second try begins anew. */
static void
drop_missing (D2vVkWeights *weights, guint n_blocks)
{
  for (guint i = 0; i < weights->todo->len; i++)
    g_hash_table_remove (weights->all, g_ptr_array_index (weights->todo, i));
  g_ptr_array_set_size (weights->todo, 0);
  for (guint i = n_blocks; i < weights->blocks->len; i++)
    {
      D2vVkBuffer *block = &g_array_index (weights->blocks, D2vVkBuffer, i);
      weights->n_bytes -= block->n_bytes;
      vk_buffer_clear (weights->context, block);
    }
  g_array_set_size (weights->blocks, n_blocks);
}

static gboolean
send_all (D2vVkWeights *weights, Upload *u, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < weights->todo->len && ok;)
    {
      guint next = place_block (weights, i, error);

      ok = next != 0;
      for (; i < next && ok; i++)
        {
          const Weight *weight = g_ptr_array_index (weights->todo, i);
          ok = send_weight (
              u, weight,
              &g_array_index (weights->blocks, D2vVkBuffer, weight->block),
              error);
        }
    }
  return ok;
}

gboolean
vk_weights_upload (D2vVkWeights *weights, GError **error)
{
  Upload u = { weights->context };
  guint n_blocks = weights->blocks->len;

  if (weights->todo->len == 0)
    return TRUE;
  gboolean ok = make_staging (&u, vk_weights_missing_bytes (weights), error)
                && send_all (weights, &u, error);
  if (ok)
    g_ptr_array_set_size (weights->todo, 0);
  else if (!u.context->hung)
    drop_missing (weights, n_blocks);
  if (!u.context->hung)
    {
      vk_buffer_clear (u.context, &u.staging);
      vk_commands_free (u.context, &u.commands);
    }
  return ok;
}
