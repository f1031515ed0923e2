#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# try.sh [SOUND [MODEL]]: installs what is missing, builds, and transcribes a
# recording through a GStreamer pipeline: words with their times on the screen.
set -eu
cd "$(dirname "$0")/.."

sound=${1:-examples/media/weather.flac}
model=${2:-examples/models/asr-small-en}

tools/packages.sh build run
echo "Building ..."
tools/build.sh build

export GST_PLUGIN_PATH="$PWD/build/gst"
export GST_REGISTRY="$PWD/build/registry.bin"
echo "Transcribing $sound with $model:"
echo "  GST_PLUGIN_PATH=$GST_PLUGIN_PATH gst-launch-1.0 -q \\"
echo "    filesrc location=$sound ! decodebin ! audioconvert ! audioresample ! \\"
echo "    d2vtranscriber model=$model ! webvttenc ! fdsink"
echo
gst-launch-1.0 -q filesrc location="$sound" ! decodebin ! audioconvert ! \
  audioresample ! d2vtranscriber model="$model" ! webvttenc ! fdsink
