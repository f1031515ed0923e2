/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vlinefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* How soon a waiting writer notices that it was interrupted. */
#define POLL_MS 50

struct _GstD2vLineFile
{
  gint fd;
  gchar *name;
  gint interrupted; /* atomic */
};

static gboolean
fail (GError **error, const gchar *name, gint number)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "%s: %s",
               name, g_strerror (number));
  return FALSE;
}

/* Standard output by any of its names is this process's own descriptor: opened
 * again, it would have a position of its own and overwrite what others print.
 */
static gint
open_location (const gchar *location)
{
  struct stat info;

  if (g_str_equal (location, "-") || g_str_equal (location, "/dev/stdout")
      || g_str_equal (location, "/dev/fd/1"))
    return fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  /* Opened for both, a FIFO never waits for its reader. */
  if (stat (location, &info) == 0 && S_ISFIFO (info.st_mode))
    return open (location, O_RDWR | O_CLOEXEC);
  return open (location, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY,
               0666);
}

GstD2vLineFile *
gst_d2v_line_file_open (const gchar *location, GError **error)
{
  gint fd = open_location (location);
  GstD2vLineFile *file;

  if (fd < 0)
    {
      fail (error, location, errno);
      return NULL;
    }
  file = g_new0 (GstD2vLineFile, 1);
  file->fd = fd;
  file->name = g_strdup (location);
  return file;
}

void
gst_d2v_line_file_close (GstD2vLineFile *file)
{
  close (file->fd);
  g_free (file->name);
  g_free (file);
}

void
gst_d2v_line_file_interrupt (GstD2vLineFile *file, gboolean interrupt)
{
  g_atomic_int_set (&file->interrupted, interrupt);
}

/* The descriptor may be shared with the whole process, so it stays blocking;
 * a pipe that polls as writable takes PIPE_BUF bytes at once. */
static gboolean
wait_for_room (GstD2vLineFile *file)
{
  struct pollfd waiter = { .fd = file->fd, .events = POLLOUT };

  while (!g_atomic_int_get (&file->interrupted))
    if (poll (&waiter, 1, POLL_MS) > 0)
      return TRUE;
  return FALSE;
}

/* write() without the SIGPIPE, which belongs to the application: blocked for
 * this thread, and taken back if it was raised here. */
static gssize
write_quietly (gint fd, const gchar *bytes, gsize n_bytes)
{
  static const struct timespec now = { 0, 0 };
  sigset_t sigpipe, before, pending;
  gboolean was_pending;
  gssize n;
  gint number;

  sigemptyset (&sigpipe);
  sigaddset (&sigpipe, SIGPIPE);
  sigpending (&pending);
  was_pending = sigismember (&pending, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &sigpipe, &before);
  n = write (fd, bytes, n_bytes);
  number = errno;
  if (n < 0 && number == EPIPE && !was_pending)
    while (sigtimedwait (&sigpipe, NULL, &now) < 0 && errno == EINTR)
      ;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = number;
  return n;
}

gboolean
gst_d2v_line_file_write (GstD2vLineFile *file, const gchar *lines,
                         GError **error)
{
  gsize left = strlen (lines);

  while (left > 0)
    {
      gssize n;

      if (!wait_for_room (file))
        return fail (error, file->name, ECANCELED);
      n = write_quietly (file->fd, lines, MIN (left, PIPE_BUF));
      if (n < 0 && errno != EINTR && errno != EAGAIN)
        return fail (error, file->name, errno);
      if (n > 0)
        {
          lines += n;
          left -= n;
        }
    }
  return TRUE;
}
