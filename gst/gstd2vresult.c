/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vresult.h"

#include <math.h>

void
gst_d2v_word_clear (GstD2vWord *word)
{
  g_clear_pointer (&word->text, g_free);
}

void
gst_d2v_result_register (void)
{
  static gsize once;
  static const gchar *no_tags[] = { NULL };

  if (g_once_init_enter (&once))
    {
      if (!gst_meta_get_info (GST_D2V_RESULT_META))
        gst_meta_register_custom (GST_D2V_RESULT_META, no_tags, NULL, NULL,
                                  NULL);
      g_once_init_leave (&once, 1);
    }
}

GstStructure *
gst_d2v_result_new (const gchar *type, const GstSegment *segment,
                    GstClockTime timestamp, GstClockTime duration)
{
  g_autofree gchar *name = g_strconcat ("d2v/", type, NULL);

  return gst_structure_new (
      name, "type", G_TYPE_STRING, type, "timestamp", G_TYPE_UINT64, timestamp,
      "stream-time", G_TYPE_UINT64,
      gst_segment_to_stream_time (segment, GST_FORMAT_TIME, timestamp),
      "running-time", G_TYPE_UINT64,
      gst_segment_to_running_time (segment, GST_FORMAT_TIME, timestamp),
      "duration", G_TYPE_UINT64, duration, NULL);
}

void
gst_d2v_result_add_words (GstStructure *result, const GstD2vWord *words,
                          guint n_words)
{
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (guint i = 0; i < n_words; i++)
    {
      GValue item = G_VALUE_INIT;

      g_value_init (&item, GST_TYPE_STRUCTURE);
      g_value_take_boxed (
          &item,
          gst_structure_new ("word", "text", G_TYPE_STRING, words[i].text,
                             "start", G_TYPE_UINT64, words[i].start, "end",
                             G_TYPE_UINT64, words[i].end, "confidence",
                             G_TYPE_DOUBLE, words[i].confidence, NULL));
      gst_value_array_append_and_take_value (&array, &item);
    }
  gst_structure_take_value (result, "words", &array);
}

/* --------------------------------------------------------------- meta -- */

static gboolean
copy_field (GQuark field, const GValue *value, gpointer structure)
{
  gst_structure_id_set_value (structure, field, value);
  return TRUE;
}

void
gst_d2v_result_attach (GstBuffer *buffer, const GstStructure *result)
{
  GstCustomMeta *meta;

  meta = gst_buffer_add_custom_meta (buffer, GST_D2V_RESULT_META);
  gst_structure_foreach (result, copy_field,
                         gst_custom_meta_get_structure (meta));
}

const GstStructure *
gst_d2v_result_iterate (GstBuffer *buffer, gpointer *state)
{
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta (buffer, state)))
    if (gst_meta_info_is_custom (meta->info)
        && gst_custom_meta_has_name ((GstCustomMeta *) meta,
                                     GST_D2V_RESULT_META))
      return gst_custom_meta_get_structure ((GstCustomMeta *) meta);
  return NULL;
}

GstMessage *
gst_d2v_result_message (GstObject *src, const GstStructure *result)
{
  return gst_message_new_element (src, gst_structure_copy (result));
}

/* --------------------------------------------------------------- JSON -- */

static void add_structure (GString *json, const GstStructure *structure);

/* RFC 8259 strings must be UTF-8 and may not hold control characters raw. */
static void
add_string (GString *json, const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (json, '"');
  for (const gchar *c = valid; *c; c++)
    if (*c == '"' || *c == '\\')
      g_string_append_printf (json, "\\%c", *c);
    else if ((guchar) *c < 0x20 || *c == 0x7f)
      g_string_append_printf (json, "\\u%04x", (guchar) *c);
    else
      g_string_append_c (json, *c);
  g_string_append_c (json, '"');
}

/* JSON knows no NaN and no infinity. */
static void
add_double (GString *json, gdouble number)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isfinite (number))
    g_string_append (json, g_ascii_formatd (text, sizeof text, "%.7g", number));
  else
    g_string_append (json, "null");
}

static void
add_value (GString *json, const GValue *value)
{
  if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value))
    add_string (json, g_value_get_string (value));
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    g_string_append (json, g_value_get_boolean (value) ? "true" : "false");
  else if (G_VALUE_HOLDS_INT (value))
    g_string_append_printf (json, "%d", g_value_get_int (value));
  else if (G_VALUE_HOLDS_UINT (value))
    g_string_append_printf (json, "%u", g_value_get_uint (value));
  else if (G_VALUE_HOLDS_INT64 (value))
    g_string_append_printf (json, "%" G_GINT64_FORMAT,
                            g_value_get_int64 (value));
  else if (G_VALUE_HOLDS_UINT64 (value)
           && GST_CLOCK_TIME_IS_VALID (g_value_get_uint64 (value)))
    g_string_append_printf (json, "%" G_GUINT64_FORMAT,
                            g_value_get_uint64 (value));
  else if (G_VALUE_HOLDS_DOUBLE (value))
    add_double (json, g_value_get_double (value));
  else if (G_VALUE_HOLDS_FLOAT (value))
    add_double (json, g_value_get_float (value));
  else if (GST_VALUE_HOLDS_STRUCTURE (value))
    add_structure (json, gst_value_get_structure (value));
  else if (GST_VALUE_HOLDS_ARRAY (value))
    {
      guint n = gst_value_array_get_size (value);

      g_string_append_c (json, '[');
      for (guint i = 0; i < n; i++)
        {
          if (i)
            g_string_append_c (json, ',');
          add_value (json, gst_value_array_get_value (value, i));
        }
      g_string_append_c (json, ']');
    }
  else
    g_string_append (json, "null");
}

static void
add_field (GString *json, const gchar *name, const GValue *value)
{
  if (json->str[json->len - 1] != '{')
    g_string_append_c (json, ',');
  add_string (json, name);
  g_string_append_c (json, ':');
  add_value (json, value);
}

static gboolean
add_each_field (GQuark field, const GValue *value, gpointer json)
{
  add_field (json, g_quark_to_string (field), value);
  return TRUE;
}

static void
add_structure (GString *json, const GstStructure *structure)
{
  g_string_append_c (json, '{');
  gst_structure_foreach (structure, add_each_field, json);
  g_string_append_c (json, '}');
}

gchar *
gst_d2v_result_to_json (const GstStructure *result)
{
  GString *json = g_string_new (NULL);

  g_string_printf (json, "{\"version\":%d", GST_D2V_JSON_VERSION);
  gst_structure_foreach (result, add_each_field, json);
  g_string_append_c (json, '}');
  return g_string_free (json, FALSE);
}
