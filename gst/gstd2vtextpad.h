/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vtextpad.h: a source pad that text leaves by.
 *
 * It introduces itself downstream (a sparse stream with an id of its own,
 * caps, segment, tags), keeps the stream's position moving with gaps, and
 * writes text as downstream wants it. Used by one thread at a time: the one
 * that pushes. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_D2V_TEXT_PAD (gst_d2v_text_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstD2vTextPad, gst_d2v_text_pad, GST, D2V_TEXT_PAD,
                      GstPad)

/* What a pad tells downstream before anything else; each may be NULL. */
typedef struct
{
  GstEvent *stream_start; /* as upstream sent it */
  GstEvent *segment;
  GstEvent *tags;
} GstD2vTextHead;

void gst_d2v_text_head_clear (GstD2vTextHead *head);

GstPad *gst_d2v_text_pad_new (GstPadTemplate *templ, const gchar *name);

/* Sends what of @head was not sent yet; begin() leaves out the segment and what
 * follows it, for those are about to change. */
void gst_d2v_text_pad_begin (GstD2vTextPad *pad, const GstD2vTextHead *head);
void gst_d2v_text_pad_introduce (GstD2vTextPad *pad,
                                 const GstD2vTextHead *head);
/* The next introduce() sends everything, or the segment and what follows. */
void gst_d2v_text_pad_new_stream (GstD2vTextPad *pad);
void gst_d2v_text_pad_new_segment (GstD2vTextPad *pad);
void gst_d2v_text_pad_new_tags (GstD2vTextPad *pad);

/* Where the stream has come to; NONE before a segment. */
GstClockTime gst_d2v_text_pad_position (GstD2vTextPad *pad);
/* Nothing comes before @until any more. */
void gst_d2v_text_pad_gap (GstD2vTextPad *pad, GstClockTime until);

/* Pushes @text (as it is for JSON, escaped where downstream wants markup) with
 * @result attached, which may be NULL. */
GstFlowReturn gst_d2v_text_pad_push (GstD2vTextPad *pad, const gchar *text,
                                     GstClockTime pts, GstClockTime duration,
                                     const GstStructure *result);

G_END_DECLS
