#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs every line after a `$` in docs/d2v.md, in order, and compares what it
prints with the lines below it, where `…` stands for anything.

D2V names the program. Lines that need GStreamer, and what uses their results,
are skipped where it is missing."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "d2v.md"


def examples():
    """(line number, command, expected lines)"""
    inside, found = False, []
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append((number, line[2:], []))
        elif inside:
            found[-1][2].append(line)
    return found


def pattern(expected):
    parts = ("\n".join(expected)).split("…")
    return re.compile(".*".join(re.escape(part) for part in parts) + r"\n?", re.DOTALL)


def run(command, folder):
    """stdout, or stderr where it failed"""
    program = pathlib.Path(os.environ.get("D2V", "d2v")).resolve()
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr


def check(command, expected, folder):
    """None, or what is wrong"""
    status, found = run(command, folder)
    # Errors that the page shows are meant.
    if status != 0 and not (expected and re.match(r"[A-Z0-9_]+, ", expected[0])):
        return f"status {status}: {found}"
    if not pattern(expected).fullmatch(found):
        return f"expected {expected}, found {found!r}"
    return None


def needs_gstreamer(command):
    return "gst-launch" in command or "weather.wav" in command


def main():
    found = examples()
    can_play = shutil.which("gst-launch-1.0") is not None
    failed = 0
    print(f"1..{len(found)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("examples", "tests"):
            (pathlib.Path(folder) / name).symlink_to(ROOT / name)
        for i, (number, command, expected) in enumerate(found, 1):
            what = f"{i} - d2v.md:{number} {command.split('|')[-1].strip()[:70].replace('#', '')}"
            if needs_gstreamer(command) and not can_play:
                print(f"ok {what} # SKIP no gst-launch-1.0")
                continue
            wrong = check(command, expected, folder)
            print(f"{'not ok' if wrong else 'ok'} {what}", flush=True)
            failed += wrong is not None
            for line in (wrong or "").splitlines():
                print("#", line[:1000])
    sys.exit(failed > 0 or len(found) < 10)


if __name__ == "__main__":
    main()
