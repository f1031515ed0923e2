# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a case of the corpus is: files, how to read them, what must come of it."""

import os
import zlib


class Case:
    """One directory of files.

    name   begins with the id of the rule, as docs/model-files.md has it
    kind   which reader: tensors, weights, config, vocab, audio, image, json
    files  name -> bytes, or one of the special things below
    code   the error's name; "OK" for a file that must load, "FAIL" for one that must not, "ANY" for either;
           "SEED" for what only the fuzzers read
    """

    def __init__(self, name, kind, files, code):
        self.name, self.kind, self.files, self.code = name, kind, files, code


class Fifo:
    def make(self, path):
        os.mkfifo(path)


class Directory:
    def make(self, path):
        os.mkdir(path)


class Link:
    def __init__(self, target):
        self.target = target

    def make(self, path):
        os.symlink(self.target, path)


class Hole:
    """A file of zeros that takes no room on disk."""

    def __init__(self, size):
        self.size = size

    def make(self, path):
        with open(path, "wb") as f:
            f.truncate(self.size)


class Random:
    """The same numbers everywhere: a small generator of our own."""

    def __init__(self, seed):
        self.state = seed * 2654435761 % 2**32 or 1

    def next(self, below):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return (self.state >> 8) % below

    def bytes(self, n):
        return bytes(self.next(256) for _ in range(n))


def name_seed(name):
    return zlib.crc32(name.encode())
