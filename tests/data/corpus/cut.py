# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sound files cut short and with single bits flipped: what comes of them is open, but it is one typed error or a load."""

from corpus.case import Case, Random, name_seed
from corpus.pickles import W, with_storage
from corpus.safetensors import tensors

SOURCES = {
    "model.safetensors": tensors(("a", "F32", [2, 3]), ("b", "F16", [5]), ("c", "I64", [1]), metadata={"format": "pt"}),
    "pytorch_model.bin": with_storage(W),
}


def cases():
    for file, whole in SOURCES.items():
        short = file.split(".")[-1]
        random = Random(name_seed(file))
        for i in range(60):
            data = bytearray(whole)
            for _ in range(1 + random.next(3)):
                data[random.next(len(data))] ^= 1 << random.next(8)
            yield Case("G5-%s-flipped-%02d" % (short, i), "weights", {file: bytes(data)}, "ANY")
        for i in range(0, len(whole), max(1, len(whole) // 24)):
            yield Case("G5-%s-cut-%04d" % (short, i), "weights", {file: whole[:i]}, "FAIL")
