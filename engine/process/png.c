/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/png.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

/* Deflate never does better than 1032 to 1: more pixels than that cannot be
 * in the file, whatever its header says. */
#define MAX_RATIO 1032
/* Of one allocation inside libpng. Its largest is a row of 128 KiB; but some
 * versions also take a chunk's length at its word before they read it. */
#define MAX_ALLOCATION (1 << 20)
#define MAX_CHUNKS 1000

#define N_CHANNELS 3
#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3

/* All that outlives a jump out of libpng. */
typedef struct
{
  D2vFile *file;
  gsize offset; /* what libpng reads next */
  GError **error;
  png_structp png;
  png_infop info;

  D2vImage *image;
  guint8 *row; /* one row of a pass as libpng gives it */
  png_colorp palette;
  gint n_colors;
  guint color_type;
  guint depth;
} Reader;

gboolean
d2v_png_is (const guint8 *head)
{
  return png_sig_cmp (head, 0, D2V_PNG_MAGIC_BYTES) == 0;
}

/* ---- what libpng calls ---- */

static void
on_error (png_structp png, png_const_charp message)
{
  Reader *reader = png_get_error_ptr (png);

  /* A read error has set the reason already. */
  if (reader->error != NULL && *reader->error == NULL)
    d2v_fail (reader->error, D2V_ERROR_PNG, d2v_file_path (reader->file),
              "expected a well-formed PNG, found: %s", message);
  png_longjmp (png, 1);
}

static png_voidp
on_malloc (png_structp png, png_alloc_size_t n_bytes)
{
  return n_bytes <= MAX_ALLOCATION ? g_try_malloc (n_bytes) : NULL;
}

static void
on_free (png_structp png, png_voidp memory)
{
  g_free (memory);
}

/* Warnings are about chunks that do not change the pixels. */
static void
on_warning (png_structp png, png_const_charp message)
{
}

static void
on_read (png_structp png, png_bytep out, size_t n_bytes)
{
  Reader *reader = png_get_io_ptr (png);

  if (d2v_file_size (reader->file) - reader->offset < n_bytes)
    png_error (png, "the file ends early");
  if (!d2v_file_read (reader->file, reader->offset, out, n_bytes,
                      reader->error))
    png_error (png, "cannot read");
  reader->offset += n_bytes;
}

/* ---- orientation ---- */

typedef struct
{
  const guint8 *data;
  gsize n_bytes;
  gboolean big; /* byte order */
} Exif;

/* @size bytes at @at; 0 beyond the end. */
static guint
exif_number (const Exif *exif, gsize at, guint size)
{
  guint value = 0;

  if (at > exif->n_bytes || exif->n_bytes - at < size)
    return 0;
  for (guint i = 0; i < size; i++)
    value = value << 8 | exif->data[at + (exif->big ? i : size - 1 - i)];
  return value;
}

/* The orientation in the first directory of @exif; 1 when it says nothing. */
static guint
exif_orientation (const guint8 *data, gsize n_bytes)
{
  Exif exif = { data, n_bytes, n_bytes > 0 && data[0] == 'M' };
  gsize at = exif_number (&exif, 4, 4);
  guint n_entries = exif_number (&exif, at, 2);

  if (exif_number (&exif, 2, 2) != 42)
    return 1;
  for (guint i = 0; i < n_entries; i++)
    {
      gsize entry = at + 2 + (gsize) i * 12;

      if (exif_number (&exif, entry, 2) == TAG_ORIENTATION
          && exif_number (&exif, entry + 2, 2) == TYPE_SHORT)
        return exif_number (&exif, entry + 8, 2);
    }
  return 1;
}

static guint
orientation (const Reader *reader)
{
  png_uint_32 n_bytes = 0;
  png_bytep data = NULL;

  if (png_get_eXIf_1 (reader->png, reader->info, &n_bytes, &data) == 0)
    return 1;
  return exif_orientation (data, n_bytes);
}

/* ---- pixels ---- */

static void
put_color (const Reader *reader, guint index, guint8 *out)
{
  if ((gint) index < reader->n_colors)
    memcpy (out, &reader->palette[index], N_CHANNELS);
  else
    memset (out, 0, N_CHANNELS);
}

static void
put_grey (const Reader *reader, const guint8 *in, guint8 *out)
{
  guint grey = in[0];

  if (reader->depth < 8)
    grey = grey * 255 / ((1u << reader->depth) - 1);
  else if (reader->color_type == PNG_COLOR_TYPE_GRAY && reader->depth == 16)
    /* Pillow takes such images for numbers and cuts them off. */
    grey = in[0] != 0 ? 255 : in[1];
  memset (out, (gint) grey, N_CHANNELS);
}

/* One pixel; of 16 bits the upper byte comes first. */
static void
put_pixel (const Reader *reader, const guint8 *in, guint8 *out)
{
  guint value_bytes = reader->depth == 16 ? 2 : 1;

  if (reader->color_type == PNG_COLOR_TYPE_PALETTE)
    put_color (reader, in[0], out);
  else if (reader->color_type & PNG_COLOR_MASK_COLOR)
    for (guint c = 0; c < N_CHANNELS; c++)
      out[c] = in[c * value_bytes];
  else
    put_grey (reader, in, out);
}

/* Pass @pass of an interlaced image, or all of another one (pass -1), row by
 * row: interlaced images need no second copy of themselves then. */
static void
read_pass (Reader *reader, gint pass)
{
  D2vImage *image = reader->image;
  gboolean whole = pass < 0;
  gsize n_rows = whole ? image->height
                       : PNG_PASS_ROWS ((png_uint_32) image->height, pass);
  gsize n_columns
      = whole ? image->width : PNG_PASS_COLS ((png_uint_32) image->width, pass);
  guint n_pixel_bytes = png_get_channels (reader->png, reader->info)
                        * (reader->depth == 16 ? 2 : 1);

  /* libpng skips an empty pass by itself, and gives no row of it. */
  if (n_columns == 0)
    return;
  for (gsize j = 0; j < n_rows; j++)
    {
      gsize y = whole ? j : PNG_ROW_FROM_PASS_ROW (j, pass);

      png_read_row (reader->png, reader->row, NULL);
      for (gsize i = 0; i < n_columns; i++)
        {
          gsize x = whole ? i : PNG_COL_FROM_PASS_COL (i, pass);

          put_pixel (reader, reader->row + i * n_pixel_bytes,
                     image->pixels + (y * image->width + x) * N_CHANNELS);
        }
    }
}

/* ---- the file; these may be left by a jump ---- */

static void
set_limits (Reader *reader)
{
  /* Nothing but transparency, palette and orientation is of use, and some of
   * the rest is compressed. */
  static const png_byte unused[]
      = "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0"
        "sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";

  png_set_user_limits (reader->png, D2V_MAX_IMAGE_SIDE, D2V_MAX_IMAGE_SIDE);
  png_set_chunk_malloc_max (reader->png, MAX_ALLOCATION);
  png_set_chunk_cache_max (reader->png, MAX_CHUNKS);
  png_set_keep_unknown_chunks (reader->png, PNG_HANDLE_CHUNK_NEVER, unused,
                               sizeof unused / 5);
}

/* Before anything is allocated for them: can the pixels be in the file? */
static gboolean
check_present (Reader *reader, gsize width, gsize height)
{
  gsize n_bits
      = width * png_get_channels (reader->png, reader->info) * reader->depth;
  gsize expected = height * d2v_ceil_div (n_bits, 8);
  gsize found = d2v_file_size (reader->file) - reader->offset;

  if (expected / MAX_RATIO <= found)
    return TRUE;
  return d2v_fail (reader->error, D2V_ERROR_PNG, d2v_file_path (reader->file),
                   "expected %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
                   " pixels, found %" G_GSIZE_FORMAT " bytes",
                   width, height, found);
}

static gboolean
read_header (Reader *reader)
{
  set_limits (reader);
  png_read_info (reader->png, reader->info);
  gsize width = png_get_image_width (reader->png, reader->info);
  gsize height = png_get_image_height (reader->png, reader->info);

  reader->color_type = png_get_color_type (reader->png, reader->info);
  reader->depth = png_get_bit_depth (reader->png, reader->info);
  png_get_PLTE (reader->png, reader->info, &reader->palette, &reader->n_colors);
  if (!check_present (reader, width, height))
    return FALSE;
  reader->image = d2v_image_new (width, height, d2v_file_path (reader->file),
                                 reader->error);
  return reader->image != NULL;
}

static gboolean
read_pixels (Reader *reader)
{
  /* One byte a value, even below 8 bits. */
  png_set_packing (reader->png);
  png_read_update_info (reader->png, reader->info);
  reader->row = d2v_malloc (png_get_rowbytes (reader->png, reader->info));
  if (reader->row == NULL)
    return d2v_fail (reader->error, D2V_ERROR_NO_MEMORY,
                     d2v_file_path (reader->file),
                     "expected memory for a row, found none");
  if (png_get_interlace_type (reader->png, reader->info) == PNG_INTERLACE_NONE)
    read_pass (reader, -1);
  else
    for (gint pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++)
      read_pass (reader, pass);
  png_read_end (reader->png, reader->info);
  return TRUE;
}

static gboolean
read_image (Reader *reader)
{
  if (setjmp (png_jmpbuf (reader->png)) != 0)
    return FALSE;
  if (!read_header (reader) || !read_pixels (reader))
    return FALSE;
  reader->image
      = d2v_image_orient (reader->image, orientation (reader), reader->error);
  return reader->image != NULL;
}

D2vImage *
d2v_png_read_file (D2vFile *file, GError **error)
{
  g_autoptr (GError) local = NULL;
  Reader reader = { .file = file, .error = &local };
  gboolean ok = FALSE;

  reader.png
      = png_create_read_struct_2 (PNG_LIBPNG_VER_STRING, &reader, on_error,
                                  on_warning, NULL, on_malloc, on_free);
  if (reader.png != NULL)
    reader.info = png_create_info_struct (reader.png);
  if (reader.info != NULL)
    {
      png_set_read_fn (reader.png, &reader, on_read);
      ok = read_image (&reader);
    }
  else
    d2v_fail (&local, D2V_ERROR_NO_MEMORY, d2v_file_path (file),
              "expected memory to read with, found none");
  png_destroy_read_struct (&reader.png, &reader.info, NULL);
  d2v_free (reader.row);
  if (ok)
    return reader.image;
  d2v_image_free (reader.image);
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}
