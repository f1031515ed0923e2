/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* clang-format off */
/**
 * SECTION:element-d2vmetajson
 * @title: d2vmetajson
 *
 * Writes the results that buffers carry (the meta `GstD2vResultMeta` of any
 * element of this plugin) as JSON, one object a line.
 *
 * With `location`, buffers of any kind pass unchanged and the lines go to a
 * file, a FIFO, or (`-`) standard output; every line is flushed. Where
 * downstream wants `application/x-json`, the lines themselves are the stream.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -q filesrc location=talk.ogg ! decodebin ! audioconvert ! audioresample ! d2vtranscriber model=MODEL ! d2vmetajson location=- ! fakesink
 * ]|
 * |[
 * gst-launch-1.0 filesrc location=talk.ogg ! decodebin ! audioconvert ! audioresample ! d2vtranscriber model=MODEL ! d2vmetajson ! application/x-json ! filesink location=talk.jsonl
 * ]|
 *
 * ## The lines
 *
 * Each is a JSON object in UTF-8 with `version` (1), `type` ("transcript") and
 * the fields that the element which found the result documents, named as in
 * its messages. Times are integers, in nanoseconds; null where there is none.
 *
 * Since: 0.1
 */
/* clang-format on */

#include "gst/gstd2vmetajson.h"

#include "gst/gstd2vlinefile.h"
#include "gst/gstd2vresult.h"

GST_DEBUG_CATEGORY_STATIC (d2v_meta_json_debug);
#define GST_CAT_DEFAULT d2v_meta_json_debug

enum
{
  PROP_0,
  PROP_LOCATION
};

struct _GstD2vMetaJson
{
  GstBaseTransform parent;

  gchar *location; /* guarded by the object lock */
  GstD2vLineFile *file;
  GstCaps *json_caps;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_TYPE (GstD2vMetaJson, gst_d2v_meta_json, GST_TYPE_BASE_TRANSFORM)

/* All results of a buffer as lines; NULL when it has none. */
static gchar *
make_lines (GstBuffer *buffer)
{
  const GstStructure *result;
  gpointer state = NULL;
  GString *lines = NULL;

  while ((result = gst_d2v_result_iterate (buffer, &state)))
    {
      g_autofree gchar *json = gst_d2v_result_to_json (result);

      if (!lines)
        lines = g_string_new (NULL);
      g_string_append (lines, json);
      g_string_append_c (lines, '\n');
    }
  return lines ? g_string_free (lines, FALSE) : NULL;
}

/* --------------------------------------------------------------- caps -- */

/* Anything stays what it is, or becomes JSON; what it is comes first. */
static GstCaps *
gst_d2v_meta_json_transform_caps (GstBaseTransform *trans,
                                  GstPadDirection direction, GstCaps *caps,
                                  GstCaps *filter)
{
  GstD2vMetaJson *self = GST_D2V_META_JSON (trans);
  GstCaps *out;

  if (direction == GST_PAD_SINK)
    out = gst_caps_merge (gst_caps_ref (caps), gst_caps_ref (self->json_caps));
  else if (gst_caps_can_intersect (caps, self->json_caps))
    out = gst_caps_new_any ();
  else
    out = gst_caps_ref (caps);
  if (filter)
    {
      GstCaps *all = out;

      out = gst_caps_intersect_full (filter, all, GST_CAPS_INTERSECT_FIRST);
      gst_caps_unref (all);
    }
  return out;
}

static gboolean
gst_d2v_meta_json_set_caps (GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  gst_base_transform_set_passthrough (trans, gst_caps_is_equal (in, out));
  return TRUE;
}

/* --------------------------------------------------------------- data -- */

static GstFlowReturn
write_lines (GstD2vMetaJson *self, GstBuffer *buffer)
{
  g_autofree gchar *lines = self->file ? make_lines (buffer) : NULL;
  g_autoptr (GError) error = NULL;

  if (!lines || gst_d2v_line_file_write (self->file, lines, &error))
    return GST_FLOW_OK;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return GST_FLOW_FLUSHING;
  GST_ELEMENT_ERROR (self, RESOURCE, WRITE,
                     ("Results cannot be written: %s", error->message), (NULL));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
gst_d2v_meta_json_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  return write_lines (GST_D2V_META_JSON (trans), buffer);
}

static GstFlowReturn
gst_d2v_meta_json_prepare_output (GstBaseTransform *trans, GstBuffer *in,
                                  GstBuffer **out)
{
  gchar *lines;

  if (gst_base_transform_is_passthrough (trans))
    {
      *out = in;
      return GST_FLOW_OK;
    }
  lines = make_lines (in);
  *out = lines ? gst_buffer_new_wrapped (lines, strlen (lines))
               : gst_buffer_new ();
  gst_buffer_copy_into (
      *out, in, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  return GST_FLOW_OK;
}

/* The output was written already; a buffer without results has none. */
static GstFlowReturn
gst_d2v_meta_json_transform (GstBaseTransform *trans, GstBuffer *in,
                             GstBuffer *out)
{
  GstFlowReturn flow = write_lines (GST_D2V_META_JSON (trans), in);

  if (flow == GST_FLOW_OK && gst_buffer_get_size (out) == 0)
    return GST_BASE_TRANSFORM_FLOW_DROPPED;
  return flow;
}

/* ------------------------------------------------------------- states -- */

static gboolean
gst_d2v_meta_json_start (GstBaseTransform *trans)
{
  GstD2vMetaJson *self = GST_D2V_META_JSON (trans);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *location = NULL;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->location);
  GST_OBJECT_UNLOCK (self);
  if (!location || !*location)
    return TRUE;
  self->file = gst_d2v_line_file_open (location, &error);
  if (!self->file)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
                       ("Results cannot be written: %s", error->message),
                       (NULL));
  return self->file != NULL;
}

static gboolean
gst_d2v_meta_json_stop (GstBaseTransform *trans)
{
  g_clear_pointer (&GST_D2V_META_JSON (trans)->file, gst_d2v_line_file_close);
  return TRUE;
}

/* A FIFO that nobody reads must not keep the element from stopping. */
static GstStateChangeReturn
gst_d2v_meta_json_change_state (GstElement *element, GstStateChange transition)
{
  GstD2vMetaJson *self = GST_D2V_META_JSON (element);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY && self->file)
    gst_d2v_line_file_interrupt (self->file, TRUE);
  return GST_ELEMENT_CLASS (gst_d2v_meta_json_parent_class)
      ->change_state (element, transition);
}

static gboolean
gst_d2v_meta_json_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstD2vMetaJson *self = GST_D2V_META_JSON (trans);

  if (self->file && GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
    gst_d2v_line_file_interrupt (self->file, TRUE);
  if (self->file && GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    gst_d2v_line_file_interrupt (self->file, FALSE);
  return GST_BASE_TRANSFORM_CLASS (gst_d2v_meta_json_parent_class)
      ->sink_event (trans, event);
}

/* --------------------------------------------------------- properties -- */

static void
gst_d2v_meta_json_set_property (GObject *object, guint id, const GValue *value,
                                GParamSpec *pspec)
{
  GstD2vMetaJson *self = GST_D2V_META_JSON (object);

  GST_OBJECT_LOCK (self);
  if (id == PROP_LOCATION)
    {
      g_free (self->location);
      self->location = g_value_dup_string (value);
    }
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_d2v_meta_json_get_property (GObject *object, guint id, GValue *value,
                                GParamSpec *pspec)
{
  GstD2vMetaJson *self = GST_D2V_META_JSON (object);

  GST_OBJECT_LOCK (self);
  if (id == PROP_LOCATION)
    g_value_set_string (value, self->location);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_d2v_meta_json_finalize (GObject *object)
{
  GstD2vMetaJson *self = GST_D2V_META_JSON (object);

  g_free (self->location);
  gst_caps_unref (self->json_caps);
  G_OBJECT_CLASS (gst_d2v_meta_json_parent_class)->finalize (object);
}

static void
gst_d2v_meta_json_class_init (GstD2vMetaJsonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (d2v_meta_json_debug, "d2vmetajson", 0,
                           "results as lines of JSON");
  object_class->set_property = gst_d2v_meta_json_set_property;
  object_class->get_property = gst_d2v_meta_json_get_property;
  object_class->finalize = gst_d2v_meta_json_finalize;

  /**
   * GstD2vMetaJson:location:
   *
   * Where the lines go. A file is created or emptied; a FIFO may be opened for
   * reading before or after.
   */
  g_object_class_install_property (
      object_class, PROP_LOCATION,
      g_param_spec_string ("location", "Location",
                           "File or FIFO to write lines to; - is standard "
                           "output (unset: none)",
                           NULL,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                               | GST_PARAM_MUTABLE_READY));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (
      element_class, "Data2Vec results as JSON", "Filter/Metadata/Text",
      "Writes the results that buffers carry as lines of JSON",
      "The gst-data2vec authors");
  element_class->change_state
      = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_change_state);

  trans_class->transform_caps
      = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_transform_caps);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_set_caps);
  trans_class->prepare_output_buffer
      = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_prepare_output);
  trans_class->transform = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_transform);
  trans_class->transform_ip
      = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_transform_ip);
  trans_class->transform_ip_on_passthrough = TRUE;
  trans_class->passthrough_on_same_caps = TRUE;
  trans_class->start = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_stop);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_d2v_meta_json_sink_event);
}

static void
gst_d2v_meta_json_init (GstD2vMetaJson *self)
{
  self->json_caps = gst_caps_new_empty_simple ("application/x-json");
}
