/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vtimeline.h"

#define MS(ms) ((ms) *GST_MSECOND)
#define LAST (GST_CLOCK_TIME_NONE - 1)

static void
test_add_stops (void)
{
  g_assert_cmpuint (gst_d2v_time_add (1, 2), ==, 3);
  g_assert_cmpuint (gst_d2v_time_add (LAST, 0), ==, LAST);
  g_assert_cmpuint (gst_d2v_time_add (LAST, 1), ==, LAST);
  g_assert_cmpuint (gst_d2v_time_add (LAST, LAST), ==, LAST);
  g_assert_cmpuint (gst_d2v_time_at (LAST - 5, G_MAXUINT64, 16000), ==, LAST);
}

/* Ten hours in pieces that are no whole number of nanoseconds: no error adds
 * up. */
static void
test_ten_hours (void)
{
  GstD2vTimeline timeline;
  guint64 n = 0, end = 36000u * 16000ull;

  gst_d2v_timeline_reset (&timeline, 16000);
  gst_d2v_timeline_start (&timeline, MS (123));
  while (n < end)
    {
      guint64 piece = MIN (end - n, 333);

      gst_d2v_timeline_count (&timeline, GST_CLOCK_TIME_NONE, piece);
      n += piece;
    }
  g_assert_cmpuint (gst_d2v_timeline_next (&timeline), ==,
                    MS (123) + 36000 * GST_SECOND);
}

static void
test_verdicts (void)
{
  static const struct
  {
    gint64 ms; /* relative to what comes next */
    gboolean discont;
    GstD2vTimelineVerdict verdict;
  } cases[] = {
    { 0, FALSE, GST_D2V_TIMELINE_CONTINUE },
    { 40, FALSE, GST_D2V_TIMELINE_CONTINUE },
    { -40, FALSE, GST_D2V_TIMELINE_CONTINUE },
    { 41, FALSE, GST_D2V_TIMELINE_BREAK },
    { -41, FALSE, GST_D2V_TIMELINE_BREAK },
    { 0, TRUE, GST_D2V_TIMELINE_BREAK },
  };
  GstD2vTimeline timeline;

  gst_d2v_timeline_reset (&timeline, 16000);
  g_assert_cmpint (gst_d2v_timeline_judge (&timeline, 0, TRUE), ==,
                   GST_D2V_TIMELINE_FIRST);
  g_assert_cmpuint (gst_d2v_timeline_next (&timeline), ==, GST_CLOCK_TIME_NONE);
  gst_d2v_timeline_start (&timeline, MS (1000));
  gst_d2v_timeline_count (&timeline, MS (1000), 16000);
  g_assert_cmpint (
      gst_d2v_timeline_judge (&timeline, GST_CLOCK_TIME_NONE, FALSE), ==,
      GST_D2V_TIMELINE_CONTINUE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (gst_d2v_timeline_judge (&timeline, MS (2000 + cases[i].ms),
                                             cases[i].discont),
                     ==, cases[i].verdict);
}

/* Far from the count, but near the last buffer: the clocks ran apart. */
static void
test_drift (void)
{
  GstD2vTimeline timeline;
  GstClockTime pts = 0;
  GstD2vTimelineVerdict verdict = GST_D2V_TIMELINE_CONTINUE;

  gst_d2v_timeline_reset (&timeline, 16000);
  gst_d2v_timeline_start (&timeline, 0);
  while (verdict == GST_D2V_TIMELINE_CONTINUE)
    {
      gst_d2v_timeline_count (&timeline, pts, 320);
      pts += MS (21);
      verdict = gst_d2v_timeline_judge (&timeline, pts, FALSE);
    }
  g_assert_cmpint (verdict, ==, GST_D2V_TIMELINE_DRIFT);
  gst_d2v_timeline_anchor (&timeline, pts);
  g_assert_cmpuint (gst_d2v_timeline_next (&timeline), ==, pts);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/timeline/add-stops", test_add_stops);
  g_test_add_func ("/timeline/ten-hours", test_ten_hours);
  g_test_add_func ("/timeline/verdicts", test_verdicts);
  g_test_add_func ("/timeline/drift", test_drift);
  return g_test_run ();
}
