/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/safetensors_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

#define LENGTH_BYTES 8
#define MIN_HEADER 2
#define MAX_HEADER 100000000

/* Rules S1 to S4: the header is proved to lie in the file before its size is
 * used for anything. */
static gboolean
check_length (D2vSafetensors *st, GError **error)
{
  const gchar *where = d2v_file_path (st->file);
  gsize size = d2v_file_size (st->file);
  guint64 n;

  if (size < LENGTH_BYTES)
    return d2v_fail (error, D2V_ERROR_ST_TOO_SMALL, where,
                     "expected at least %d bytes, found %" G_GSIZE_FORMAT
                     " (S1)",
                     LENGTH_BYTES, size);
  if (!d2v_file_read (st->file, 0, &n, LENGTH_BYTES, error))
    return FALSE;
  n = GUINT64_FROM_LE (n);
  if (n < MIN_HEADER)
    return d2v_fail (error, D2V_ERROR_ST_HEADER_TOO_SMALL, where,
                     "expected a header of at least %d bytes, found "
                     "%" G_GUINT64_FORMAT " (S2)",
                     MIN_HEADER, n);
  if (n > MAX_HEADER)
    return d2v_fail (error, D2V_ERROR_ST_HEADER_TOO_LARGE, where,
                     "expected a header of at most %d bytes, found "
                     "%" G_GUINT64_FORMAT " (S2)",
                     MAX_HEADER, n);
  if (n > size - LENGTH_BYTES)
    return d2v_fail (error, D2V_ERROR_ST_HEADER_TRUNCATED, where,
                     "expected a header of %" G_GUINT64_FORMAT
                     " bytes, found a file of %" G_GSIZE_FORMAT " (S3)",
                     n, size);
  st->n_header = (gsize) n;
  st->data_begin = LENGTH_BYTES + st->n_header;
  st->n_data = size - st->data_begin;
  return TRUE;
}

static gboolean
read_header (D2vSafetensors *st, GError **error)
{
  const gchar *where = d2v_file_path (st->file);

  if (!check_length (st, error))
    return FALSE;
  st->header = d2v_malloc (st->n_header);
  if (st->header == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, where,
                     "a header of %" G_GSIZE_FORMAT " bytes", st->n_header);
  if (!d2v_file_read (st->file, LENGTH_BYTES, st->header, st->n_header, error))
    return FALSE;
  if (st->header[0] != '{')
    return d2v_fail (error, D2V_ERROR_ST_HEADER_START, where,
                     "expected { at byte %d (S4)", LENGTH_BYTES);
  g_autofree gchar *digest = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *) st->header, st->n_header);
  g_strlcpy (st->digest, digest, sizeof st->digest);
  return TRUE;
}

static gint
compare_places (gconstpointer a, gconstpointer b, gpointer entries)
{
  const D2vEntry *x = (const D2vEntry *) entries + *(const guint *) a;
  const D2vEntry *y = (const D2vEntry *) entries + *(const guint *) b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

static gboolean
fail_place (const D2vSafetensors *st, D2vErrorCode code, const D2vEntry *entry,
            gsize expected, GError **error)
{
  g_autofree gchar *name = d2v_escape_name (entry->stored.name, -1);

  return d2v_fail (error, code, d2v_file_path (st->file),
                   "%s: expected it to begin at byte %" G_GSIZE_FORMAT
                   " of the data, where the one before it ends, found "
                   "%" G_GSIZE_FORMAT " (S15)",
                   name, expected, entry->begin);
}

/* Rule S15: every byte of the data belongs to exactly one tensor. */
static gboolean
check_places (D2vSafetensors *st, GError **error)
{
  gsize done = 0;

  st->order = d2v_malloc_n (d2v_max (st->n_entries, 1), sizeof *st->order);
  if (st->order == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, d2v_file_path (st->file),
                     "%u tensors", st->n_entries);
  for (guint i = 0; i < st->n_entries; i++)
    st->order[i] = i;
  g_qsort_with_data (st->order, (gint) st->n_entries, sizeof *st->order,
                     compare_places, st->entries);

  for (guint i = 0; i < st->n_entries; i++)
    {
      const D2vEntry *entry = &st->entries[st->order[i]];
      if (entry->begin > done)
        return fail_place (st, D2V_ERROR_ST_HOLE, entry, done, error);
      if (entry->begin < done)
        return fail_place (st, D2V_ERROR_ST_OVERLAP, entry, done, error);
      done = entry->end;
    }
  if (done != st->n_data)
    return d2v_fail (error, D2V_ERROR_ST_TRAILING, d2v_file_path (st->file),
                     "expected %" G_GSIZE_FORMAT " bytes of data, found "
                     "%" G_GSIZE_FORMAT " (S15)",
                     done, st->n_data);
  return TRUE;
}

D2vSafetensors *
d2v_safetensors_open (D2vFile *file, GError **error)
{
  g_autoptr (D2vSafetensors) st = g_new0 (D2vSafetensors, 1);

  st->file = file;
  if (!read_header (st, error) || !d2v_safetensors_parse (st, error)
      || !check_places (st, error))
    return NULL;
  return g_steal_pointer (&st);
}

void
d2v_safetensors_close (D2vSafetensors *st)
{
  if (st == NULL)
    return;
  d2v_free (st->header);
  d2v_free (st->entries);
  d2v_free (st->order);
  g_free (st);
}

guint
d2v_safetensors_size (const D2vSafetensors *st)
{
  return st->n_entries;
}

const D2vStored *
d2v_safetensors_get (const D2vSafetensors *st, guint index)
{
  return &st->entries[index].stored;
}

const gchar *
d2v_safetensors_digest (const D2vSafetensors *st)
{
  return st->digest;
}

static gboolean
load_entry (D2vSafetensors *st, const D2vEntry *entry, D2vLoad *load,
            D2vTensor **out, GError **error)
{
  const gchar *where = d2v_file_path (st->file);
  gsize offset = st->data_begin + entry->begin;
  D2vFill fill;
  gsize n;

  if (!d2v_fill_begin (&fill, load, &entry->stored, where, error))
    return FALSE;
  *out = fill.tensor;
  for (;; offset += n)
    {
      gpointer space = d2v_fill_space (&fill, load, &n);
      if (n == 0)
        return d2v_fill_end (&fill, load, where, error);
      if (!d2v_file_read (st->file, offset, space, n, error))
        return FALSE;
      d2v_fill_add (&fill, load, space, n);
    }
}

gboolean
d2v_safetensors_load (D2vSafetensors *st, const gboolean *wanted, D2vLoad *load,
                      D2vTensor **out, GError **error)
{
  for (guint i = 0; i < st->n_entries; i++)
    {
      guint index = st->order[i];
      if (wanted != NULL && !wanted[index])
        continue;
      if (!load_entry (st, &st->entries[index], load, &out[index], error))
        return FALSE;
    }
  return TRUE;
}
