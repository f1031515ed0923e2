/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/process/wav.h"

#include "engine/base/alloc.h"

#include <math.h>
#include <string.h>

/* ---- files, built piece by piece ---- */

static void
put (GByteArray *out, guint64 value, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    {
      guint8 byte = (guint8) (value >> (8 * i));

      g_byte_array_append (out, &byte, 1);
    }
}

static void
put_text (GByteArray *out, const gchar *text)
{
  g_byte_array_append (out, (const guint8 *) text, strlen (text));
}

static GByteArray *
begin (void)
{
  GByteArray *out = g_byte_array_new ();

  put_text (out, "RIFF");
  put (out, 0, 4); /* its length is not looked at */
  put_text (out, "WAVE");
  return out;
}

static void
put_format (GByteArray *out, guint tag, guint n_channels, guint rate,
            guint bits)
{
  put_text (out, "fmt ");
  put (out, 16, 4);
  put (out, tag, 2);
  put (out, n_channels, 2);
  put (out, rate, 4);
  put (out, (guint64) rate * n_channels * bits / 8, 4);
  put (out, n_channels * bits / 8, 2);
  put (out, bits, 2);
}

static void
put_chunk (GByteArray *out, const gchar *id, gconstpointer data, gsize n)
{
  put_text (out, id);
  put (out, n, 4);
  g_byte_array_append (out, data, n);
  if (n % 2 != 0)
    put (out, 0, 1);
}

static D2vWav *
read_bytes (GByteArray *bytes, GError **error)
{
  /* A copy of its own size, so that a sanitizer guards its end. */
  g_autofree guint8 *copy = g_memdup2 (bytes->data, bytes->len);
  g_autoptr (D2vFile) file
      = d2v_file_from_memory (copy, bytes->len, "test.wav");

  return d2v_wav_read_file (file, error);
}

static D2vWav *
read_good (GByteArray *bytes)
{
  g_autoptr (GError) error = NULL;
  D2vWav *wav = read_bytes (bytes, &error);

  g_assert_no_error (error);
  g_assert_nonnull (wav);
  return wav;
}

static void
assert_fails (GByteArray *bytes, gint code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (read_bytes (bytes, &error));
  g_assert_error (error, D2V_ERROR, code);
  g_test_message ("%s", error->message);
}

/* ---- formats ---- */

static void
check_format (guint tag, guint bits, gconstpointer data, gsize n_bytes,
              const gfloat *expected, gsize n_expected)
{
  g_autoptr (GByteArray) bytes = begin ();

  put_format (bytes, tag, 1, 16000, bits);
  put_chunk (bytes, "data", data, n_bytes);
  g_autoptr (D2vWav) wav = read_good (bytes);
  g_assert_cmpuint (wav->sampling_rate, ==, 16000);
  g_assert_cmpmem (wav->samples, wav->n_samples * sizeof (gfloat), expected,
                   n_expected * sizeof (gfloat));
}

static void
test_formats (void)
{
  const gfloat s16[] = { 0, 32767 / 32768.0f, -1, -1 / 32768.0f };
  const gfloat s24[] = { 1 / 8388608.0f, -1, 8388607 / 8388608.0f };
  const gfloat s32[] = { -1, 0.5f };
  const gfloat u8[] = { -1, 0, 127 / 128.0f };
  const gfloat f32[] = { 0.25f, -3, INFINITY };
  const gdouble f64[] = { 0.25, -3, 0.1 };
  const gfloat f64_as_f32[] = { 0.25f, -3, 0.1f };

  check_format (1, 16, "\0\0\xff\x7f\0\x80\xff\xff", 8, s16, 4);
  check_format (1, 24, "\1\0\0\0\0\x80\xff\xff\x7f", 9, s24, 3);
  check_format (1, 32, "\0\0\0\x80\0\0\0\x40", 8, s32, 2);
  check_format (1, 8, "\0\x80\xff", 3, u8, 3);
  check_format (3, 32, f32, sizeof f32, f32, 3);
  check_format (3, 64, f64, sizeof f64, f64_as_f32, 3);
  check_format (1, 16, "", 0, NULL, 0);
  /* a last sample that is cut off */
  check_format (1, 16, "\0\0\xff\x7f\0", 5, s16, 2);
}

/* More than one piece is converted, and nothing is lost at the joints. */
static void
test_long (void)
{
  enum
  {
    N = 70001
  };
  g_autoptr (GByteArray) bytes = begin ();
  g_autofree guint8 *data = g_malloc (N * 3);

  for (guint i = 0; i < N; i++)
    for (guint k = 0; k < 3; k++)
      data[3 * i + k] = (guint8) (i >> (8 * k));
  put_format (bytes, 1, 1, 48000, 24);
  put_chunk (bytes, "data", data, N * 3);
  g_autoptr (D2vWav) wav = read_good (bytes);
  g_assert_cmpuint (wav->n_samples, ==, N);
  for (guint i = 0; i < N; i++)
    g_assert_cmpfloat (wav->samples[i], ==, i / 8388608.0f);
}

static void
put_extensible (GByteArray *out, guint tag, guint8 last)
{
  put_text (out, "fmt ");
  put (out, 40, 4);
  put (out, 0xFFFE, 2);
  put (out, 1, 2);
  put (out, 44100, 4);
  put (out, 88200, 4);
  put (out, 2, 2);
  put (out, 16, 2);
  put (out, 22, 2);
  put (out, 16, 2);
  put (out, 4, 4);
  put (out, tag, 2);
  g_byte_array_append (
      out, (const guint8 *) "\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B", 13);
  put (out, last, 1);
}

static void
test_extensible (void)
{
  g_autoptr (GByteArray) good = begin ();
  g_autoptr (GByteArray) other = begin ();

  put_extensible (good, 1, 0x71);
  put_chunk (good, "data", "\0\x40", 2);
  g_autoptr (D2vWav) wav = read_good (good);
  g_assert_cmpuint (wav->sampling_rate, ==, 44100);
  g_assert_cmpfloat (wav->samples[0], ==, 0.5f);

  put_extensible (other, 1, 0x72); /* an identifier of somebody else's */
  put_chunk (other, "data", "\0\x40", 2);
  assert_fails (other, D2V_ERROR_UNSUPPORTED);
}

/* ---- chunks ---- */

static void
test_other_chunks (void)
{
  g_autoptr (GByteArray) bytes = begin ();

  put_chunk (bytes, "JUNK", "abc", 3); /* odd: one byte of padding */
  put_format (bytes, 1, 1, 8000, 16);
  put_chunk (bytes, "LIST", "", 0);
  put_chunk (bytes, "data", "\0\x40", 2);
  put_chunk (bytes, "data", "\0\x20", 2);
  put_text (bytes, "trailing");
  g_autoptr (D2vWav) wav = read_good (bytes);
  g_assert_cmpuint (wav->n_samples, ==, 1);
  g_assert_cmpfloat (wav->samples[0], ==, 0.5f);
}

/* Written by a program that could not seek. */
static void
test_unknown_length (void)
{
  g_autoptr (GByteArray) bytes = begin ();

  put_format (bytes, 1, 1, 8000, 16);
  put_text (bytes, "data");
  put (bytes, 0xFFFFFFFFu, 4);
  put (bytes, 0x40002000, 4);
  g_autoptr (D2vWav) wav = read_good (bytes);
  g_assert_cmpuint (wav->n_samples, ==, 2);
  g_assert_cmpfloat (wav->samples[1], ==, 0.5f);
}

static void
test_refuses_formats (void)
{
  static const struct
  {
    guint tag, n_channels, rate, bits;
    gint code;
  } cases[] = {
    { 1, 2, 16000, 16, D2V_ERROR_WAV },
    { 1, 0, 16000, 16, D2V_ERROR_WAV },
    { 1, 1, 0, 16, D2V_ERROR_WAV },
    { 1, 1, 16000, 12, D2V_ERROR_UNSUPPORTED },
    { 3, 1, 16000, 16, D2V_ERROR_UNSUPPORTED },
    { 7, 1, 16000, 8, D2V_ERROR_UNSUPPORTED },
    { 0, 1, 16000, 16, D2V_ERROR_UNSUPPORTED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = begin ();

      put_format (bytes, cases[i].tag, cases[i].n_channels, cases[i].rate,
                  cases[i].bits);
      put_chunk (bytes, "data", "\0\0\0\0", 4);
      assert_fails (bytes, cases[i].code);
    }
}

static void
test_refuses_files (void)
{
  g_autoptr (GByteArray) no_format = begin ();
  g_autoptr (GByteArray) two_formats = begin ();
  g_autoptr (GByteArray) short_format = begin ();
  g_autoptr (GByteArray) bad_frame = begin ();
  g_autoptr (GByteArray) short_data = begin ();
  g_autoptr (GByteArray) long_chunk = begin ();
  g_autoptr (GByteArray) many = begin ();
  g_autoptr (GByteArray) other = g_byte_array_new ();

  put_chunk (no_format, "data", "\0\0", 2);
  assert_fails (no_format, D2V_ERROR_WAV);

  put_format (two_formats, 1, 1, 8000, 16);
  put_format (two_formats, 1, 1, 16000, 16);
  put_chunk (two_formats, "data", "\0\0", 2);
  assert_fails (two_formats, D2V_ERROR_WAV);

  put_chunk (short_format, "fmt ", "\1\0\1\0\x40\x1f\0\0", 8);
  put_chunk (short_format, "data", "\0\0", 2);
  assert_fails (short_format, D2V_ERROR_WAV);

  put_format (bad_frame, 1, 1, 8000, 16);
  bad_frame->data[32] = 4;
  put_chunk (bad_frame, "data", "\0\0\0\0", 4);
  assert_fails (bad_frame, D2V_ERROR_WAV);

  put_format (short_data, 1, 1, 8000, 16);
  put_chunk (short_data, "data", "\0\0\0\0", 4);
  g_byte_array_set_size (short_data, short_data->len - 1);
  assert_fails (short_data, D2V_ERROR_WAV);

  put_text (long_chunk, "LIST");
  put (long_chunk, 0xFFFFFFFFu, 4);
  assert_fails (long_chunk, D2V_ERROR_WAV);

  for (guint i = 0; i < 1001; i++)
    put_chunk (many, "LIST", "", 0);
  assert_fails (many, D2V_ERROR_WAV);

  put_text (other, "RF64\xff\xff\xff\xffWAVE");
  assert_fails (other, D2V_ERROR_UNSUPPORTED);
}

/* Every shorter file is refused, up to the data's own end. */
static void
test_cut_off (void)
{
  g_autoptr (GByteArray) bytes = begin ();

  put_chunk (bytes, "JUNK", "abc", 3);
  put_format (bytes, 1, 1, 8000, 16);
  put_chunk (bytes, "data", "\0\1\2\3", 4);
  for (guint n = bytes->len; n-- > 0;)
    {
      g_byte_array_set_size (bytes, n);
      assert_fails (bytes, D2V_ERROR_WAV);
    }
}

static void
test_no_memory (void)
{
  g_autoptr (GByteArray) bytes = begin ();

  put_format (bytes, 1, 1, 8000, 16);
  put_chunk (bytes, "data", "\0\1\2\3", 4);
  for (guint64 nth = 1; nth <= 2; nth++)
    {
      d2v_alloc_fail_at (nth);
      assert_fails (bytes, D2V_ERROR_NO_MEMORY);
    }
  d2v_alloc_fail_at (0);
}

/* ---- files on disk ---- */

static void
test_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (TESTS_DATA "/audio/wav", 0, NULL);
  const gchar *name;
  guint n = 0;

  g_assert_nonnull (dir);
  for (; (name = g_dir_read_name (dir)) != NULL; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *path
          = g_build_filename (TESTS_DATA "/audio/wav", name, NULL);
      g_autoptr (D2vWav) wav = d2v_wav_read (path, &error);

      g_test_message ("%s", name);
      g_assert_no_error (error);
      g_assert_cmpuint (wav->sampling_rate, ==, 16000);
      g_assert_cmpuint (wav->n_samples, ==, 8);
      for (gint i = 0; i < 8; i++)
        g_assert_cmpfloat (wav->samples[i], ==, (i - 4) / 8.0f);
    }
  g_assert_cmpuint (n, ==, 8);

  g_autoptr (GError) error = NULL;
  g_assert_null (d2v_wav_read (TESTS_DATA "/audio/wav/none.wav", &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/wav/formats", test_formats);
  g_test_add_func ("/process/wav/long", test_long);
  g_test_add_func ("/process/wav/extensible", test_extensible);
  g_test_add_func ("/process/wav/other-chunks", test_other_chunks);
  g_test_add_func ("/process/wav/unknown-length", test_unknown_length);
  g_test_add_func ("/process/wav/refuses-formats", test_refuses_formats);
  g_test_add_func ("/process/wav/refuses-files", test_refuses_files);
  g_test_add_func ("/process/wav/cut-off", test_cut_off);
  g_test_add_func ("/process/wav/files", test_files);
  g_test_add_func ("/process/wav/no-memory", test_no_memory);
  return g_test_run ();
}
