#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shipped recordings through pipelines and examples: the expected words.

    test_media.py BUILD_DIR"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "examples/models/asr-small-en"
MEDIA = ROOT / "examples/media"
NAMES = ("weather.flac", "timer.ogg", "briefing.ogg",
         "silence-and-noise.flac")


def launch(name, *end):
    return subprocess.run(
        ["gst-launch-1.0", "-q", "filesrc", f"location={MEDIA / name}", "!",
         "decodebin", "!", "audioconvert", "!", "audioresample", "!", *end],
        check=True, stdout=subprocess.PIPE, timeout=120).stdout


def expected(name):
    return json.loads((MEDIA / name).with_suffix(".words.json").read_text())


def words_of(name):
    out = launch(name, "d2vtranscriber", f"model={MODEL}", "!", "d2vmetajson",
                 "location=/dev/stdout", "!", "fakesink")
    return [json.loads(line) for line in out.decode().splitlines()]


def check_text(name):
    text = " ".join(w["text"] for w in words_of(name))
    assert text == expected(name)["recognised"], text


def check_times(name):
    """Starts, against the synthesiser's own, of words that agree."""
    pairs = zip(words_of(name), expected(name)["words"])
    errors = sorted(abs(w["start"] / 1e9 - e["start"]) for w, e in pairs
                    if w["text"] == e["word"])
    assert errors and errors[len(errors) // 2] <= 0.06, errors


def check_example(build, name):
    raw = launch(name, "audio/x-raw,format=S16LE,rate=16000,channels=1", "!",
                 "fdsink")
    path = build / "tests/launch" / (name + ".raw")
    path.write_bytes(raw)
    out = subprocess.run([build / "examples/transcribe", MODEL, path],
                         check=True, stdout=subprocess.PIPE).stdout
    text = " ".join(line.split()[2] for line in out.decode().splitlines())
    assert text == expected(name)["recognised"], text
    path.unlink()


def check_embed(program, *args):
    out = subprocess.run([*program, *args], check=True, cwd=ROOT,
                         stdout=subprocess.PIPE, timeout=60).stdout.decode()
    for word in expected("timer.ogg")["recognised"].split():
        assert word in out, out


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    os.environ["GST_PLUGIN_PATH"] = str(build / "gst")
    os.environ["GST_REGISTRY"] = str(build / "tests/launch/media.bin")
    os.environ["GST_REGISTRY_FORK"] = "no"
    checks = [(f"text of {n}", check_text, (n,)) for n in NAMES]
    checks += [(f"times of {n}", check_times, (n,)) for n in NAMES[:2]]
    checks += [("examples/transcribe.c", check_example, (build, "timer.ogg")),
               ("examples/embed.c", check_embed,
                ([build / "examples/embed"], MODEL, MEDIA / "timer.ogg")),
               ("examples/embed.py", check_embed,
                (["/usr/bin/python3", ROOT / "examples/embed.py"],))]
    print(f"1..{len(checks)}")
    failed = 0
    for i, (name, check, args) in enumerate(checks, 1):
        try:
            check(*args)
            print(f"ok {i} {name}", flush=True)
        except (AssertionError, subprocess.SubprocessError, OSError) as error:
            failed += 1
            print(f"not ok {i} {name}", flush=True)
            print("#", str(error).replace("\n", "\n# "))
    return 1 if failed else 0


sys.exit(main())
