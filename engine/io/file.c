/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/file.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"
#include "engine/base/ref.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One read() at most: between two of them a cancellation is noticed. */
#define CHUNK (4 << 20)
/* Enough of a file's head to know a pointer or a page. */
#define HEAD 256

struct _D2vDir
{
  int fd;
  gchar *path;
  D2vRefCount ref_count; /* its files keep it for the last check */
};

struct _D2vFile
{
  D2vDir *dir; /* NULL for bytes in memory */
  int fd;
  const guint8 *memory;
  gchar *name;
  gchar *path;
  struct stat opened;
  gsize size;
  GCancellable *cancellable;
};

static gssize
system_pread (int fd, gpointer buffer, gsize n_bytes, goffset offset)
{
  return pread (fd, buffer, n_bytes, offset);
}

static _Atomic D2vPread read_at = system_pread;

void
d2v_file_set_pread (D2vPread pread_func)
{
  atomic_store (&read_at, pread_func != NULL ? pread_func : system_pread);
}

/* -------------------------------------------------------- directories -- */

D2vDir *
d2v_dir_open (const gchar *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    {
      gboolean missing = errno == ENOENT || errno == ENOTDIR;
      d2v_fail (error, missing ? D2V_ERROR_NOT_FOUND : D2V_ERROR_READ, path,
                "expected a directory: %s", g_strerror (errno));
      return NULL;
    }
  D2vDir *dir = g_new (D2vDir, 1);
  dir->fd = fd;
  dir->path = g_strdup (path);
  d2v_ref_init (&dir->ref_count);
  return dir;
}

static D2vDir *
dir_ref (const D2vDir *dir)
{
  D2vDir *shared = (D2vDir *) dir;

  d2v_ref_inc (&shared->ref_count);
  return shared;
}

void
d2v_dir_close (D2vDir *dir)
{
  if (dir == NULL || !d2v_ref_dec (&dir->ref_count))
    return;
  close (dir->fd);
  g_free (dir->path);
  g_free (dir);
}

const gchar *
d2v_dir_path (const D2vDir *dir)
{
  return dir->path;
}

gboolean
d2v_dir_has (const D2vDir *dir, const gchar *name)
{
  struct stat found;

  return fstatat (dir->fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ------------------------------------------------------------ opening -- */

static D2vErrorCode
code_of_open (int reason)
{
  switch (reason)
    {
    case ENOENT:
    case ENOTDIR:
      return D2V_ERROR_NOT_FOUND;
    case ENXIO: /* a socket, or a device with nothing behind it */
    case EISDIR:
      return D2V_ERROR_NOT_A_FILE;
    default:
      return D2V_ERROR_READ;
    }
}

static gboolean
is_component (const gchar *name)
{
  return *name != '\0' && strchr (name, '/') == NULL && strcmp (name, ".") != 0
         && strcmp (name, "..") != 0;
}

/* O_NONBLOCK so that a FIFO without a writer cannot hold us; taken off again
 * once fstat has said that this is a regular file. */
static gboolean
open_regular (D2vFile *file, GError **error)
{
  if (!is_component (file->name))
    return d2v_fail (error, D2V_ERROR_NOT_FOUND, file->path,
                     "expected the name of a file in the directory");

  file->fd = openat (file->dir->fd, file->name,
                     O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file->fd < 0 || fstat (file->fd, &file->opened) != 0)
    return d2v_fail (error, code_of_open (errno), file->path, "cannot open: %s",
                     g_strerror (errno));
  if (!S_ISREG (file->opened.st_mode))
    return d2v_fail (error, D2V_ERROR_NOT_A_FILE, file->path,
                     "expected a regular file (G8)");
  if (fcntl (file->fd, F_SETFL, O_RDONLY) != 0)
    return d2v_fail (error, D2V_ERROR_READ, file->path, "cannot open: %s",
                     g_strerror (errno));
  file->size = (gsize) file->opened.st_size;
  return TRUE;
}

static gboolean
begins_like_markup (const gchar *text)
{
  static const gchar *const starts[]
      = { "<!doctype", "<html", "<head", "<body", "<?xml" };

  if (g_str_has_prefix (text, "\xef\xbb\xbf"))
    text += 3;
  while (g_ascii_isspace (*text))
    text++;
  for (guint i = 0; i < G_N_ELEMENTS (starts); i++)
    if (g_ascii_strncasecmp (text, starts[i], strlen (starts[i])) == 0)
      return TRUE;
  return FALSE;
}

/* What people really have on disk when a download went wrong; every reader
 * would refuse it too, but with words that lead nowhere. */
static gboolean
refuse_known_impostors (D2vFile *file, GError **error)
{
  gchar head[HEAD + 1] = { 0 };

  if (!d2v_file_read (file, 0, head, d2v_min (file->size, HEAD), error))
    return FALSE;
  if (g_str_has_prefix (head, "version https://git-lfs.github.com/spec/"))
    return d2v_fail (error, D2V_ERROR_LFS_POINTER, file->path,
                     "expected the file itself, found a Git LFS pointer to "
                     "it: fetch it with `git lfs pull`");
  if (begins_like_markup (head))
    return d2v_fail (error, D2V_ERROR_HTML, file->path,
                     "expected a model file, found a web page: the download "
                     "went wrong");
  return TRUE;
}

D2vFile *
d2v_file_open (const D2vDir *dir, const gchar *name, GError **error)
{
  g_autoptr (D2vFile) file = g_new0 (D2vFile, 1);

  file->fd = -1;
  file->dir = dir_ref (dir);
  file->name = g_strdup (name);
  file->path = g_build_filename (dir->path, name, NULL);
  if (!open_regular (file, error) || !refuse_known_impostors (file, error))
    return NULL;
  return g_steal_pointer (&file);
}

D2vFile *
d2v_file_open_path (const gchar *path, GError **error)
{
  g_autofree gchar *parent = g_path_get_dirname (path);
  g_autofree gchar *name = g_path_get_basename (path);
  g_autoptr (D2vDir) dir = d2v_dir_open (parent, error);

  return dir != NULL ? d2v_file_open (dir, name, error) : NULL;
}

D2vFile *
d2v_file_from_memory (gconstpointer data, gsize n_bytes, const gchar *name)
{
  D2vFile *file = g_new0 (D2vFile, 1);

  file->fd = -1;
  file->memory = data;
  file->size = n_bytes;
  file->path = g_strdup (name);
  return file;
}

void
d2v_file_close (D2vFile *file)
{
  if (file == NULL)
    return;
  if (file->fd >= 0)
    close (file->fd);
  d2v_dir_close (file->dir);
  g_free (file->name);
  g_free (file->path);
  g_free (file);
}

const gchar *
d2v_file_path (const D2vFile *file)
{
  return file->path;
}

gsize
d2v_file_size (const D2vFile *file)
{
  return file->size;
}

void
d2v_file_set_cancellable (D2vFile *file, GCancellable *cancellable)
{
  file->cancellable = cancellable;
}

/* ------------------------------------------------------------ reading -- */

static gboolean
read_from_disk (D2vFile *file, gsize offset, guint8 *out, gsize left,
                GError **error)
{
  while (left > 0)
    {
      if (g_cancellable_is_cancelled (file->cancellable))
        return d2v_fail (error, D2V_ERROR_CANCELLED, file->path,
                         "loading was cancelled");

      gssize n = atomic_load (&read_at) (file->fd, out, d2v_min (left, CHUNK),
                                         (goffset) offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return d2v_fail (error, D2V_ERROR_READ, file->path,
                         "cannot read at byte %" G_GSIZE_FORMAT ": %s (G10)",
                         offset, g_strerror (errno));
      if (n == 0)
        return d2v_fail (error, D2V_ERROR_FILE_CHANGED, file->path,
                         "expected %" G_GSIZE_FORMAT " bytes, found the end "
                         "at byte %" G_GSIZE_FORMAT " (G8)",
                         file->size, offset);
      out += n;
      offset += (gsize) n;
      left -= (gsize) n;
    }
  return TRUE;
}

gboolean
d2v_file_read (D2vFile *file, gsize offset, gpointer buffer, gsize n_bytes,
               GError **error)
{
  if (offset > file->size || n_bytes > file->size - offset)
    return d2v_fail (error, D2V_ERROR_READ, file->path,
                     "expected %" G_GSIZE_FORMAT " bytes at byte "
                     "%" G_GSIZE_FORMAT ", found a file of %" G_GSIZE_FORMAT
                     " (G1)",
                     n_bytes, offset, file->size);
  if (file->memory == NULL)
    return read_from_disk (file, offset, buffer, n_bytes, error);
  if (n_bytes > 0)
    memcpy (buffer, file->memory + offset, n_bytes);
  return TRUE;
}

static gboolean
same_state (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino
         && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec
         && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* By descriptor for a file that was written to, by name for one that was
 * replaced: its siblings, read later, would belong to the new set. */
gboolean
d2v_file_check_unchanged (D2vFile *file, GError **error)
{
  struct stat now, named;

  if (file->memory != NULL)
    return TRUE;
  if (fstat (file->fd, &now) == 0 && same_state (&file->opened, &now)
      && fstatat (file->dir->fd, file->name, &named, 0) == 0
      && same_state (&file->opened, &named))
    return TRUE;
  return d2v_fail (error, D2V_ERROR_FILE_CHANGED, file->path,
                   "changed while it was read: try again (G8)");
}

gchar *
d2v_file_read_all (D2vFile *file, gsize max_bytes, gsize *n_bytes,
                   GError **error)
{
  if (file->size > max_bytes)
    {
      d2v_fail (error, D2V_ERROR_TOO_BIG, file->path,
                "expected at most %" G_GSIZE_FORMAT " bytes, found "
                "%" G_GSIZE_FORMAT,
                max_bytes, file->size);
      return NULL;
    }
  gchar *text = d2v_malloc (file->size + 1);
  if (text == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, file->path,
                "%" G_GSIZE_FORMAT " bytes", file->size);
      return NULL;
    }
  if (!d2v_file_read (file, 0, text, file->size, error)
      || !d2v_file_check_unchanged (file, error))
    {
      d2v_free (text);
      return NULL;
    }
  text[file->size] = '\0';
  *n_bytes = file->size;
  return text;
}
