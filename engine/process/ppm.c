/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/ppm.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The header with its comments. */
#define MAX_HEADER 65536
#define MAX_VALUE 65535

gboolean
d2v_ppm_is (const guint8 *head)
{
  return head[0] == 'P' && (head[1] == '5' || head[1] == '6');
}

/* ---- header ---- */

typedef struct
{
  guint n_channels; /* 1 or 3 */
  gsize width;
  gsize height;
  guint max_value;
  gsize data; /* offset of the first pixel */
} Header;

typedef struct
{
  const gchar *text;
  gsize length;
  gsize at;
} Cursor;

/* The next character, a comment read as the line end that closes it; -1 at
 * the end. */
static gint
next_char (Cursor *c)
{
  gboolean comment = FALSE;

  while (c->at < c->length)
    {
      gchar ch = c->text[c->at++];

      if (ch == '#')
        comment = TRUE;
      if (!comment || ch == '\n' || ch == '\r')
        return (guchar) ch;
    }
  return -1;
}

static gboolean
is_space (gint ch)
{
  return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

/* A decimal number up to @max, white space before it skipped and the one
 * character after it, which must be white space, taken. */
static gboolean
read_number (Cursor *c, gsize max, gsize *out)
{
  gint ch = next_char (c);

  while (ch >= 0 && is_space (ch))
    ch = next_char (c);
  if (ch < 0 || !g_ascii_isdigit (ch))
    return FALSE;
  *out = 0;
  for (; ch >= 0 && g_ascii_isdigit (ch); ch = next_char (c))
    {
      *out = *out * 10 + (gsize) (ch - '0');
      if (*out > max)
        return FALSE;
    }
  return ch >= 0 && is_space (ch);
}

static gboolean
parse_header (const gchar *text, gsize length, Header *out)
{
  Cursor c = { text, length, 2 };
  gsize max_value;

  out->n_channels = text[1] == '6' ? 3 : 1;
  if (!read_number (&c, G_MAXINT32, &out->width)
      || !read_number (&c, G_MAXINT32, &out->height)
      || !read_number (&c, MAX_VALUE, &max_value) || out->width == 0
      || out->height == 0 || max_value == 0)
    return FALSE;
  out->max_value = (guint) max_value;
  out->data = c.at;
  return TRUE;
}

static gboolean
read_header (D2vFile *file, Header *out, GError **error)
{
  gsize n = d2v_min (d2v_file_size (file), MAX_HEADER);
  gchar *text = d2v_malloc (d2v_max (n, 1));
  gboolean ok = FALSE;

  if (text == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, d2v_file_path (file),
                     "expected memory to read with, found none");
  if (d2v_file_read (file, 0, text, n, error))
    {
      ok = n >= 2 && d2v_ppm_is ((const guint8 *) text)
           && parse_header (text, n, out);
      if (!ok)
        d2v_fail (error, D2V_ERROR_PPM, d2v_file_path (file),
                  "expected P5 or P6, width, height and a greatest value of "
                  "1..%d, found something else",
                  MAX_VALUE);
    }
  d2v_free (text);
  return ok;
}

/* ---- pixels ---- */

static guint
bytes_per_value (const Header *header)
{
  return header->max_value > 255 ? 2 : 1;
}

/* What each value becomes; (max_value + 1). Values beyond become 255. Pillow
 * reads 16-bit grey as integers up to 65535 and cuts them off. */
static guint8 *
make_levels (const Header *header)
{
  gboolean wide_grey = header->n_channels == 1 && header->max_value > 255;
  gdouble most = wide_grey ? 65535 : 255;
  guint8 *levels = d2v_malloc ((gsize) header->max_value + 1);

  if (levels == NULL)
    return NULL;
  for (guint i = 0; i <= header->max_value; i++)
    /* Halves to even, as there. */
    levels[i] = (guint8) MIN (
        nearbyint ((gdouble) i / header->max_value * most), 255.0);
  return levels;
}

/* @in: one row of the file. @out: (width, 3). */
static void
convert_row (const Header *header, const guint8 *levels, const guint8 *in,
             guint8 *out)
{
  guint n_bytes = bytes_per_value (header);
  gsize n = header->width * header->n_channels;
  guint n_copies = header->n_channels == 1 ? 3 : 1;

  for (gsize i = 0; i < n; i++, in += n_bytes)
    {
      guint value = n_bytes == 2 ? (guint) in[0] << 8 | in[1] : in[0];
      guint8 level = value <= header->max_value ? levels[value] : 255;

      for (guint k = 0; k < n_copies; k++)
        *out++ = level;
    }
}

static gboolean
read_rows (D2vFile *file, const Header *header, const guint8 *levels,
           guint8 *row, gsize n_row_bytes, D2vImage *image, GError **error)
{
  for (gsize y = 0; y < header->height; y++)
    {
      if (!d2v_file_read (file, header->data + y * n_row_bytes, row,
                          n_row_bytes, error))
        return FALSE;
      convert_row (header, levels, row, image->pixels + y * image->width * 3);
    }
  return TRUE;
}

static gboolean
check_length (D2vFile *file, const Header *header, gsize n_row_bytes,
              GError **error)
{
  gsize found = d2v_file_size (file) - header->data;
  gsize expected;

  if (d2v_mul (n_row_bytes, header->height, &expected) && expected <= found)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_PPM, d2v_file_path (file),
                   "expected %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
                   " pixels, found %" G_GSIZE_FORMAT " bytes",
                   header->width, header->height, found);
}

D2vImage *
d2v_ppm_read_file (D2vFile *file, GError **error)
{
  g_autoptr (D2vImage) image = NULL;
  Header header = { 0 };

  if (!read_header (file, &header, error))
    return NULL;
  gsize n_row_bytes
      = header.width * header.n_channels * bytes_per_value (&header);
  if (!check_length (file, &header, n_row_bytes, error))
    return NULL;
  image = d2v_image_new (header.width, header.height, d2v_file_path (file),
                         error);
  if (image == NULL)
    return NULL;

  guint8 *row = d2v_malloc (n_row_bytes);
  guint8 *levels = make_levels (&header);
  gboolean ok = row != NULL && levels != NULL;
  if (!ok)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, d2v_file_path (file),
              "expected memory for a row, found none");
  ok = ok && read_rows (file, &header, levels, row, n_row_bytes, image, error);
  d2v_free (row);
  d2v_free (levels);
  return ok ? g_steal_pointer (&image) : NULL;
}

/* ---- writing ---- */

static gboolean
write_rows (FILE *out, const guint16 *values, gsize width, gsize height,
            guint n_bytes, guint8 *row)
{
  for (gsize y = 0; y < height; y++, values += width)
    {
      for (gsize x = 0; x < width; x++)
        {
          row[x * n_bytes] = (guint8) (values[x] >> (8 * (n_bytes - 1)));
          row[x * n_bytes + n_bytes - 1] = (guint8) values[x];
        }
      if (fwrite (row, n_bytes, width, out) != width)
        return FALSE;
    }
  return TRUE;
}

gboolean
d2v_pgm_write (const gchar *path, const guint16 *values, gsize width,
               gsize height, guint max_value, GError **error)
{
  guint n_bytes = max_value > 255 ? 2 : 1;
  guint8 *row = d2v_malloc_n (width, n_bytes);
  FILE *out = row != NULL ? fopen (path, "wbe") : NULL;
  gboolean ok = FALSE;

  errno = row != NULL ? errno : ENOMEM;
  if (out != NULL)
    {
      ok = fprintf (out, "P5\n%" G_GSIZE_FORMAT " %" G_GSIZE_FORMAT "\n%u\n",
                    width, height, max_value > 255 ? MAX_VALUE : 255)
               > 0
           && write_rows (out, values, width, height, n_bytes, row);
      /* What was buffered may fail only now. */
      ok = fclose (out) == 0 && ok;
    }
  if (!ok)
    d2v_fail (error, D2V_ERROR_WRITE, path, "cannot write: %s",
              g_strerror (errno));
  d2v_free (row);
  return ok;
}
