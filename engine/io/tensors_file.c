/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tensors_file.c: D2vTensors to and from safetensors files, for inputs and
 * outputs. Types are kept; NaN is nobody's business here. */

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

/* ------------------------------------------------------------ reading -- */

static gboolean
load_all (D2vSafetensors *st, D2vTensor **out, GError **error)
{
  D2vLoad load = { .allow_nonfinite = TRUE };
  gboolean fine = d2v_load_init (&load, error)
                  && d2v_safetensors_load (st, NULL, &load, out, error);

  d2v_load_clear (&load);
  return fine;
}

static D2vTensors *
read_tensors (D2vFile *file, GError **error)
{
  g_autoptr (D2vSafetensors) st = d2v_safetensors_open (file, error);
  if (st == NULL)
    return NULL;

  guint n = d2v_safetensors_size (st);
  D2vTensor **loaded = g_new0 (D2vTensor *, n); /* n <= 65536 */
  gboolean fine
      = load_all (st, loaded, error) && d2v_file_check_unchanged (file, error);
  D2vTensors *tensors = d2v_tensors_new ();
  for (guint i = 0; i < n; i++)
    {
      if (fine)
        d2v_tensors_set (tensors, d2v_safetensors_get (st, i)->name, loaded[i]);
      g_clear_pointer (&loaded[i], d2v_tensor_unref);
    }
  g_free (loaded);
  if (!fine)
    g_clear_pointer (&tensors, d2v_tensors_unref);
  return tensors;
}

D2vTensors *
d2v_tensors_load (const gchar *path, GError **error)
{
  g_autoptr (D2vFile) file = d2v_file_open_path (path, error);

  return file != NULL ? read_tensors (file, error) : NULL;
}

/* ------------------------------------------------------------ writing -- */

typedef struct
{
  const gchar *name;
  const D2vTensor *tensor;
} Item;

/* As the original's writer does: large items first, so that everything is
 * aligned to its own size, then by name. */
static gint
compare_items (gconstpointer a, gconstpointer b)
{
  const Item *x = a, *y = b;
  gint by_size = (gint) d2v_dtype_size (y->tensor->dtype)
                 - (gint) d2v_dtype_size (x->tensor->dtype);

  return by_size != 0 ? by_size : strcmp (x->name, y->name);
}

static GArray *
sorted_items (const D2vTensors *tensors)
{
  guint n = d2v_tensors_size (tensors);
  GArray *items = g_array_sized_new (FALSE, FALSE, sizeof (Item), n);

  for (guint i = 0; i < n; i++)
    {
      const gchar *name = d2v_tensors_name (tensors, i);
      Item item = { name, d2v_tensors_get (tensors, name) };
      g_array_append_val (items, item);
    }
  g_array_sort (items, compare_items);
  return items;
}

static void
append_entry (GString *header, const Item *item, gsize *offset)
{
  const D2vShape *shape = &item->tensor->shape;
  gsize end = *offset + item->tensor->n_bytes;

  if (header->len > 1)
    g_string_append_c (header, ',');
  d2v_json_append_string (header, item->name, -1);
  g_string_append_printf (header, ":{\"dtype\":\"%s\",\"shape\":[",
                          d2v_dtype_name (item->tensor->dtype));
  for (guint i = 0; i < shape->rank; i++)
    g_string_append_printf (header, "%s%" G_GSIZE_FORMAT, i > 0 ? "," : "",
                            shape->dim[i]);
  g_string_append_printf (
      header, "],\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}",
      *offset, end);
  *offset = end;
}

/* Padded, as the original pads it, so that the data begin aligned. */
static GString *
make_header (const GArray *items)
{
  GString *header = g_string_new ("{");
  gsize offset = 0;

  for (guint i = 0; i < items->len; i++)
    append_entry (header, &g_array_index (items, Item, i), &offset);
  g_string_append_c (header, '}');
  while (header->len % 8 != 0)
    g_string_append_c (header, ' ');
  return header;
}

static gboolean
put (FILE *out, gconstpointer bytes, gsize n)
{
  return n == 0 || fwrite (bytes, 1, n, out) == n;
}

static gboolean
write_all (FILE *out, const GString *header, const GArray *items)
{
  guint64 length = GUINT64_TO_LE ((guint64) header->len);

  if (!put (out, &length, sizeof length)
      || !put (out, header->str, header->len))
    return FALSE;
  for (guint i = 0; i < items->len; i++)
    {
      const D2vTensor *tensor = g_array_index (items, Item, i).tensor;
      if (!put (out, tensor->data, tensor->n_bytes))
        return FALSE;
    }
  return fflush (out) == 0;
}

gboolean
d2v_tensors_save (const D2vTensors *tensors, const gchar *path, GError **error)
{
  FILE *out = g_fopen (path, "wbe");
  if (out == NULL)
    return d2v_fail (error, D2V_ERROR_WRITE, path, "cannot create: %s",
                     g_strerror (errno));

  g_autoptr (GArray) items = sorted_items (tensors);
  GString *header = make_header (items);
  gboolean fine = write_all (out, header, items);
  gint reason = errno;
  if (fclose (out) != 0 && fine)
    {
      fine = FALSE;
      reason = errno;
    }
  g_string_free (header, TRUE);
  return fine
         || d2v_fail (error, D2V_ERROR_WRITE, path, "cannot write: %s",
                      g_strerror (reason));
}
