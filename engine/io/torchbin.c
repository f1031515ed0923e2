/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/torchbin_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

#define MAX_ROOT 255
#define MAX_PICKLE ((gsize) 64 << 20)
#define MAX_NOTE 63

/* ----------------------------------------------------------- old files -- */

#define TAR_MAGIC_AT 257

/* Before zip files, torch.save() wrote a bare pickle or a tar. Those took a
 * second way through PyTorch's loader, and it was the unsafe one. */
static gboolean
refuse_legacy (D2vFile *file, GError **error)
{
  static const guint8 magic[] = { 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                  0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
  guint8 head[TAR_MAGIC_AT + 5] = { 0 };

  if (!d2v_file_read (file, 0, head,
                      d2v_min (d2v_file_size (file), sizeof head), error))
    return FALSE;
  gboolean pickle
      = head[0] == 0x80 && memcmp (head + 2, magic, sizeof magic) == 0;
  gboolean tar = memcmp (head + TAR_MAGIC_AT, "ustar", 5) == 0;
  if (!pickle && !tar)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_BIN_LEGACY, d2v_file_path (file),
                   "expected the zip form of torch.save(), found the legacy "
                   "%s form: load it with PyTorch and save it again",
                   pickle ? "pickle" : "tar");
}

/* -------------------------------------------------------------- names -- */

/* One component, which is the stem of the name of the first saving. */
static gboolean
is_root (const gchar *root, gsize length)
{
  if (length < 1 || length > MAX_ROOT
      || !g_utf8_validate (root, (gssize) length, NULL)
      || strncmp (root, ".", length) == 0 || strncmp (root, "..", length) == 0)
    return FALSE;
  for (const gchar *p = root; p < root + length; p = g_utf8_next_char (p))
    if (*p == '\\' || g_unichar_iscntrl (g_utf8_get_char (p)))
      return FALSE;
  return TRUE;
}

static gboolean
find_root (D2vTorchBin *bin, GError **error)
{
  const gchar *first = d2v_zip_name (bin->zip, 0);
  const gchar *slash = strchr (first, '/');

  if (slash == NULL || !is_root (first, (gsize) (slash - first)))
    return d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (bin->file),
                     "expected members under one root of 1..255 bytes (Z8)");
  bin->root = g_strndup (first, (gsize) (slash - first) + 1);
  return TRUE;
}

static gboolean
is_storage_name (const gchar *name)
{
  if (!g_str_has_prefix (name, "data/"))
    return FALSE;
  const gchar *digits = name + strlen ("data/");
  gsize n = strspn (digits, "0123456789");
  return n >= 1 && n <= 9 && digits[n] == '\0';
}

static gboolean
is_known_name (const gchar *name)
{
  static const gchar *const known[]
      = { "data.pkl",           "version",
          "byteorder",          ".format_version",
          ".storage_alignment", ".data/serialization_id" };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (name, known[i]) == 0)
      return TRUE;
  return is_storage_name (name);
}

static gboolean
check_names (D2vTorchBin *bin, GError **error)
{
  gsize n_root = strlen (bin->root);

  for (guint i = 0; i < d2v_zip_n_members (bin->zip); i++)
    {
      const gchar *name = d2v_zip_name (bin->zip, i);
      g_autofree gchar *shown = d2v_escape_name (name, -1);
      if (!g_str_has_prefix (name, bin->root))
        return d2v_fail (error, D2V_ERROR_ZIP, d2v_file_path (bin->file),
                         "%s: expected one root for all members (Z8)", shown);
      if (!is_known_name (name + n_root))
        return d2v_fail (error, D2V_ERROR_BIN_NOT_A_STATE_DICT,
                         d2v_file_path (bin->file),
                         "%s: expected only data.pkl, storages and what "
                         "torch.save() adds (Z8)",
                         shown);
    }
  return TRUE;
}

/* -------------------------------------------------------------- notes -- */

static gboolean
is_version (const gchar *text)
{
  return g_ascii_string_to_unsigned (text, 10, 2, 10, NULL, NULL);
}

static gboolean
is_little (const gchar *text)
{
  return strcmp (text, "little") == 0;
}

static gboolean
is_one (const gchar *text)
{
  return strcmp (text, "1") == 0;
}

static gboolean
is_alignment (const gchar *text)
{
  guint64 n;

  return g_ascii_string_to_unsigned (text, 10, 1, 4096, &n, NULL)
         && (n & (n - 1)) == 0;
}

/* The small members that say how the rest was written (rule Z10). */
static const struct
{
  const gchar *name;
  gboolean required;
  gboolean (*holds) (const gchar *text);
  const gchar *expected;
} notes[] = {
  { "version", TRUE, is_version, "2..10" },
  { "byteorder", FALSE, is_little, "little" },
  { ".format_version", FALSE, is_one, "1" },
  { ".storage_alignment", FALSE, is_alignment, "a power of two up to 4096" },
};

static gboolean
read_note (D2vTorchBin *bin, guint member, gchar text[MAX_NOTE + 1],
           GError **error)
{
  gsize n = d2v_min (d2v_zip_size (bin->zip, member), MAX_NOTE);

  memset (text, 0, MAX_NOTE + 1);
  if (n < d2v_zip_size (bin->zip, member))
    return TRUE; /* nothing that would be accepted is that long */
  if (!d2v_zip_begin (bin->zip, member, error)
      || !d2v_zip_read (bin->zip, text, n, error)
      || !d2v_zip_end (bin->zip, error))
    return FALSE;
  g_strchomp (text);
  return TRUE;
}

static gboolean
check_notes (D2vTorchBin *bin, GError **error)
{
  gchar text[MAX_NOTE + 1];

  for (guint i = 0; i < G_N_ELEMENTS (notes); i++)
    {
      g_autofree gchar *name = g_strconcat (bin->root, notes[i].name, NULL);
      guint member = 0;
      gboolean found = d2v_zip_find (bin->zip, name, &member);
      if (found && !read_note (bin, member, text, error))
        return FALSE;
      if (found ? !notes[i].holds (text) : notes[i].required)
        return d2v_fail (error, D2V_ERROR_BIN_NOT_A_STATE_DICT,
                         d2v_file_path (bin->file), "%s: expected %s (Z10)",
                         notes[i].name, notes[i].expected);
    }
  return TRUE;
}

/* ------------------------------------------------------------- pickle -- */

static gboolean
parse_pickle (D2vTorchBin *bin, const guint8 *bytes, gsize n_bytes,
              GError **error)
{
  g_autofree gchar *digest
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes, n_bytes);
  g_autoptr (D2vPickle) pickle
      = d2v_pickle_parse (bytes, n_bytes, d2v_file_path (bin->file), error);

  g_strlcpy (bin->digest, digest, sizeof bin->digest);
  return pickle != NULL
         && d2v_torchbin_read_views (bin, d2v_pickle_root (pickle), error);
}

static gboolean
read_pickle (D2vTorchBin *bin, GError **error)
{
  const gchar *where = d2v_file_path (bin->file);
  g_autofree gchar *name = g_strconcat (bin->root, "data.pkl", NULL);
  guint member = 0;

  if (!d2v_zip_find (bin->zip, name, &member))
    return d2v_fail (error, D2V_ERROR_BIN_NOT_A_STATE_DICT, where,
                     "expected data.pkl (Z8)");
  gsize n_bytes = d2v_zip_size (bin->zip, member);
  if (n_bytes < 1 || n_bytes > MAX_PICKLE)
    return d2v_fail (error, D2V_ERROR_PKL_LIMIT, where,
                     "expected a pickle of 1..%" G_GSIZE_FORMAT
                     " bytes, found %" G_GSIZE_FORMAT " (P)",
                     MAX_PICKLE, n_bytes);
  guint8 *bytes = d2v_malloc (n_bytes);
  if (bytes == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, where,
                     "a pickle of %" G_GSIZE_FORMAT " bytes", n_bytes);
  gboolean fine = d2v_zip_begin (bin->zip, member, error)
                  && d2v_zip_read (bin->zip, bytes, n_bytes, error)
                  && d2v_zip_end (bin->zip, error)
                  && parse_pickle (bin, bytes, n_bytes, error);
  d2v_free (bytes);
  return fine;
}

/* ------------------------------------------------------------ opening -- */

static gboolean
make_storages (D2vTorchBin *bin, GError **error)
{
  guint n = d2v_zip_n_members (bin->zip);

  bin->storages = d2v_malloc0 (n * sizeof *bin->storages); /* n <= 65536 */
  return bin->storages != NULL
         || d2v_fail (error, D2V_ERROR_NO_MEMORY, d2v_file_path (bin->file),
                      "%u members", n);
}

D2vTorchBin *
d2v_torchbin_open (D2vFile *file, GError **error)
{
  g_autoptr (D2vTorchBin) bin = g_new0 (D2vTorchBin, 1);

  bin->file = file;
  if (!refuse_legacy (file, error)
      || (bin->zip = d2v_zip_open (file, error)) == NULL
      || !find_root (bin, error) || !check_names (bin, error)
      || !check_notes (bin, error) || !make_storages (bin, error)
      || !read_pickle (bin, error))
    return NULL;
  return g_steal_pointer (&bin);
}

void
d2v_torchbin_close (D2vTorchBin *bin)
{
  if (bin == NULL)
    return;
  d2v_zip_close (bin->zip);
  d2v_free (bin->storages);
  d2v_free (bin->views);
  d2v_free (bin->order);
  d2v_free (bin->names);
  g_free (bin->root);
  g_free (bin);
}

guint
d2v_torchbin_size (const D2vTorchBin *bin)
{
  return bin->n_views;
}

const D2vStored *
d2v_torchbin_get (const D2vTorchBin *bin, guint index)
{
  return &bin->views[index].stored;
}

const gchar *
d2v_torchbin_digest (const D2vTorchBin *bin)
{
  return bin->digest;
}
