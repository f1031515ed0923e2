# SPDX-License-Identifier: LGPL-2.1-or-later
"""safetensors files: rules S1 to S18, and what lies in their place (E)."""

import json
import struct

from corpus.case import Case, Directory, Fifo, Hole, Link

SIZE = {"BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "F32": 4,
        "U64": 8, "I64": 8, "F64": 8}


def pack(header, data=b"", length=None):
    """A file from the header's text, whatever that is."""
    text = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype, shape, begin, end):
    return '{"dtype":"%s","shape":%s,"data_offsets":[%s,%s]}' % (dtype, json.dumps(shape), begin, end)


def numbers(n, dtype="F32"):
    """n small finite numbers."""
    if dtype == "F32":
        return struct.pack("<%df" % n, *[(i % 7) - 3 for i in range(n)])
    if dtype == "F64":
        return struct.pack("<%dd" % n, *[(i % 7) - 3 for i in range(n)])
    if dtype == "F16":
        return struct.pack("<%de" % n, *[(i % 7) - 3 for i in range(n)])
    if dtype == "BF16":
        return b"".join(struct.pack("<f", (i % 7) - 3)[2:] for i in range(n))
    return bytes(i % 2 for i in range(n * SIZE[dtype]))


def tensors(*items, metadata=None):
    """A sound file of (name, dtype, shape) in this order."""
    header, data = [], b""
    if metadata is not None:
        header.append('"__metadata__":' + json.dumps(metadata))
    for name, dtype, shape in items:
        n = 1
        for dim in shape:
            n *= dim
        piece = numbers(n, dtype)
        header.append(json.dumps(name) + ":" + entry(dtype, shape, len(data), len(data) + len(piece)))
        data += piece
    return pack("{" + ",".join(header) + "}", data)


ONE = '{"w":' + entry("F32", [2], 0, 8) + "}"
TWO = '{"a":%s,"b":%s}'


def heads():
    yield "S1-empty", b"", "ST_TOO_SMALL"
    for n in range(1, 8):
        yield "S1-%d-bytes" % n, b"\2\0\0\0\0\0\0"[:n], "ST_TOO_SMALL"
    yield "S2-length-0", pack("", length=0), "ST_HEADER_TOO_SMALL"
    yield "S2-length-1", pack("{", length=1), "ST_HEADER_TOO_SMALL"
    yield "S2-length-100000001", pack("{}", length=100000001), "ST_HEADER_TOO_LARGE"
    yield "S2-length-2-to-63", pack("{}", length=2**63), "ST_HEADER_TOO_LARGE"
    yield "S2-length-all-ones", pack("{}", length=2**64 - 1), "ST_HEADER_TOO_LARGE"
    yield "S2-length-wraps-to-end", pack("{}", length=2**64 - 8), "ST_HEADER_TOO_LARGE"
    yield "S3-length-one-too-many", pack("{}", length=3), "ST_HEADER_TRUNCATED"
    yield "S3-length-100000000", pack("{}", length=100000000), "ST_HEADER_TRUNCATED"
    yield "S3-only-length", struct.pack("<Q", 16), "ST_HEADER_TRUNCATED"
    yield "S3-cut-in-header", pack(ONE, numbers(2))[:30], "ST_HEADER_TRUNCATED"
    yield "S4-space-first", pack(" {}"), "ST_HEADER_START"
    yield "S4-array", pack("[]"), "ST_HEADER_START"
    yield "S4-bom", pack(b"\xef\xbb\xbf{}"), "ST_HEADER_START"
    yield "S4-nul", pack(b"\0{}"), "ST_HEADER_START"
    yield "S4-zip-in-front", b"PK\3\4" + b"\0" * 4 + b"PK\3\4" * 40, "ST_HEADER_TRUNCATED"


def texts():
    for name, text in [
        ("unfinished", '{"w":'), ("two-values", "{}{}"), ("trailing-comma", "{,}"), ("single-quotes", "{'a':1}"),
        ("comment", "{/**/}"), ("newline-after", "{}\n"), ("tab-after", "{}\t "), ("nul-after", "{}\0"),
        ("letter-after", "{}x"), ("nan", '{"w":NaN}'), ("not-closed", "{" + '"a":' * 2),
        ("deep", '{"w":' + "[" * 40 + "]" * 40 + "}"), ("very-deep", '{"w":' + "[" * 100000 + "}"),
        ("leading-zero", '{"w":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}'),
        ("plus-sign", '{"w":{"dtype":"F32","shape":[+2],"data_offsets":[0,8]}}'),
        ("hexadecimal", '{"w":{"dtype":"F32","shape":[0x2],"data_offsets":[0,8]}}'),
        ("lone-surrogate", '{"\\ud800":1}'), ("nul-in-name", '{"a\\u0000b":' + entry("F32", [2], 0, 8) + "}"),
        ("raw-newline-in-name", '{"a\nb":' + entry("F32", [2], 0, 8) + "}"),
        ("long-number", '{"w":{"dtype":"F32","shape":[%s],"data_offsets":[0,8]}}' % ("1" * 65)),
    ]:
        yield "S5-" + name, pack(text, numbers(2)), "ST_JSON"
    yield "S5-invalid-utf8", pack(b'{"\xff":1}'), "ST_JSON"
    yield "S5-overlong-utf8", pack(b'{"\xc0\xaf":1}'), "ST_JSON"
    yield "S5-utf16", pack('{"a":1}'.encode("utf-16-le")), "ST_JSON"
    yield "S5-only-spaces-after-brace", pack("{" + " " * 64), "ST_JSON"


def keys():
    e = entry("F32", [2], 0, 8)
    yield "S6-duplicate-keys", pack('{"w":%s,"w":%s}' % (e, e), numbers(2)), "ST_DUP_KEY"
    yield "S6-duplicate-escaped", pack('{"w":%s,"\\u0077":%s}' % (e, entry("F32", [2], 8, 16)), numbers(4)), "ST_DUP_KEY"
    yield "S6-duplicate-field", pack('{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', numbers(2)), "ST_DUP_KEY"
    yield "S6-duplicate-field-escaped", pack('{"w":{"dtype":"U8","\\u0064type":"F32","shape":[4],"data_offsets":[0,4]}}', numbers(1)), "ST_DUP_KEY"
    yield "S6-duplicate-metadata", pack('{"__metadata__":{},"__metadata__":{},"w":%s}' % e, numbers(2)), "ST_DUP_KEY"
    yield "S6-duplicate-in-metadata", pack('{"__metadata__":{"a":"1","a":"2"},"w":%s}' % e, numbers(2)), "ST_DUP_KEY"
    for name, value in [("array", "[]"), ("string", '"pt"'), ("null", "null"), ("number", '{"format":1}'),
                        ("nested", '{"a":{}}'), ("null-inside", '{"a":null}'), ("array-inside", '{"a":[]}'),
                        ("too-many", "{" + ",".join('"%d":""' % i for i in range(4097)) + "}"),
                        ("too-long", '{"a":"' + "x" * 700000 + '","b":"' + "x" * 400000 + '"}')]:
        yield "S7-metadata-" + name, pack('{"__metadata__":%s,"w":%s}' % (value, e), numbers(2)), "ST_METADATA"
    for name, value in [
        ("empty", "{}"), ("number", "1"), ("null", "null"), ("array", "[]"), ("string", '"F32"'),
        ("no-dtype", '{"shape":[2],"data_offsets":[0,8]}'), ("no-shape", '{"dtype":"F32","data_offsets":[0,8]}'),
        ("no-offsets", '{"dtype":"F32","shape":[2]}'),
        ("unknown-field", '{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}'),
        ("capital-field", '{"Dtype":"F32","shape":[2],"data_offsets":[0,8]}'),
    ]:
        yield "S8-" + name, pack('{"w":%s}' % value, numbers(2)), "ST_ENTRY"
    yield "S8-many-short", pack("{" + ",".join('"%d":{}' % i for i in range(2000)) + "}"), "ST_ENTRY"
    yield "S9-empty-name", pack('{"":%s}' % e, numbers(2)), "ST_LIMIT"
    yield "S9-long-name", pack('{"%s":%s}' % ("n" * 1025, e), numbers(2)), "ST_LIMIT"
    yield "S9-control-in-name", pack('{"a\\u0001":%s}' % e, numbers(2)), "ST_LIMIT"
    yield "S9-delete-in-name", pack(b'{"a\x7f":%s}' % e.encode(), numbers(2)), "ST_LIMIT"
    yield "S9-c1-control-in-name", pack('{"a\\u0085":%s}' % e, numbers(2)), "ST_LIMIT"
    many = ",".join('"%x":%s' % (i, entry("U8", [], i, i + 1)) for i in range(65537))
    yield "S9-65537-tensors", pack("{" + many + "}", bytes(65537)), "ST_LIMIT"


def fields():
    for name, dtype in [("lower-case", "f32"), ("unknown", "F99"), ("empty", ""), ("spaces", "F32 "), ("nul", "F32\\u0000")]:
        yield "S10-" + name, pack('{"w":%s}' % entry(dtype, [2], 0, 8), numbers(2)), "ST_DTYPE"
    yield "S10-number", pack('{"w":{"dtype":1,"shape":[2],"data_offsets":[0,8]}}', numbers(2)), "ST_DTYPE"
    for dtype in ["F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4", "C64"]:
        yield "S10-" + dtype.lower(), pack('{"w":%s}' % entry(dtype, [8], 0, 8), numbers(2)), "ST_DTYPE_UNSUPPORTED"
    for name, shape in [
        ("negative", "[-2]"), ("minus-zero", "[-0]"), ("real", "[2.0]"), ("exponent", "[2e0]"), ("string", '["2"]'),
        ("null", "[null]"), ("true", "[true]"), ("nested", "[[2]]"), ("object", "{}"), ("number", "2"),
        ("rank-9", "[1,1,1,1,1,1,1,1,2]"), ("beyond-2-48", "[281474976710657]"),
        ("beyond-64-bits", "[18446744073709551618]"), ("negative-64-bits", "[-9223372036854775808]"),
    ]:
        text = '{"w":{"dtype":"F32","shape":%s,"data_offsets":[0,8]}}' % shape
        yield "S11-" + name, pack(text, numbers(2)), "ST_SHAPE"
    for name, shape, dtype in [
        ("wraps-to-4", [4194305, 4194305, 211106198978564], "U8"), ("then-zero", [2**48, 2**48, 0], "F32"),
        ("zero-first", [2**48, 2**48, 2**48, 0], "U8"), ("by-item-size", [2**48, 2**13, 4], "F64"),
        ("eight-dims", [2**16] * 8, "F32"),
    ]:
        yield "S12-" + name, pack('{"w":%s}' % entry(dtype, shape, 0, 4), b"\0" * 4), "ST_OVERFLOW"
    for name, offsets in [
        ("one", "[0]"), ("three", "[0,8,8]"), ("none", "[]"), ("reversed", "[8,0]"), ("beyond-data", "[0,9]"),
        ("far-beyond", "[0,9223372036854775807]"), ("negative", "[-8,0]"), ("real", "[0,8.0]"), ("string", '["0",8]'),
        ("beyond-64-bits", "[0,18446744073709551624]"), ("object", "{}"), ("null", "null"), ("both-far", "[4611686018427387904,4611686018427387912]"),
    ]:
        text = '{"w":{"dtype":"F32","shape":[2],"data_offsets":%s}}' % offsets
        yield "S13-" + name, pack(text, numbers(2)), "ST_OFFSETS"


def places():
    yield "S14-too-few", pack('{"w":%s}' % entry("F32", [3], 0, 8), numbers(2)), "ST_SIZE_MISMATCH"
    yield "S14-too-many", pack('{"w":%s}' % entry("F32", [1], 0, 8), numbers(2)), "ST_SIZE_MISMATCH"
    yield "S14-item-size", pack('{"w":%s}' % entry("F16", [2], 0, 8), numbers(2)), "ST_SIZE_MISMATCH"
    yield "S14-scalar", pack('{"w":%s}' % entry("F32", [], 0, 8), numbers(2)), "ST_SIZE_MISMATCH"
    yield "S14-huge-shape", pack('{"w":%s}' % entry("U8", [2**40], 0, 8), numbers(2)), "ST_SIZE_MISMATCH"
    yield "S14-empty-range", pack('{"w":%s}' % entry("F32", [2], 0, 0), numbers(2)), "ST_SIZE_MISMATCH"
    yield "S15-hole-first", pack('{"w":%s}' % entry("F32", [1], 4, 8), numbers(2)), "ST_HOLE"
    yield "S15-hole-between", pack(TWO % (entry("F32", [1], 0, 4), entry("F32", [1], 8, 12)), numbers(3)), "ST_HOLE"
    yield "S15-hole-hidden-by-order", pack(TWO % (entry("F32", [1], 8, 12), entry("F32", [1], 0, 4)), numbers(3)), "ST_HOLE"
    yield "S15-overlap", pack(TWO % (entry("F32", [2], 0, 8), entry("F32", [2], 4, 12)), numbers(3)), "ST_OVERLAP"
    yield "S15-same-range", pack(TWO % (entry("F32", [2], 0, 8), entry("F32", [2], 0, 8)), numbers(2)), "ST_OVERLAP"
    yield "S15-inside", pack(TWO % (entry("F32", [4], 0, 16), entry("F32", [1], 4, 8)), numbers(4)), "ST_OVERLAP"
    yield "S15-trailing-byte", pack(ONE, numbers(2) + b"\0"), "ST_TRAILING"
    yield "S15-trailing-file", pack(ONE, numbers(2) + pack(ONE, numbers(2))), "ST_TRAILING"
    yield "S15-nothing-but-data", pack("{}", b"\0" * 16), "ST_TRAILING"
    yield "S15-truncated-data", pack(ONE, numbers(2)[:-1]), "ST_OFFSETS"
    yield "S16-empty", pack('{"w":%s}' % entry("F32", [0], 0, 0)), "ST_EMPTY_TENSOR"
    yield "S16-empty-between", pack('{"w":%s,"z":%s}' % (entry("F32", [2], 0, 8), entry("F32", [3, 0], 8, 8)), numbers(2)), "ST_EMPTY_TENSOR"


def values():
    """W_NONFINITE is a rule for weights, so these are read as such."""
    nan, inf = struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))
    minus = struct.pack("<f", float("-inf"))
    for name, data in [("nan-first", nan + numbers(1)), ("nan-last", numbers(1) + nan), ("inf", numbers(1) + inf),
                       ("minus-inf", minus + numbers(1)), ("signalling-nan", numbers(1) + b"\1\0\x80\x7f")]:
        yield "S18-" + name, pack(ONE, data), "W_NONFINITE"
    long = '{"w":%s}' % entry("F32", [70000], 0, 280000)
    yield "S18-nan-far-inside", pack(long, numbers(69000) + nan + numbers(999)), "W_NONFINITE"
    yield "S18-f16-inf", pack('{"w":%s}' % entry("F16", [2], 0, 4), b"\0\0\0\x7c"), "W_NONFINITE"
    yield "S18-bf16-nan", pack('{"w":%s}' % entry("BF16", [2], 0, 4), b"\0\0\xc0\x7f"), "W_NONFINITE"
    yield "S18-f64-beyond-f32", pack('{"w":%s}' % entry("F64", [1], 0, 8), struct.pack("<d", 1e300)), "W_NONFINITE"


def good():
    yield "S-one", tensors(("w", "F32", [2, 3]))
    yield "S-no-tensors", pack("{}")
    yield "S-scalar", tensors(("w", "F32", []))
    yield "S-rank-8", tensors(("w", "F32", [1, 2, 1, 2, 1, 2, 1, 2]))
    yield "S-metadata", tensors(("w", "F32", [2]), metadata={"format": "pt"})
    yield "S-metadata-empty", tensors(("w", "F32", [2]), metadata={})
    yield "S-metadata-alias", tensors(("w", "F32", [2]), metadata={"lm_head.decoder.weight": "w"})
    yield "S-metadata-4096", tensors(("w", "F32", [2]), metadata={str(i): "" for i in range(4096)})
    yield "S-padded", pack(ONE + " " * 37, numbers(2))
    yield "S-spaces-inside", pack('{ "w" : {\n"dtype":\t"F32" , "shape" : [ 2 ] ,\r\n "data_offsets" : [ 0 , 8 ] } }', numbers(2))
    yield "S-fields-in-any-order", pack('{"w":{"data_offsets":[0,8],"shape":[2],"dtype":"F32"}}', numbers(2))
    yield "S-header-not-in-data-order", pack(TWO % (entry("F32", [2], 4, 12), entry("F32", [1], 0, 4)), numbers(3))
    yield "S-unaligned", tensors(("a", "U8", [3]), ("b", "F32", [5]), ("c", "F64", [2]), ("d", "I64", [1]), metadata={"x": "y"})
    yield "S-escaped-name", pack('{"\\u0077\\ud83d\\ude00\\"\\\\\\/":%s}' % entry("F32", [2], 0, 8), numbers(2))
    yield "S-utf8-name", tensors(("größe.名", "F32", [2]))
    yield "S-1024-byte-name", tensors(("n" * 1024, "F32", [2]))
    yield "S-3000-tensors", tensors(*[("layer.%d.weight" % i, "F32", [3]) for i in range(3000)])
    for dtype in SIZE:
        yield "S-" + dtype.lower(), tensors(("w", dtype, [5, 3]))
    yield "S-all-types", tensors(*[(d.lower(), d, [2, 2]) for d in SIZE])
    yield "S-shape-twice-empty-array", pack('{"w":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}', numbers(1, "I64"))


def impostors():
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 372793256\n"
    page = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>"
    yield "E5-lfs-pointer", pointer, "LFS_POINTER"
    yield "E5-html", page, "HTML"
    yield "E5-html-lower-case", b"\n  <html>\n<body>" + b" " * 100, "HTML"
    yield "E5-xml", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "HTML"
    yield "E5-half-downloaded", tensors(("w", "F32", [100]))[:300], "ST_OFFSETS"
    yield "E1-fifo", Fifo(), "NOT_A_FILE"
    yield "E1-directory", Directory(), "NOT_A_FILE"
    yield "E1-dangling-link", Link("nowhere"), "NOT_FOUND"
    yield "E1-link-to-itself", Link("model.safetensors"), "READ"
    yield "E1-link-to-device", Link("/dev/zero"), "NOT_A_FILE"
    yield "G3-20-gigabytes-of-zeros", Hole(20 << 30), "TOO_BIG"
    yield "S2-zeros", Hole(1 << 30), "ST_HEADER_TOO_SMALL"


def cases():
    for part in (heads, texts, keys, fields, places):
        for name, data, code in part():
            yield Case(name, "tensors", {"model.safetensors": data}, code)
    for name, data, code in values():
        yield Case(name, "weights", {"model.safetensors": data}, code)
    for name, data, code in impostors():
        yield Case(name, "weights", {"model.safetensors": data}, code)
    for name, data in good():
        yield Case(name, "tensors", {"model.safetensors": data}, "OK")
    yield Case("I4-link-to-blob", "weights",
               {"blob": tensors(("w", "F32", [2])), "model.safetensors": Link("blob")}, "OK")
    yield Case("I7-broken-safetensors-beside-nothing-else", "weights",
               {"model.safetensors": b"\0" * 8, "pytorch_model.bin": b"PK"}, "ST_HEADER_TOO_SMALL")
    yield Case("E1-no-weights", "weights", {"config.json": b"{}"}, "NOT_FOUND")
