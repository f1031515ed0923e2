/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/gst/script.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A script may ask for hours; these keep a run short. */
#define MAX_SOUND_MS 20000
#define MAX_SLEEP_MS 50
#define MAX_ALL_SOUND_MS 600000
#define MAX_ALL_SLEEP_MS 2000
#define MAX_WORDS 32

/* A hang is a bug, too. */
#define MAX_STOP (10 * G_TIME_SPAN_SECOND)

/* What a stream has told so far. */
typedef struct
{
  gboolean has_stream, has_caps, has_segment, ended;
  GstSegment segment;
  GstClockTime last;
} Stream;

struct _Player
{
  GstElement *element;
  GstBus *bus;
  GstPad *src;       /* upstream */
  GHashTable *sinks; /* downstream, by name */
  GThreadPool *second;
  gboolean s16; /* what is pushed */
  GstClockTime next;
  gint sound_ms, sleep_ms;   /* atomic: of the whole script */
  gint waiting;              /* atomic: lines given to the second thread */
  gint live, answer, format; /* atomic */
  gint n_buffers, n_eos;     /* atomic */
};

#define RULE(what)                                                             \
  G_STMT_START                                                                 \
  {                                                                            \
    if (!(what))                                                               \
      {                                                                        \
        g_printerr ("broken rule: %s\n", #what);                               \
        abort ();                                                              \
      }                                                                        \
  }                                                                            \
  G_STMT_END

/* ---------------------------------------------------------- downstream -- */

static GstFlowReturn
take_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Player *player = g_object_get_data (G_OBJECT (pad), "player");
  Stream *stream = g_object_get_data (G_OBJECT (pad), "stream");
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstMapInfo map;

  RULE (stream->has_stream);
  RULE (stream->has_caps);
  RULE (stream->has_segment);
  RULE (!stream->ended);
  RULE (GST_CLOCK_TIME_IS_VALID (pts) && GST_BUFFER_DURATION_IS_VALID (buffer));
  RULE (pts >= stream->last);
  RULE (!GST_CLOCK_TIME_IS_VALID (stream->segment.stop)
        || pts <= stream->segment.stop);
  RULE (gst_buffer_map (buffer, &map, GST_MAP_READ));
  RULE (g_utf8_validate ((const gchar *) map.data, (gssize) map.size, NULL));
  gst_buffer_unmap (buffer, &map);
  stream->last = pts;
  gst_buffer_unref (buffer);
  g_atomic_int_inc (&player->n_buffers);
  return (GstFlowReturn) g_atomic_int_get (&player->answer);
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Player *player = g_object_get_data (G_OBJECT (pad), "player");
  Stream *stream = g_object_get_data (G_OBJECT (pad), "stream");
  GstClockTime pts, duration;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_STREAM_START:
      stream->has_stream = TRUE;
      stream->ended = FALSE;
      stream->last = 0;
      break;
    case GST_EVENT_CAPS:
      RULE (stream->has_stream);
      stream->has_caps = TRUE;
      break;
    case GST_EVENT_SEGMENT:
      RULE (stream->has_caps);
      gst_event_copy_segment (event, &stream->segment);
      RULE (stream->segment.format == GST_FORMAT_TIME);
      stream->has_segment = TRUE;
      stream->last = 0;
      break;
    case GST_EVENT_GAP:
      RULE (stream->has_segment && !stream->ended);
      gst_event_parse_gap (event, &pts, &duration);
      RULE (GST_CLOCK_TIME_IS_VALID (pts) && pts >= stream->last);
      stream->last = pts;
      break;
    case GST_EVENT_FLUSH_STOP:
      stream->ended = FALSE;
      stream->last = 0;
      break;
    case GST_EVENT_EOS:
      RULE (!stream->ended);
      stream->ended = TRUE;
      g_atomic_int_inc (&player->n_eos);
      break;
    default:
      break;
    }
  gst_event_unref (event);
  return TRUE;
}

/* Which of the two formats downstream takes, if any. */
static gboolean
take_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  static const gchar *const formats[]
      = { "ANY", "text/x-raw, format=utf8", "text/x-raw, format=pango-markup",
          "EMPTY" };
  Player *player = g_object_get_data (G_OBJECT (pad), "player");
  GstCaps *caps, *filter, *both;

  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS)
    {
      gst_query_set_accept_caps_result (query, TRUE);
      return TRUE;
    }
  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS
      || g_str_equal (GST_OBJECT_NAME (pad), "json_src"))
    return gst_pad_query_default (pad, parent, query);
  caps = gst_caps_from_string (
      formats[g_atomic_int_get (&player->format) % G_N_ELEMENTS (formats)]);
  gst_query_parse_caps (query, &filter);
  both = filter ? gst_caps_intersect (filter, caps) : gst_caps_ref (caps);
  gst_query_set_caps_result (query, both);
  gst_caps_unref (both);
  gst_caps_unref (caps);
  return TRUE;
}

static void
link_sink (Player *player, GstPad *peer)
{
  GstPad *pad = gst_pad_new (GST_OBJECT_NAME (peer), GST_PAD_SINK);

  g_object_set_data (G_OBJECT (pad), "player", player);
  g_object_set_data_full (G_OBJECT (pad), "stream", g_new0 (Stream, 1), g_free);
  gst_pad_set_chain_function (pad, take_buffer);
  gst_pad_set_event_function (pad, take_event);
  gst_pad_set_query_function (pad, take_query);
  gst_pad_set_active (pad, TRUE);
  RULE (gst_pad_link_full (peer, pad, GST_PAD_LINK_CHECK_NOTHING)
        == GST_PAD_LINK_OK);
  g_hash_table_insert (player->sinks, g_strdup (GST_OBJECT_NAME (peer)), pad);
}

/* ------------------------------------------------------------ upstream -- */

static gboolean
answer_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Player *player = g_object_get_data (G_OBJECT (pad), "player");

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, g_atomic_int_get (&player->live),
                         10 * GST_MSECOND, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static void
push_segment (Player *player, GstFormat format, gdouble rate, guint64 start,
              guint64 stop)
{
  GstSegment segment;

  gst_segment_init (&segment, format);
  segment.rate = rate;
  segment.start = segment.time = start;
  segment.stop = stop;
  gst_pad_push_event (player->src, gst_event_new_segment (&segment));
}

static void
flush (Player *player)
{
  gst_pad_push_event (player->src, gst_event_new_flush_start ());
  gst_pad_push_event (player->src, gst_event_new_flush_stop (TRUE));
}

static gboolean
obey_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Player *player = g_object_get_data (G_OBJECT (pad), "player");
  gint64 start;
  gdouble rate;

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK)
    {
      gst_event_parse_seek (event, &rate, NULL, NULL, NULL, &start, NULL, NULL);
      flush (player);
      push_segment (player, GST_FORMAT_TIME, rate, (guint64) start,
                    GST_CLOCK_TIME_NONE);
      player->next = (GstClockTime) start;
    }
  gst_event_unref (event);
  return TRUE;
}

/* --------------------------------------------------------------- lines -- */

typedef struct
{
  gchar **words;
  guint n;
} Line;

static const gchar *
word (const Line *line, guint i)
{
  return i < line->n ? line->words[i] : "";
}

static guint64
number (const gchar *text)
{
  return g_ascii_strtoull (text, NULL, 10);
}

static GstClockTime
milliseconds (const gchar *text)
{
  guint64 ms = number (text);

  if (g_str_equal (text, "none") || !*text)
    return GST_CLOCK_TIME_NONE;
  return ms < GST_CLOCK_TIME_NONE / GST_MSECOND ? ms * GST_MSECOND
                                                : GST_CLOCK_TIME_NONE - 1;
}

/* The value of a word NAME=VALUE, or NULL. */
static const gchar *
option (const Line *line, const gchar *name)
{
  gsize n = strlen (name);

  for (guint i = 1; i < line->n; i++)
    if (strncmp (line->words[i], name, n) == 0 && line->words[i][n] == '=')
      return line->words[i] + n + 1;
  return NULL;
}

static gfloat
level (const gchar *text)
{
  if (g_str_has_prefix (text, "nan"))
    return NAN;
  if (g_str_has_prefix (text, "inf"))
    return INFINITY;
  return (gfloat) (number (text) % 1000) / 100;
}

static GByteArray *
make_samples (Player *player, const Line *line)
{
  /* Never NULL, so that no sound at all may be pointed into. */
  GByteArray *bytes = g_byte_array_sized_new (1);
  guint64 total_ms = 0;
  guint64 limit = g_atomic_int_get (&player->sound_ms) < MAX_ALL_SOUND_MS
                      ? MAX_SOUND_MS
                      : 0;

  for (guint i = 1; i < line->n; i++)
    {
      const gchar *colon = strchr (line->words[i], ':');
      guint64 ms = colon ? number (colon + 1) : 0;
      gfloat sample = level (line->words[i]);
      gint16 small = isfinite (sample) ? (gint16) (MIN (sample, 1) * 32767) : 0;

      ms = MIN (ms, limit - total_ms);
      total_ms += ms;
      for (guint64 n = 0; n < ms * 16; n++)
        if (player->s16)
          g_byte_array_append (bytes, (guint8 *) &small, sizeof small);
        else
          g_byte_array_append (bytes, (guint8 *) &sample, sizeof sample);
    }
  g_atomic_int_add (&player->sound_ms, (gint) total_ms);
  return bytes;
}

static GstBuffer *
make_buffer (const guint8 *bytes, gsize n, gsize split, gsize odd)
{
  GstBuffer *buffer = gst_buffer_new ();

  split = split ? split : n + 1;
  for (gsize i = 0, piece; i < n; i += piece)
    {
      gpointer copy;

      piece = MIN (split, n - i);
      copy = g_memdup2 (bytes + i, piece);
      gst_buffer_append_memory (
          buffer,
          gst_memory_new_wrapped (0, copy, piece, 0, piece, copy, g_free));
    }
  if (odd)
    gst_buffer_append_memory (buffer, gst_allocator_alloc (NULL, odd, NULL));
  if (odd)
    gst_buffer_memset (buffer, n, 0, odd);
  return buffer;
}

static void
do_push (Player *player, const Line *line)
{
  g_autoptr (GByteArray) bytes = make_samples (player, line);
  const gchar *pts = option (line, "pts"), *flags = option (line, "flags");
  const gchar *size = option (line, "buffer"), *split = option (line, "split");
  const gchar *odd = option (line, "odd");
  gsize frame = player->s16 ? 2 : 4;
  gsize piece = size ? number (size) % 100000 * 16 * frame : bytes->len;
  GstFlowReturn flow = GST_FLOW_OK;

  if (pts && !g_str_equal (pts, "next"))
    player->next = milliseconds (pts);
  piece = MAX (piece, 16 * frame);
  for (gsize i = 0; (i < bytes->len || i == 0) && flow == GST_FLOW_OK;
       i += piece)
    {
      gsize n = MIN (piece, bytes->len - i);
      GstBuffer *buffer = make_buffer (
          bytes->data + i, n,
          split ? MAX (number (split) % 100000, n / 1000 + 1) : 0,
          odd ? number (odd) % 64 : 0);

      GST_BUFFER_PTS (buffer) = player->next;
      if (flags)
        GST_BUFFER_FLAG_SET (buffer, number (flags) & 0xfff0);
      if (GST_CLOCK_TIME_IS_VALID (player->next) && player->next < G_MAXINT64)
        player->next += n / frame * GST_SECOND / 16000;
      flow = gst_pad_push (player->src, buffer);
    }
}

static void
do_caps (Player *player, const Line *line)
{
  static const struct
  {
    const gchar *kind, *caps;
  } kinds[] = {
    { "f32", "audio/x-raw, format=F32LE, rate=16000, channels=1, "
             "layout=interleaved" },
    { "s16", "audio/x-raw, format=S16LE, rate=16000, channels=1, "
             "layout=interleaved" },
    { "stereo", "audio/x-raw, format=F32LE, rate=16000, channels=2, "
                "layout=interleaved" },
    { "48k", "audio/x-raw, format=F32LE, rate=48000, channels=1, "
             "layout=interleaved" },
    { "video", "video/x-raw, format=RGB, width=1, height=1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (word (line, 1), kinds[i].kind))
      {
        g_autoptr (GstCaps) caps = gst_caps_from_string (kinds[i].caps);

        player->s16 = g_str_equal (kinds[i].kind, "s16");
        gst_pad_push_event (player->src, gst_event_new_caps (caps));
      }
}

static void
do_segment (Player *player, const Line *line)
{
  gdouble rate = g_ascii_strtod (word (line, 2), NULL);

  if (!isfinite (rate) || rate == 0)
    rate = 1;
  push_segment (player,
                g_str_equal (word (line, 1), "bytes") ? GST_FORMAT_BYTES
                                                      : GST_FORMAT_TIME,
                rate, line->n > 3 ? milliseconds (word (line, 3)) : 0,
                milliseconds (word (line, 4)));
}

static void
do_gap (Player *player, const Line *line)
{
  GstEvent *event = gst_event_new_gap (0, milliseconds (word (line, 2)));

  gst_structure_set (gst_event_writable_structure (event), "timestamp",
                     GST_TYPE_CLOCK_TIME, milliseconds (word (line, 1)), NULL);
  gst_pad_push_event (player->src, event);
}

static void
do_seek (Player *player, const Line *line)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (player->element, "src");
  gdouble rate = g_ascii_strtod (word (line, 2), NULL);

  gst_pad_send_event (
      pad, gst_event_new_seek (
               isfinite (rate) && rate != 0 ? rate : 1, GST_FORMAT_TIME,
               GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
               (gint64) (number (word (line, 1)) % 1000000) * GST_MSECOND,
               GST_SEEK_TYPE_NONE, 0));
}

static void
do_latency (Player *player, const Line *line)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (player->element, "src");
  g_autoptr (GstQuery) query = gst_query_new_latency ();

  gst_pad_query (pad, query);
}

static void
do_reconfigure (Player *player, const Line *line)
{
  const gchar *kind = word (line, 1);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (player->element, "src");

  g_atomic_int_set (&player->format, g_str_equal (kind, "text")     ? 1
                                     : g_str_equal (kind, "markup") ? 2
                                     : g_str_equal (kind, "none")   ? 3
                                                                    : 0);
  gst_pad_send_event (pad, gst_event_new_reconfigure ());
}

static void
do_state (Player *player, const Line *line)
{
  static const gchar *const names[]
      = { "", "null", "ready", "paused", "playing" };
  gint64 began = g_get_monotonic_time ();

  for (guint i = 1; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (word (line, 1), names[i]))
      gst_element_set_state (player->element, (GstState) i);
  RULE (g_get_monotonic_time () - began < MAX_STOP);
}

static void
do_property (Player *player, const Line *line)
{
  GParamSpec *spec = g_object_class_find_property (
      G_OBJECT_GET_CLASS (player->element), word (line, 1));
  g_autofree gchar *value = NULL;

  if (line->n < 3 || !spec || !(spec->flags & G_PARAM_WRITABLE)
      || spec->owner_type == GST_TYPE_OBJECT)
    return;
  value = g_strjoinv (" ", line->words + 2);
  gst_util_set_object_arg (G_OBJECT (player->element), spec->name, value);
}

static void
do_request (Player *player, const Line *line)
{
  GstPadTemplate *templ
      = gst_element_get_pad_template (player->element, word (line, 1));
  GstPad *pad;

  if (!templ || GST_PAD_TEMPLATE_PRESENCE (templ) != GST_PAD_REQUEST)
    return;
  pad = gst_element_request_pad (player->element, templ, NULL, NULL);
  if (!pad)
    return;
  link_sink (player, pad);
  gst_object_unref (pad);
}

static void
release (Player *player, const gchar *name)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (player->element, name);
  GstPad *sink = g_hash_table_lookup (player->sinks, name);

  if (!pad || g_str_equal (name, "src") || !sink)
    return;
  gst_element_release_request_pad (player->element, pad);
  gst_pad_set_active (sink, FALSE);
  g_hash_table_remove (player->sinks, name);
}

static void
do_release (Player *player, const Line *line)
{
  release (player, word (line, 1));
}

static void
do_answer (Player *player, const Line *line)
{
  static const struct
  {
    const gchar *name;
    GstFlowReturn flow;
  } answers[] = { { "ok", GST_FLOW_OK },
                  { "eos", GST_FLOW_EOS },
                  { "error", GST_FLOW_ERROR },
                  { "flushing", GST_FLOW_FLUSHING },
                  { "not-linked", GST_FLOW_NOT_LINKED } };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    if (g_str_equal (word (line, 1), answers[i].name))
      g_atomic_int_set (&player->answer, answers[i].flow);
}

static void
do_event (Player *player, const Line *line)
{
  const gchar *name = word (line, 0);
  GstEvent *event = NULL;

  if (g_str_equal (name, "stream-start"))
    event = gst_event_new_stream_start (line->n > 1 ? line->words[1] : "id");
  else if (g_str_equal (name, "tag"))
    event = gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "t", NULL));
  else if (g_str_equal (name, "eos"))
    event = gst_event_new_eos ();
  else if (g_str_equal (name, "segment-done"))
    event = gst_event_new_segment_done (GST_FORMAT_TIME, 0);
  else if (g_str_equal (name, "flush-start"))
    event = gst_event_new_flush_start ();
  else
    event = gst_event_new_flush_stop (TRUE);
  gst_pad_push_event (player->src, event);
}

static void
do_flush (Player *player, const Line *line)
{
  flush (player);
}

static void
do_live (Player *player, const Line *line)
{
  g_atomic_int_set (&player->live, g_str_equal (word (line, 1), "yes"));
}

static void
do_sleep (Player *player, const Line *line)
{
  gint ms = (gint) MIN (number (word (line, 1)), MAX_SLEEP_MS);

  if (g_atomic_int_add (&player->sleep_ms, ms) < MAX_ALL_SLEEP_MS)
    g_usleep ((gulong) ms * 1000);
}

static void
do_join (Player *player, const Line *line)
{
  gint64 began = g_get_monotonic_time ();

  while (g_atomic_int_get (&player->waiting) > 0)
    {
      g_usleep (500);
      RULE (g_get_monotonic_time () - began < 6 * MAX_STOP);
    }
}

static const struct
{
  const gchar *name;
  void (*run) (Player *player, const Line *line);
} commands[] = {
  { "push", do_push },          { "caps", do_caps },
  { "segment", do_segment },    { "gap", do_gap },
  { "stream-start", do_event }, { "tag", do_event },
  { "eos", do_event },          { "segment-done", do_event },
  { "flush-start", do_event },  { "flush-stop", do_event },
  { "flush", do_flush },        { "seek", do_seek },
  { "latency", do_latency },    { "reconfigure", do_reconfigure },
  { "state", do_state },        { "property", do_property },
  { "request", do_request },    { "release", do_release },
  { "live", do_live },          { "answer", do_answer },
  { "sleep", do_sleep },        { "join", do_join },
};

static void
run_line (Player *player, const gchar *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, " \t\r", MAX_WORDS);
  Line line = { words, g_strv_length (words) };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (word (&line, 0), commands[i].name))
      commands[i].run (player, &line);
  for (GstMessage *message; (message = gst_bus_pop (player->bus));)
    gst_message_unref (message);
}

static void
run_second (gpointer text, gpointer data)
{
  Player *player = data;

  if (!g_str_has_prefix (text, "join")) /* it cannot wait for itself */
    run_line (player, text);
  g_free (text);
  g_atomic_int_add (&player->waiting, -1);
}

/* -------------------------------------------------------------- player -- */

Player *
player_new (GstElement *element)
{
  Player *player = g_new0 (Player, 1);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (element, "src");

  player->element = gst_object_ref (element);
  player->bus = gst_bus_new ();
  gst_element_set_bus (element, player->bus);
  player->sinks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         gst_object_unref);
  player->second = g_thread_pool_new (run_second, player, 1, FALSE, NULL);
  player->src = gst_pad_new ("upstream", GST_PAD_SRC);
  g_object_set_data (G_OBJECT (player->src), "player", player);
  gst_pad_set_query_function (player->src, answer_query);
  gst_pad_set_event_function (player->src, obey_event);
  gst_pad_set_active (player->src, TRUE);
  RULE (gst_pad_link (player->src, sink) == GST_PAD_LINK_OK);
  link_sink (player, src);
  return player;
}

void
player_run (Player *player, const gchar *script)
{
  g_auto (GStrv) lines = g_strsplit (script, "\n", -1);

  for (guint i = 0; lines[i]; i++)
    if (g_str_has_prefix (lines[i], "& "))
      {
        g_atomic_int_inc (&player->waiting);
        g_thread_pool_push (player->second, g_strdup (lines[i] + 2), NULL);
      }
    else
      run_line (player, lines[i]);
  run_line (player, "join");
}

void
player_free (Player *player)
{
  GHashTableIter iter;
  gpointer pad;

  run_line (player, "state null");
  g_thread_pool_free (player->second, FALSE, TRUE);
  g_hash_table_iter_init (&iter, player->sinks);
  while (g_hash_table_iter_next (&iter, NULL, &pad))
    gst_pad_set_active (pad, FALSE);
  gst_pad_set_active (player->src, FALSE);
  g_hash_table_unref (player->sinks);
  gst_object_unref (player->src);
  gst_element_set_bus (player->element, NULL);
  gst_object_unref (player->bus);
  gst_object_unref (player->element);
  g_free (player);
}

guint
player_n_buffers (Player *player)
{
  return (guint) g_atomic_int_get (&player->n_buffers);
}

guint
player_n_eos (Player *player)
{
  return (guint) g_atomic_int_get (&player->n_eos);
}
