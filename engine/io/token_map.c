/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/token_map.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"
#include "engine/io/json_scan.h"

#include <string.h>

#define MAX_FILE ((gsize) 64 << 20)
#define MAX_DEPTH 16
/* "":0, */
#define MIN_ENTRY_TEXT 5

typedef struct
{
  D2vTokenMap *map;
  const gchar *where;
  gsize n_ids;
  guint max_entries;
  guint8 *taken; /* a bit for each id */
  D2vScanner scanner;
  GString *word;
} Parser;

/* ------------------------------------------------------------- errors -- */

static gboolean
fail_json (Parser *p, GError **error)
{
  return d2v_fail (error, D2V_ERROR_JSON, p->where,
                   "expected JSON, found %s at byte %" G_GSIZE_FORMAT " (J)",
                   p->scanner.reason, p->scanner.error_offset);
}

static gboolean
next (Parser *p, D2vToken *token, GError **error)
{
  *token = d2v_scanner_next (&p->scanner);
  return *token != D2V_TOKEN_FAILED || fail_json (p, error);
}

static gboolean
fail_at (Parser *p, D2vErrorCode code, const gchar *reason, GError **error)
{
  return d2v_fail (error, code, p->where,
                   "expected tokens with their ids, found %s at byte "
                   "%" G_GSIZE_FORMAT " (T1)",
                   reason, p->scanner.begin);
}

/* ------------------------------------------------------------ parsing -- */

/* The token in the place of its text, which is at least as long. */
static gboolean
keep_token (Parser *p, D2vTokenEntry *entry, GError **error)
{
  gchar *token = p->map->text + p->scanner.begin;

  d2v_scanner_string (&p->scanner, p->word);
  if (p->word->len > D2V_MAX_TOKEN_BYTES)
    return fail_at (p, D2V_ERROR_TOK_VOCAB, "a token beyond 1024 bytes", error);
  memcpy (token, p->word->str, p->word->len + 1);
  entry->token = token;
  if (g_hash_table_insert (p->map->by_token, token, entry))
    return TRUE;
  return d2v_fail (error, D2V_ERROR_JSON, p->where,
                   "expected each key once, found one again at byte "
                   "%" G_GSIZE_FORMAT " (J)",
                   p->scanner.begin);
}

static gboolean
keep_id (Parser *p, D2vTokenEntry *entry, D2vToken token, GError **error)
{
  gint64 id;

  if (token == D2V_TOKEN_OBJECT_BEGIN)
    return fail_at (p, D2V_ERROR_TOK_UNSUPPORTED,
                    "an object: one vocabulary per language is not supported",
                    error);
  if (token != D2V_TOKEN_INTEGER || !d2v_scanner_integer (&p->scanner, &id))
    return fail_at (p, D2V_ERROR_TOK_VOCAB, "an id that is no integer", error);
  if (id < 0 || (guint64) id >= p->n_ids)
    return d2v_fail (error, D2V_ERROR_TOK_VOCAB, p->where,
                     "expected ids within 0..%" G_GSIZE_FORMAT
                     ", found %" G_GINT64_FORMAT " at byte %" G_GSIZE_FORMAT
                     " (T1)",
                     p->n_ids - 1, id, p->scanner.begin);
  if ((p->taken[id / 8] >> id % 8 & 1) != 0)
    return fail_at (p, D2V_ERROR_TOK_VOCAB, "an id for the second time", error);
  p->taken[id / 8] |= (guint8) (1u << id % 8);
  entry->id = (guint) id;
  return TRUE;
}

static gboolean
parse_entry (Parser *p, GError **error)
{
  D2vToken token;

  if (p->map->n_entries == p->max_entries)
    return fail_at (p, D2V_ERROR_TOK_VOCAB, "more than 1048576 tokens", error);
  D2vTokenEntry *entry = &p->map->entries[p->map->n_entries];
  if (!keep_token (p, entry, error) || !next (p, &token, error)
      || !keep_id (p, entry, token, error))
    return FALSE;
  p->map->n_entries++;
  return TRUE;
}

static gboolean
parse_root (Parser *p, GError **error)
{
  D2vToken token;

  if (!next (p, &token, error))
    return FALSE;
  if (token != D2V_TOKEN_OBJECT_BEGIN)
    return fail_at (p, D2V_ERROR_TOK_VOCAB, "something that is no object",
                    error);
  for (;;)
    {
      if (!next (p, &token, error))
        return FALSE;
      if (token == D2V_TOKEN_OBJECT_END)
        return next (p, &token, error); /* nothing may follow */
      if (!parse_entry (p, error))
        return FALSE;
    }
}

static gboolean
parse (D2vTokenMap *map, gsize length, const gchar *where, gsize n_ids,
       GError **error)
{
  Parser p = { .map = map, .where = where, .n_ids = n_ids };

  g_assert (n_ids >= 1 && n_ids <= D2V_MAX_TOKENS);
  d2v_scanner_init (&p.scanner, map->text, length, MAX_DEPTH);
  if (!d2v_scanner_check (&p.scanner))
    return fail_json (&p, error);
  p.max_entries = d2v_min (D2V_MAX_TOKENS, length / MIN_ENTRY_TEXT + 1);
  map->entries = d2v_malloc_n (p.max_entries, sizeof *map->entries);
  p.taken = d2v_malloc0 (d2v_ceil_div (n_ids, 8));
  if (map->entries == NULL || p.taken == NULL)
    {
      d2v_free (p.taken);
      return d2v_fail (error, D2V_ERROR_NO_MEMORY, where, "%u tokens",
                       p.max_entries);
    }
  map->by_token = g_hash_table_new (d2v_str_hash, g_str_equal);
  p.word = g_string_new (NULL);
  gboolean fine = parse_root (&p, error);
  g_string_free (p.word, TRUE);
  d2v_free (p.taken);
  return fine;
}

D2vTokenMap *
d2v_token_map_parse (const gchar *text, gsize length, const gchar *name,
                     gsize n_ids, GError **error)
{
  g_autoptr (D2vTokenMap) map = g_new0 (D2vTokenMap, 1);

  map->text = d2v_malloc (length + 1);
  if (map->text == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, name, "%" G_GSIZE_FORMAT " bytes",
                length);
      return NULL;
    }
  if (length > 0)
    memcpy (map->text, text, length);
  if (!parse (map, length, name, n_ids, error))
    return NULL;
  return g_steal_pointer (&map);
}

D2vTokenMap *
d2v_token_map_read (const D2vDir *dir, const gchar *name, gsize n_ids,
                    GError **error)
{
  g_autoptr (D2vFile) file = d2v_file_open (dir, name, error);
  g_autoptr (D2vTokenMap) map = g_new0 (D2vTokenMap, 1);
  gsize length;

  if (file == NULL)
    return NULL;
  map->text = d2v_file_read_all (file, MAX_FILE, &length, error);
  if (map->text == NULL
      || !parse (map, length, d2v_file_path (file), n_ids, error))
    return NULL;
  return g_steal_pointer (&map);
}

void
d2v_token_map_free (D2vTokenMap *map)
{
  if (map == NULL)
    return;
  g_clear_pointer (&map->by_token, g_hash_table_unref);
  d2v_free (map->entries);
  d2v_free (map->text);
  g_free (map);
}

gint64
d2v_token_map_find (const D2vTokenMap *map, const gchar *token)
{
  const D2vTokenEntry *entry = g_hash_table_lookup (map->by_token, token);

  return entry != NULL ? (gint64) entry->id : -1;
}
