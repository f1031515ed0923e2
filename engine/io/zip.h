/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip.h: zip archives of stored members, as pytorch_model.bin is (rules Z1 to
 * Z7, Z9, Z11).
 *
 * Two readers must agree: libzip, with its consistency checks and checksums,
 * and our own look at the raw records, which sees what libzip does not
 * report. */
#pragma once

#include "engine/io/file.h"

typedef struct _D2vZip D2vZip;

/* @file is borrowed and must outlive it. ZIP, or ZIP_COMPRESSED. */
D2vZip *d2v_zip_open (D2vFile *file, GError **error);
void d2v_zip_close (D2vZip *zip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vZip, d2v_zip_close)

/* Members in the order of the directory. Names are unique and without NUL,
 * but any bytes otherwise. */
guint d2v_zip_n_members (const D2vZip *zip);
const gchar *d2v_zip_name (const D2vZip *zip, guint member);
gsize d2v_zip_size (const D2vZip *zip, guint member);
/* FALSE when there is no such member. */
gboolean d2v_zip_find (const D2vZip *zip, const gchar *name, guint *member);

/* Reading one member from its beginning; one at a time. */
gboolean d2v_zip_begin (D2vZip *zip, guint member, GError **error);
/* Exactly the next @n_bytes. */
gboolean d2v_zip_read (D2vZip *zip, gpointer buffer, gsize n_bytes,
                       GError **error);
/* After the last byte: ZIP_CRC unless they were the ones that were saved. */
gboolean d2v_zip_end (D2vZip *zip, GError **error);
