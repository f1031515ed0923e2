/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cpu/pack.h"

#include "engine/base/alloc.h"

#include <string.h>

/* What pack() was told, so that unpack() can be told the same. */
typedef struct
{
  D2vPacked base;
  const D2vKernel *kernel;
  D2vNode node; /* attributes only; its owned pointers are not used */
  D2vShape shapes[D2V_MAX_INPUTS];
  D2vCall call;
  guint slot;
} Packed;

static void
unpack (const D2vPacked *base, gpointer plain)
{
  const Packed *packed = (const Packed *) base;

  packed->kernel->unpack (&packed->call, packed->slot, base->data, plain);
}

static void
free_packed (D2vPacked *base)
{
  d2v_free (base->data);
  g_free (base);
}

static Packed *
remember (const D2vKernel *kernel, const D2vCall *call, guint slot)
{
  Packed *packed = g_new0 (Packed, 1);

  packed->base.kind = kernel->pack_kind;
  packed->base.unpack = unpack;
  packed->base.free = free_packed;
  packed->kernel = kernel;
  packed->node = *call->node;
  packed->slot = slot;
  packed->call.node = &packed->node;
  for (guint i = 0; i < D2V_MAX_INPUTS; i++)
    if (call->in_shape[i] != NULL)
      {
        packed->shapes[i] = *call->in_shape[i];
        packed->call.in_shape[i] = &packed->shapes[i];
      }
  return packed;
}

static gboolean
pack (const D2vKernel *kernel, const D2vCall *call, guint slot, gsize n_bytes,
      D2vTensor *tensor)
{
  gpointer data = d2v_malloc (n_bytes);

  if (data == NULL)
    return FALSE;
  kernel->pack (call, slot, tensor->data, data, !tensor->keep_plain);
  tensor->packed = &remember (kernel, call, slot)->base;
  tensor->packed->data = data;
  tensor->packed->n_bytes = n_bytes;
  if (!tensor->keep_plain)
    g_clear_pointer (&tensor->data, d2v_free);
  return TRUE;
}

static gconstpointer
find_weight (const D2vKernel *kernel, const D2vCall *call, guint slot,
             D2vTensor *tensor)
{
  gsize n_bytes
      = kernel->packed_bytes != NULL ? kernel->packed_bytes (call, slot) : 0;

  if (n_bytes == 0)
    return d2v_tensor_keep_plain (tensor) ? tensor->data : NULL;
  if (tensor->packed == NULL && !pack (kernel, call, slot, n_bytes, tensor))
    return NULL;
  /* One level of kernels per process and one use per weight: a second layout
   * of the same tensor would be a mistake in the model. */
  g_assert (strcmp (tensor->packed->kind, kernel->pack_kind) == 0);
  return tensor->packed->data;
}

gconstpointer
d2v_cpu_weight (const D2vKernel *kernel, const D2vCall *call, guint slot,
                D2vTensor *tensor)
{
  d2v_tensor_lock_forms ();
  gconstpointer data = find_weight (kernel, call, slot, tensor);
  d2v_tensor_unlock_forms ();
  return data;
}
