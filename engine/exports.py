#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the linker's list of what libd2v exports: the functions of d2v.h, and nothing else.

    exports.py HEADER > MAP
"""

import re
import sys


def functions(header):
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    return sorted(set(re.findall(r"\b(d2v_\w+) \(", text)))


def main(path):
    with open(path, encoding="utf-8") as file:
        names = functions(file.read())
    print("{\n  global:")
    for name in names:
        print(f"    {name};")
    print("  local:\n    *;\n};")


if __name__ == "__main__":
    main(*sys.argv[1:])
