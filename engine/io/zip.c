/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/zip_private.h"

#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"

#include <string.h>
#include <zip.h>

struct _D2vZip
{
  D2vFile *file;
  D2vZipDirectory directory;
  GHashTable *by_name; /* name to number + 1; borrows */

  zip_t *archive;
  zip_file_t *member; /* the one that is being read */
  gsize position;     /* of libzip in the file */
  zip_error_t source_error;
  GError *read_error; /* why the file itself could not be read */
};

/* ------------------------------------- our file as a source for libzip -- */

static zip_int64_t
source_read (D2vZip *zip, gpointer buffer, zip_uint64_t length)
{
  gsize left = d2v_file_size (zip->file) - zip->position;
  gsize n = d2v_min ((gsize) length, left);

  g_clear_error (&zip->read_error);
  if (!d2v_file_read (zip->file, zip->position, buffer, n, &zip->read_error))
    {
      zip_error_set (&zip->source_error, ZIP_ER_READ, 0);
      return -1;
    }
  zip->position += n;
  return (zip_int64_t) n;
}

static zip_int64_t
source_seek (D2vZip *zip, gpointer arguments, zip_uint64_t length)
{
  zip_int64_t to = zip_source_seek_compute_offset (
      zip->position, d2v_file_size (zip->file), arguments, length,
      &zip->source_error);

  if (to < 0)
    return -1;
  zip->position = (gsize) to;
  return 0;
}

static zip_int64_t
source_stat (D2vZip *zip, zip_stat_t *out)
{
  zip_stat_init (out);
  out->valid = ZIP_STAT_SIZE;
  out->size = d2v_file_size (zip->file);
  return sizeof *out;
}

static zip_int64_t
source_call (void *user_data, void *data, zip_uint64_t length,
             zip_source_cmd_t command)
{
  D2vZip *zip = user_data;

  switch (command)
    {
    case ZIP_SOURCE_OPEN:
      zip->position = 0;
      return 0;
    case ZIP_SOURCE_READ:
      return source_read (zip, data, length);
    case ZIP_SOURCE_SEEK:
      return source_seek (zip, data, length);
    case ZIP_SOURCE_TELL:
      return (zip_int64_t) zip->position;
    case ZIP_SOURCE_STAT:
      return source_stat (zip, data);
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data (&zip->source_error, data, length);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
      return 0;
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap (
          ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
          ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
          ZIP_SOURCE_SUPPORTS, -1);
    default:
      zip_error_set (&zip->source_error, ZIP_ER_OPNOTSUPP, 0);
      return -1;
    }
}

/* The file's own error says more than libzip's. */
static gboolean
fail_as_libzip (D2vZip *zip, zip_error_t *reason, GError **error)
{
  const gchar *where = d2v_file_path (zip->file);
  gint code = zip_error_code_zip (reason);

  if (zip->read_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&zip->read_error));
      return FALSE;
    }
  if (code == ZIP_ER_CRC)
    return d2v_fail (error, D2V_ERROR_ZIP_CRC, where,
                     "expected the checksum that was saved, found another: "
                     "the file is damaged (Z11)");
  if (code == ZIP_ER_MEMORY)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, where, "to read the zip");
  return d2v_fail (error, D2V_ERROR_ZIP, where,
                   "expected a consistent zip, found: %s (Z)",
                   zip_error_strerror (reason));
}

/* ------------------------------------------------------------ opening -- */

/* Without ZIP_CHECKCONS: what that looks at, the rules Z1 to Z9 looked at
 * before, and with it libzip 1.12 refuses members that have a data descriptor,
 * as all of PyTorch's do. */
static gboolean
open_archive (D2vZip *zip, GError **error)
{
  zip_error_t reason;
  gboolean fine = TRUE;

  zip_error_init (&reason);
  zip_source_t *source = zip_source_function_create (source_call, zip, &reason);
  if (source != NULL)
    zip->archive = zip_open_from_source (source, ZIP_RDONLY, &reason);
  if (zip->archive == NULL)
    {
      zip_source_free (source);
      fine = fail_as_libzip (zip, &reason, error);
    }
  zip_error_fini (&reason);
  return fine;
}

/* What two readers see differently is how payloads are hidden. */
static gboolean
check_agreement (D2vZip *zip, GError **error)
{
  const D2vZipDirectory *d = &zip->directory;
  const gchar *where = d2v_file_path (zip->file);

  if (zip_get_num_entries (zip->archive, 0) != (zip_int64_t) d->n_members)
    return d2v_fail (error, D2V_ERROR_ZIP, where,
                     "expected two readers to count the same members (Z3)");
  for (guint i = 0; i < d->n_members; i++)
    {
      const D2vZipMember *member = &d->members[i];
      zip_stat_t seen;
      const gchar *name = zip_get_name (zip->archive, i, ZIP_FL_ENC_RAW);
      if (name == NULL || strcmp (name, member->name) != 0
          || zip_stat_index (zip->archive, i, ZIP_FL_ENC_RAW, &seen) != 0
          || seen.size != member->size || seen.comp_size != member->size
          || seen.crc != member->crc || seen.comp_method != ZIP_CM_STORE
          || seen.encryption_method != ZIP_EM_NONE)
        return d2v_fail (error, D2V_ERROR_ZIP, where,
                         "expected two readers to see the same member %u "
                         "(Z6)",
                         i);
    }
  return TRUE;
}

static gboolean
index_names (D2vZip *zip, GError **error)
{
  const D2vZipDirectory *d = &zip->directory;

  zip->by_name = g_hash_table_new (d2v_str_hash, g_str_equal);
  for (guint i = 0; i < d->n_members; i++)
    if (!g_hash_table_insert (zip->by_name, d->members[i].name,
                              GUINT_TO_POINTER (i + 1)))
      {
        g_autofree gchar *name = d2v_escape_name (d->members[i].name, -1);
        return d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (zip->file),
                         "%s: expected each member once, found it again (Z8)",
                         name);
      }
  return TRUE;
}

D2vZip *
d2v_zip_open (D2vFile *file, GError **error)
{
  g_autoptr (D2vZip) zip = g_new0 (D2vZip, 1);

  zip->file = file;
  zip_error_init (&zip->source_error);
  if (!d2v_zip_read_end (file, &zip->directory, error)
      || !d2v_zip_read_directory (file, &zip->directory, error)
      || !d2v_zip_check_local (file, &zip->directory, error)
      || !index_names (zip, error) || !open_archive (zip, error)
      || !check_agreement (zip, error))
    return NULL;
  return g_steal_pointer (&zip);
}

void
d2v_zip_close (D2vZip *zip)
{
  if (zip == NULL)
    return;
  if (zip->member != NULL)
    zip_fclose (zip->member);
  if (zip->archive != NULL)
    zip_discard (zip->archive);
  zip_error_fini (&zip->source_error);
  g_clear_error (&zip->read_error);
  g_clear_pointer (&zip->by_name, g_hash_table_unref);
  d2v_zip_directory_clear (&zip->directory);
  g_free (zip);
}

guint
d2v_zip_n_members (const D2vZip *zip)
{
  return zip->directory.n_members;
}

const gchar *
d2v_zip_name (const D2vZip *zip, guint member)
{
  return zip->directory.members[member].name;
}

gsize
d2v_zip_size (const D2vZip *zip, guint member)
{
  return zip->directory.members[member].size;
}

gboolean
d2v_zip_find (const D2vZip *zip, const gchar *name, guint *member)
{
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (zip->by_name, name));

  *member = found - 1;
  return found != 0;
}

/* ------------------------------------------------------------ reading -- */

gboolean
d2v_zip_begin (D2vZip *zip, guint member, GError **error)
{
  if (zip->member != NULL)
    zip_fclose (zip->member);
  zip->member = zip_fopen_index (zip->archive, member, 0);
  return zip->member != NULL
         || fail_as_libzip (zip, zip_get_error (zip->archive), error);
}

gboolean
d2v_zip_read (D2vZip *zip, gpointer buffer, gsize n_bytes, GError **error)
{
  guint8 *out = buffer;

  while (n_bytes > 0)
    {
      zip_int64_t n = zip_fread (zip->member, out, n_bytes);
      if (n < 0)
        return fail_as_libzip (zip, zip_file_get_error (zip->member), error);
      if (n == 0)
        return d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (zip->file),
                         "expected %" G_GSIZE_FORMAT
                         " bytes more, found the member's end (Z)",
                         n_bytes);
      out += n;
      n_bytes -= (gsize) n;
    }
  return TRUE;
}

/* libzip compares the checksum when it meets the end. */
gboolean
d2v_zip_end (D2vZip *zip, GError **error)
{
  guint8 beyond;
  zip_int64_t n = zip_fread (zip->member, &beyond, 1);
  gboolean fine = n == 0;

  if (n < 0)
    fail_as_libzip (zip, zip_file_get_error (zip->member), error);
  else if (n > 0)
    d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (zip->file),
              "expected the member's end, found more (Z)");
  zip_fclose (g_steal_pointer (&zip->member));
  return fine;
}
