#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the corpus of good and bad files, and the table of what must come of each.

    make_corpus.py DIR        writes DIR/KIND/NAME/... and DIR/table.tsv
    make_corpus.py --count    says how many there are

The table has a line for each case: kind, name, code; tabs between. The code is the name of the error
without D2V_ERROR_; OK for a case that must load; FAIL for one that must fail, with whatever code; ANY for one
that may do either. The same bytes are written every time. Only Python's standard library is used.
"""

import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from corpus import config, cut, index, json_texts, pair, pickles, safetensors, vocab, zips

PARTS = (safetensors, index, zips, pickles, pair, config, vocab, json_texts, cut)


def all_cases():
    seen = set()
    for part in PARTS:
        for case in part.cases():
            key = (case.kind, case.name)
            if key in seen:
                raise SystemExit("two cases are called %s/%s" % key)
            seen.add(key)
            yield case


def write_case(case, root):
    folder = os.path.join(root, case.kind, case.name)
    os.makedirs(folder)
    for name, content in case.files.items():
        path = os.path.join(folder, name)
        if isinstance(content, bytes):
            with open(path, "wb") as f:
                f.write(content)
        else:
            content.make(path)


def write_all(root):
    """Beside its place first, so that a reader never meets half of it."""
    new = "%s.%d" % (root, os.getpid())
    os.makedirs(new)
    lines = []
    for case in all_cases():
        write_case(case, new)
        if case.code != "SEED":
            lines.append("%s\t%s\t%s\n" % (case.kind, case.name, case.code))
    with open(os.path.join(new, "table.tsv"), "w") as f:
        f.writelines(lines)
    if os.path.exists(os.path.join(root, "table.tsv")):
        shutil.rmtree(root)  # an older corpus, and nothing else
    os.rename(new, root)
    return len(lines)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    if sys.argv[1] == "--count":
        codes = [case.code for case in all_cases() if case.code != "SEED"]
        good = codes.count("OK")
        print("%d cases: %d must load, %d must fail, %d may do either" % (
            len(codes), good, len(codes) - good - codes.count("ANY"), codes.count("ANY")))
    else:
        print("%d cases" % write_all(sys.argv[1]))


if __name__ == "__main__":
    main()
