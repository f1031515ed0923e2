/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* golden.h: what tests against the original's answers share: the files of
 * cases in tests/data, and the patterns that make_image.py draws. */
#pragma once

#include "engine/io/json.h"

#include <string.h>

/* Calls @func for every element of "cases" in TESTS_DATA/@folder/@name. */
static inline void
golden_each (const gchar *folder, const gchar *name,
             void (*func) (const D2vJsonValue *value))
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *dir = g_build_filename (TESTS_DATA, folder, NULL);
  g_autoptr (D2vJson) json = d2v_json_read (dir, name, NULL, &error);

  g_assert_no_error (error);
  const D2vJsonValue *cases = d2v_json_member (d2v_json_root (json), "cases");
  g_assert_cmpuint (d2v_json_length (cases), >, 0);
  for (gsize i = 0; i < d2v_json_length (cases); i++)
    func (d2v_json_element (cases, i));
}

static inline const gchar *
golden_string (const D2vJsonValue *object, const gchar *key)
{
  const gchar *string = d2v_json_string (d2v_json_member (object, key), NULL);

  g_assert_nonnull (string);
  return string;
}

static inline gint64
golden_integer (const D2vJsonValue *object, const gchar *key)
{
  return d2v_json_integer (d2v_json_member (object, key));
}

/* Element @index of the array under @key. */
static inline const D2vJsonValue *
golden_element (const D2vJsonValue *object, const gchar *key, gsize index)
{
  const D2vJsonValue *array = d2v_json_member (object, key);

  g_assert_cmpuint (index, <, d2v_json_length (array));
  return d2v_json_element (array, index);
}

static inline gsize
golden_size (const D2vJsonValue *object, const gchar *key, gsize index)
{
  return (gsize) d2v_json_integer (golden_element (object, key, index));
}

/* Free with g_free(). */
static inline guint8 *
golden_bytes (const D2vJsonValue *object, const gchar *key, gsize *n_bytes)
{
  return g_base64_decode (golden_string (object, key), n_bytes);
}

/* Numbers that were stored as their bytes. */
static inline gfloat *
golden_floats (const D2vJsonValue *object, const gchar *key, gsize *n)
{
  gsize n_bytes;
  gfloat *floats = (gfloat *) golden_bytes (object, key, &n_bytes);

  *n = n_bytes / sizeof *floats;
  return floats;
}

/* (height, width, channels); free with g_free(). */
static inline guint8 *
golden_pattern (const D2vJsonValue *object, gsize width, gsize height,
                gsize channels)
{
  const gchar *kind = golden_string (object, "kind");
  guint32 state = (guint32) golden_integer (object, "seed");
  gsize n = width * height * channels;
  guint8 *out = g_new (guint8, n);

  for (gsize i = 0; i < n; i++)
    {
      gsize x = i / channels % width, y = i / channels / width;

      state = state * 1664525u + 1013904223u;
      guint8 noise = (guint8) (state >> 24);
      if (strcmp (kind, "noise") == 0)
        out[i] = noise;
      else if (strcmp (kind, "edges") == 0)
        out[i] = noise > 127 ? 255 : 0;
      else
        out[i] = (guint8) (5 * x + 3 * y + 50 * (i % channels) + noise / 32);
    }
  return out;
}
