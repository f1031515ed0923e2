/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/io/file.h"
#include "tests/engine/io/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static D2vFile *
open_in (const Folder *folder, const gchar *name, GError **error)
{
  g_autoptr (D2vDir) dir = d2v_dir_open (folder->path, error);

  return dir != NULL ? d2v_file_open (dir, name, error) : NULL;
}

static void
assert_refused (const Folder *folder, const gchar *name, gint code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vFile) file = open_in (folder, name, &error);

  g_assert_null (file);
  g_assert_error (error, D2V_ERROR, code);
}

static void
test_reads (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;
  gchar bytes[5] = { 0 };

  folder_write (&folder, "f", "hello", 5);
  g_autoptr (D2vFile) file = open_in (&folder, "f", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (d2v_file_size (file), ==, 5);
  g_assert_true (d2v_file_read (file, 1, bytes, 4, &error));
  g_assert_cmpmem (bytes, 4, "ello", 4);
  g_assert_true (d2v_file_read (file, 5, bytes, 0, &error));
  g_assert_true (d2v_file_check_unchanged (file, &error));
  g_assert_no_error (error);
}

static void
assert_out_of_bounds (D2vFile *file, gsize offset, gsize n)
{
  g_autoptr (GError) error = NULL;
  gchar bytes[16];

  g_assert_false (d2v_file_read (file, offset, bytes, n, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_READ);
}

static void
test_bounds (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;

  folder_write (&folder, "f", "hello", 5);
  g_autoptr (D2vFile) disk = open_in (&folder, "f", &error);
  g_autoptr (D2vFile) memory = d2v_file_from_memory ("hello", 5, "memory");
  D2vFile *files[] = { disk, memory };
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      assert_out_of_bounds (files[i], 0, 6);
      assert_out_of_bounds (files[i], 5, 1);
      assert_out_of_bounds (files[i], 6, 0);
      assert_out_of_bounds (files[i], 1, G_MAXSIZE);
      assert_out_of_bounds (files[i], G_MAXSIZE, 2);
    }
}

static void
test_refuses_what_is_no_file (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *fifo = g_build_filename (folder.path, "fifo", NULL);
  g_autofree gchar *inner = g_build_filename (folder.path, "inner", NULL);
  g_autofree gchar *path = g_build_filename (folder.path, "socket", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (mkdir (inner, 0700), ==, 0);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==,
                   0);

  gint64 begin = g_get_monotonic_time ();
  assert_refused (&folder, "fifo", D2V_ERROR_NOT_A_FILE);
  assert_refused (&folder, "inner", D2V_ERROR_NOT_A_FILE);
  assert_refused (&folder, "socket", D2V_ERROR_NOT_A_FILE);
  assert_refused (&folder, "missing", D2V_ERROR_NOT_FOUND);
  assert_refused (&folder, "../etc", D2V_ERROR_NOT_FOUND);
  assert_refused (&folder, "..", D2V_ERROR_NOT_FOUND);
  assert_refused (&folder, ".", D2V_ERROR_NOT_FOUND);
  assert_refused (&folder, "", D2V_ERROR_NOT_FOUND);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, G_USEC_PER_SEC);
  close (fd);
}

static void
test_unreadable (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder.path, "f", NULL);

  if (geteuid () == 0)
    {
      g_test_skip ("root reads everything");
      return;
    }
  folder_write (&folder, "f", "hello", 5);
  g_assert_cmpint (chmod (path, 0), ==, 0);
  assert_refused (&folder, "f", D2V_ERROR_READ);
}

static void
test_directory (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder.path, "f", NULL);
  g_autofree gchar *missing = g_build_filename (folder.path, "no", NULL);
  g_autoptr (GError) error = NULL;

  folder_write (&folder, "f", "hello", 5);
  g_assert_null (d2v_dir_open (missing, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (d2v_dir_open (path, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
  g_clear_error (&error);

  g_autoptr (D2vFile) file = d2v_file_open_path (path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (d2v_file_path (file), ==, path);
}

static void
test_impostors (void)
{
  static const gchar pointer[]
      = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
  static const gchar *const pages[]
      = { "<!DOCTYPE html>x", "\n <HTML>", "<?xml version='1.0'?>",
          "\xef\xbb\xbf<html>" };
  g_auto (Folder) folder = folder_new ();

  folder_write (&folder, "f", pointer, strlen (pointer));
  assert_refused (&folder, "f", D2V_ERROR_LFS_POINTER);
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      folder_write (&folder, "f", pages[i], strlen (pages[i]));
      assert_refused (&folder, "f", D2V_ERROR_HTML);
    }
}

/* ------------------------------------------------- a system that fails -- */

static guint calls, fails_at;
static gint fails_with;

static gssize
failing_pread (int fd, gpointer buffer, gsize n_bytes, goffset offset)
{
  if (++calls == fails_at)
    {
      errno = fails_with;
      return -1;
    }
  return pread (fd, buffer, n_bytes, offset);
}

static gssize
one_byte_pread (int fd, gpointer buffer, gsize n_bytes, goffset offset)
{
  return pread (fd, buffer, MIN (n_bytes, 1), offset);
}

static void
test_system_errors (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;
  gchar bytes[5];

  folder_write (&folder, "f", "hello", 5);
  g_autoptr (D2vFile) file = open_in (&folder, "f", &error);
  d2v_file_set_pread (failing_pread);
  calls = 0;
  fails_at = 1;
  fails_with = EINTR;
  g_assert_true (d2v_file_read (file, 0, bytes, 5, &error));
  g_assert_cmpmem (bytes, 5, "hello", 5);
  calls = 0;
  fails_with = EIO;
  g_assert_false (d2v_file_read (file, 2, bytes, 3, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_READ);
  g_assert_nonnull (strstr (error->message, "byte 2"));
  g_clear_error (&error);
  d2v_file_set_pread (one_byte_pread);
  memset (bytes, 0, 5);
  g_assert_true (d2v_file_read (file, 0, bytes, 5, &error));
  g_assert_cmpmem (bytes, 5, "hello", 5);
  d2v_file_set_pread (NULL);
}

/* ------------------------------------------------- a file that changes -- */

static void
assert_changed (D2vFile *file)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (d2v_file_check_unchanged (file, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_FILE_CHANGED);
}

static void
test_changes (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder.path, "f", NULL);
  g_autofree gchar *other = g_build_filename (folder.path, "g", NULL);
  g_autoptr (GError) error = NULL;
  const struct timespec later[] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
  gchar bytes[5];

  folder_write (&folder, "f", "hello", 5);
  g_autoptr (D2vFile) touched = open_in (&folder, "f", &error);
  g_assert_cmpint (utimensat (AT_FDCWD, path, later, 0), ==, 0);
  assert_changed (touched);

  g_autoptr (D2vFile) shortened = open_in (&folder, "f", &error);
  g_assert_cmpint (truncate (path, 3), ==, 0);
  assert_changed (shortened);
  g_assert_false (d2v_file_read (shortened, 0, bytes, 5, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_FILE_CHANGED);
  g_clear_error (&error);

  g_autoptr (D2vFile) replaced = open_in (&folder, "f", &error);
  folder_write (&folder, "g", "hel", 3);
  g_assert_cmpint (rename (other, path), ==, 0);
  assert_changed (replaced);

  g_autoptr (D2vFile) removed = open_in (&folder, "f", &error);
  g_assert_cmpint (unlink (path), ==, 0);
  assert_changed (removed);
  g_assert_no_error (error);
}

static void
test_whole (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;
  gsize n;

  folder_write (&folder, "f", "hello", 5);
  g_autoptr (D2vFile) file = open_in (&folder, "f", &error);
  gchar *text = d2v_file_read_all (file, 5, &n, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 5);
  g_assert_cmpstr (text, ==, "hello");
  d2v_free (text);
  g_assert_null (d2v_file_read_all (file, 4, &n, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_TOO_BIG);
}

static void
test_cancel (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gchar byte;

  folder_write (&folder, "f", "hello", 5);
  g_autoptr (D2vFile) file = open_in (&folder, "f", &error);
  d2v_file_set_cancellable (file, cancellable);
  g_assert_true (d2v_file_read (file, 0, &byte, 1, &error));
  g_cancellable_cancel (cancellable);
  g_assert_false (d2v_file_read (file, 0, &byte, 1, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/file/reads", test_reads);
  g_test_add_func ("/io/file/G1-bounds", test_bounds);
  g_test_add_func ("/io/file/G8-refuses-what-is-no-file",
                   test_refuses_what_is_no_file);
  g_test_add_func ("/io/file/E1-unreadable", test_unreadable);
  g_test_add_func ("/io/file/I3-directory", test_directory);
  g_test_add_func ("/io/file/E5-impostors", test_impostors);
  g_test_add_func ("/io/file/G10-system-errors", test_system_errors);
  g_test_add_func ("/io/file/G8-changes", test_changes);
  g_test_add_func ("/io/file/whole", test_whole);
  g_test_add_func ("/io/file/E9-cancel", test_cancel);
  return g_test_run ();
}
