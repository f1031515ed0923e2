/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* torchbin_load.c: storages into tensors, each storage read once. */

#include "engine/io/torchbin_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

/* One load; @out and @wanted are by view, in the pickle's order. */
typedef struct
{
  D2vTorchBin *bin;
  D2vLoad *load;
  const gboolean *wanted;
  D2vTensor **out;
  const gchar *where;
} Loader;

/* -------------------------------------------- one view, read in passing -- */

static gboolean
skip (Loader *l, gsize n_bytes, GError **error)
{
  while (n_bytes > 0)
    {
      gsize n = d2v_min (n_bytes, D2V_PIECE);
      if (!d2v_zip_read (l->bin->zip, l->load->scratch, n, error))
        return FALSE;
      n_bytes -= n;
    }
  return TRUE;
}

static gboolean
read_pieces (Loader *l, D2vFill *fill, GError **error)
{
  for (;;)
    {
      gsize n;
      gpointer space = d2v_fill_space (fill, l->load, &n);
      if (n == 0)
        return TRUE;
      if (!d2v_zip_read (l->bin->zip, space, n, error))
        return FALSE;
      d2v_fill_add (fill, l->load, space, n);
    }
}

/* All of the storage is read, for its checksum covers all of it. */
static gboolean
stream_view (Loader *l, const D2vView *view, D2vTensor **out, GError **error)
{
  D2vZip *zip = l->bin->zip;
  gsize begin = view->offset * d2v_dtype_size (view->stored.dtype);
  gsize after = d2v_zip_size (zip, view->member) - begin - view->n_bytes;
  D2vFill fill;

  if (!d2v_fill_begin (&fill, l->load, &view->stored, l->where, error))
    return FALSE;
  *out = fill.tensor;
  return d2v_zip_begin (zip, view->member, error) && skip (l, begin, error)
         && read_pieces (l, &fill, error) && skip (l, after, error)
         && d2v_zip_end (zip, error)
         && d2v_fill_end (&fill, l->load, l->where, error);
}

/* ------------------------------------ several views, or one with strides -- */

/* Where an odometer over the view's elements stands. */
typedef struct
{
  gsize index[D2V_MAX_RANK];
  gsize element; /* of the storage */
} Walk;

static void
advance (const D2vView *view, Walk *walk)
{
  for (guint i = view->stored.shape.rank; i-- > 0;)
    {
      walk->element += view->stride[i];
      if (++walk->index[i] < view->stored.shape.dim[i])
        return;
      walk->element -= view->stride[i] * view->stored.shape.dim[i];
      walk->index[i] = 0;
    }
}

static gboolean
gather_view (Loader *l, const D2vView *view, const guint8 *storage,
             D2vTensor **out, GError **error)
{
  gsize size = d2v_dtype_size (view->stored.dtype);
  Walk walk = { .element = view->offset };
  D2vFill fill;
  gsize n;

  if (!d2v_fill_begin (&fill, l->load, &view->stored, l->where, error))
    return FALSE;
  *out = fill.tensor;
  for (;;)
    {
      guint8 *space = d2v_fill_space (&fill, l->load, &n);
      if (n == 0)
        return d2v_fill_end (&fill, l->load, l->where, error);
      for (gsize i = 0; i < n; i += size, advance (view, &walk))
        memcpy (space + i, storage + walk.element * size, size);
      d2v_fill_add (&fill, l->load, space, n);
    }
}

static gboolean
read_storage (Loader *l, guint member, guint8 *storage, GError **error)
{
  D2vZip *zip = l->bin->zip;

  return d2v_zip_begin (zip, member, error)
         && d2v_zip_read (zip, storage, d2v_zip_size (zip, member), error)
         && d2v_zip_end (zip, error);
}

/* ------------------------------------------------------------- groups -- */

static const D2vView *
view_at (const Loader *l, guint place)
{
  return &l->bin->views[l->bin->order[place]];
}

static gboolean
is_wanted (const Loader *l, guint place)
{
  return l->wanted == NULL || l->wanted[l->bin->order[place]];
}

/* The end of the run of views from @begin that are all the same numbers. */
static guint
end_of_aliases (const Loader *l, guint begin, guint end)
{
  guint i = begin + 1;

  while (i < end && d2v_view_equal (view_at (l, i), view_at (l, begin)))
    i++;
  return i;
}

static gboolean
any_wanted (const Loader *l, guint begin, guint end)
{
  for (guint i = begin; i < end; i++)
    if (is_wanted (l, i))
      return TRUE;
  return FALSE;
}

/* One tensor for a run of aliases: from memory, or streamed when @storage is
 * NULL. */
static gboolean
load_aliases (Loader *l, guint begin, guint end, const guint8 *storage,
              GError **error)
{
  const D2vView *view = view_at (l, begin);
  D2vTensor *tensor = NULL;

  if (!any_wanted (l, begin, end))
    return TRUE;
  gboolean fine = storage != NULL
                      ? gather_view (l, view, storage, &tensor, error)
                      : stream_view (l, view, &tensor, error);
  for (guint i = begin; fine && i < end; i++)
    if (is_wanted (l, i))
      l->out[l->bin->order[i]] = d2v_tensor_ref (tensor);
  d2v_tensor_unref (tensor);
  return fine;
}

static gboolean
load_from_memory (Loader *l, guint begin, guint end, GError **error)
{
  guint member = view_at (l, begin)->member;
  gsize n_bytes = d2v_zip_size (l->bin->zip, member);
  guint8 *storage = d2v_malloc (n_bytes);

  if (storage == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, l->where,
                     "a storage of %" G_GSIZE_FORMAT " bytes", n_bytes);
  gboolean fine = read_storage (l, member, storage, error);
  for (guint i = begin, next; fine && i < end; i = next)
    {
      next = end_of_aliases (l, i, end);
      fine = load_aliases (l, i, next, storage, error);
    }
  d2v_free (storage);
  return fine;
}

/* All views of one storage. */
static gboolean
load_group (Loader *l, guint begin, guint end, GError **error)
{
  if (!any_wanted (l, begin, end))
    return TRUE;
  if (end_of_aliases (l, begin, end) == end
      && d2v_view_is_contiguous (view_at (l, begin)))
    return load_aliases (l, begin, end, NULL, error);
  return load_from_memory (l, begin, end, error);
}

gboolean
d2v_torchbin_load (D2vTorchBin *bin, const gboolean *wanted, D2vLoad *load,
                   D2vTensor **out, GError **error)
{
  Loader l = { .bin = bin,
               .load = load,
               .wanted = wanted,
               .out = out,
               .where = d2v_file_path (bin->file) };

  for (guint i = 0, next; i < bin->n_views; i = next)
    {
      for (next = i + 1;
           next < bin->n_views
           && view_at (&l, next)->member == view_at (&l, i)->member;
           next++)
        ;
      if (!load_group (&l, i, next, error))
        return FALSE;
    }
  return TRUE;
}
