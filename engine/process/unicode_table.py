#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes unicode_table.c from unicode_16.txt, both beside this script.

The ranges of the four classes are laid over each other and cut wherever a
class begins or ends; neighbours of equal classes become one.
"""
import pathlib

HERE = pathlib.Path(__file__).parent
BITS = {"L": 1, "N": 2, "S": 3, "W": 4}  # enum D2vCharClass in unicode.h
LAST = 0x10FFFF
HEAD = """\
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Made by unicode_table.py from unicode_16.txt; not to be edited. */
#include "engine/process/unicode.h"

/* clang-format off */
"""


def classes():
    """One byte of class bits per code point."""
    table = bytearray(LAST + 1)
    for line in (HERE / "unicode_16.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, first, last = line.split()
        for c in range(int(first, 16), int(last, 16) + 1):
            table[c] |= BITS[name]
    return table


def array(declaration, values, width):
    rows = [values[i:i + width] for i in range(0, len(values), width)]
    body = "\n".join("  " + ", ".join(row) + "," for row in rows)
    return f"{declaration} = {{\n{body}\n}};\n"


def main():
    table = classes()
    starts = [c for c in range(LAST + 1) if c == 0 or table[c] != table[c - 1]]
    ranges = [f"0x{c << 3 | table[c]:06x}" for c in starts]
    text = HEAD
    text += array("const guint8 d2v_char_class_ascii[128]",
                  [str(table[c]) for c in range(128)], 32)
    text += f"\nconst gsize d2v_char_n_ranges = {len(ranges)};\n\n"
    text += array("const guint32 d2v_char_ranges[]", ranges, 7)
    (HERE / "unicode_table.c").write_text(text)


if __name__ == "__main__":
    main()
