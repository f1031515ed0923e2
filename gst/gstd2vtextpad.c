/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vtextpad.h"

#include "gst/gstd2vresult.h"

GST_DEBUG_CATEGORY_STATIC (d2v_text_pad_debug);
#define GST_CAT_DEFAULT d2v_text_pad_debug

struct _GstD2vTextPad
{
  GstPad pad;

  gboolean has_stream;
  gboolean has_caps;  /* and they are what downstream wants */
  gboolean told_caps; /* some, since the stream began */
  gboolean has_segment;
  gboolean has_tags;
  gboolean is_markup;
  gboolean discont; /* the next buffer is the first, or follows a break */
  GstClockTime position;
  GstClockTime last; /* time stamp; none may lie before it */
  GstClockTime stop; /* the segment's */
};

G_DEFINE_TYPE (GstD2vTextPad, gst_d2v_text_pad, GST_TYPE_PAD)

void
gst_d2v_text_head_clear (GstD2vTextHead *head)
{
  gst_clear_event (&head->stream_start);
  gst_clear_event (&head->segment);
  gst_clear_event (&head->tags);
}

GstPad *
gst_d2v_text_pad_new (GstPadTemplate *templ, const gchar *name)
{
  return g_object_new (GST_TYPE_D2V_TEXT_PAD, "name", name, "direction",
                       GST_PAD_SRC, "template", templ, NULL);
}

/* ------------------------------------------------------- introduction -- */

/* Upstream's id is what makes ours the same from run to run. Sound that comes
 * without a stream-start (NULL) gets one made up. */
static GstEvent *
make_stream_start (GstD2vTextPad *pad, GstEvent *upstream)
{
  g_autoptr (GstElement) element = gst_pad_get_parent_element (GST_PAD (pad));
  g_autofree gchar *id = NULL;
  const gchar *upstream_id;
  GstEvent *event;
  guint group;

  if (upstream)
    {
      gst_event_parse_stream_start (upstream, &upstream_id);
      id = g_strconcat (upstream_id, "/", GST_OBJECT_NAME (pad), NULL);
    }
  else if (element)
    id = gst_pad_create_stream_id (GST_PAD (pad), element,
                                   GST_OBJECT_NAME (pad));
  event = gst_event_new_stream_start (id ? id : GST_OBJECT_NAME (pad));
  gst_event_set_stream_flags (event, GST_STREAM_FLAG_SPARSE);
  if (upstream && gst_event_parse_group_id (upstream, &group))
    gst_event_set_group_id (event, group);
  return event;
}

static gboolean
has_format (GstCaps *caps, const gchar *format)
{
  g_autoptr (GstCaps) wanted = gst_caps_new_simple (
      "text/x-raw", "format", G_TYPE_STRING, format, NULL);

  return gst_caps_can_intersect (caps, wanted);
}

/* Plain text if downstream takes it: muxers take nothing else. */
static GstCaps *
choose_caps (GstD2vTextPad *pad)
{
  g_autoptr (GstCaps) ours = gst_pad_get_pad_template_caps (GST_PAD (pad));
  g_autoptr (GstCaps) both = gst_pad_peer_query_caps (GST_PAD (pad), ours);
  gboolean text = has_format (ours, "utf8");

  pad->is_markup = FALSE;
  if (!text)
    return gst_caps_ref (ours);
  if (!has_format (both, "utf8") && has_format (both, "pango-markup"))
    pad->is_markup = TRUE;
  return gst_caps_new_simple ("text/x-raw", "format", G_TYPE_STRING,
                              pad->is_markup ? "pango-markup" : "utf8", NULL);
}

/* Downstream may ask for nothing new. */
static void
negotiate (GstD2vTextPad *pad)
{
  g_autoptr (GstCaps) caps = choose_caps (pad);
  g_autoptr (GstCaps) now = gst_pad_get_current_caps (GST_PAD (pad));

  GST_DEBUG_OBJECT (pad, "%" GST_PTR_FORMAT, caps);
  pad->has_caps
      = (pad->told_caps && now && gst_caps_is_equal (now, caps))
        || gst_pad_push_event (GST_PAD (pad), gst_event_new_caps (caps));
  pad->told_caps |= pad->has_caps;
}

void
gst_d2v_text_pad_begin (GstD2vTextPad *pad, const GstD2vTextHead *head)
{
  gboolean renegotiate = gst_pad_check_reconfigure (GST_PAD (pad));

  /* While the pad flushes, nothing is kept: it must be sent again later. */
  if (!pad->has_stream)
    pad->has_stream = gst_pad_push_event (
        GST_PAD (pad), make_stream_start (pad, head->stream_start));
  pad->has_caps = pad->has_caps && !renegotiate;
  if (pad->has_stream && !pad->has_caps)
    negotiate (pad);
}

void
gst_d2v_text_pad_introduce (GstD2vTextPad *pad, const GstD2vTextHead *head)
{
  gst_d2v_text_pad_begin (pad, head);
  if (pad->has_stream && !pad->has_segment && head->segment)
    {
      const GstSegment *segment;

      gst_event_parse_segment (head->segment, &segment);
      pad->has_segment
          = gst_pad_push_event (GST_PAD (pad), gst_event_ref (head->segment));
      pad->position = segment->start;
      pad->last = 0;
      pad->stop = segment->stop;
    }
  if (pad->has_segment && !pad->has_tags && head->tags)
    pad->has_tags
        = gst_pad_push_event (GST_PAD (pad), gst_event_ref (head->tags));
}

void
gst_d2v_text_pad_new_stream (GstD2vTextPad *pad)
{
  pad->has_stream = pad->has_caps = pad->has_segment = pad->has_tags = FALSE;
  pad->told_caps = FALSE;
  pad->discont = TRUE;
  pad->position = GST_CLOCK_TIME_NONE;
}

void
gst_d2v_text_pad_new_segment (GstD2vTextPad *pad)
{
  pad->has_segment = FALSE;
  pad->discont = TRUE;
  pad->position = GST_CLOCK_TIME_NONE;
}

void
gst_d2v_text_pad_new_tags (GstD2vTextPad *pad)
{
  pad->has_tags = FALSE;
}

/* --------------------------------------------------------------- data -- */

GstClockTime
gst_d2v_text_pad_position (GstD2vTextPad *pad)
{
  return pad->position;
}

void
gst_d2v_text_pad_gap (GstD2vTextPad *pad, GstClockTime until)
{
  GstClockTime from = pad->position;

  if (!GST_CLOCK_TIME_IS_VALID (from))
    return;
  if (GST_CLOCK_TIME_IS_VALID (pad->stop))
    until = MIN (until, pad->stop);
  if (until <= from)
    return;
  pad->position = until;
  pad->last = from;
  gst_pad_push_event (GST_PAD (pad), gst_event_new_gap (from, until - from));
}

GstFlowReturn
gst_d2v_text_pad_push (GstD2vTextPad *pad, const gchar *text, GstClockTime pts,
                       GstClockTime duration, const GstStructure *result)
{
  gchar *content
      = pad->is_markup ? g_markup_escape_text (text, -1) : g_strdup (text);
  GstBuffer *buffer = gst_buffer_new_wrapped (content, strlen (content));

  /* A word that was told of while it was heard may begin a little earlier in
   * the end. */
  pts = pad->last = MAX (pts, pad->last);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  if (pad->discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  pad->discont = FALSE;
  if (result)
    gst_d2v_result_attach (buffer, result);
  pad->position = MAX (pad->position, pts + duration);
  return gst_pad_push (GST_PAD (pad), buffer);
}

static void
gst_d2v_text_pad_class_init (GstD2vTextPadClass *klass)
{
  GST_DEBUG_CATEGORY_INIT (d2v_text_pad_debug, "d2vtextpad", 0,
                           "source pads of text");
  gst_type_mark_as_plugin_api (GST_TYPE_D2V_TEXT_PAD, 0);
}

static void
gst_d2v_text_pad_init (GstD2vTextPad *pad)
{
  pad->discont = TRUE;
  pad->position = pad->stop = GST_CLOCK_TIME_NONE;
}
