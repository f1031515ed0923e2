/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* file.h: the only way in which files of a model directory are opened and
 * read (rules G1, G8, G10).
 *
 * A file is opened relative to its directory's descriptor, must be a regular
 * file, has the size that it had when it was opened, and is read by position
 * with bounds that are checked once, here. A file that is really a Git LFS
 * pointer or a web page is refused by name when it is opened. Objects belong
 * to one thread at a time. */
#pragma once

#include "engine/d2v.h"

typedef struct _D2vDir D2vDir;
typedef struct _D2vFile D2vFile;

/* Greatest total size of a model's files. */
#define D2V_MAX_MODEL_BYTES (G_GUINT64_CONSTANT (16) << 30)

/* Opens the directory once; files opened through it stay inside. */
D2vDir *d2v_dir_open (const gchar *path, GError **error);
void d2v_dir_close (D2vDir *dir);
const gchar *d2v_dir_path (const D2vDir *dir);
/* Whether something has this name, of whatever kind, dangling links too. */
gboolean d2v_dir_has (const D2vDir *dir, const gchar *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vDir, d2v_dir_close)

/* @name: one path component. A link is followed, for the hub's cache is made
 * of links. @dir may be closed before the file. NOT_FOUND, NOT_A_FILE, READ,
 * LFS_POINTER or HTML. */
D2vFile *d2v_file_open (const D2vDir *dir, const gchar *name, GError **error);
/* Any path; its directory is opened and closed again. */
D2vFile *d2v_file_open_path (const gchar *path, GError **error);
/* Bytes in memory as a file, for tests and fuzzing; @data is borrowed. */
D2vFile *d2v_file_from_memory (gconstpointer data, gsize n_bytes,
                               const gchar *name);
void d2v_file_close (D2vFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vFile, d2v_file_close)

/* For messages: directory and name. */
const gchar *d2v_file_path (const D2vFile *file);
/* As it was when the file was opened. */
gsize d2v_file_size (const D2vFile *file);
/* Checked before every few megabytes; borrowed, may be NULL. */
void d2v_file_set_cancellable (D2vFile *file, GCancellable *cancellable);

/* Reads exactly bytes offset..offset+n_bytes-1. Fails with READ when they are
 * not all inside the file, or when the system says so; FILE_CHANGED when the
 * file became shorter; CANCELLED. */
gboolean d2v_file_read (D2vFile *file, gsize offset, gpointer buffer,
                        gsize n_bytes, GError **error);
/* FILE_CHANGED unless size, time and identity are still those of opening, and
 * the name still leads to the same file. Call it after the last read. */
gboolean d2v_file_check_unchanged (D2vFile *file, GError **error);
/* The whole file, with a NUL after it that @n_bytes does not count. TOO_BIG
 * beyond @max_bytes. Checks that it did not change. Free with d2v_free(). */
gchar *d2v_file_read_all (D2vFile *file, gsize max_bytes, gsize *n_bytes,
                          GError **error);

/* What reads: pread() unless a test says otherwise. It may fail with errno,
 * be interrupted, or give fewer bytes. NULL puts pread() back. */
typedef gssize (*D2vPread) (int fd, gpointer buffer, gsize n_bytes,
                            goffset offset);
void d2v_file_set_pread (D2vPread pread_func);
