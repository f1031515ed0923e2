#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every launch line of the README, the documents, the elements' own
documentation and `d2v inspect`, run.

    test_lines.py BUILD_DIR

Devices and recordings that a test machine does not have are replaced by
shipped ones; everything else runs as it is written. A line passes when the
pipeline ends by itself, without an error, and something came out of it."""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "examples/models/asr-small-en"
TALK = ROOT / "examples/media/timer.ogg"
# Live sound that ends: played at its own speed.
MICROPHONE = f"filesrc location={TALK} ! decodebin ! clocksync"
VIDEO = "fakesink sync=true"
FILES = ("README.md", "docs/*.md", "gst/*.c")


def lines():
    for pattern in FILES:
        for path in sorted(ROOT.glob(pattern)):
            text = re.sub(r"\\\n\s*(\*\s*)?", "", path.read_text())
            for found in re.findall(r"^[\s*$|]*(gst-launch-1\.0 .*)$", text,
                                    re.MULTILINE):
                if "..." not in found:
                    yield path.relative_to(ROOT).as_posix(), found.strip(" `")


def make_video(folder):
    """A short film with the recording as its sound."""
    path = folder / "v.mkv"
    subprocess.run(
        ["gst-launch-1.0", "-q", "matroskamux", "name=m", "!", "filesink",
         f"location={path}", "videotestsrc", "num-buffers=60", "!",
         "video/x-raw,width=160,height=120,framerate=20/1", "!", "jpegenc",
         "!", "m.", "filesrc", f"location={TALK}", "!", "decodebin", "!",
         "audioconvert", "!", "flacenc", "!", "m."], check=True)
    return path


def adapt(line, video):
    line = line.replace("=examples/", f"={ROOT}/examples/")
    line = line.replace("$MODEL", str(MODEL))
    line = re.sub(r"model=MODEL\b", f"model={MODEL}", line)
    line = re.sub(r"autoaudiosrc|pulsesrc|alsasrc|pipewiresrc", MICROPHONE,
                  line)
    line = re.sub(r"location=\"?(talk\.\w+)\"?(?=\s*! dec)",
                  f"location={TALK}", line)
    line = re.sub(r"location=v\.mkv", f"location={video}", line)
    return line.replace("autovideosink", VIDEO)


def run(line, folder):
    """None, or why the line failed."""
    before = set(folder.iterdir())
    done = subprocess.run(shlex.split(line), cwd=folder, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        return done.stderr.decode(errors="replace")[-500:]
    made = [p for p in folder.iterdir() if p not in before]
    if done.stdout or any(p.stat().st_size for p in made) or VIDEO in line:
        return None
    return "nothing came out"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    os.environ["GST_PLUGIN_PATH"] = str(build / "gst")
    os.environ["GST_REGISTRY"] = str(build / "tests/launch/registry.bin")
    os.environ["GST_REGISTRY_FORK"] = "no"
    found = list(lines())
    print(f"1..{len(found)}")
    failed = 0 if found else 1
    with tempfile.TemporaryDirectory() as name:
        video = make_video(pathlib.Path(name))
        for i, (path, line) in enumerate(found, 1):
            folder = pathlib.Path(name) / str(i)
            folder.mkdir()
            try:
                why = run(adapt(line, video), folder)
            except subprocess.TimeoutExpired:
                why = "it did not end"
            failed += why is not None
            print(f"{'not ok' if why else 'ok'} {i} {path}: {line}",
                  flush=True)
            for row in (why or "").splitlines():
                print("#", row)
    return 1 if failed else 0


sys.exit(main())
