/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip_directory.c: the central directory, record by record. */

#include "engine/io/zip_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

#define RECORD_BYTES 46
#define EXTRA_ZIP64 0x0001
#define EXTRA_PADDING 0x4246

gboolean
d2v_zip_parse_extra (const guint8 *extra, gsize length, D2vZipExtra *out)
{
  gboolean padded = FALSE;

  *out = (D2vZipExtra){ 0 };
  while (length > 0)
    {
      if (length < 4 || d2v_le16 (extra + 2) > length - 4)
        return FALSE;
      guint id = d2v_le16 (extra);
      guint n = d2v_le16 (extra + 2);
      if (id == EXTRA_ZIP64 && out->n_zip64 == 0 && n > 0)
        *out = (D2vZipExtra){ .zip64 = extra + 4, .n_zip64 = n };
      else if (id == EXTRA_PADDING && !padded)
        padded = TRUE;
      else
        return FALSE;
      extra += 4 + n;
      length -= 4 + n;
    }
  return TRUE;
}

typedef struct
{
  D2vFile *file;
  D2vZipDirectory *directory;
  const guint8 *bytes; /* of the directory */
  gsize done;
  gchar *names; /* where the next one goes */
} Parser;

static gboolean
fail_record (Parser *p, D2vErrorCode code, const gchar *expected,
             const gchar *rule, GError **error)
{
  return d2v_fail (error, code, d2v_file_path (p->file),
                   "expected %s in the directory's record at byte "
                   "%" G_GSIZE_FORMAT " (%s)",
                   expected, p->directory->begin + p->done, rule);
}

/* A number that is all ones in the record stands in the extra field. */
static gboolean
widen (guint32 narrow, D2vZipExtra *extra, gsize *out)
{
  *out = narrow;
  if (narrow != D2V_ZIP_ALL_ONES)
    return TRUE;
  if (extra->n_zip64 < 8 || d2v_le64 (extra->zip64) > G_MAXSIZE)
    return FALSE;
  *out = (gsize) d2v_le64 (extra->zip64);
  extra->zip64 += 8;
  extra->n_zip64 -= 8;
  return TRUE;
}

static gboolean
read_sizes (Parser *p, const guint8 *r, D2vZipExtra *extra,
            D2vZipMember *member, GError **error)
{
  gsize packed;

  /* In this order, and no byte more. */
  if (!widen (d2v_le32 (r + 24), extra, &member->size)
      || !widen (d2v_le32 (r + 20), extra, &packed)
      || !widen (d2v_le32 (r + 42), extra, &member->header)
      || extra->n_zip64 != 0)
    return fail_record (p, D2V_ERROR_ZIP,
                        "ZIP64 numbers for exactly what is all ones", "Z9",
                        error);
  return packed == member->size
         || fail_record (p, D2V_ERROR_ZIP, "equal sizes packed and unpacked",
                         "Z4", error);
}

static gboolean
check_kind (Parser *p, const guint8 *r, GError **error)
{
  if ((d2v_le16 (r + 8) & ~(D2V_ZIP_DESCRIPTOR | D2V_ZIP_UTF8)) != 0)
    return fail_record (p, D2V_ERROR_ZIP, "no flags but bits 3 and 11", "Z5",
                        error);
  if (d2v_le16 (r + 10) != 0)
    return fail_record (p, D2V_ERROR_ZIP_COMPRESSED,
                        "a stored member, as torch.save() writes them (save "
                        "the model again)",
                        "Z4", error);
  if (d2v_le16 (r + 32) != 0)
    return fail_record (p, D2V_ERROR_ZIP, "no comment", "Z1", error);
  return d2v_le16 (r + 34) == 0
         || fail_record (p, D2V_ERROR_ZIP, "one disk", "Z1", error);
}

/* Names were counted by the directory's size, so there is room. */
static gboolean
keep_name (Parser *p, const guint8 *name, gsize n, D2vZipMember *member,
           GError **error)
{
  if (n == 0 || memchr (name, '\0', n) != NULL)
    return fail_record (p, D2V_ERROR_ZIP, "a name without NUL", "Z8", error);
  member->name = p->names;
  member->n_name = n;
  memcpy (p->names, name, n);
  p->names[n] = '\0';
  p->names += n + 1;
  return TRUE;
}

static gboolean
read_record (Parser *p, D2vZipMember *member, GError **error)
{
  const guint8 *r = p->bytes + p->done;
  gsize left = p->directory->size - p->done;
  D2vZipExtra extra;

  if (left < RECORD_BYTES || memcmp (r, "PK\1\2", 4) != 0)
    return fail_record (p, D2V_ERROR_ZIP, "PK\\1\\2", "Z3", error);
  gsize n_name = d2v_le16 (r + 28), n_extra = d2v_le16 (r + 30);
  if (n_name + n_extra > left - RECORD_BYTES)
    return fail_record (p, D2V_ERROR_ZIP, "a name that ends inside", "Z3",
                        error);
  if (!check_kind (p, r, error))
    return FALSE;
  if (!d2v_zip_parse_extra (r + RECORD_BYTES + n_name, n_extra, &extra))
    return fail_record (p, D2V_ERROR_ZIP,
                        "no extra fields but ZIP64 and padding, each once",
                        "Z9", error);
  member->flags = d2v_le16 (r + 8);
  member->crc = d2v_le32 (r + 16);
  if (!read_sizes (p, r, &extra, member, error)
      || !keep_name (p, r + RECORD_BYTES, n_name, member, error))
    return FALSE;
  p->done += RECORD_BYTES + n_name + n_extra;
  return TRUE;
}

static gboolean
read_records (Parser *p, GError **error)
{
  D2vZipDirectory *d = p->directory;

  for (guint i = 0; i < d->n_members; i++)
    if (!read_record (p, &d->members[i], error))
      return FALSE;
  return p->done == d->size
         || fail_record (p, D2V_ERROR_ZIP, "exactly the members counted", "Z3",
                         error);
}

gboolean
d2v_zip_read_directory (D2vFile *file, D2vZipDirectory *d, GError **error)
{
  if (d->n_members > d->size / RECORD_BYTES)
    return d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (file),
                     "expected a directory of %u members, found "
                     "%" G_GSIZE_FORMAT " bytes (Z3)",
                     d->n_members, d->size);

  guint8 *bytes = d2v_malloc (d->size);
  d->members = d2v_malloc_n (d->n_members, sizeof *d->members);
  d->names = d2v_malloc (d->size);
  gboolean fine;
  if (bytes == NULL || d->members == NULL || d->names == NULL)
    fine = d2v_fail (error, D2V_ERROR_NO_MEMORY, d2v_file_path (file),
                     "a directory of %" G_GSIZE_FORMAT " bytes", d->size);
  else
    {
      Parser p
          = { .file = file, .directory = d, .bytes = bytes, .names = d->names };
      fine = d2v_file_read (file, d->begin, bytes, d->size, error)
             && read_records (&p, error);
    }
  d2v_free (bytes);
  return fine;
}

void
d2v_zip_directory_clear (D2vZipDirectory *d)
{
  d2v_free (d->members);
  d2v_free (d->names);
}
