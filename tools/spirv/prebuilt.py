#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles the shaders that older compilers do not know into shaders/prebuilt.

    prebuilt.py [--compiler GLSLANG]            compiles them all
    prebuilt.py --check [--compiler GLSLANG]    are they up to date?

GLSL with cooperative matrices needs glslang 15 or newer; where the build's
own compiler is older, these files are used. --check compares what the list
says of sources and results, comments aside; with a compiler that can it also
compiles again, and expects the same bytes from the same version. It exits
with 77 when there is no such compiler but all else is right.
"""

import argparse
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHADERS = ROOT / "shaders"
PREBUILT = SHADERS / "prebuilt"
LIST = PREBUILT / "list.txt"
FLAGS = ["-V", "--quiet", "-g0", "--target-env", "vulkan1.2"]
VARIANTS = {"coopmat": ["-DHALF", "-DCOOPMAT"],
            "coopmat2": ["-DHALF", "-DCOOPMAT", "-DCOOPMAT2", "--target-env", "vulkan1.3"]}
NAMES = {f"{stem}_{variant}": (stem, flags)
         for variant, flags in VARIANTS.items() for stem in ("conv1d", "conv2d", "linear")}


def sha(data):
    return hashlib.sha256(data).hexdigest()


def source(path):
    """@path with its includes, without comments and spacing."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(), flags=re.S)
    lines = []
    for line in text.splitlines():
        include = re.match(r'\s*#\s*include\s+"(.*)"', line)
        lines.append(source(SHADERS / include[1]) if include else " ".join(line.split()))
    return "\n".join(line for line in lines if line)


def source_hash(name):
    stem, flags = NAMES[name]
    return sha("\n".join([source(SHADERS / f"{stem}.comp")] + FLAGS + flags).encode())


def version_of(compiler):
    try:
        text = subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return None
    found = re.search(r"\d+:([\d.]+)", text)
    return found[1] if found else None


def build(compiler, name, folder):
    """The SPIR-V, or None where the compiler cannot."""
    stem, flags = NAMES[name]
    out = folder / f"{name}.spv"
    try:
        subprocess.run([compiler, *FLAGS, *flags, f"-I{SHADERS}", "-o", out, SHADERS / f"{stem}.comp"],
                       capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return out.read_bytes()


def write(compiler):
    PREBUILT.mkdir(exist_ok=True)
    lines = [f"glslang {version_of(compiler)}"]
    for name in sorted(NAMES):
        data = build(compiler, name, PREBUILT)
        if data is None:
            sys.exit(f"{compiler} cannot compile {name}: expected glslang 15 or newer")
        lines.append(f"{name} {source_hash(name)} {sha(data)}")
    LIST.write_text("\n".join(lines) + "\n")


def check_list():
    """What is wrong with the files as they lie there; the compiler's version."""
    first, *lines = LIST.read_text().splitlines()
    wrong = [] if {line.split()[0] for line in lines} == set(NAMES) else ["other shaders are listed"]
    for name, of_source, of_result in (line.split() for line in lines):
        path = PREBUILT / f"{name}.spv"
        if name in NAMES and source_hash(name) != of_source:
            wrong.append(f"{name}: its source has changed")
        if not path.exists() or sha(path.read_bytes()) != of_result:
            wrong.append(f"{name}: not what was listed")
    return wrong, first.split()[1]


def check_again(compiler, listed):
    """Compiles them once more; None where the compiler cannot."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(NAMES):
            data = build(compiler, name, pathlib.Path(folder))
            if data is None:
                return None
            if version_of(compiler) == listed and data != (PREBUILT / f"{name}.spv").read_bytes():
                wrong.append(f"{name}: compiled again it is another")
    return wrong


def check(compiler):
    wrong, listed = check_list()
    again = check_again(compiler, listed)
    for text in wrong + (again or []):
        print(f"{text}: run tools/spirv/prebuilt.py", file=sys.stderr)
    if wrong or again:
        return 1
    return 77 if again is None else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--compiler", default="glslangValidator")
    options = parser.parse_args()
    sys.exit(check(options.compiler) if options.check else write(options.compiler))
