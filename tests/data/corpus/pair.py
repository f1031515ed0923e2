# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same weights in both formats, for a test that compares every byte (rule Q6)."""

import json
import struct

from corpus.case import Case, Random
from corpus.pickles import state, storage, tensor
from corpus.safetensors import entry, pack
from corpus.zips import torch_zip

KINDS = {"F32": ("Float", "f", 4), "F16": ("Half", "e", 2), "F64": ("Double", "d", 8), "I64": ("Long", "q", 8), "U8": ("Byte", "B", 1)}


def values(dtype, n, random):
    if dtype[0] in "IU":
        return [random.next(200) for _ in range(n)]
    return [(random.next(4096) - 2048) / 64 for _ in range(n)]


def plain():
    """(name, dtype, rows, columns)"""
    return [("a.weight", "F32", 7, 5), ("b.weight", "F16", 3, 9), ("c.weight", "F64", 4, 4), ("d.ids", "I64", 1, 6),
            ("e.bytes", "U8", 5, 5), ("big.weight", "F32", 300, 301)]


def both():
    random = Random(7)
    pairs, storages, header, data = [], {}, [], b""

    def add(name, dtype, shape, bytes_, view):
        nonlocal data
        header.append(json.dumps(name) + ":" + entry(dtype, shape, len(data), len(data) + len(bytes_)))
        data += bytes_
        pairs.append((name, view))

    for key, (name, dtype, rows, columns) in enumerate(plain()):
        kind, letter, size = KINDS[dtype]
        numbers = values(dtype, rows * columns, random)
        storages[str(key)] = struct.pack("<%d%s" % (len(numbers), letter), *numbers)
        store = storage(kind, str(key), len(numbers))
        add(name, dtype, [rows, columns], storages[str(key)], tensor(store, size=(rows, columns), stride=(columns, 1)))
        if name == "a.weight":  # the same numbers the other way round, and a piece of them
            turned = [numbers[r * columns + c] for c in range(columns) for r in range(rows)]
            add("a.turned", dtype, [columns, rows], struct.pack("<%df" % len(turned), *turned), tensor(store, size=(columns, rows), stride=(1, columns)))
            part = [numbers[(1 + 2 * r) * columns + 1 + c] for r in range(3) for c in range(2)]
            add("a.part", dtype, [3, 2], struct.pack("<6f", *part), tensor(store, offset=columns + 1, size=(3, 2), stride=(2 * columns, 1)))
    return pack("{" + ",".join(header) + "}", data), torch_zip(state(*pairs), storages)


def cases():
    as_safetensors, as_bin = both()
    yield Case("Q6-pair-as-safetensors", "weights", {"model.safetensors": as_safetensors}, "OK")
    yield Case("Q6-pair-as-bin", "weights", {"pytorch_model.bin": as_bin}, "OK")
