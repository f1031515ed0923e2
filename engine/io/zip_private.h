/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/io/zip.h"

typedef struct
{
  gchar *name; /* in D2vZipDirectory.names */
  gsize n_name;
  guint flags;
  guint32 crc;
  gsize size;
  gsize header; /* where its local header begins */
} D2vZipMember;

/* What the raw records say. */
typedef struct
{
  D2vZipMember *members;
  guint n_members;
  gchar *names;
  gsize begin, size; /* of the central directory */
} D2vZipDirectory;

/* zip_end.c: the records at the end of the file (rules Z1 to Z3). */
gboolean d2v_zip_read_end (D2vFile *file, D2vZipDirectory *directory,
                           GError **error);
/* zip_directory.c: the central directory (Z3 to Z5, Z9). */
gboolean d2v_zip_read_directory (D2vFile *file, D2vZipDirectory *directory,
                                 GError **error);
void d2v_zip_directory_clear (D2vZipDirectory *directory);
/* zip_local.c: each member's own header and what follows its data (Z6, Z7,
 * Z9). */
gboolean d2v_zip_check_local (D2vFile *file, const D2vZipDirectory *directory,
                              GError **error);

/* Of an extra field's records 0x0001 is the only one that is looked into. */
typedef struct
{
  const guint8 *zip64;
  guint n_zip64; /* bytes; 0 when there is none */
} D2vZipExtra;

/* FALSE for records other than 0x0001 and the padding 0x4246, for one given
 * twice, and for lengths that do not fill the field (Z9). */
gboolean d2v_zip_parse_extra (const guint8 *extra, gsize length,
                              D2vZipExtra *out);

static inline guint
d2v_le16 (const guint8 *p)
{
  return (guint) p[0] | (guint) p[1] << 8;
}

static inline guint32
d2v_le32 (const guint8 *p)
{
  return (guint32) d2v_le16 (p) | (guint32) d2v_le16 (p + 2) << 16;
}

static inline guint64
d2v_le64 (const guint8 *p)
{
  return (guint64) d2v_le32 (p) | (guint64) d2v_le32 (p + 4) << 32;
}

#define D2V_ZIP_ALL_ONES 0xffffffffu
/* Flags: a descriptor follows the data; names are UTF-8. */
#define D2V_ZIP_DESCRIPTOR 0x0008u
#define D2V_ZIP_UTF8 0x0800u
