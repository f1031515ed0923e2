/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vresult.h: one result, three ways out.
 *
 * What a model found is one GstStructure. The same structure is attached to
 * the buffer it belongs to, posted as an element message and printed as a line
 * of JSON, so the three never disagree. Every result has
 *
 *   type          what it is: "transcript"
 *   timestamp     of the buffer it belongs to        all guint64, ns
 *   stream-time
 *   running-time
 *   duration
 *
 * and the fields of its type, documented with the element. Any thread; nothing
 * here takes a lock. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The meta has no tags: elements that only keep metas which do not depend on
 * what they change (audioconvert, videoscale, ...) keep it. */
#define GST_D2V_RESULT_META "GstD2vResultMeta"

/* Version of the JSON lines: raised when a field changes its meaning. */
#define GST_D2V_JSON_VERSION 1

/* A text with its time in the stream, and how sure the model is of it. */
typedef struct
{
  gchar *text;
  GstClockTime start; /* stream time */
  GstClockTime end;
  gdouble confidence;
} GstD2vWord;

void gst_d2v_word_clear (GstD2vWord *word);

void gst_d2v_result_register (void);

/* Named "d2v/@type", with the fields that every result has. */
GstStructure *gst_d2v_result_new (const gchar *type, const GstSegment *segment,
                                  GstClockTime timestamp,
                                  GstClockTime duration);
/* Adds `words`, an array of structures (text, start, end, confidence). */
void gst_d2v_result_add_words (GstStructure *result, const GstD2vWord *words,
                               guint n_words);

/* @buffer must be writable. */
void gst_d2v_result_attach (GstBuffer *buffer, const GstStructure *result);
/* The next result on @buffer, or NULL; *@state begins as NULL. */
const GstStructure *gst_d2v_result_iterate (GstBuffer *buffer, gpointer *state);

GstMessage *gst_d2v_result_message (GstObject *src, const GstStructure *result);

/* One JSON object without a line end. Free with g_free(). */
gchar *gst_d2v_result_to_json (const GstStructure *result);

G_END_DECLS
