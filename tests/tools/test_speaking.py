#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/bench/speaking.py says in one line which of its paths is wrong."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "tools" / "bench" / "speaking.py"
MODEL = ROOT / "examples" / "models" / "asr-small-en"
SOUND = ROOT / "examples" / "media" / "briefing.ogg"


def check(number, name, says, *arguments):
    run = subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    good = run.returncode == 1 and run.stderr.count("\n") == 1 and says in run.stderr
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    if not good:
        print("\n".join(f"# {line}" for line in run.stderr.splitlines()))
    return good


def main():
    with tempfile.TemporaryDirectory() as folder:
        nowhere, out = f"{folder}/nowhere", f"{folder}/out"
        good = [check(1, "no model", f"{nowhere}/vocab.json", nowhere, SOUND, out),
                check(2, "no sound", nowhere, MODEL, nowhere, out),
                check(3, "not sound", "vocab.json", MODEL, MODEL / "vocab.json", out)]
    print(f"1..{len(good)}")
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
