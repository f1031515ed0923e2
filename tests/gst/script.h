/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* script.h: what happens to an element, written down.
 *
 * One format for the faults of a stream, for the monkey that makes them up and
 * for the fuzzer, so that what one of them finds is a file that the others can
 * run. A script is lines of words; what cannot be understood is passed over,
 * so every text is a script. Times are milliseconds.
 *
 *   push SOUND... [pts=N|none|next] [buffer=N] [flags=N] [split=N] [odd=N]
 *                         SOUND is LEVEL:MS; split: bytes in a memory; odd:
 *                         bytes too many; nan: LEVEL is "nan" or "inf"
 *   caps f32|s16|stereo|48k|video
 *   segment time|bytes RATE START STOP
 *   gap PTS MS            (either may be "none")
 *   stream-start ID, tag, eos, segment-done
 *   flush, flush-start, flush-stop
 *   seek MS RATE          sent from downstream, obeyed upstream
 *   latency               the query
 *   reconfigure markup|text|none
 *   state null|ready|paused|playing
 *   property NAME VALUE
 *   request NAME, release NAME
 *   live yes|no           what upstream answers to LATENCY
 *   answer ok|eos|error|flushing|not-linked
 *                         what downstream returns
 *   sleep MS
 *   & LINE                the line runs on a second thread, behind those given
 *                         to it before
 *   join                  waits for them
 *
 * While it runs, the rules of a stream are checked: stream-start, caps and
 * segment before data, nothing after the end, times in order and inside of the
 * segment, valid text. A broken rule aborts. */
#pragma once

#include <gst/gst.h>

typedef struct _Player Player;

/* @element: a transcriber, in the state NULL; takes a reference. */
Player *player_new (GstElement *element);
/* Runs @script to its end and joins the second thread. */
void player_run (Player *player, const gchar *script);
/* Brings the element to NULL, which may take at most a few seconds. */
void player_free (Player *player);

/* What came out so far, on all pads. */
guint player_n_buffers (Player *player);
guint player_n_eos (Player *player);
