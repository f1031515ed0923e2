/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* json_scan.h: the tokens of a JSON text, one by one, without a tree.
 *
 * Checks the whole grammar and the rules J as it goes, never recurses, and
 * allocates nothing. json.c runs it before it builds a tree; the safetensors
 * reader, whose headers may be large, needs no tree at all. */
#pragma once

#include "engine/d2v.h"

/* The deepest that any caller asks for. */
#define D2V_JSON_MAX_DEPTH 32

typedef enum
{
  D2V_TOKEN_FAILED, /* error_offset and reason say why */
  D2V_TOKEN_END,
  D2V_TOKEN_OBJECT_BEGIN,
  D2V_TOKEN_OBJECT_END,
  D2V_TOKEN_ARRAY_BEGIN,
  D2V_TOKEN_ARRAY_END,
  D2V_TOKEN_KEY,
  D2V_TOKEN_STRING,
  D2V_TOKEN_INTEGER,
  D2V_TOKEN_REAL,
  D2V_TOKEN_TRUE,
  D2V_TOKEN_FALSE,
  D2V_TOKEN_NULL
} D2vToken;

typedef struct
{
  const gchar *text;
  gsize length;
  gsize position; /* first byte not yet scanned */
  guint max_depth;

  guint depth;
  guint32 in_object; /* bit i: the container at depth i + 1 is an object */
  guint expect;      /* what the grammar allows next */

  /* of the latest token: a string's are without its quotes */
  gsize begin, end;
  gboolean escaped; /* the string holds a backslash */
  gboolean has_nul; /* the string holds \u0000 */

  gsize error_offset;
  const gchar *reason;
} D2vScanner;

/* @text is borrowed and need not end in NUL. @max_depth: at most
 * D2V_JSON_MAX_DEPTH. */
void d2v_scanner_init (D2vScanner *scanner, const gchar *text, gsize length,
                       guint max_depth);
D2vToken d2v_scanner_next (D2vScanner *scanner);
/* Goes through the whole text for its form alone and begins anew, so that a
 * text which is no JSON is refused as that, whatever else is wrong in it.
 * FALSE with error_offset and reason set. */
gboolean d2v_scanner_check (D2vScanner *scanner);
/* The latest key or string, unescaped, in the place of what @out held. */
void d2v_scanner_string (const D2vScanner *scanner, GString *out);
/* The latest integer token; FALSE beyond 64 bits. */
gboolean d2v_scanner_integer (const D2vScanner *scanner, gint64 *out);
