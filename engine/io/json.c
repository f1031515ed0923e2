/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* json.c: jansson's trees, after a check of the text that jansson cannot do:
 * depth before recursion, token lengths, integers beyond 64 bits, and what the
 * tree will cost. */

#include "engine/io/json.h"

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/io/json_scan.h"

#include <jansson.h>
#include <string.h>

#define DEFAULT_DEPTH 16
#define DEFAULT_BYTES ((gsize) 16 << 20)
#define DEFAULT_GROWTH 3
#define FREE_TREE ((gsize) 24 << 20)

/* What jansson's nodes take with malloc's overhead, rounded up. */
#define COST_OBJECT 256
#define COST_ARRAY 160
#define COST_MEMBER 128
#define COST_STRING 112
#define COST_NUMBER 64
#define COST_WORD 16

struct _D2vJson
{
  json_t *root;
  gchar *name;
};

/* One parse: the text, its limits, and what the check found. */
typedef struct
{
  const gchar *text;
  gsize length;
  const gchar *name;
  D2vJsonLimits limits;
  gsize tree_bytes;
  gsize n_big_integers;
} Source;

static const json_t *
tree (const D2vJsonValue *value)
{
  return (const json_t *) value;
}

/* ------------------------------------------------------------ parsing -- */

static D2vJsonLimits
filled_limits (const D2vJsonLimits *given)
{
  D2vJsonLimits limits = given != NULL ? *given : (D2vJsonLimits){ 0 };

  if (limits.max_depth == 0)
    limits.max_depth = DEFAULT_DEPTH;
  if (limits.max_bytes == 0)
    limits.max_bytes = DEFAULT_BYTES;
  if (limits.code == D2V_ERROR_FAILED)
    limits.code = D2V_ERROR_JSON;
  if (limits.max_growth == 0)
    limits.max_growth = DEFAULT_GROWTH;
  return limits;
}

static gsize
cost_of (D2vToken token, const D2vScanner *scanner)
{
  gsize length = scanner->end - scanner->begin;

  switch (token)
    {
    case D2V_TOKEN_OBJECT_BEGIN:
      return COST_OBJECT;
    case D2V_TOKEN_ARRAY_BEGIN:
      return COST_ARRAY;
    case D2V_TOKEN_KEY:
      return COST_MEMBER + length;
    case D2V_TOKEN_STRING:
      return COST_STRING + length;
    case D2V_TOKEN_INTEGER:
    case D2V_TOKEN_REAL:
      return COST_NUMBER;
    default:
      return COST_WORD;
    }
}

static gboolean
check_text (Source *source, GError **error)
{
  D2vScanner scanner;
  D2vToken token;
  gint64 ignored;
  gsize ceiling = FREE_TREE + source->limits.max_growth * source->length;

  d2v_scanner_init (&scanner, source->text, source->length,
                    source->limits.max_depth);
  while ((token = d2v_scanner_next (&scanner)) > D2V_TOKEN_END)
    {
      source->tree_bytes += cost_of (token, &scanner);
      if (source->tree_bytes > ceiling)
        return d2v_fail (error, D2V_ERROR_TOO_BIG, source->name,
                         "expected at most %" G_GSIZE_FORMAT " bytes of "
                         "values, found more at byte %" G_GSIZE_FORMAT " (J)",
                         ceiling, scanner.begin);
      if (token == D2V_TOKEN_INTEGER
          && !d2v_scanner_integer (&scanner, &ignored))
        source->n_big_integers++;
    }
  if (token == D2V_TOKEN_FAILED)
    return d2v_fail (error, source->limits.code, source->name,
                     "expected JSON, found %s at byte %" G_GSIZE_FORMAT " (J)",
                     scanner.reason, scanner.error_offset);
  return TRUE;
}

/* A copy in which every integer beyond 64 bits ends in ".0": jansson would
 * refuse the whole text for a key that nobody reads. */
static gchar *
copy_with_reals (const Source *source, gsize *length)
{
  gchar *copy = d2v_malloc (source->length + 2 * source->n_big_integers);
  gchar *out = copy;
  gsize done = 0;
  gint64 ignored;
  D2vScanner scanner;
  D2vToken token;

  if (copy == NULL)
    return NULL;
  d2v_scanner_init (&scanner, source->text, source->length,
                    source->limits.max_depth);
  while ((token = d2v_scanner_next (&scanner)) > D2V_TOKEN_END)
    {
      if (token != D2V_TOKEN_INTEGER
          || d2v_scanner_integer (&scanner, &ignored))
        continue;
      out = mempcpy (out, source->text + done, scanner.end - done);
      out = mempcpy (out, ".0", 2);
      done = scanner.end;
    }
  out = mempcpy (out, source->text + done, source->length - done);
  *length = (gsize) (out - copy);
  return copy;
}

/* jansson's own text quotes the file, so only its code and place are used. */
static gboolean
fail_as_jansson (const Source *source, const json_error_t *found,
                 GError **error)
{
  switch (json_error_code (found))
    {
    case json_error_out_of_memory:
      return d2v_fail (error, D2V_ERROR_NO_MEMORY, source->name,
                       "%" G_GSIZE_FORMAT " bytes of JSON", source->length);
    case json_error_duplicate_key:
      return d2v_fail (error, source->limits.code, source->name,
                       "expected each key once, found one twice before byte "
                       "%d (J)",
                       found->position);
    case json_error_numeric_overflow:
      return d2v_fail (error, source->limits.code, source->name,
                       "expected numbers in range, found one beyond it "
                       "before byte %d (J)",
                       found->position);
    default:
      return d2v_fail (error, source->limits.code, source->name,
                       "expected JSON, found something else before byte %d "
                       "(J)",
                       found->position);
    }
}

static json_t *
build_tree (const Source *source, GError **error)
{
  gsize length = source->length;
  gchar *copy = NULL;
  json_error_t found;

  if (source->n_big_integers > 0
      && (copy = copy_with_reals (source, &length)) == NULL)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, source->name,
                "%" G_GSIZE_FORMAT " bytes of JSON", source->length);
      return NULL;
    }
  json_t *root = json_loadb (
      copy != NULL ? copy : source->text, length,
      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &found);
  d2v_free (copy);
  if (root == NULL)
    fail_as_jansson (source, &found, error);
  return root;
}

D2vJson *
d2v_json_parse (const gchar *text, gsize length, const gchar *name,
                const D2vJsonLimits *limits, GError **error)
{
  Source source = { .text = text,
                    .length = length,
                    .name = name,
                    .limits = filled_limits (limits) };

  if (length > source.limits.max_bytes)
    {
      d2v_fail (error, D2V_ERROR_TOO_BIG, name,
                "expected at most %" G_GSIZE_FORMAT " bytes, found "
                "%" G_GSIZE_FORMAT,
                source.limits.max_bytes, length);
      return NULL;
    }
  if (!check_text (&source, error))
    return NULL;
  json_t *root = build_tree (&source, error);
  if (root == NULL)
    return NULL;

  D2vJson *json = g_new (D2vJson, 1);
  json->root = root;
  json->name = g_strdup (name);
  return json;
}

D2vJson *
d2v_json_read_at (const D2vDir *dir, const gchar *name,
                  const D2vJsonLimits *limits, GError **error)
{
  g_autoptr (D2vFile) file = d2v_file_open (dir, name, error);
  gsize length;

  if (file == NULL)
    return NULL;
  gchar *text = d2v_file_read_all (file, filled_limits (limits).max_bytes,
                                   &length, error);
  if (text == NULL)
    return NULL;
  D2vJson *json
      = d2v_json_parse (text, length, d2v_file_path (file), limits, error);
  d2v_free (text);
  return json;
}

D2vJson *
d2v_json_read (const gchar *dir, const gchar *name, const D2vJsonLimits *limits,
               GError **error)
{
  g_autoptr (D2vDir) opened = d2v_dir_open (dir, error);

  return opened != NULL ? d2v_json_read_at (opened, name, limits, error) : NULL;
}

gboolean
d2v_json_read_optional (const gchar *dir, const gchar *name,
                        const D2vJsonLimits *limits, D2vJson **json,
                        GError **error)
{
  g_autoptr (D2vDir) opened = d2v_dir_open (dir, error);

  *json = NULL;
  if (opened == NULL)
    return FALSE;
  if (!d2v_dir_has (opened, name))
    return TRUE;
  *json = d2v_json_read_at (opened, name, limits, error);
  return *json != NULL;
}

void
d2v_json_free (D2vJson *json)
{
  if (json == NULL)
    return;
  json_decref (json->root);
  g_free (json->name);
  g_free (json);
}

const gchar *
d2v_json_name (const D2vJson *json)
{
  return json->name;
}

const D2vJsonValue *
d2v_json_root (const D2vJson *json)
{
  return (const D2vJsonValue *) json->root;
}

/* ------------------------------------------------------------- values -- */

D2vJsonType
d2v_json_type (const D2vJsonValue *value)
{
  if (value == NULL)
    return D2V_JSON_NULL;
  switch (json_typeof (tree (value)))
    {
    case JSON_OBJECT:
      return D2V_JSON_OBJECT;
    case JSON_ARRAY:
      return D2V_JSON_ARRAY;
    case JSON_STRING:
      return D2V_JSON_STRING;
    case JSON_INTEGER:
      return D2V_JSON_INTEGER;
    case JSON_REAL:
      return D2V_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
      return D2V_JSON_BOOL;
    case JSON_NULL:
      return D2V_JSON_NULL;
    }
  g_assert_not_reached ();
}

const D2vJsonValue *
d2v_json_member (const D2vJsonValue *object, const gchar *key)
{
  const json_t *value = json_object_get (tree (object), key);

  return json_is_null (value) ? NULL : (const D2vJsonValue *) value;
}

gboolean
d2v_json_has (const D2vJsonValue *object, const gchar *key)
{
  return json_object_get (tree (object), key) != NULL;
}

gsize
d2v_json_length (const D2vJsonValue *value)
{
  return json_is_array (tree (value)) ? json_array_size (tree (value))
                                      : json_object_size (tree (value));
}

const D2vJsonValue *
d2v_json_element (const D2vJsonValue *array, gsize index)
{
  return (const D2vJsonValue *) json_array_get (tree (array), index);
}

gint64
d2v_json_integer (const D2vJsonValue *value)
{
  return json_integer_value (tree (value));
}

gdouble
d2v_json_number (const D2vJsonValue *value)
{
  return json_number_value (tree (value));
}

gboolean
d2v_json_bool (const D2vJsonValue *value)
{
  return json_is_true (tree (value));
}

const gchar *
d2v_json_string (const D2vJsonValue *value, gsize *length)
{
  if (length != NULL)
    *length = json_string_length (tree (value));
  return json_string_value (tree (value));
}

/* jansson's iterators want a writable object but do not write. */
static json_t *
writable (const D2vJsonValue *value)
{
  return (json_t *) value;
}

D2vJsonIter
d2v_json_iter (const D2vJsonValue *object)
{
  return (D2vJsonIter){ .object = object,
                        .position = json_object_iter (writable (object)) };
}

gboolean
d2v_json_iter_next (D2vJsonIter *iter, const gchar **key,
                    const D2vJsonValue **value)
{
  if (iter->position == NULL)
    return FALSE;
  *key = json_object_iter_key (iter->position);
  *value = (const D2vJsonValue *) json_object_iter_value (iter->position);
  iter->position
      = json_object_iter_next (writable (iter->object), iter->position);
  return TRUE;
}
