#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes compiled shaders as one C file.

    embed.py OUT.c NAME.spv...

Each becomes an array of 32-bit words, and an entry of vk_shaders under its
name without the ending. A file that is not SPIR-V is refused.
"""

import pathlib
import struct
import sys

MAGIC = 0x07230203


def words_of(path):
    data = path.read_bytes()
    if len(data) < 20 or len(data) % 4 or struct.unpack("<I", data[:4])[0] != MAGIC:
        sys.exit(f"{path}: not SPIR-V")
    return struct.unpack(f"<{len(data) // 4}I", data)


def array(name, words):
    lines = [f"static const guint32 {name}_code[] = {{"]
    for i in range(0, len(words), 8):
        lines.append("  " + ", ".join(f"0x{w:08x}" for w in words[i:i + 8]) + ",")
    return "\n".join(lines + ["};"])


def main(out, *paths):
    paths = [pathlib.Path(p) for p in paths]
    parts = ["/* Made by tools/spirv/embed.py. */",
             '#include "engine/vulkan/vulkan_private.h"', ""]
    parts += [array(p.stem, words_of(p)) + "\n" for p in paths]
    parts.append("const D2vVkShader vk_shaders[] = {")
    parts += [f'  {{ "{p.stem}", {p.stem}_code, sizeof {p.stem}_code }},' for p in paths]
    parts += ["};", f"const guint vk_n_shaders = {len(paths)};", ""]
    pathlib.Path(out).write_text("\n".join(parts))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
