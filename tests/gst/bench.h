/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench.h: an element between a test's hands.
 *
 * A bench holds one d2vtranscriber in a GstHarness with a fake model, feeds it
 * sound that is written as text, and logs everything that leaves its source
 * pads as text, in order, so that a test compares strings.
 *
 * Sound is a list of LEVEL:MILLISECONDS: "25:400 0:300 30:200" is a word of
 * level 25, a pause, and a word of level 30.
 *
 * Log lines, times in milliseconds:
 *   src: stream-start, src: caps utf8, src: segment 0, src: gap 0+300,
 *   src: W25 0+400, src: final-transcript, src: tag en, src: eos, ...
 */
#pragma once

#include <gst/check/gstharness.h>
#include <gst/gst.h>

#define MS(ms) ((ms) *GST_MSECOND)
#define CAPS_F32                                                               \
  "audio/x-raw, format=F32LE, rate=16000, channels=1, layout=interleaved"
#define CAPS_S16                                                               \
  "audio/x-raw, format=S16LE, rate=16000, channels=1, layout=interleaved"

typedef struct
{
  GstHarness *harness;
  GstElement *element; /* the harness's */
  GstBus *bus;
  gchar *model; /* directory */
  gboolean is_real;
  gboolean is_s16;
  GstClockTime next; /* where push() goes on */

  GMutex lock; /* guards what follows */
  GCond cond;
  GPtrArray *log; /* of gchar* */
} Bench;

/* A model directory with these lines as fake.conf; remove_model() ends it. */
gchar *make_model (const gchar *prefix, const gchar *conf);
void remove_model (gchar *model);

/* A playing element. @properties: as in a launch line. @live: what upstream
 * answers to a LATENCY query. @conf: of the model, or NULL. */
Bench *bench_new (const gchar *properties, gboolean live, const gchar *conf);
/* The same with a model of the real engine, which is not removed. */
Bench *bench_new_real (const gchar *properties, gboolean live,
                       const gchar *model);
void bench_free (Bench *bench);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Bench, bench_free)

/* Another pad by request; its events and buffers are logged too. */
GstPad *bench_request (Bench *bench, const gchar *name);
/* Logs what leaves @pad. */
void bench_watch (Bench *bench, GstPad *pad);

/* Samples as written; free the array. */
GArray *make_sound (const gchar *sound);
/* A buffer of them in the bench's format; no PTS. */
GstBuffer *make_buffer (Bench *bench, const gfloat *samples, guint n);

/* Pushes @sound as buffers of @buffer_ms, from `next` on; `next` moves. */
GstFlowReturn bench_push_in (Bench *bench, const gchar *sound, guint buffer_ms);
GstFlowReturn bench_push (Bench *bench, const gchar *sound); /* 20 ms each */
GstFlowReturn bench_push_samples (Bench *bench, const gfloat *samples, guint n,
                                  guint buffer_ms);
/* Pushes one buffer with @pts (may be NONE) and @flags. */
GstFlowReturn bench_push_one (Bench *bench, const gchar *sound,
                              GstClockTime pts, guint flags);

/* A flush, as a seek to 0 makes it. */
void bench_flush (Bench *bench);
void bench_eos (Bench *bench);
/* TRUE when a line with @text is, or comes within @seconds, in the log. */
gboolean bench_wait (Bench *bench, const gchar *text, guint seconds);
guint bench_count (Bench *bench, const gchar *text);
/* Lines that contain @filter (NULL: all), joined by "; ". */
gchar *bench_lines (Bench *bench, const gchar *filter);
void bench_clear_log (Bench *bench);
/* Sends EOS, waits for it and returns the words: "W25 0+400, W30 700+200". */
gchar *bench_words (Bench *bench);
/* The words so far. */
gchar *bench_words_now (Bench *bench);

/* The next message of @type within @seconds; NULL when there is none. */
GstMessage *bench_message (Bench *bench, GstMessageType type, guint seconds);
/* The next element message of that name, likewise. */
GstMessage *bench_element_message (Bench *bench, const gchar *name,
                                   guint seconds);
/* A field of the property stats. */
guint64 bench_stat (Bench *bench, const gchar *field);
gdouble bench_stat_double (Bench *bench, const gchar *field);

/* Resident memory in KiB (0 where that says nothing), threads and descriptors
 * of this process. */
guint64 process_rss_kib (void);
guint process_threads (void);
guint process_fds (void);
