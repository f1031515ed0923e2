/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* torchbin_views.c: what the pickle's nodes mean. The tree is walked to the
 * depth that a state dict has, never by itself. */

#include "engine/io/torchbin_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

#define MAX_ELEMENTS (G_GINT64_CONSTANT (1) << 40)
#define MAX_KEY 9

/* One entry of the state dict. */
typedef struct
{
  D2vTorchBin *bin;
  D2vView *view;
  const gchar *where;
} Reader;

static gboolean
fail (const Reader *r, D2vErrorCode code, const gchar *rule,
      const gchar *expected, GError **error)
{
  g_autofree gchar *name = d2v_escape_name (r->view->stored.name, -1);

  return d2v_fail (error, code, r->where, "%s: expected %s (%s)", name,
                   expected, rule);
}

static gboolean
fail_tensor (const Reader *r, const gchar *expected, GError **error)
{
  return fail (r, D2V_ERROR_PKL_TENSOR, "Q3", expected, error);
}

static gboolean
fail_storage (const Reader *r, const gchar *rule, const gchar *expected,
              GError **error)
{
  return fail (r, D2V_ERROR_PKL_STORAGE, rule, expected, error);
}

/* The arguments of a call of @name; NULL for anything else. */
static const D2vPickleNode *
arguments_of (const D2vPickleNode *node, D2vPickleGlobal name)
{
  return node->kind == D2V_PICKLE_CALL && node->items[0]->global.name == name
             ? node->items[1]
             : NULL;
}

static gboolean
is_empty_dict (const D2vPickleNode *node)
{
  return node->kind == D2V_PICKLE_DICT && node->n == 0;
}

/* An integer within 0..@max. */
static gboolean
get_size (const D2vPickleNode *node, gint64 max, gsize *out)
{
  if (node->kind != D2V_PICKLE_INTEGER || node->integer < 0
      || node->integer > max)
    return FALSE;
  *out = (gsize) node->integer;
  return TRUE;
}

/* ----------------------------------------------------------- storages -- */

static gboolean
find_member (const Reader *r, const D2vPickleNode *key, guint *member)
{
  if (key->kind != D2V_PICKLE_STRING || key->n < 1 || key->n > MAX_KEY)
    return FALSE;
  for (guint i = 0; i < key->n; i++)
    if (!g_ascii_isdigit (key->text[i]))
      return FALSE;
  g_autofree gchar *name
      = g_strdup_printf ("%sdata/%.*s", r->bin->root, (int) key->n, key->text);
  return d2v_zip_find (r->bin->zip, name, member);
}

/* Rule Q2: as long as it says, and the same each time. */
static gboolean
check_storage (const Reader *r, guint member, const D2vStorage *said,
               GError **error)
{
  D2vStorage *known = &r->bin->storages[member];
  gsize n_bytes;

  if (!d2v_mul (said->n_elements, d2v_dtype_size (said->dtype), &n_bytes)
      || n_bytes != d2v_zip_size (r->bin->zip, member))
    return fail_storage (r, "Q2", "a storage of exactly the size it says",
                         error);
  if (known->seen
      && (known->dtype != said->dtype || known->n_elements != said->n_elements))
    return fail_storage (r, "Q2", "one type and size for each storage", error);
  *known = *said;
  return TRUE;
}

/* ('storage', class, key, location, numel); the location is where it once
 * was. */
static gboolean
read_storage (const Reader *r, const D2vPickleNode *node, GError **error)
{
  D2vStorage said = { .seen = TRUE };

  if (node->kind != D2V_PICKLE_PERSISTENT)
    return fail_tensor (r, "a storage to look at", error);
  D2vPickleNode *const *id = node->items[0]->items;
  if (!d2v_pickle_is_string (id[0], "storage")
      || id[1]->kind != D2V_PICKLE_GLOBAL
      || id[1]->global.name != D2V_GLOBAL_STORAGE)
    return fail_storage (r, "Q1", "'storage' and its class", error);
  said.dtype = id[1]->global.dtype;
  if (!find_member (r, id[2], &r->view->member))
    return fail_storage (r, "Q1", "the number of a member of the zip", error);
  if (!get_size (id[4], MAX_ELEMENTS, &said.n_elements) || said.n_elements == 0)
    return fail_storage (r, "Q1", "1..2^40 elements", error);
  r->view->stored.dtype = said.dtype;
  return check_storage (r, r->view->member, &said, error);
}

/* -------------------------------------------------------------- views -- */

static gboolean
read_shape (const Reader *r, const D2vPickleNode *size,
            const D2vPickleNode *stride, GError **error)
{
  gsize dim[D2V_MAX_RANK];

  if (size->kind != D2V_PICKLE_TUPLE || stride->kind != D2V_PICKLE_TUPLE
      || size->n != stride->n || size->n > D2V_MAX_RANK)
    return fail_tensor (r, "sizes and strides of equal number, at most 8",
                        error);
  for (guint i = 0; i < size->n; i++)
    if (!get_size (size->items[i], D2V_MAX_DIM, &dim[i])
        || !get_size (stride->items[i], D2V_MAX_DIM, &r->view->stride[i]))
      return fail_tensor (r, "sizes and strides within 0..2^48", error);
  r->view->stored.shape = d2v_shape_from (size->n, dim);
  return TRUE;
}

/* The last element that is looked at. */
static gboolean
last_element (const D2vView *view, gsize *last)
{
  gsize step;

  *last = view->offset;
  for (guint i = 0; i < view->stored.shape.rank; i++)
    if (!d2v_mul (view->stored.shape.dim[i] - 1, view->stride[i], &step)
        || !d2v_add (*last, step, last))
      return FALSE;
  return TRUE;
}

static gboolean
check_view (const Reader *r, GError **error)
{
  D2vView *view = r->view;
  gsize n_elements = r->bin->storages[view->member].n_elements;
  gsize last;

  /* No dimension is 0 after this. */
  if (!d2v_stored_check_size (&view->stored, r->where, &view->n_bytes, error))
    return FALSE;
  if (!last_element (view, &last) || last >= n_elements)
    return fail_tensor (r, "a view inside its storage", error);
  if (d2v_shape_size (&view->stored.shape) > n_elements)
    return fail (r, D2V_ERROR_PKL_TENSOR, "Q4",
                 "at most as many elements as its storage has", error);
  return TRUE;
}

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]) */
static gboolean
read_tensor (const Reader *r, const D2vPickleNode *arguments, GError **error)
{
  D2vPickleNode *const *a = arguments->items;

  if (arguments->n != 6 && arguments->n != 7)
    return fail_tensor (r, "6 arguments", error);
  if (!read_storage (r, a[0], error))
    return FALSE;
  if (!get_size (a[1], MAX_ELEMENTS, &r->view->offset))
    return fail_tensor (r, "an offset within 0..2^40", error);
  if (!read_shape (r, a[2], a[3], error))
    return FALSE;
  if (a[4]->kind != D2V_PICKLE_BOOL || !is_empty_dict (a[5]) || !a[5]->ordered
      || (arguments->n == 7 && !is_empty_dict (a[6])))
    return fail_tensor (r, "a flag, no hooks and no metadata", error);
  return check_view (r, error);
}

/* (tensor, requires_grad, hooks) around the tensor of a Parameter. */
static const D2vPickleNode *
unwrap_parameter (const D2vPickleNode *value)
{
  const D2vPickleNode *a = arguments_of (value, D2V_GLOBAL_REBUILD_PARAMETER);

  if (a == NULL || a->n != 3 || a->items[1]->kind != D2V_PICKLE_BOOL
      || !is_empty_dict (a->items[2]))
    return value;
  return a->items[0];
}

static gboolean
read_entry (Reader *r, const D2vPickleNode *value, GError **error)
{
  const D2vPickleNode *arguments
      = arguments_of (unwrap_parameter (value), D2V_GLOBAL_REBUILD_TENSOR);

  if (arguments == NULL)
    return fail (r, D2V_ERROR_PKL_NOT_A_STATE_DICT, "P",
                 "a tensor for each key, as model.state_dict() has: take the "
                 "weights out of a training checkpoint and save them alone",
                 error);
  return read_tensor (r, arguments, error);
}

/* -------------------------------------------------------------- names -- */

static gboolean
keep_name (D2vTorchBin *bin, D2vView *view, const D2vPickleNode *key,
           gchar **text, GError **error)
{
  const gchar *where = d2v_file_path (bin->file);

  if (key->kind != D2V_PICKLE_STRING)
    return d2v_fail (error, D2V_ERROR_PKL_NOT_A_STATE_DICT, where,
                     "expected names of tensors as keys (P)");
  if (!d2v_stored_check_name (key->text, key->n, where, error))
    return FALSE;
  view->stored.name = *text;
  memcpy (*text, key->text, key->n);
  (*text)[key->n] = '\0';
  *text += key->n + 1;
  return TRUE;
}

static gboolean
make_room (D2vTorchBin *bin, const D2vPickleNode *dict, GError **error)
{
  const gchar *where = d2v_file_path (bin->file);
  gsize n_text = 1;

  if (dict->n / 2 > D2V_MAX_TENSORS)
    return d2v_fail (error, D2V_ERROR_ST_LIMIT, where,
                     "expected at most %d tensors, found %u (S9)",
                     D2V_MAX_TENSORS, dict->n / 2);
  for (guint i = 0; i < dict->n; i += 2)
    if (dict->items[i]->kind == D2V_PICKLE_STRING)
      n_text += dict->items[i]->n + 1;
  bin->views = d2v_malloc_n (MAX (dict->n / 2, 1), sizeof *bin->views);
  bin->order = d2v_malloc_n (MAX (dict->n / 2, 1), sizeof *bin->order);
  bin->names = d2v_malloc (n_text);
  return (bin->views != NULL && bin->order != NULL && bin->names != NULL)
         || d2v_fail (error, D2V_ERROR_NO_MEMORY, where, "%u tensors",
                      dict->n / 2);
}

/* -------------------------------------------------------------- order -- */

gboolean
d2v_view_is_contiguous (const D2vView *view)
{
  gsize step = 1;

  for (guint i = view->stored.shape.rank; i-- > 0;)
    {
      gsize dim = view->stored.shape.dim[i];
      if (dim != 1 && view->stride[i] != step)
        return FALSE;
      step *= dim; /* below the storage's size */
    }
  return TRUE;
}

static gint
compare_sizes (gsize a, gsize b)
{
  return (a > b) - (a < b);
}

static gint
compare_views (const D2vView *a, const D2vView *b)
{
  const D2vShape *x = &a->stored.shape, *y = &b->stored.shape;
  gint by = compare_sizes (a->member, b->member);

  if (by == 0)
    by = compare_sizes (a->offset, b->offset);
  if (by == 0)
    by = compare_sizes (x->rank, y->rank);
  for (guint i = 0; by == 0 && i < x->rank; i++)
    {
      by = compare_sizes (x->dim[i], y->dim[i]);
      if (by == 0)
        by = compare_sizes (a->stride[i], b->stride[i]);
    }
  return by;
}

gboolean
d2v_view_equal (const D2vView *a, const D2vView *b)
{
  return compare_views (a, b) == 0;
}

static gint
compare_places (gconstpointer a, gconstpointer b, gpointer views)
{
  return compare_views ((const D2vView *) views + *(const guint *) a,
                        (const D2vView *) views + *(const guint *) b);
}

/* Rule Q5: views may overlap, but not without end. */
static gboolean
sort_views (D2vTorchBin *bin, GError **error)
{
  gsize limit = 2 * d2v_file_size (bin->file), total = 0;

  for (guint i = 0; i < bin->n_views; i++)
    bin->order[i] = i;
  g_qsort_with_data (bin->order, (gint) bin->n_views, sizeof *bin->order,
                     compare_places, bin->views);
  for (guint i = 0; i < bin->n_views; i++)
    {
      const D2vView *view = &bin->views[bin->order[i]];
      if (i > 0 && d2v_view_equal (view, &bin->views[bin->order[i - 1]]))
        continue;
      if (!d2v_add (total, view->n_bytes, &total) || total > limit)
        return d2v_fail (error, D2V_ERROR_PKL_TENSOR, d2v_file_path (bin->file),
                         "expected tensors of at most twice the file's size, "
                         "found more (Q5)");
    }
  return TRUE;
}

gboolean
d2v_torchbin_read_views (D2vTorchBin *bin, const D2vPickleNode *root,
                         GError **error)
{
  Reader r = { .bin = bin, .where = d2v_file_path (bin->file) };

  if (root->kind != D2V_PICKLE_DICT)
    return d2v_fail (error, D2V_ERROR_PKL_NOT_A_STATE_DICT, r.where,
                     "expected a dict of tensors (P)");
  if (!make_room (bin, root, error))
    return FALSE;
  gchar *text = bin->names;
  for (guint i = 0; i < root->n; i += 2)
    {
      r.view = &bin->views[bin->n_views];
      *r.view = (D2vView){ 0 };
      if (!keep_name (bin, r.view, root->items[i], &text, error)
          || !read_entry (&r, root->items[i + 1], error))
        return FALSE;
      bin->n_views++;
    }
  return sort_views (bin, error);
}
