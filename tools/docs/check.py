#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails when docs/elements.md is not what the elements say: check.py PROGRAM"""
import difflib
import pathlib
import subprocess
import sys

path = pathlib.Path(__file__).resolve().parents[2] / "docs/elements.md"
made = subprocess.run([sys.argv[1]], check=True,
                      stdout=subprocess.PIPE).stdout.decode()
kept = path.read_text(encoding="utf-8") if path.exists() else ""
if made != kept:
    sys.stdout.writelines(difflib.unified_diff(
        kept.splitlines(True), made.splitlines(True), "docs/elements.md",
        "what the elements say"))
    sys.exit("docs/elements.md is stale; tools/docs/elements.c says how to "
             "renew it")
