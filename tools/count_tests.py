#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the checks behind meson's tests: TAP points where a test prints them,
one each otherwise. Prints "N passed, N failed, N skipped"; status 1 when
something failed or nothing ran."""
import json
import re
import sys

POINT = re.compile(r"^(ok|not ok)\b(.*)$", re.MULTILINE)


def count(test):
    passed = failed = skipped = 0
    for result, rest in POINT.findall(test.get("stdout") or ""):
        if re.search(r"#\s*skip", rest, re.IGNORECASE):
            skipped += 1
        elif result == "ok":
            passed += 1
        else:
            failed += 1
    outcome = test["result"]
    if outcome == "EXPECTEDFAIL":
        return 1, 0, 0  # a planted fault that was found
    if outcome == "SKIP" and not skipped:
        skipped = 1
    elif outcome not in ("OK", "SKIP") and not failed:
        failed = 1  # crashed, timed out, or said nothing
    elif outcome == "OK" and not passed and not skipped:
        passed = 1
    return passed, failed, skipped


def main():
    totals = [0, 0, 0]
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            for i, n in enumerate(count(json.loads(line))):
                totals[i] += n
    print("%d passed, %d failed, %d skipped" % tuple(totals))
    return 1 if totals[1] or not totals[0] else 0


sys.exit(main())
