/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* folder.h: a folder of one test's own, removed after it. */
#pragma once

#include "engine/base/alloc.h"

#include <fcntl.h>
#include <ftw.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

typedef struct
{
  gchar *path;
} Folder;

static inline Folder
folder_new (void)
{
  g_autoptr (GError) error = NULL;
  Folder folder = { .path = g_dir_make_tmp ("d2v-test-XXXXXX", &error) };

  g_assert_no_error (error);
  return folder;
}

static inline int
folder_remove_one (const char *path, const struct stat *s, int kind,
                   struct FTW *walk)
{
  return g_remove (path);
}

static inline void
folder_clear (Folder *folder)
{
  nftw (folder->path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
  g_free (folder->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Folder, folder_clear)

/* In place, as an editor or a download would. */
static inline void
folder_write (const Folder *folder, const gchar *name, gconstpointer bytes,
              gsize n_bytes)
{
  g_autofree gchar *path = g_build_filename (folder->path, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, bytes, (gssize) n_bytes, &error);
  g_assert_no_error (error);
}
