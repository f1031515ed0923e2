/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip_end.c: the records that a zip ends with, and nothing after them. */

#include "engine/io/zip_private.h"

#include "engine/base/error.h"

#include <string.h>

#define END_BYTES 22
#define LOCATOR_BYTES 20
#define RECORD64_BYTES 56
#define TAIL_BYTES (RECORD64_BYTES + LOCATOR_BYTES + END_BYTES)
#define MAX_MEMBERS 65536
#define MAX_DIRECTORY ((gsize) 16 << 20)

/* The numbers that stand in the end record and again in its 64-bit twin. */
typedef struct
{
  guint64 n_here, n_total, size, begin;
} Totals;

static gboolean
fail (D2vFile *file, const gchar *expected, const gchar *rule, GError **error)
{
  return d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (file),
                   "expected %s (%s)", expected, rule);
}

static gboolean
check_start (D2vFile *file, GError **error)
{
  guint8 start[4];

  if (d2v_file_size (file) < END_BYTES)
    return fail (file, "a zip file, found fewer bytes than the smallest has",
                 "Z1", error);
  if (!d2v_file_read (file, 0, start, sizeof start, error))
    return FALSE;
  return memcmp (start, "PK\3\4", 4) == 0
         || fail (file, "a zip file, beginning PK\\3\\4 at byte 0", "Z1",
                  error);
}

/* Field by field equal, or all ones in the smaller one. */
static gboolean
agrees (guint64 twin, guint64 value, guint64 ones)
{
  return twin == value || twin == ones;
}

static gboolean
read_record64 (D2vFile *file, const guint8 *locator, gsize locator_at,
               Totals *totals, GError **error)
{
  guint8 r[RECORD64_BYTES];

  if (d2v_le32 (locator + 4) != 0 || d2v_le32 (locator + 16) != 1)
    return fail (file, "one disk", "Z2", error);
  if (locator_at < RECORD64_BYTES
      || d2v_le64 (locator + 8) != locator_at - RECORD64_BYTES)
    return fail (file, "the ZIP64 record right before its locator", "Z2",
                 error);
  if (!d2v_file_read (file, locator_at - RECORD64_BYTES, r, sizeof r, error))
    return FALSE;
  if (memcmp (r, "PK\6\6", 4) != 0 || d2v_le64 (r + 4) != 44)
    return fail (file, "a ZIP64 record of length 44", "Z2", error);
  if (d2v_le32 (r + 16) != 0 || d2v_le32 (r + 20) != 0)
    return fail (file, "one disk", "Z2", error);

  Totals wide = { .n_here = d2v_le64 (r + 24),
                  .n_total = d2v_le64 (r + 32),
                  .size = d2v_le64 (r + 40),
                  .begin = d2v_le64 (r + 48) };
  if (!agrees (totals->n_here, wide.n_here, 0xffff)
      || !agrees (totals->n_total, wide.n_total, 0xffff)
      || !agrees (totals->size, wide.size, D2V_ZIP_ALL_ONES)
      || !agrees (totals->begin, wide.begin, D2V_ZIP_ALL_ONES))
    return fail (file, "equal numbers in the end record and its ZIP64 twin",
                 "Z2", error);
  *totals = wide;
  return TRUE;
}

/* *end becomes where the directory must end. */
static gboolean
read_totals (D2vFile *file, Totals *totals, gsize *end, GError **error)
{
  gsize size = d2v_file_size (file);
  guint8 e[END_BYTES], locator[LOCATOR_BYTES];

  if (!d2v_file_read (file, size - END_BYTES, e, END_BYTES, error))
    return FALSE;
  if (memcmp (e, "PK\5\6", 4) != 0 || d2v_le16 (e + 20) != 0)
    return fail (file,
                 "the end record in the last 22 bytes, without a comment: is "
                 "the file complete?",
                 "Z1", error);
  if (d2v_le16 (e + 4) != 0 || d2v_le16 (e + 6) != 0)
    return fail (file, "one disk", "Z1", error);
  *totals = (Totals){ .n_here = d2v_le16 (e + 8),
                      .n_total = d2v_le16 (e + 10),
                      .size = d2v_le32 (e + 12),
                      .begin = d2v_le32 (e + 16) };
  *end = size - END_BYTES;
  if (*end < LOCATOR_BYTES)
    return TRUE;
  if (!d2v_file_read (file, *end - LOCATOR_BYTES, locator, LOCATOR_BYTES,
                      error))
    return FALSE;
  if (memcmp (locator, "PK\6\7", 4) != 0)
    return TRUE;
  *end -= LOCATOR_BYTES;
  if (!read_record64 (file, locator, *end, totals, error))
    return FALSE;
  *end -= RECORD64_BYTES;
  return TRUE;
}

gboolean
d2v_zip_read_end (D2vFile *file, D2vZipDirectory *directory, GError **error)
{
  Totals totals = { 0 };
  gsize end = 0;

  if (!check_start (file, error) || !read_totals (file, &totals, &end, error))
    return FALSE;
  if (totals.n_here != totals.n_total)
    return fail (file, "as many members here as in all", "Z1", error);
  if (totals.n_total < 1 || totals.n_total > MAX_MEMBERS)
    return fail (file, "1..65536 members", "Z3", error);
  if (totals.size > MAX_DIRECTORY)
    return fail (file, "a directory of at most 16 MiB", "Z3", error);
  if (totals.size > end || totals.begin != end - totals.size)
    return fail (file, "a directory that ends where the end records begin",
                 "Z3", error);
  directory->n_members = (guint) totals.n_total;
  directory->begin = (gsize) totals.begin;
  directory->size = (gsize) totals.size;
  return TRUE;
}
