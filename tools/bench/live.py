#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live transcription, measured: real-time factor, and how long after its end
each word comes out, against the latency that the element declares.

    live.py MODEL [SOUND [SECONDS]] [PROPERTY=VALUE...]

The sound is played at its own speed into d2vtranscriber (regime=live). Needs
python3-gi and GST_PLUGIN_PATH. Prints one line of Markdown table."""
import resource
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def percentile(values, share):
    return values[min(int(len(values) * share), len(values) - 1)]


def main():
    words = [a for a in sys.argv[1:] if "=" not in a]
    properties = [a for a in sys.argv[1:] if "=" in a]
    model = words[0]
    sound = words[1] if len(words) > 1 else "examples/media/briefing.ogg"
    seconds = float(words[2]) if len(words) > 2 else 60
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"filesrc location={sound} ! decodebin ! audioconvert ! "
        f"audioresample ! clocksync ! d2vtranscriber name=t model={model} "
        f"regime=live {' '.join(properties)} ! fakesink name=s sync=false")
    element = pipeline.get_by_name("t")
    delays = []

    def on_buffer(_pad, info):
        buffer = info.get_buffer()
        if buffer.get_size() > 0 and pipeline.get_clock():
            now = pipeline.get_clock().get_time() - pipeline.get_base_time()
            delays.append((now - buffer.pts - buffer.duration) / 1e6)
        return Gst.PadProbeReturn.OK

    pipeline.get_by_name("s").get_static_pad("sink").add_probe(
        Gst.PadProbeType.BUFFER, on_buffer)
    pipeline.set_state(Gst.State.PAUSED)
    pipeline.get_state(Gst.CLOCK_TIME_NONE)
    before = resource.getrusage(resource.RUSAGE_SELF)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        int(seconds * Gst.SECOND),
        Gst.MessageType.EOS | Gst.MessageType.ERROR)
    if message and message.type == Gst.MessageType.ERROR:
        sys.exit(message.parse_error()[0].message)
    query = Gst.Query.new_latency()
    element.get_static_pad("src").query(query)
    declared = query.parse_latency()[1] / 1e6
    stats = element.get_property("stats")
    after = resource.getrusage(resource.RUSAGE_SELF)
    pipeline.set_state(Gst.State.NULL)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    delays.sort()
    print(f"| {model} | {len(delays)} words | "
          f"rtf {stats.get_value('rtf'):.3f} | "
          f"cpu {cpu / seconds:.3f} s/s | "
          f"word p50 {percentile(delays, .5):.0f} ms | "
          f"p95 {percentile(delays, .95):.0f} ms | "
          f"max {delays[-1]:.0f} ms | declared {declared:.0f} ms |")
    print(stats.to_string(), file=sys.stderr)


main()
