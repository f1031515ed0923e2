#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the arrows of the architecture: who may include whom, and which file
is an outside library's one home. Prints every breach; status 1 if any.

    base -> tensor -> { io, process, decode, graph } -> { model, cpu, vulkan }
         -> session -> d2v.h -> gst, tools, examples
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A folder may include its own headers and those of the folders listed.
BELOW = {
    "engine/base": [],
    "engine/tensor": ["engine/base"],
    "engine/io": ["engine/base", "engine/tensor"],
    "engine/graph": ["engine/base", "engine/tensor"],
    # Vocabularies and configurations are read through io.
    "engine/process": ["engine/base", "engine/tensor", "engine/io"],
    "engine/decode": ["engine/base", "engine/tensor", "engine/io",
                      "engine/process"],
    "engine/model": ["engine/base", "engine/tensor", "engine/io",
                     "engine/graph"],
    "engine/cpu": ["engine/base", "engine/tensor", "engine/graph"],
    "engine/vulkan": ["engine/base", "engine/tensor", "engine/graph"],
    "engine/session": ["engine/base", "engine/tensor", "engine/io",
                       "engine/graph", "engine/process", "engine/decode",
                       "engine/model", "engine/cpu", "engine/vulkan"],
    "gst": [],
    "tools/d2v": [],
    "examples": [],
}
PUBLIC = "engine/d2v.h"  # includes nothing of ours, so everybody may

# Outside headers that live in one place.
HOMES = {
    r"cblas\.h|openblas.*": ["engine/cpu/blas.c"],
    r"jansson\.h": ["engine/io/json.c"],
    r"zip\.h": ["engine/io/zip.c"],
    r"png\.h": ["engine/process/png.c"],
    r"vulkan/.*": ["engine/vulkan/"],
    r"gst/.*": ["gst/", "tests/gst/", "tests/fuzz/", "tools/docs/",
                "examples/"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def folder_of(path):
    """The longest folder of BELOW that holds the path."""
    best = [f for f in BELOW if path.startswith(f + "/")]
    return max(best, key=len) if best else None


def breaches(path, text):
    own = folder_of(path)
    for quote, name in INCLUDE.findall(text):
        if quote == "<":
            for pattern, homes in HOMES.items():
                if re.fullmatch(pattern, name) and not any(
                        path.startswith(home) for home in homes):
                    yield f"{path}: <{name}> belongs in {', '.join(homes)}"
            continue
        target = folder_of(name)
        if own is None or name == PUBLIC:
            continue
        if "/" not in name:
            yield f'{path}: "{name}" must be written from the root'
        elif target is not None and target != own \
                and target not in BELOW[own]:
            yield f"{path}: {own} must not include {name}"
        elif target is None and name.startswith("engine/"):
            yield f"{path}: {name} is in no layer"


def main():
    found = []
    for folder in ("engine", "gst", "tools", "examples", "tests"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            name = path.relative_to(ROOT).as_posix()
            found += breaches(name, path.read_text(encoding="utf-8"))
    print("\n".join(found) if found else "all includes follow the arrows")
    return 1 if found else 0


sys.exit(main())
