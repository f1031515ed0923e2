/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/gst/bench.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- model -- */

gchar *
make_model (const gchar *prefix, const gchar *conf)
{
  gchar *dir = g_dir_make_tmp ("d2v-fake-XXXXXX", NULL);
  g_autofree gchar *conf_path = g_build_filename (dir, "fake.conf", NULL);
  g_autofree gchar *weights = g_build_filename (dir, "weights", NULL);

  g_assert_true (g_file_set_contents (conf_path, conf ? conf : "", -1, NULL));
  g_assert_true (g_file_set_contents (weights, prefix, -1, NULL));
  return dir;
}

void
remove_model (gchar *model)
{
  static const gchar *const names[] = { "fake.conf", "weights" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *path = g_build_filename (model, names[i], NULL);

      g_remove (path);
    }
  g_rmdir (model);
  g_free (model);
}

/* ---------------------------------------------------------------- log -- */

static void
append (Bench *bench, GstPad *pad, gchar *text)
{
  g_mutex_lock (&bench->lock);
  g_ptr_array_add (bench->log,
                   g_strdup_printf ("%s: %s", GST_OBJECT_NAME (pad), text));
  g_cond_broadcast (&bench->cond);
  g_mutex_unlock (&bench->lock);
  g_free (text);
}

static gchar *
describe_buffer (GstBuffer *buffer)
{
  GstMapInfo map;
  gchar *text;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  text = g_strdup_printf ("%.*s %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
                          (gint) map.size, (const gchar *) map.data,
                          GST_BUFFER_PTS (buffer) / GST_MSECOND,
                          GST_BUFFER_DURATION (buffer) / GST_MSECOND);
  gst_buffer_unmap (buffer, &map);
  return text;
}

static gchar *
describe_gap (GstEvent *event)
{
  GstClockTime pts, duration;

  gst_event_parse_gap (event, &pts, &duration);
  return g_strdup_printf ("gap %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
                          pts / GST_MSECOND, duration / GST_MSECOND);
}

static gchar *
describe_caps (GstEvent *event)
{
  GstCaps *caps;
  const gchar *format;

  gst_event_parse_caps (event, &caps);
  format
      = gst_structure_get_string (gst_caps_get_structure (caps, 0), "format");
  return g_strdup_printf ("caps %s", format ? format : "json");
}

static gchar *
describe_tag (GstEvent *event)
{
  GstTagList *tags;
  g_autofree gchar *language = NULL;

  gst_event_parse_tag (event, &tags);
  gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language);
  return g_strdup_printf ("tag %s", language ? language : "other");
}

static gchar *
describe_event (GstEvent *event)
{
  const GstSegment *segment;
  const gchar *name;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_GAP:
      return describe_gap (event);
    case GST_EVENT_CAPS:
      return describe_caps (event);
    case GST_EVENT_TAG:
      return describe_tag (event);
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      return g_strdup_printf ("segment %" G_GUINT64_FORMAT,
                              segment->start / GST_MSECOND);
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      name = gst_structure_get_name (gst_event_get_structure (event));
      return g_strdup (strrchr (name, '/') ? strrchr (name, '/') + 1 : name);
    default:
      return g_strdup (GST_EVENT_TYPE_NAME (event));
    }
}

static GstPadProbeReturn
log_data (GstPad *pad, GstPadProbeInfo *info, gpointer bench)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    append (bench, pad, describe_buffer (GST_PAD_PROBE_INFO_BUFFER (info)));
  else
    append (bench, pad, describe_event (GST_PAD_PROBE_INFO_EVENT (info)));
  return GST_PAD_PROBE_OK;
}

void
bench_watch (Bench *bench, GstPad *pad)
{
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      log_data, bench, NULL);
}

gboolean
bench_wait (Bench *bench, const gchar *text, guint seconds)
{
  gint64 until = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;
  gboolean found = FALSE, waiting = TRUE;

  g_mutex_lock (&bench->lock);
  while (!found && waiting)
    {
      for (guint i = 0; i < bench->log->len && !found; i++)
        found = strstr (g_ptr_array_index (bench->log, i), text) != NULL;
      if (!found)
        waiting = g_cond_wait_until (&bench->cond, &bench->lock, until);
    }
  g_mutex_unlock (&bench->lock);
  return found;
}

gchar *
bench_lines (Bench *bench, const gchar *filter)
{
  GString *lines = g_string_new (NULL);

  g_mutex_lock (&bench->lock);
  for (guint i = 0; i < bench->log->len; i++)
    {
      const gchar *line = g_ptr_array_index (bench->log, i);

      if (!filter || strstr (line, filter))
        g_string_append_printf (lines, "%s%s", lines->len ? "; " : "", line);
    }
  g_mutex_unlock (&bench->lock);
  return g_string_free (lines, FALSE);
}

guint
bench_count (Bench *bench, const gchar *text)
{
  guint n = 0;

  g_mutex_lock (&bench->lock);
  for (guint i = 0; i < bench->log->len; i++)
    n += strstr (g_ptr_array_index (bench->log, i), text) != NULL;
  g_mutex_unlock (&bench->lock);
  return n;
}

void
bench_clear_log (Bench *bench)
{
  g_mutex_lock (&bench->lock);
  g_ptr_array_set_size (bench->log, 0);
  g_mutex_unlock (&bench->lock);
}

/* Words begin with an upper-case letter, or < in markup; events do not. */
gchar *
bench_words_now (Bench *bench)
{
  GString *words = g_string_new (NULL);

  g_mutex_lock (&bench->lock);
  for (guint i = 0; i < bench->log->len; i++)
    {
      const gchar *line = g_ptr_array_index (bench->log, i);

      if (g_str_has_prefix (line, "src: ") && g_ascii_isupper (line[5]))
        g_string_append_printf (words, "%s%s", words->len ? ", " : "",
                                line + 5);
    }
  g_mutex_unlock (&bench->lock);
  return g_string_free (words, FALSE);
}

/* -------------------------------------------------------------- bench -- */

static GstStaticPadTemplate harness_src = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate harness_sink = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static Bench *
make_bench (const gchar *properties, gboolean live, gchar *model)
{
  Bench *bench = g_new0 (Bench, 1);
  g_autofree gchar *line = NULL;
  g_autoptr (GstPad) src = NULL;
  g_autoptr (GError) error = NULL;

  g_mutex_init (&bench->lock);
  g_cond_init (&bench->cond);
  bench->log = g_ptr_array_new_with_free_func (g_free);
  bench->model = model;
  line = g_strdup_printf ("d2vtranscriber model=%s %s", bench->model,
                          properties ? properties : "");
  bench->element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  bench->bus = gst_bus_new ();
  gst_element_set_bus (bench->element, bench->bus);
  src = gst_element_get_static_pad (bench->element, "src");
  bench_watch (bench, src);
  bench->harness = gst_harness_new_empty ();
  gst_harness_set_live (bench->harness, live);
  gst_harness_add_element_full (bench->harness, bench->element, &harness_src,
                                "sink", &harness_sink, "src");
  gst_object_unref (bench->element); /* the harness has its own */
  gst_harness_set_src_caps_str (bench->harness, CAPS_F32);
  return bench;
}

Bench *
bench_new (const gchar *properties, gboolean live, const gchar *conf)
{
  return make_bench (properties, live, make_model ("W", conf));
}

Bench *
bench_new_real (const gchar *properties, gboolean live, const gchar *model)
{
  Bench *bench = make_bench (properties, live, g_strdup (model));

  bench->is_real = TRUE;
  return bench;
}

void
bench_free (Bench *bench)
{
  gst_element_set_bus (bench->element, NULL);
  gst_harness_teardown (bench->harness);
  gst_object_unref (bench->bus);
  g_ptr_array_unref (bench->log);
  if (bench->is_real)
    g_free (bench->model);
  else
    remove_model (bench->model);
  g_mutex_clear (&bench->lock);
  g_cond_clear (&bench->cond);
  g_free (bench);
}

GstPad *
bench_request (Bench *bench, const gchar *name)
{
  GstPad *pad = gst_element_request_pad_simple (bench->element, name);

  g_assert_nonnull (pad);
  bench_watch (bench, pad);
  return pad;
}

/* -------------------------------------------------------------- sound -- */

GArray *
make_sound (const gchar *sound)
{
  GArray *samples = g_array_new (FALSE, FALSE, sizeof (gfloat));
  g_auto (GStrv) parts = g_strsplit (sound, " ", -1);

  for (guint i = 0; parts[i]; i++)
    {
      guint level, ms;

      g_assert_cmpint (sscanf (parts[i], "%u:%u", &level, &ms), ==, 2);
      for (guint j = 0; j < ms * 16; j++)
        {
          gfloat sample = level / 100.0f;

          g_array_append_val (samples, sample);
        }
    }
  return samples;
}

GstBuffer *
make_buffer (Bench *bench, const gfloat *samples, guint n)
{
  GstBuffer *buffer;
  gint16 *shorts;

  if (n == 0)
    return gst_buffer_new_allocate (NULL, 0, NULL);
  if (!bench->is_s16)
    return gst_buffer_new_memdup (samples, n * sizeof *samples);
  shorts = g_new (gint16, n);
  for (guint i = 0; i < n; i++)
    shorts[i] = (gint16) (samples[i] * 32767);
  buffer = gst_buffer_new_wrapped (shorts, n * sizeof *shorts);
  return buffer;
}

GstFlowReturn
bench_push_samples (Bench *bench, const gfloat *samples, guint n_samples,
                    guint buffer_ms)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; i < n_samples && flow == GST_FLOW_OK;)
    {
      guint n = MIN (buffer_ms * 16, n_samples - i);
      GstBuffer *buffer = make_buffer (bench, samples + i, n);

      GST_BUFFER_PTS (buffer) = bench->next;
      GST_BUFFER_DURATION (buffer) = n * GST_SECOND / 16000;
      bench->next += n * GST_SECOND / 16000;
      i += n;
      flow = gst_harness_push (bench->harness, buffer);
    }
  return flow;
}

GstFlowReturn
bench_push_in (Bench *bench, const gchar *sound, guint buffer_ms)
{
  g_autoptr (GArray) samples = make_sound (sound);

  return bench_push_samples (bench, (const gfloat *) samples->data,
                             samples->len, buffer_ms);
}

GstFlowReturn
bench_push (Bench *bench, const gchar *sound)
{
  return bench_push_in (bench, sound, 20);
}

GstFlowReturn
bench_push_one (Bench *bench, const gchar *sound, GstClockTime pts, guint flags)
{
  g_autoptr (GArray) samples = make_sound (sound);
  GstBuffer *buffer
      = make_buffer (bench, (const gfloat *) samples->data, samples->len);

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_FLAG_SET (buffer, flags);
  return gst_harness_push (bench->harness, buffer);
}

void
bench_flush (Bench *bench)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (bench->harness, gst_event_new_flush_start ());
  gst_harness_push_event (bench->harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (bench->harness, gst_event_new_segment (&segment));
  bench->next = 0;
}

void
bench_eos (Bench *bench)
{
  g_assert_true (gst_harness_push_event (bench->harness, gst_event_new_eos ()));
}

gchar *
bench_words (Bench *bench)
{
  bench_eos (bench);
  g_assert_true (bench_wait (bench, "src: eos", 20));
  return bench_words_now (bench);
}

/* ---------------------------------------------------------------- bus -- */

GstMessage *
bench_message (Bench *bench, GstMessageType type, guint seconds)
{
  return gst_bus_timed_pop_filtered (bench->bus, seconds * GST_SECOND, type);
}

GstMessage *
bench_element_message (Bench *bench, const gchar *name, guint seconds)
{
  GstMessage *message;

  while ((message = bench_message (bench, GST_MESSAGE_ELEMENT, seconds)))
    {
      if (gst_message_has_name (message, name))
        return message;
      gst_message_unref (message);
    }
  return NULL;
}

guint64
bench_stat (Bench *bench, const gchar *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (bench->element, "stats", &stats, NULL);
  if (gst_structure_has_field_typed (stats, field, G_TYPE_UINT))
    {
      guint small;

      g_assert_true (gst_structure_get_uint (stats, field, &small));
      return small;
    }
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

gdouble
bench_stat_double (Bench *bench, const gchar *field)
{
  g_autoptr (GstStructure) stats = NULL;
  gdouble value;

  g_object_get (bench->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_double (stats, field, &value));
  return value;
}

/* ------------------------------------------------------------ process -- */

static guint64
status_field (const gchar *name)
{
  g_autofree gchar *text = NULL;
  const gchar *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  line = strstr (text, name);
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen (name), NULL, 10);
}

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* The address sanitizer keeps what is freed: there, memory always grows, and
 * saying 0 keeps tests from looking at it. */
guint64
process_rss_kib (void)
{
#ifdef __SANITIZE_ADDRESS__
  return 0;
#endif
  return status_field ("VmRSS:");
}

guint
process_threads (void)
{
  return (guint) status_field ("Threads:");
}

guint
process_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}
