/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* golden_text.h: the lines of tests/data/bpe/pipelines.jsonl for the tests of
 * the text tasks. */
#pragma once

#include "engine/io/json.h"
#include "engine/process/bpe.h"

/* A line's tokenizer (NULL when it names none) and itself. TRUE when what it
 * expects was found. */
typedef gboolean (*GoldenFunc) (const D2vTokenizer *tokenizer,
                                const D2vJsonValue *line);

/* Calls @func for each line of @task and fails unless all hold and there are
 * at least @n_least of them. */
void golden_text_run (const gchar *task, gsize n_least, GoldenFunc func);

/* The logits of make_pipelines.py, @begin on. Free with g_free(). */
gfloat *golden_numbers (guint64 seed, gsize n, gdouble scale, gsize begin);

/* Members by key; 0, FALSE, { NULL, 0 } when absent. */
gint64 golden_integer (const D2vJsonValue *object, const gchar *key);
gdouble golden_number (const D2vJsonValue *object, const gchar *key);
gboolean golden_bool (const D2vJsonValue *object, const gchar *key);
D2vString golden_string (const D2vJsonValue *object, const gchar *key);
gboolean golden_has (const D2vJsonValue *object, const gchar *key);
/* Strings of an array; NULL when absent. Free with g_strfreev(). */
gchar **golden_strings (const D2vJsonValue *object, const gchar *key);

/* Whether the member is this string. */
gboolean golden_same (const D2vJsonValue *object, const gchar *key,
                      const gchar *found, gsize length);
/* Whether the member is this number to six digits. */
gboolean golden_near (const D2vJsonValue *object, const gchar *key,
                      gdouble found);
