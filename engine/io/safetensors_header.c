/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* safetensors_header.c: the JSON header, token by token. A tree of a header
 * of 100 MB would take gigabytes; entries take less than the text itself. */

#include "engine/io/safetensors_private.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"
#include "engine/io/json_scan.h"

#include <string.h>

#define MAX_METADATA 4096
#define MAX_METADATA_BYTES (1 << 20)
#define MAX_DEPTH 16
/* "":{"dtype":"U8","shape":[],"data_offsets":[0,1]} */
#define MIN_ENTRY_TEXT 48
/* The header begins after its length. */
#define HEADER_BEGIN 8

typedef struct
{
  D2vSafetensors *safetensors;
  const gchar *where;
  guint max_entries;
  D2vScanner scanner;
  GHashTable *names; /* of this header; keys live in it */
  GString *word;     /* the latest key or string */
  gchar *shown;      /* the current entry's name, for messages */
} Parser;

/* ------------------------------------------------------------- errors -- */

static gboolean
fail_json (Parser *p, GError **error)
{
  return d2v_fail (error, D2V_ERROR_ST_JSON, p->where,
                   "expected a JSON header, found %s at byte %" G_GSIZE_FORMAT
                   " (S5)",
                   p->scanner.reason, p->scanner.error_offset + HEADER_BEGIN);
}

/* About the entry that is being read, at the latest token. */
static gboolean
fail_entry (Parser *p, D2vErrorCode code, const gchar *rule,
            const gchar *reason, GError **error)
{
  return d2v_fail (error, code, p->where,
                   "%s: %s at byte %" G_GSIZE_FORMAT " (%s)", p->shown, reason,
                   p->scanner.begin + HEADER_BEGIN, rule);
}

static gboolean
next (Parser *p, D2vToken *token, GError **error)
{
  *token = d2v_scanner_next (&p->scanner);
  if (*token == D2V_TOKEN_FAILED)
    return fail_json (p, error);
  if (*token == D2V_TOKEN_KEY || *token == D2V_TOKEN_STRING)
    d2v_scanner_string (&p->scanner, p->word);
  return TRUE;
}

/* -------------------------------------------------------------- names -- */

/* Puts the unescaped key in the place of its text, which is at least as long,
 * and a NUL on the closing quote: the scanner is past both. */
static gchar *
keep_key (Parser *p)
{
  gchar *key = p->safetensors->header + p->scanner.begin;

  memcpy (key, p->word->str, p->word->len + 1);
  return key;
}

static gboolean
add_once (Parser *p, GHashTable *seen, gchar *key, GError **error)
{
  if (g_hash_table_add (seen, key))
    return TRUE;
  g_autofree gchar *shown = d2v_escape_name (key, -1);
  return d2v_fail (error, D2V_ERROR_ST_DUP_KEY, p->where,
                   "%s: expected each key once, found it again at byte "
                   "%" G_GSIZE_FORMAT " (S6)",
                   shown, p->scanner.begin + HEADER_BEGIN);
}

/* ----------------------------------------------------------- metadata -- */

static gboolean
check_metadata_size (Parser *p, guint n, gsize begin, GError **error)
{
  if (n <= MAX_METADATA && p->scanner.position - begin <= MAX_METADATA_BYTES)
    return TRUE;
  return fail_entry (p, D2V_ERROR_ST_METADATA, "S7",
                     "expected at most 4096 entries and 1 MiB, found more",
                     error);
}

static void
log_format (const Parser *p)
{
  g_autofree gchar *format
      = d2v_escape_name (p->word->str, (gssize) p->word->len);

  g_debug ("%s: saved as format %s", p->where, format);
}

/* Read for its form only: nothing here depends on what it says. */
static gboolean
parse_metadata (Parser *p, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (d2v_str_hash, g_str_equal);
  gsize begin = p->scanner.position;
  D2vToken token;

  if (!next (p, &token, error))
    return FALSE;
  if (token != D2V_TOKEN_OBJECT_BEGIN)
    return fail_entry (p, D2V_ERROR_ST_METADATA, "S7", "expected an object",
                       error);
  for (guint n = 1;; n++)
    {
      if (!next (p, &token, error))
        return FALSE;
      if (token == D2V_TOKEN_OBJECT_END)
        return check_metadata_size (p, 0, begin, error);
      gchar *key = keep_key (p);
      if (!add_once (p, seen, key, error) || !next (p, &token, error))
        return FALSE;
      if (token != D2V_TOKEN_STRING)
        return fail_entry (p, D2V_ERROR_ST_METADATA, "S7",
                           "expected a string for each key", error);
      if (strcmp (key, "format") == 0)
        log_format (p);
      if (!check_metadata_size (p, n, begin, error))
        return FALSE;
    }
}

/* ------------------------------------------------------------- fields -- */

static gboolean
dtype_from_name (const gchar *name, D2vDType *dtype)
{
  for (guint i = 0; i < D2V_N_DTYPES; i++)
    if (strcmp (name, d2v_dtype_name (i)) == 0)
      {
        *dtype = i;
        return TRUE;
      }
  return FALSE;
}

/* Types of the format that no Data2Vec model has. */
static gboolean
is_foreign_dtype (const gchar *name)
{
  static const gchar *const foreign[]
      = { "F4",          "F6_E2M3",     "F6_E3M2", "F8_E4M3", "F8_E5M2",
          "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0", "C64" };

  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    if (strcmp (name, foreign[i]) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
parse_dtype (Parser *p, D2vEntry *entry, GError **error)
{
  D2vToken token;

  if (!next (p, &token, error))
    return FALSE;
  if (token != D2V_TOKEN_STRING)
    return fail_entry (p, D2V_ERROR_ST_DTYPE, "S10",
                       "expected the name of a type", error);
  if (p->scanner.has_nul)
    return fail_entry (p, D2V_ERROR_ST_DTYPE, "S10",
                       "expected a known type, found another", error);
  if (dtype_from_name (p->word->str, &entry->stored.dtype))
    return TRUE;
  if (is_foreign_dtype (p->word->str))
    return fail_entry (p, D2V_ERROR_ST_DTYPE_UNSUPPORTED, "S10",
                       "expected F32, F16, BF16, F64 or an integer type, "
                       "found an 8-bit float, smaller or complex type",
                       error);
  return fail_entry (p, D2V_ERROR_ST_DTYPE, "S10",
                     "expected a known type, found another", error);
}

/* A list of at most @max plain non-negative integers, none beyond @limit. */
static gboolean
parse_sizes (Parser *p, gsize *out, guint max, guint64 limit, guint *n,
             D2vErrorCode code, const gchar *rule, GError **error)
{
  D2vToken token;
  gint64 value;

  if (!next (p, &token, error))
    return FALSE;
  if (token != D2V_TOKEN_ARRAY_BEGIN)
    return fail_entry (p, code, rule, "expected a list of sizes", error);
  for (*n = 0;; (*n)++)
    {
      if (!next (p, &token, error))
        return FALSE;
      if (token == D2V_TOKEN_ARRAY_END)
        return TRUE;
      if (*n == max)
        return fail_entry (p, code, rule, "expected fewer sizes", error);
      if (token != D2V_TOKEN_INTEGER
          || p->safetensors->header[p->scanner.begin] == '-'
          || !d2v_scanner_integer (&p->scanner, &value)
          || (guint64) value > limit)
        return fail_entry (p, code, rule,
                           "expected a plain non-negative integer within "
                           "the limit",
                           error);
      out[*n] = (gsize) value;
    }
}

static gboolean
parse_shape (Parser *p, D2vEntry *entry, GError **error)
{
  gsize dim[D2V_MAX_RANK];
  guint rank;

  if (!parse_sizes (p, dim, D2V_MAX_RANK, D2V_MAX_DIM, &rank,
                    D2V_ERROR_ST_SHAPE, "S11", error))
    return FALSE;
  entry->stored.shape = d2v_shape_from (rank, dim);
  return TRUE;
}

static gboolean
parse_offsets (Parser *p, D2vEntry *entry, GError **error)
{
  gsize range[2];
  guint n;

  if (!parse_sizes (p, range, 2, G_MAXINT64, &n, D2V_ERROR_ST_OFFSETS, "S13",
                    error))
    return FALSE;
  if (n != 2)
    return fail_entry (p, D2V_ERROR_ST_OFFSETS, "S13",
                       "expected exactly two offsets", error);
  entry->begin = range[0];
  entry->end = range[1];
  return TRUE;
}

/* ------------------------------------------------------------ entries -- */

static gboolean
check_entry (Parser *p, const D2vEntry *entry, GError **error)
{
  gsize n_bytes;

  if (entry->begin > entry->end || entry->end > p->safetensors->n_data)
    return d2v_fail (error, D2V_ERROR_ST_OFFSETS, p->where,
                     "%s: expected 0 <= begin <= end <= %" G_GSIZE_FORMAT
                     ", found %" G_GSIZE_FORMAT "..%" G_GSIZE_FORMAT " (S13)",
                     p->shown, p->safetensors->n_data, entry->begin,
                     entry->end);
  if (!d2v_stored_check_size (&entry->stored, p->where, &n_bytes, error))
    return FALSE;
  if (entry->end - entry->begin == n_bytes)
    return TRUE;
  return d2v_fail (error, D2V_ERROR_ST_SIZE_MISMATCH, p->where,
                   "%s: expected %" G_GSIZE_FORMAT " bytes by its shape and "
                   "type, found %" G_GSIZE_FORMAT " (S14)",
                   p->shown, n_bytes, entry->end - entry->begin);
}

/* The fields in any order, each once, and no other. */
static gboolean
parse_fields (Parser *p, D2vEntry *entry, GError **error)
{
  static const struct
  {
    const gchar *key;
    gboolean (*parse) (Parser *, D2vEntry *, GError **);
  } fields[] = { { "dtype", parse_dtype },
                 { "shape", parse_shape },
                 { "data_offsets", parse_offsets } };
  guint seen = 0;
  D2vToken token;

  for (;;)
    {
      guint i = 0;

      if (!next (p, &token, error))
        return FALSE;
      if (token == D2V_TOKEN_OBJECT_END)
        break;
      while (i < G_N_ELEMENTS (fields)
             && strcmp (p->word->str, fields[i].key) != 0)
        i++;
      if (i == G_N_ELEMENTS (fields))
        return fail_entry (p, D2V_ERROR_ST_ENTRY, "S8",
                           "expected dtype, shape and data_offsets, found "
                           "another key",
                           error);
      if ((seen & 1u << i) != 0)
        return fail_entry (p, D2V_ERROR_ST_DUP_KEY, "S6",
                           "expected each key once, found one again", error);
      seen |= 1u << i;
      if (!fields[i].parse (p, entry, error))
        return FALSE;
    }
  if (seen != (1u << G_N_ELEMENTS (fields)) - 1)
    return fail_entry (p, D2V_ERROR_ST_ENTRY, "S8",
                       "expected dtype, shape and data_offsets, found fewer",
                       error);
  return check_entry (p, entry, error);
}

static gboolean
parse_entry (Parser *p, const gchar *name, GError **error)
{
  D2vSafetensors *st = p->safetensors;
  D2vToken token;

  if (!d2v_stored_check_name (name, strlen (name), p->where, error)
      || !next (p, &token, error))
    return FALSE;
  if (token != D2V_TOKEN_OBJECT_BEGIN)
    return fail_entry (p, D2V_ERROR_ST_ENTRY, "S8", "expected an object",
                       error);
  if (st->n_entries == D2V_MAX_TENSORS)
    return fail_entry (p, D2V_ERROR_ST_LIMIT, "S9",
                       "expected at most 65536 tensors, found more", error);
  /* An entry too short to be one more is one that lacks a field. */
  if (st->n_entries == p->max_entries)
    return fail_entry (p, D2V_ERROR_ST_ENTRY, "S8",
                       "expected dtype, shape and data_offsets, found fewer",
                       error);
  D2vEntry *entry = &st->entries[st->n_entries];
  entry->stored.name = name;
  if (!parse_fields (p, entry, error))
    return FALSE;
  st->n_entries++;
  return TRUE;
}

static gboolean
parse_root (Parser *p, GError **error)
{
  D2vToken token;

  if (!next (p, &token, error))
    return FALSE;
  for (;;)
    {
      if (!next (p, &token, error))
        return FALSE;
      if (token == D2V_TOKEN_OBJECT_END)
        return next (p, &token, error); /* nothing may follow */

      gchar *name = keep_key (p);
      g_free (p->shown);
      p->shown = d2v_escape_name (name, -1);
      if (!add_once (p, p->names, name, error))
        return FALSE;
      gboolean fine = strcmp (name, "__metadata__") == 0
                          ? parse_metadata (p, error)
                          : parse_entry (p, name, error);
      if (!fine)
        return FALSE;
    }
}

gboolean
d2v_safetensors_parse (D2vSafetensors *st, GError **error)
{
  Parser p = { .safetensors = st, .where = d2v_file_path (st->file) };
  gsize length = st->n_header;

  /* Only spaces may follow the object, while JSON allows more. */
  while (length > 0 && st->header[length - 1] == ' ')
    length--;
  d2v_scanner_init (&p.scanner, st->header, length, MAX_DEPTH);
  if (length == 0 || st->header[length - 1] != '}')
    {
      p.scanner.reason = "no closing brace before the padding";
      p.scanner.error_offset = length;
      return fail_json (&p, error);
    }
  if (!d2v_scanner_check (&p.scanner))
    return fail_json (&p, error);

  p.max_entries = d2v_min (D2V_MAX_TENSORS, length / MIN_ENTRY_TEXT + 1);
  st->entries = d2v_malloc_n (p.max_entries, sizeof *st->entries);
  if (st->entries == NULL)
    return d2v_fail (error, D2V_ERROR_NO_MEMORY, p.where, "%u tensors",
                     p.max_entries);
  p.names = g_hash_table_new (d2v_str_hash, g_str_equal);
  p.word = g_string_new (NULL);
  gboolean fine = parse_root (&p, error);
  g_hash_table_unref (p.names);
  g_string_free (p.word, TRUE);
  g_free (p.shown);
  return fine;
}
