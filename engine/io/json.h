/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* json.h: strict JSON (rules J), read into a tree or written.
 *
 * RFC 8259 in UTF-8 without a byte order mark. Duplicate keys (compared after
 * unescaping), lone surrogates and NUL in keys are refused; so is nesting
 * beyond a depth, a string beyond 1 MiB and a number token beyond 64
 * characters (128 for one with a fraction or an exponent). Integers beyond 64
 * bits are kept as reals: they are legal where nobody asks for an integer.
 *
 * `null` is the same as absent, for every getter. A document is immutable
 * once parsed: any thread. */
#pragma once

#include "engine/io/file.h"

/* A document owns every value in it. */
typedef struct _D2vJson D2vJson;
typedef struct _D2vJsonValue D2vJsonValue;

typedef enum
{
  D2V_JSON_NULL,
  D2V_JSON_BOOL,
  D2V_JSON_INTEGER, /* an integer token within 64 bits */
  D2V_JSON_REAL,
  D2V_JSON_STRING,
  D2V_JSON_ARRAY,
  D2V_JSON_OBJECT
} D2vJsonType;

/* Zeros are the defaults. */
typedef struct
{
  guint max_depth;   /* 16 */
  gsize max_bytes;   /* 16 MiB */
  D2vErrorCode code; /* of every syntax error: D2V_ERROR_JSON */
  /* A text whose tree would take more than 24 MiB and this many times its own
   * size is refused with TOO_BIG before the tree is built: 3 */
  guint max_growth;
} D2vJsonLimits;

/* For tokenizer.json, which is large, deep and made of tiny strings. */
#define D2V_JSON_TOKENIZER_LIMITS                                              \
  {                                                                            \
    .max_depth = 32, .max_bytes = 64 << 20, .max_growth = 16                   \
  }

/* @name stands in messages. @limits may be NULL. */
D2vJson *d2v_json_parse (const gchar *text, gsize length, const gchar *name,
                         const D2vJsonLimits *limits, GError **error);
/* Reads and parses @dir/@name. */
D2vJson *d2v_json_read (const gchar *dir, const gchar *name,
                        const D2vJsonLimits *limits, GError **error);
D2vJson *d2v_json_read_at (const D2vDir *dir, const gchar *name,
                           const D2vJsonLimits *limits, GError **error);
/* The same for a file that need not exist: TRUE with *json NULL then. */
gboolean d2v_json_read_optional (const gchar *dir, const gchar *name,
                                 const D2vJsonLimits *limits, D2vJson **json,
                                 GError **error);
void d2v_json_free (D2vJson *json);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vJson, d2v_json_free)

const gchar *d2v_json_name (const D2vJson *json);
const D2vJsonValue *d2v_json_root (const D2vJson *json);
/* The root, which must be an object; CONFIG_TYPE otherwise. */
const D2vJsonValue *d2v_json_root_object (const D2vJson *json, GError **error);

/* ------------------------------------------------------------- values -- */

/* NULL has the type null. */
D2vJsonType d2v_json_type (const D2vJsonValue *value);
/* "an integer", "a string": for messages. */
const gchar *d2v_json_type_name (D2vJsonType type);

/* NULL when the key is absent or null, or when @object is no object. */
const D2vJsonValue *d2v_json_member (const D2vJsonValue *object,
                                     const gchar *key);
/* Whether the key is there, be it with null. */
gboolean d2v_json_has (const D2vJsonValue *object, const gchar *key);
/* Elements of an array, members of an object, else 0. */
gsize d2v_json_length (const D2vJsonValue *value);
/* Of an array; NULL beyond its end. */
const D2vJsonValue *d2v_json_element (const D2vJsonValue *array, gsize index);

/* The value of the type named; 0, FALSE or NULL for another type. A number is
 * an integer or a real. */
gint64 d2v_json_integer (const D2vJsonValue *value);
gdouble d2v_json_number (const D2vJsonValue *value);
gboolean d2v_json_bool (const D2vJsonValue *value);
/* Valid UTF-8, NUL-terminated; it may hold NULs before @length (may be
 * NULL). */
const gchar *d2v_json_string (const D2vJsonValue *value, gsize *length);

/* Members in the order of the file:
 *
 *   D2vJsonIter iter = d2v_json_iter (object);
 *   while (d2v_json_iter_next (&iter, &key, &value))
 */
typedef struct
{
  const D2vJsonValue *object;
  gpointer position;
} D2vJsonIter;

D2vJsonIter d2v_json_iter (const D2vJsonValue *object);
gboolean d2v_json_iter_next (D2vJsonIter *iter, const gchar **key,
                             const D2vJsonValue **value);

/* ------------------------------------------------------ checked members -- */

/* Each leaves *out as it is when the key is absent or null, so set the
 * default before. CONFIG_TYPE for another type, CONFIG_RANGE beyond the
 * limits; the message names key, value and range. */
gboolean d2v_json_get_bool (const D2vJson *json, const D2vJsonValue *object,
                            const gchar *key, gboolean *out, GError **error);
gboolean d2v_json_get_integer (const D2vJson *json, const D2vJsonValue *object,
                               const gchar *key, gint64 min, gint64 max,
                               gint64 *out, GError **error);
/* An integer into a size; 0 <= min. */
gboolean d2v_json_get_size (const D2vJson *json, const D2vJsonValue *object,
                            const gchar *key, gsize min, gsize max, gsize *out,
                            GError **error);
/* An integer or a real, finite. */
gboolean d2v_json_get_number (const D2vJson *json, const D2vJsonValue *object,
                              const gchar *key, gdouble min, gdouble max,
                              gdouble *out, GError **error);
/* Borrowed; at most @max_bytes, without NUL. */
gboolean d2v_json_get_string (const D2vJson *json, const D2vJsonValue *object,
                              const gchar *key, gsize max_bytes,
                              const gchar **out, GError **error);
/* A list of integers within min..max into @out, which has room for
 * @max_length; *length becomes how many there are. */
gboolean d2v_json_get_sizes (const D2vJson *json, const D2vJsonValue *object,
                             const gchar *key, gsize min, gsize max,
                             gsize min_length, gsize max_length, gsize *out,
                             gsize *length, GError **error);
/* The object or array under @key into *out. */
gboolean d2v_json_get_object (const D2vJson *json, const D2vJsonValue *object,
                              const gchar *key, const D2vJsonValue **out,
                              GError **error);
gboolean d2v_json_get_array (const D2vJson *json, const D2vJsonValue *object,
                             const gchar *key, const D2vJsonValue **out,
                             GError **error);

/* ------------------------------------------------------------- writing -- */

/* Appends @string with its quotes, everything escaped that must be. @length
 * in bytes, -1 for a C string; NUL becomes \u0000, each ill-formed byte
 * U+FFFD. */
void d2v_json_append_string (GString *out, const gchar *string, gssize length);
/* Appends the shortest decimal that reads back as @value, always with a
 * fraction or an exponent, whatever the locale; null for NaN and infinities. */
void d2v_json_append_double (GString *out, gdouble value);
