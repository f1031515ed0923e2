/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip_local.c: members one after another from byte 0 to the directory, each
 * saying of itself what the directory says of it. */

#include "engine/io/zip_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"

#include <string.h>

#define HEADER_BYTES 30
#define MAX_FIELD                                                              \
  65535 /* of a name or an extra field, by its 16-bit length                   \
         */
#define MAX_DESCRIPTOR 24

typedef struct
{
  D2vFile *file;
  const D2vZipDirectory *directory;
  guint *order;    /* members by place */
  guint8 *scratch; /* 2 x MAX_FIELD */
} Checker;

static gboolean
fail_member (const Checker *c, const D2vZipMember *member,
             const gchar *expected, const gchar *rule, GError **error)
{
  g_autofree gchar *name
      = d2v_escape_name (member->name, (gssize) member->n_name);

  return d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (c->file),
                   "%s: expected %s at byte %" G_GSIZE_FORMAT " (%s)", name,
                   expected, member->header, rule);
}

/* With a descriptor to come a writer may leave the numbers out. */
static gboolean
may_say (const D2vZipMember *member, guint32 said, guint64 value,
         gboolean zip64)
{
  if (said == value)
    return TRUE;
  if ((member->flags & D2V_ZIP_DESCRIPTOR) != 0 && said == 0)
    return TRUE;
  return zip64 && said == D2V_ZIP_ALL_ONES;
}

/* Sizes, where the header begins, or both in this order: writers put here
 * whatever does not fit into 32 bits. */
static gboolean
zip64_agrees (const D2vZipMember *member, const D2vZipExtra *extra)
{
  const guint64 all[] = { member->size, member->size, member->header };
  guint n = extra->n_zip64 / 8;

  if (extra->n_zip64 % 8 != 0 || n > G_N_ELEMENTS (all))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (d2v_le64 (extra->zip64 + 8 * i) != all[n == 1 ? 2 : i])
      return FALSE;
  return TRUE;
}

static gboolean
check_fields (const Checker *c, const D2vZipMember *member, const guint8 *h,
              gsize n_extra, GError **error)
{
  D2vZipExtra extra;

  if (memcmp (c->scratch, member->name, member->n_name) != 0)
    return fail_member (c, member, "the directory's name in its own header",
                        "Z6", error);
  if (!d2v_zip_parse_extra (c->scratch + member->n_name, n_extra, &extra))
    return fail_member (c, member,
                        "no extra fields but ZIP64 and padding, each once",
                        "Z9", error);
  if (!zip64_agrees (member, &extra))
    return fail_member (c, member,
                        "the directory's numbers in its ZIP64 "
                        "field",
                        "Z9", error);
  gboolean zip64 = extra.n_zip64 >= 16;
  if (!may_say (member, d2v_le32 (h + 14), member->crc, FALSE)
      || !may_say (member, d2v_le32 (h + 18), member->size, zip64)
      || !may_say (member, d2v_le32 (h + 22), member->size, zip64))
    return fail_member (c, member,
                        "the directory's sizes and checksum in its own "
                        "header",
                        "Z6", error);
  return TRUE;
}

/* *data_end becomes where the member's data end, which is inside the file. */
static gboolean
check_header (const Checker *c, const D2vZipMember *member, gsize *data_end,
              GError **error)
{
  gsize limit = c->directory->begin;
  guint8 h[HEADER_BYTES];

  if (limit - member->header < HEADER_BYTES)
    return fail_member (c, member, "a header before the directory", "Z7",
                        error);
  if (!d2v_file_read (c->file, member->header, h, sizeof h, error))
    return FALSE;
  if (memcmp (h, "PK\3\4", 4) != 0)
    return fail_member (c, member, "PK\\3\\4", "Z6", error);
  if (d2v_le16 (h + 6) != member->flags || d2v_le16 (h + 8) != 0)
    return fail_member (c, member,
                        "the directory's flags and method in its "
                        "own header",
                        "Z6", error);
  gsize n_name = d2v_le16 (h + 26), n_extra = d2v_le16 (h + 28);
  gsize left = limit - member->header - HEADER_BYTES;
  if (n_name != member->n_name)
    return fail_member (c, member, "the directory's name in its own header",
                        "Z6", error);
  if (n_name + n_extra > left || member->size > left - n_name - n_extra)
    return fail_member (c, member, "data that end before the directory", "Z7",
                        error);
  *data_end = limit - left + n_name + n_extra + member->size;
  return d2v_file_read (c->file, member->header + HEADER_BYTES, c->scratch,
                        n_name + n_extra, error)
         && check_fields (c, member, h, n_extra, error);
}

/* Whatever lies between the data and the next member. */
static gboolean
check_descriptor (const Checker *c, const D2vZipMember *member, gsize begin,
                  gsize end, GError **error)
{
  gboolean described = (member->flags & D2V_ZIP_DESCRIPTOR) != 0;
  guint8 d[MAX_DESCRIPTOR];
  gsize n = end - begin;

  if (n != (described ? 16 : 0) && !(described && n == MAX_DESCRIPTOR))
    return fail_member (c, member, "the next member right after this one", "Z7",
                        error);
  if (!described)
    return TRUE;
  if (!d2v_file_read (c->file, begin, d, n, error))
    return FALSE;
  gboolean wide = n == MAX_DESCRIPTOR;
  guint64 packed = wide ? d2v_le64 (d + 8) : d2v_le32 (d + 8);
  guint64 size = wide ? d2v_le64 (d + 16) : d2v_le32 (d + 12);
  return (memcmp (d, "PK\7\10", 4) == 0 && d2v_le32 (d + 4) == member->crc
          && packed == member->size && size == member->size)
         || fail_member (c, member,
                         "a descriptor with the directory's numbers after "
                         "the data",
                         "Z6", error);
}

static gint
compare_places (gconstpointer a, gconstpointer b, gpointer members)
{
  gsize x = ((const D2vZipMember *) members)[*(const guint *) a].header;
  gsize y = ((const D2vZipMember *) members)[*(const guint *) b].header;

  return (x > y) - (x < y);
}

static gboolean
check_all (Checker *c, GError **error)
{
  const D2vZipDirectory *d = c->directory;
  gsize done = 0;

  for (guint i = 0; i < d->n_members; i++)
    c->order[i] = i;
  g_qsort_with_data (c->order, (gint) d->n_members, sizeof *c->order,
                     compare_places, d->members);
  for (guint i = 0; i < d->n_members; i++)
    {
      const D2vZipMember *member = &d->members[c->order[i]];
      gsize next = i + 1 < d->n_members ? d->members[c->order[i + 1]].header
                                        : d->begin;
      gsize end = 0;
      if (member->header != done || next > d->begin)
        return fail_member (c, member,
                            "members one after another from byte "
                            "0 to the directory",
                            "Z7", error);
      if (!check_header (c, member, &end, error))
        return FALSE;
      if (next < end)
        return fail_member (c, member, "the next member right after this one",
                            "Z7", error);
      if (!check_descriptor (c, member, end, next, error))
        return FALSE;
      done = next;
    }
  return TRUE;
}

gboolean
d2v_zip_check_local (D2vFile *file, const D2vZipDirectory *directory,
                     GError **error)
{
  Checker c = { .file = file, .directory = directory };

  c.order = d2v_malloc_n (directory->n_members, sizeof *c.order);
  c.scratch = d2v_malloc (2 * MAX_FIELD);
  gboolean fine
      = c.order != NULL && c.scratch != NULL
            ? check_all (&c, error)
            : d2v_fail (error, D2V_ERROR_NO_MEMORY, d2v_file_path (file),
                        "%u members", directory->n_members);
  d2v_free (c.order);
  d2v_free (c.scratch);
  return fine;
}
