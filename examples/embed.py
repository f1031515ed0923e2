#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Words from a pipeline's bus: embed.py [FILE [MODEL]]"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
sound = sys.argv[1] if len(sys.argv) > 1 else "examples/media/timer.ogg"
model = sys.argv[2] if len(sys.argv) > 2 else "examples/models/asr-small-en"
pipeline = Gst.parse_launch(
    f"filesrc location={sound} ! decodebin ! audioconvert ! audioresample ! "
    f"d2vtranscriber model={model} ! fakesink")
pipeline.set_state(Gst.State.PLAYING)
while True:
    message = pipeline.get_bus().timed_pop(Gst.CLOCK_TIME_NONE)
    if message.type == Gst.MessageType.ERROR:
        sys.exit(message.parse_error()[0].message)
    if message.type == Gst.MessageType.EOS:
        break
    if message.has_name("d2v/transcript"):
        print(message.get_structure().get_value("text"))
pipeline.set_state(Gst.State.NULL)
