# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sharded models: rules I1 to I7."""

import json

from corpus.case import Case, Fifo, Link
from corpus.pickles import state, tensor, with_storage
from corpus.safetensors import tensors

A, B = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"
BIN_INDEX = "pytorch_model.bin.index.json"


def index(weight_map, **more):
    return json.dumps(dict({"metadata": {"total_size": 8}, "weight_map": weight_map}, **more)).encode()


def shards(**more):
    files = {A: tensors(("a", "F32", [2])), B: tensors(("b", "F32", [3]), ("c", "I64", [1]))}
    files.update(more)
    return files


RIGHT = {"a": A, "b": B, "c": B}


def texts():
    for name, text in [("empty", b""), ("not-json", b"{"), ("trailing", b'{"weight_map":{"a":"a.safetensors"}} x'),
                       ("duplicate-key", b'{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}'),
                       ("duplicate-map", b'{"weight_map":{"a":"a.safetensors"},"weight_map":{}}'),
                       ("deep", b'{"metadata":' + b"[" * 50 + b"]" * 50 + b',"weight_map":{}}'), ("bom", b"\xef\xbb\xbf{}"),
                       ("invalid-utf8", b'{"weight_map":{"\xff":"a.safetensors"}}')]:
        yield "I1-" + name, text, "INDEX_JSON"
    for name, text in [("array", b"[]"), ("no-map", b'{"metadata":{}}'), ("null-map", b'{"weight_map":null}'), ("map-array", b'{"weight_map":[]}'),
                       ("map-string", b'{"weight_map":"a"}'), ("unknown-key", index(RIGHT, extra=1)), ("number-value", index({"a": 1})),
                       ("null-value", index({"a": None})), ("array-value", index({"a": [A]}))]:
        yield "I1-" + name, text, "INDEX_ENTRY"
    yield "I1-empty-map", index({}), "INDEX_LIMIT"
    yield "I1-too-long", b'{"weight_map":{}}' + b" " * (16 << 20), "TOO_BIG"


def names():
    for i, name in enumerate(["../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ".", "", ".hidden.safetensors", "a\\b.safetensors", "C:a.safetensors",
                              "a..safetensors", "a\0b.safetensors", "a b.safetensors", "é.safetensors", "-a.safetensors", "_a.safetensors",
                              "a.bin", "a.pkl", "model.safetensors.txt", "x" * 117 + ".safetensors", "a\n.safetensors", "~.safetensors",
                              "%2e%2e%2fa.safetensors", "a.SAFETENSORS", "a.safetensors ", "http://x/a.safetensors"]):
        yield "I2-name-%02d" % i, index({"a": name}), "INDEX_NAME"


def mismatches():
    yield "I5-not-in-index", index({"a": A, "b": B}), shards()
    yield "I5-not-in-shard", index(dict(RIGHT, d=B)), shards()
    yield "I5-wrong-shard", index({"a": B, "b": A, "c": B}), shards()
    yield "I5-in-two-shards", index({"a": A, "b": B}), {A: tensors(("a", "F32", [1]), ("b", "F32", [1])), B: tensors(("b", "F32", [1]))}


def cases():
    for part in (texts, names):
        for name, text, code in part():
            yield Case(name, "weights", shards(**{INDEX: text}), code)
    for name, text, files in mismatches():
        files = dict(files)
        files[INDEX] = text
        yield Case(name, "weights", files, "INDEX_MISMATCH")
    many = {"t%d" % i: "s%d.safetensors" % i for i in range(257)}
    yield Case("I5-257-shards", "weights", {INDEX: index(many)}, "INDEX_LIMIT")
    yield Case("I5-shard-missing", "weights", {INDEX: index(RIGHT), A: shards()[A]}, "NOT_FOUND")
    yield Case("I3-shard-is-a-fifo", "weights", shards(**{INDEX: index(RIGHT), B: Fifo()}), "NOT_A_FILE")
    yield Case("I4-shard-is-a-link-to-a-directory", "weights", shards(**{INDEX: index(RIGHT), B: Link(".")}), "NOT_A_FILE")
    yield Case("I5-broken-shard", "weights", shards(**{INDEX: index(RIGHT), B: shards()[B][:-1]}), "ST_OFFSETS")
    yield Case("I2-bin-index-names-safetensors", "weights", shards(**{BIN_INDEX: index(RIGHT)}), "INDEX_NAME")
    yield Case("I7-broken-index-beside-sound-bin", "weights",
               {INDEX: b"{", "pytorch_model.bin": with_storage(state(("w", tensor())))}, "INDEX_JSON")
    yield Case("E5-index-is-a-page", "weights", {INDEX: b"<!doctype html><title>Sign in</title>"}, "HTML")

    yield Case("I-two-shards", "weights", shards(**{INDEX: index(RIGHT)}), "OK")
    yield Case("I-stale-total-size", "weights", shards(**{INDEX: index(RIGHT, metadata={"total_size": -1, "x": [None]})}), "OK")
    yield Case("I-no-metadata", "weights", shards(**{INDEX: json.dumps({"weight_map": RIGHT}).encode()}), "OK")
    yield Case("I6-single-file-before-index", "weights", {INDEX: b"not read", "model.safetensors": tensors(("w", "F32", [1]))}, "OK")
    bins = {"pytorch_model-00001-of-00002.bin": with_storage(state(("a", tensor()))),
            "pytorch_model-00002-of-00002.bin": with_storage(state(("b", tensor())))}
    bins[BIN_INDEX] = index({"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"})
    yield Case("I-two-bin-shards", "weights", bins, "OK")
    one = {"s%d.safetensors" % i: tensors(("t%d" % i, "F32", [1])) for i in range(100)}
    one[INDEX] = index({"t%d" % i: "s%d.safetensors" % i for i in range(100)})
    yield Case("I-100-shards", "weights", one, "OK")
    linked = shards(**{INDEX: index(RIGHT), "blob": shards()[B], B: Link("blob")})
    yield Case("I4-shards-are-links", "weights", linked, "OK")
