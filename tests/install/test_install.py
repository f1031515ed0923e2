#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs the build into an empty folder and uses it from there as others would: programs in C
and C++ through pkg-config, the plugin through gst-inspect-1.0, the program d2v.

    test_install.py BUILD PREFIX LIBDIR INCLUDEDIR DATADIR BINDIR
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODEL = ROOT / "examples" / "models" / "asr-small-en"
STRICT = ["-Wall", "-Wextra", "-Werror"]

sys.path.insert(0, str(ROOT / "engine"))
sys.dont_write_bytecode = True
from exports import functions  # noqa: E402


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Failed(what)


def tool(*names):
    for name in names:
        if name and shutil.which(name.split()[0]):
            return name.split()
    raise Skipped(f"{names[-1]} is missing")


def call(command, **environment):
    done = subprocess.run([str(word) for word in command], env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=240)
    need(done.returncode == 0, f"{' '.join(map(str, command))}: exit status {done.returncode}\n"
         + done.stdout + done.stderr)
    return done.stdout


class Install:
    def __init__(self, build, prefix, libdir, includedir, datadir, bindir, folder):
        self.folder, self.destination = folder, folder / "root"
        self.prefix = self.destination / prefix.lstrip("/")
        self.lib, self.include = self.prefix / libdir, self.prefix / includedir
        self.data, self.bin = self.prefix / datadir, self.prefix / bindir
        self.load = {"LD_LIBRARY_PATH": str(self.lib)}
        call(["meson", "install", "-C", build, "--no-rebuild", "--destdir", self.destination])

    def files(self):
        return [path for path in self.destination.rglob("*") if not path.is_dir()]

    def flags(self):
        """pkg-config's, of d2v-1.0.pc as it would be had it been installed for good into the folder:
        a system root would move GLib's files too."""
        moved = self.folder / "pkgconfig"
        moved.mkdir(exist_ok=True)
        text = (self.lib / "pkgconfig" / "d2v-1.0.pc").read_text(encoding="utf-8")
        text, n = re.subn(r"^prefix=.*$", f"prefix={self.prefix}", text, flags=re.M)
        need(n == 1, "d2v-1.0.pc has no prefix")
        (moved / "d2v-1.0.pc").write_text(text, encoding="utf-8")
        path = os.pathsep.join(filter(None, [str(moved), os.environ.get("PKG_CONFIG_PATH")]))
        return call(tool("pkg-config") + ["--cflags", "--libs", "d2v-1.0"],
                    PKG_CONFIG_PATH=path).split()

    def compile(self, compiler, source, standard, output):
        flags = self.flags()
        call(compiler + [standard, *STRICT, source, "-o", output, *flags])

    def headers(self):
        return sorted((self.include / "d2v-1.0").rglob("*.h"))


def compilers():
    return ((tool(os.environ.get("CC"), "cc"), "-std=c11", "c"),
            (tool(os.environ.get("CXX"), "c++"), "-std=c++17", "c++"))


def nothing_elsewhere(it):
    files = it.files()
    outside = [str(path) for path in files if it.prefix not in path.parents]
    need(files, "nothing was installed")
    need(not outside, f"outside the prefix: {outside}")


def headers_alone(it):
    need([path.name for path in it.headers()] == ["d2v.h"], f"headers: {it.headers()}")
    for header in it.headers():
        name = header.relative_to(it.include / "d2v-1.0")
        for compiler, standard, language in compilers():
            source = it.folder / "alone.txt"
            source.write_text(f"#include <{name}>\n#include <{name}>\n", encoding="utf-8")
            call(compiler + [standard, *STRICT, "-pedantic", "-fsyntax-only", "-x", language, source,
                             *it.flags()])


def program_in_c(it):
    it.compile(tool(os.environ.get("CC"), "cc"), HERE / "use.c", "-std=c11", it.folder / "use-c")
    printed = call([it.folder / "use-c", MODEL], **it.load)
    need(printed == "heard 16000 of ForCTC\n", printed)


def program_in_cxx(it):
    it.compile(tool(os.environ.get("CXX"), "c++"), HERE / "use.cc", "-std=c++17",
               it.folder / "use-cxx")
    printed = call([it.folder / "use-cxx", MODEL], **it.load)
    need(printed == "49 frames\n", printed)


def exports(it):
    library, = [path for path in it.lib.glob("libd2v-1.0.so*") if not path.is_symlink()]
    names = {line.split()[-1].split("@")[0]
             for line in call(tool("nm") + ["-D", "--defined-only", library]).splitlines()}
    header = set(functions((it.include / "d2v-1.0/d2v/d2v.h").read_text(encoding="utf-8")))
    need(len(header) > 50, f"{len(header)} functions in d2v.h")
    need(all(name.startswith("d2v_") for name in names), f"exported: {sorted(names)}")
    need(names == header, f"exported and not declared: {sorted(names - header)}, "
         f"declared and not exported: {sorted(header - names)}")


def plugin(it):
    plugins = it.lib / "gstreamer-1.0"
    for element in ("d2vtranscriber", "d2vmetajson"):
        printed = call(tool("gst-inspect-1.0") + [element], **it.load, GST_PLUGIN_PATH=str(plugins),
                       GST_PLUGIN_SYSTEM_PATH="", GST_REGISTRY=str(it.folder / "registry"))
        need(str(plugins / "libgstdata2vec.so") in printed, printed)


def program_d2v(it):
    need("CPU" in call([it.bin / "d2v", "devices"], **it.load), "no CPU")


def data(it):
    need((it.data / "gstreamer-1.0/presets/GstD2vTranscriber.prs").is_file(), "no preset")
    for page in [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), ROOT / "LICENSE"]:
        name = page.relative_to(ROOT)
        there = it.data / "doc/gst-data2vec" / name
        need(there.is_file() and there.read_bytes() == page.read_bytes(), f"{name} is not there")


TESTS = [nothing_elsewhere, headers_alone, program_in_c, program_in_cxx, exports, plugin, program_d2v,
         data]


def main(*where):
    print(f"1..{len(TESTS)}")
    with tempfile.TemporaryDirectory(prefix="d2v-install-") as folder:
        it = Install(*where, pathlib.Path(folder))
        for i, test in enumerate(TESTS, 1):
            name = test.__name__.replace("_", "-")
            try:
                test(it)
                print(f"ok {i} {name}", flush=True)
            except Skipped as why:
                print(f"ok {i} {name} # SKIP {why}", flush=True)
            except Failed as why:
                print(f"not ok {i} {name}", flush=True)
                print("\n".join(f"# {line}" for line in str(why).splitlines()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
