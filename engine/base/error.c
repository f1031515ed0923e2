/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"

#include <string.h>

#define MAX_NAME 128

G_DEFINE_QUARK (d2v - error - quark, d2v_error)

/* clang-format off */
static const gchar *const names[D2V_N_ERRORS] = {
#define N(code) [D2V_ERROR_##code] = #code
  N (FAILED), N (NOT_FOUND), N (NOT_A_FILE), N (READ), N (WRITE),
  N (FILE_CHANGED), N (TOO_BIG), N (NO_MEMORY), N (LFS_POINTER), N (HTML),
  N (CANCELLED), N (INPUT), N (USAGE), N (UNSUPPORTED), N (DEVICE),
  N (DEVICE_LOST),
  N (ST_TOO_SMALL), N (ST_HEADER_TOO_SMALL), N (ST_HEADER_TOO_LARGE),
  N (ST_HEADER_TRUNCATED), N (ST_HEADER_START), N (ST_JSON), N (ST_DUP_KEY),
  N (ST_METADATA), N (ST_ENTRY), N (ST_LIMIT), N (ST_DTYPE),
  N (ST_DTYPE_UNSUPPORTED), N (ST_SHAPE), N (ST_OVERFLOW), N (ST_OFFSETS),
  N (ST_SIZE_MISMATCH), N (ST_HOLE), N (ST_OVERLAP), N (ST_TRAILING),
  N (ST_EMPTY_TENSOR),
  N (INDEX_JSON), N (INDEX_ENTRY), N (INDEX_NAME), N (INDEX_LIMIT),
  N (INDEX_MISMATCH),
  N (ZIP), N (ZIP_COMPRESSED), N (ZIP_CRC), N (BIN_LEGACY),
  N (BIN_NOT_A_STATE_DICT), N (PKL_OPCODE), N (PKL_GLOBAL), N (PKL_LIMIT),
  N (PKL_STRUCTURE), N (PKL_NOT_A_STATE_DICT), N (PKL_STORAGE),
  N (PKL_TENSOR),
  N (W_NONFINITE), N (ARCH_MISSING), N (ARCH_UNEXPECTED), N (ARCH_SHAPE),
  N (ARCH_HEAD),
  N (JSON), N (CONFIG), N (CONFIG_TYPE), N (CONFIG_RANGE),
  N (CONFIG_TOO_BIG), N (CONFIG_MODEL_TYPE), N (TOK_VOCAB), N (TOK_MERGES),
  N (TOK_UNSUPPORTED), N (TOK_DISAGREE), N (TOK_SPECIAL), N (TOK_MISSING),
  N (WAV), N (PNG), N (PPM),
#undef N
};
/* clang-format on */

const gchar *
d2v_error_code_name (gint code)
{
  return code >= 0 && code < D2V_N_ERRORS ? names[code] : "UNKNOWN";
}

gboolean
d2v_fail (GError **error, D2vErrorCode code, const gchar *file,
          const gchar *format, ...)
{
  if (error == NULL)
    return FALSE;

  va_list args;
  va_start (args, format);
  g_autofree gchar *reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, D2V_ERROR, code, "%s, %s, %s", names[code],
               file != NULL ? file : "-", reason);
  return FALSE;
}

gchar *
d2v_escape_name (const gchar *name, gssize length)
{
  gsize n = length < 0 ? strlen (name) : (gsize) length;
  GString *out = g_string_new (NULL);

  for (gsize i = 0; i < n && out->len < MAX_NAME;)
    {
      gunichar c = g_utf8_get_char_validated (name + i, n - i);
      gboolean printable
          = c != (gunichar) -1 && c != (gunichar) -2 && g_unichar_isprint (c);
      gsize step = printable ? (gsize) g_unichar_to_utf8 (c, NULL) : 1;

      if (printable)
        g_string_append_len (out, name + i, step);
      else
        g_string_append_printf (out, "\\x%02x", (guchar) name[i]);
      i += step;
    }
  return g_string_free (out, FALSE);
}
