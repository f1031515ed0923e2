/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tensors.c: tensors by name, in the order in which they were set. */

#include "engine/tensor/tensor.h"

#include "engine/base/hash.h"
#include "engine/base/ref.h"

struct _D2vTensors
{
  GPtrArray *names;    /* owned strings, in order */
  GHashTable *by_name; /* borrows the name, owns the tensor */
  D2vRefCount ref_count;
};

G_DEFINE_BOXED_TYPE (D2vTensors, d2v_tensors, d2v_tensors_ref,
                     d2v_tensors_unref)

D2vTensors *
d2v_tensors_new (void)
{
  D2vTensors *tensors = g_new0 (D2vTensors, 1);

  tensors->names = g_ptr_array_new_with_free_func (g_free);
  tensors->by_name = g_hash_table_new_full (d2v_str_hash, g_str_equal, NULL,
                                            (GDestroyNotify) d2v_tensor_unref);
  d2v_ref_init (&tensors->ref_count);
  return tensors;
}

D2vTensors *
d2v_tensors_ref (D2vTensors *tensors)
{
  d2v_ref_inc (&tensors->ref_count);
  return tensors;
}

void
d2v_tensors_unref (D2vTensors *tensors)
{
  if (tensors == NULL || !d2v_ref_dec (&tensors->ref_count))
    return;
  g_hash_table_unref (tensors->by_name);
  g_ptr_array_unref (tensors->names);
  g_free (tensors);
}

void
d2v_tensors_set (D2vTensors *tensors, const gchar *name, D2vTensor *tensor)
{
  gpointer key;

  if (!g_hash_table_lookup_extended (tensors->by_name, name, &key, NULL))
    {
      key = g_strdup (name);
      g_ptr_array_add (tensors->names, key);
    }
  g_hash_table_insert (tensors->by_name, key, d2v_tensor_ref (tensor));
}

D2vTensor *
d2v_tensors_get (const D2vTensors *tensors, const gchar *name)
{
  return g_hash_table_lookup (tensors->by_name, name);
}

guint
d2v_tensors_size (const D2vTensors *tensors)
{
  return tensors->names->len;
}

const gchar *
d2v_tensors_name (const D2vTensors *tensors, guint index)
{
  return index < tensors->names->len ? g_ptr_array_index (tensors->names, index)
                                     : NULL;
}
