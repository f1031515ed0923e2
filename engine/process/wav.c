/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/wav.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/math.h"

#include <string.h>

/* 37 hours at 16 kHz, 8 GiB as float. */
#define MAX_SAMPLES ((gsize) 1 << 31)
/* Real files have a dozen; without a limit, a file of empty chunks would keep
 * us reading. */
#define MAX_CHUNKS 1000
/* Bytes converted at a time: a multiple of every sample size. */
#define PIECE (3 * 16384)

#define CHUNK_HEADER 8
#define RIFF_HEADER 12
#define FORMAT_BYTES 16
#define FORMAT_EXTENSIBLE_BYTES 40
#define UNKNOWN_LENGTH 0xFFFFFFFFu

enum
{
  TAG_PCM = 1,
  TAG_FLOAT = 3,
  TAG_EXTENSIBLE = 0xFFFE
};

static guint16
read_u16 (const guint8 *p)
{
  return (guint16) (p[0] | p[1] << 8);
}

static guint32
read_u32 (const guint8 *p)
{
  return (guint32) read_u16 (p) | (guint32) read_u16 (p + 2) << 16;
}

/* ---- samples; each function turns n of them into floats ---- */

typedef void (*ConvertFunc) (const guint8 *in, gfloat *out, gsize n);

static void
convert_u8 (const guint8 *in, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (gfloat) (in[i] - 128) / 128.0f;
}

static void
convert_s16 (const guint8 *in, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (gfloat) (gint16) read_u16 (in + 2 * i) / 32768.0f;
}

static void
convert_s24 (const guint8 *in, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      /* Into the upper bytes, so that the sign is where it belongs. */
      guint32 high = (guint32) in[3 * i] << 8
                     | (guint32) read_u16 (in + 3 * i + 1) << 16;

      out[i] = (gfloat) (gint32) high / 2147483648.0f;
    }
}

static void
convert_s32 (const guint8 *in, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (gfloat) (gint32) read_u32 (in + 4 * i) / 2147483648.0f;
}

static void
convert_f32 (const guint8 *in, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits = read_u32 (in + 4 * i);

      memcpy (&out[i], &bits, sizeof bits);
    }
}

static void
convert_f64 (const guint8 *in, gfloat *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint64 bits = (guint64) read_u32 (in + 8 * i)
                     | (guint64) read_u32 (in + 8 * i + 4) << 32;
      gdouble value;

      memcpy (&value, &bits, sizeof bits);
      out[i] = (gfloat) value;
    }
}

typedef struct
{
  guint tag;
  guint bits;
  ConvertFunc convert;
} SampleFormat;

static const SampleFormat sample_formats[] = {
  { TAG_PCM, 16, convert_s16 },   { TAG_FLOAT, 32, convert_f32 },
  { TAG_PCM, 24, convert_s24 },   { TAG_PCM, 32, convert_s32 },
  { TAG_FLOAT, 64, convert_f64 }, { TAG_PCM, 8, convert_u8 },
};

/* ---- chunks ---- */

typedef struct
{
  gchar id[5];
  gsize offset;  /* of its contents */
  gsize length;  /* as the file says */
  gboolean open; /* of unknown length */
} Chunk;

/* The chunk at @offset; its contents may reach beyond the file. */
static gboolean
read_chunk (D2vFile *file, gsize offset, Chunk *chunk, GError **error)
{
  guint8 header[CHUNK_HEADER];

  if (d2v_file_size (file) - offset < CHUNK_HEADER)
    return d2v_fail (error, D2V_ERROR_WAV, d2v_file_path (file),
                     "expected a data chunk, found the end at byte "
                     "%" G_GSIZE_FORMAT,
                     offset);
  if (!d2v_file_read (file, offset, header, CHUNK_HEADER, error))
    return FALSE;
  memcpy (chunk->id, header, 4);
  chunk->id[4] = '\0';
  chunk->offset = offset + CHUNK_HEADER;
  chunk->length = read_u32 (header + 4);
  chunk->open = chunk->length == UNKNOWN_LENGTH;
  return TRUE;
}

/* What is left of the file after the chunk's header, but its length at most. */
static gsize
present (D2vFile *file, const Chunk *chunk)
{
  return d2v_min (chunk->length, d2v_file_size (file) - chunk->offset);
}

static gboolean
check_present (D2vFile *file, const Chunk *chunk, GError **error)
{
  if (present (file, chunk) == chunk->length)
    return TRUE;
  g_autofree gchar *id = d2v_escape_name (chunk->id, 4);

  return d2v_fail (error, D2V_ERROR_WAV, d2v_file_path (file),
                   "expected %" G_GSIZE_FORMAT " bytes in chunk \"%s\", found "
                   "%" G_GSIZE_FORMAT " until the end",
                   chunk->length, id, present (file, chunk));
}

static gboolean
check_riff (D2vFile *file, GError **error)
{
  guint8 header[RIFF_HEADER] = { 0 };
  gsize n = d2v_min (d2v_file_size (file), RIFF_HEADER);

  if (!d2v_file_read (file, 0, header, n, error))
    return FALSE;
  if (memcmp (header, "RF64", 4) == 0 || memcmp (header, "RIFX", 4) == 0)
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, d2v_file_path (file),
                     "expected RIFF, found %.4s", (const gchar *) header);
  /* The length at byte 4 is not looked at: programs that could not seek leave
   * 0 or the greatest number, and the chunks say what we need. */
  if (n < RIFF_HEADER || memcmp (header, "RIFF", 4) != 0
      || memcmp (header + 8, "WAVE", 4) != 0)
    return d2v_fail (error, D2V_ERROR_WAV, d2v_file_path (file),
                     "expected a RIFF WAVE file, found something else");
  return TRUE;
}

/* ---- the format chunk ---- */

typedef struct
{
  const SampleFormat *format; /* NULL: not read yet */
  guint sampling_rate;
} Format;

/* The tag inside WAVE_FORMAT_EXTENSIBLE: the first two bytes of an identifier
 * whose rest is always the same. 0 when it is not. */
static guint
extensible_tag (const guint8 *contents, gsize n_bytes)
{
  static const guint8 rest[14] = { 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                   0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71 };

  if (n_bytes < FORMAT_EXTENSIBLE_BYTES
      || memcmp (contents + 26, rest, sizeof rest) != 0)
    return 0;
  return read_u16 (contents + 24);
}

static const SampleFormat *
find_format (guint tag, guint bits)
{
  for (guint i = 0; i < G_N_ELEMENTS (sample_formats); i++)
    if (sample_formats[i].tag == tag && sample_formats[i].bits == bits)
      return &sample_formats[i];
  return NULL;
}

static gboolean
parse_format (const gchar *path, const guint8 *contents, gsize n_bytes,
              Format *out, GError **error)
{
  guint tag = read_u16 (contents);
  guint n_channels = read_u16 (contents + 2);
  guint rate = read_u32 (contents + 4);
  guint n_frame_bytes = read_u16 (contents + 12);
  guint bits = read_u16 (contents + 14);

  if (tag == TAG_EXTENSIBLE)
    tag = extensible_tag (contents, n_bytes);
  if (n_channels != 1)
    return d2v_fail (error, D2V_ERROR_WAV, path,
                     "expected one channel, found %u", n_channels);
  if (rate == 0)
    return d2v_fail (error, D2V_ERROR_WAV, path,
                     "expected a sampling rate, found 0");
  out->format = find_format (tag, bits);
  if (out->format == NULL)
    return d2v_fail (error, D2V_ERROR_UNSUPPORTED, path,
                     "expected PCM of 8, 16, 24 or 32 bits or float of 32 or "
                     "64 bits, found format %u of %u bits",
                     tag, bits);
  if (n_frame_bytes != bits / 8)
    return d2v_fail (error, D2V_ERROR_WAV, path,
                     "expected %u bytes a sample, found %u", bits / 8,
                     n_frame_bytes);
  out->sampling_rate = rate;
  return TRUE;
}

static gboolean
read_format (D2vFile *file, const Chunk *chunk, Format *out, GError **error)
{
  guint8 contents[FORMAT_EXTENSIBLE_BYTES] = { 0 };
  gsize n = d2v_min (chunk->length, sizeof contents);

  if (out->format != NULL)
    return d2v_fail (error, D2V_ERROR_WAV, d2v_file_path (file),
                     "expected one format chunk, found two");
  if (!check_present (file, chunk, error))
    return FALSE;
  if (n < FORMAT_BYTES)
    return d2v_fail (error, D2V_ERROR_WAV, d2v_file_path (file),
                     "expected a format chunk of %d bytes or more, found "
                     "%" G_GSIZE_FORMAT,
                     FORMAT_BYTES, n);
  return d2v_file_read (file, chunk->offset, contents, n, error)
         && parse_format (d2v_file_path (file), contents, n, out, error);
}

/* ---- the data chunk ---- */

static gboolean
read_samples (D2vFile *file, gsize offset, const SampleFormat *format,
              gfloat *out, gsize n_samples, GError **error)
{
  gsize n_sample_bytes = format->bits / 8;
  gsize step = PIECE / n_sample_bytes;
  guint8 *piece = d2v_malloc (PIECE);
  gboolean ok = piece != NULL;

  if (!ok)
    d2v_fail (error, D2V_ERROR_NO_MEMORY, d2v_file_path (file),
              "expected memory to read with, found none");
  for (gsize i = 0; ok && i < n_samples; i += step)
    {
      gsize n = d2v_min (step, n_samples - i);

      ok = d2v_file_read (file, offset + i * n_sample_bytes, piece,
                          n * n_sample_bytes, error);
      if (ok)
        format->convert (piece, out + i, n);
    }
  d2v_free (piece);
  return ok;
}

static D2vWav *
read_data (D2vFile *file, const Chunk *chunk, const Format *format,
           GError **error)
{
  const gchar *path = d2v_file_path (file);

  if (format->format == NULL)
    {
      d2v_fail (error, D2V_ERROR_WAV, path,
                "expected a format chunk before the data, found none");
      return NULL;
    }
  if (!chunk->open && !check_present (file, chunk, error))
    return NULL;

  /* A last sample that is cut off is left out, as every player does. */
  gsize n_samples = present (file, chunk) / (format->format->bits / 8);
  if (n_samples > MAX_SAMPLES)
    {
      d2v_fail (error, D2V_ERROR_TOO_BIG, path,
                "expected at most %" G_GSIZE_FORMAT
                " samples, found %" G_GSIZE_FORMAT,
                MAX_SAMPLES, n_samples);
      return NULL;
    }

  g_autoptr (D2vWav) wav = g_new0 (D2vWav, 1);
  wav->sampling_rate = format->sampling_rate;
  wav->n_samples = n_samples;
  if (n_samples == 0)
    return g_steal_pointer (&wav);
  wav->samples = d2v_malloc_n (n_samples, sizeof *wav->samples);
  if (wav->samples == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, path,
                "expected memory for %" G_GSIZE_FORMAT " samples, found none",
                n_samples);
      return NULL;
    }
  return read_samples (file, chunk->offset, format->format, wav->samples,
                       n_samples, error)
             ? g_steal_pointer (&wav)
             : NULL;
}

/* ---- the file ---- */

/* Where the next chunk begins: they are padded to even lengths. */
static gboolean
next_chunk (D2vFile *file, const Chunk *chunk, gsize *offset, GError **error)
{
  if (!check_present (file, chunk, error))
    return FALSE;
  *offset = chunk->offset + chunk->length;
  if (chunk->length % 2 != 0 && *offset < d2v_file_size (file))
    *offset += 1;
  return TRUE;
}

D2vWav *
d2v_wav_read_file (D2vFile *file, GError **error)
{
  Format format = { NULL, 0 };
  gsize offset = RIFF_HEADER;

  if (!check_riff (file, error))
    return NULL;
  for (guint i = 0; i < MAX_CHUNKS; i++)
    {
      Chunk chunk;

      if (!read_chunk (file, offset, &chunk, error))
        return NULL;
      if (strcmp (chunk.id, "data") == 0)
        return read_data (file, &chunk, &format, error);
      if (strcmp (chunk.id, "fmt ") == 0
          && !read_format (file, &chunk, &format, error))
        return NULL;
      if (!next_chunk (file, &chunk, &offset, error))
        return NULL;
    }
  d2v_fail (error, D2V_ERROR_WAV, d2v_file_path (file),
            "expected a data chunk among the first %d, found none", MAX_CHUNKS);
  return NULL;
}

D2vWav *
d2v_wav_read (const gchar *path, GError **error)
{
  g_autoptr (D2vFile) file = d2v_file_open_path (path, error);
  g_autoptr (D2vWav) wav = NULL;

  if (file == NULL)
    return NULL;
  wav = d2v_wav_read_file (file, error);
  if (wav == NULL || !d2v_file_check_unchanged (file, error))
    return NULL;
  return g_steal_pointer (&wav);
}

void
d2v_wav_free (D2vWav *wav)
{
  if (wav == NULL)
    return;
  d2v_free (wav->samples);
  g_free (wav);
}
