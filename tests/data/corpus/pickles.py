# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pickles written byte by byte, as torch.save() writes them and as it does not: rules P and Q."""

import struct

from corpus.zips import torch_zip
from corpus.case import Case

PROTO, STOP = b"\x80\x02", b"."
ORDERED_DICT = b"ccollections\nOrderedDict\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
PARAMETER = b"ctorch._utils\n_rebuild_parameter\n"
EMPTY_ORDERED = ORDERED_DICT + b")R"


def text(s):
    data = s if isinstance(s, bytes) else s.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(n):
    if 0 <= n < 256:
        return b"K" + bytes([n])
    if 0 <= n < 65536:
        return b"M" + struct.pack("<H", n)
    if -2**31 <= n < 2**31:
        return b"J" + struct.pack("<i", n)
    return b"\x8a\x08" + struct.pack("<q", n)


def tuple_of(*items):
    return b"(" + b"".join(items) + b"t"


def sizes(values):
    return tuple_of(*map(integer, values)) if values else b")"


def storage(kind="Float", key="0", numel=6, tag="storage"):
    return tuple_of(text(tag), b"ctorch\n%sStorage\n" % kind.encode(), text(key), text("cpu"), integer(numel)) + b"Q"


def tensor(store=None, offset=0, size=(2, 3), stride=(3, 1), grad=b"\x89", hooks=EMPTY_ORDERED, more=b""):
    return REBUILD + tuple_of(store or storage(), integer(offset), sizes(size), sizes(stride), grad, hooks, more) + b"R"


def state(*pairs, build=b"", dict_=EMPTY_ORDERED):
    """The pickle of a dict of (name, value)."""
    body = b"".join(text(k) + v for k, v in pairs)
    return PROTO + dict_ + b"(" + body + b"u" + build + STOP


FLOATS = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
W = state(("w", tensor()))


def with_storage(pickle, **others):
    members = {"0": FLOATS}
    members.update(others)
    return torch_zip(pickle, members)


def opcodes():
    names = {"pop": b"0", "pop-mark": b"1", "dup": b"2", "float": b"F1.5\n", "int": b"I1\n", "long": b"L1L\n",
             "persid": b"Px\n", "string": b"S'a'\n", "unicode": b"Va\n", "dict": b"d", "get": b"g0\n", "inst": b"icollections\nOrderedDict\n",
             "list": b"l", "obj": b"o", "put": b"p0\n", "newobj": b"\x81", "ext1": b"\x82\x01", "ext2": b"\x83\x01\0",
             "ext4": b"\x84\x01\0\0\0", "long4": b"\x8b\x01\0\0\0\x01", "binbytes": b"B\x01\0\0\0a", "short-binbytes": b"C\x01a",
             "binstring": b"T\x01\0\0\0a", "short-binunicode": b"\x8c\x01a", "binunicode8": b"\x8d" + struct.pack("<Q", 1) + b"a",
             "binbytes8": b"\x8e" + struct.pack("<Q", 1) + b"a", "empty-set": b"\x8f", "additems": b"\x90", "frozenset": b"\x91",
             "newobj-ex": b"\x92", "stack-global": b"\x93", "memoize": b"\x94", "frame": b"\x95" + struct.pack("<Q", 0),
             "bytearray8": b"\x96" + struct.pack("<Q", 0), "next-buffer": b"\x97", "readonly-buffer": b"\x98", "zero": b"\0",
             "all-ones": b"\xff", "newline": b"\n"}
    for name, code in names.items():
        yield "P-opcode-" + name, PROTO + b"}" + code + STOP, "PKL_OPCODE"
    for name, proto in [("0", b""), ("1", b"\x80\x01"), ("4", b"\x80\x04"), ("5", b"\x80\x05"), ("255", b"\x80\xff")]:
        yield "P-protocol-" + name, proto + W[2:], "PKL_OPCODE"
    yield "P-protocol-twice", PROTO + PROTO + W[2:], "PKL_OPCODE"


def names():
    for module, name in [
        ("os", "system"), ("builtins", "eval"), ("__builtin__", "exec"), ("subprocess", "Popen"), ("torch", "load"),
        ("torch.nn.modules.linear", "Linear"), ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v3"),
        ("torch._utils", "_rebuild_qtensor"), ("torch", "ComplexFloatStorage"), ("torch", "UntypedStorage"),
        ("torch", "FloatStorage "), (" torch", "FloatStorage"), ("Torch", "FloatStorage"), ("collections", "ordereddict"),
        ("torch.storage", "FloatStorage"), ("torch", ""), ("", "OrderedDict"), ("numpy", "ndarray"), ("torch", "Floa\0tStorage"),
        ("torch", "FloatStorage\r"),
    ]:
        shown = (module + "-" + name).replace("\0", "nul").replace("\r", "cr").replace(" ", "_")
        yield "P-global-" + shown, PROTO + b"c" + module.encode() + b"\n" + name.encode() + b"\n)R.", "PKL_GLOBAL"
    yield "P-global-never-called", PROTO + b"cos\nsystem\n.", "PKL_GLOBAL"
    yield "P-global-unused", PROTO + EMPTY_ORDERED + b"(" + text("w") + tensor() + text("x") + b"cos\nsystem\nu.", "PKL_GLOBAL"
    yield "P-global-long-line", PROTO + b"c" + b"a" * 129 + b"\nb\n.", "PKL_GLOBAL"
    yield "P-global-no-end", PROTO + b"ctorch\nFloatStorage", "PKL_GLOBAL"


def structures():
    for name, body in [
        ("empty", b""), ("no-stop", b"}"), ("stop-only", b"."), ("two-nodes", b"}}."), ("open-mark", b"(}."), ("after-stop", b"}.."),
        ("reduce-nothing", b"R."), ("reduce-string", text("os") + b")R."), ("reduce-storage", b"ctorch\nFloatStorage\n)R."),
        ("reduce-no-tuple", ORDERED_DICT + b"}R."), ("ordered-dict-from-list", ORDERED_DICT + b"]\x85R."),
        ("build-dict", b"}}b."), ("build-list", EMPTY_ORDERED + b"]b."), ("build-tensor", tensor() + b"}b."), ("build-nothing", b"b."),
        ("tuple-no-mark", b"}t."), ("tuple1-nothing", b"\x85."), ("tuple3-two", b"}}\x87."), ("tuple2-over-mark", b"}(}\x86."),
        ("setitem-on-list", b"]" + text("a") + b"}s."), ("setitem-on-tuple", b")" + text("a") + b"}s."),
        ("setitem-on-string", text("x") + text("a") + b"}s."), ("setitem-nothing", text("a") + b"}s."), ("setitems-odd", b"}(" + text("a") + b"u."),
        ("setitems-no-mark", b"}" + text("a") + b"}u."), ("setitems-on-global", b"ctorch\nFloatStorage\n(" + text("a") + b"}u."),
        ("append-on-dict", b"}}a."), ("append-nothing", b"]a."), ("appends-no-mark", b"]}e."), ("appends-on-dict", b"}(}e."),
        ("list-of-tensors", b"]" + tensor() + b"a."), ("get-before-put", b"h\0."), ("long-get-before-put", b"j\0\0\0\1."),
        ("put-nothing", b"q\0}."), ("string-cut", b"X\x10\0\0\0abc"), ("string-not-utf8", b"X\1\0\0\0\xff."),
        ("string-with-nul", b"X\1\0\0\0\0."), ("integer-cut", b"J\1\2"), ("real-cut", b"G\1\2\3"), ("long-cut", b"\x8a\x05\1"),
        ("bytes-cut", b"U\x05a"), ("memo-cut", b"}q"), ("persistent-nothing", b"Q."),
        ("duplicate-key", b"}" + text("a") + b"}s" + text("a") + b"}s."),
        ("duplicate-key-in-one-go", b"}(" + text("a") + b"}" + text("a") + b"}u."),
        ("duplicate-key-by-memo", b"}(" + text("a") + b"q\0}h\0}u."),
        ("duplicate-key-nested", b"}" + text("m") + b"}(" + text("a") + b"}" + text("a") + b"}us."),
    ]:
        yield "P-structure-" + name, PROTO + body, "PKL_STRUCTURE"


def limits():
    yield "P-limit-long-string", PROTO + b"X" + struct.pack("<I", 4097) + b"a" * 4097 + b".", "PKL_LIMIT"
    yield "P-limit-string-4-gigabytes", PROTO + b"X\xff\xff\xff\xff.", "PKL_LIMIT"
    yield "P-limit-long-9-bytes", PROTO + b"\x8a\x09" + b"\1" * 9 + b".", "PKL_LIMIT"
    yield "P-limit-stack", PROTO + b"}" * 65537 + b".", "PKL_LIMIT"
    yield "P-limit-marks", PROTO + b"(" * 4097 + b".", "PKL_LIMIT"
    yield "P-limit-nesting", PROTO + b")" + b"\x85" * 65 + b".", "PKL_LIMIT"
    yield "P-limit-a-million-deep", PROTO + b")" + b"\x85" * 1000000 + b".", "PKL_LIMIT"
    yield "P-limit-memo-index", PROTO + b"}r\xff\xff\xff\xff.", "PKL_LIMIT"
    yield "P-limit-memo-index-1000001", PROTO + b"}r" + struct.pack("<I", 1000001) + b".", "PKL_LIMIT"
    yield "P-limit-node-bytes", PROTO + b"](" + b"}" * 60000 + b"e" + (b"(" + b"}" * 60000 + b"e") * 15 + b".", "PKL_LIMIT"
    yield "P-limit-empty-dicts", PROTO + b"]" + b"}a" * 500000 + b".", "PKL_LIMIT"
    # A dict that contains itself, and doubles of it: no walk may follow.
    yield "P-cycle", PROTO + b"}q\0" + text("a") + b"h\0s.", "PKL_NOT_A_STATE_DICT"
    yield "P-cycle-list", PROTO + b"]q\0h\0a.", "PKL_NOT_A_STATE_DICT"
    billion = b")q\0" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60))
    yield "P-billion-laughs", PROTO + b"(" + billion + b"t.", "PKL_NOT_A_STATE_DICT"


def roots():
    for name, body in [("list", b"]."), ("tuple", b")."), ("string", text("x") + b"."), ("none", b"N."), ("tensor", tensor() + b"."),
                       ("integer-value", b"}" + text("epoch") + b"K\1s."), ("real-value", b"}" + text("lr") + b"G" + struct.pack(">d", .1) + b"s."),
                       ("none-value", b"}" + text("x") + b"Ns."), ("list-value", b"}" + text("x") + b"]s."),
                       ("nested", b"}" + text("state_dict") + b"}" + text("w") + tensor() + b"ss."), ("integer-key", b"}K\1" + tensor() + b"s."),
                       ("tuple-key", b"})" + tensor() + b"s."), ("storage-value", b"}" + text("w") + storage() + b"s."),
                       ("bytes-key", b"}U\1a" + tensor() + b"s."), ("parameter-of-nothing", b"}" + text("w") + PARAMETER + b")Rs."),
                       ("parameter-of-parameter", b"}" + text("w") + PARAMETER + tuple_of(PARAMETER + tuple_of(tensor(), b"\x88", EMPTY_ORDERED) + b"R", b"\x88", EMPTY_ORDERED) + b"Rs.")]:
        yield "P-root-" + name, PROTO + body, "PKL_NOT_A_STATE_DICT"
    yield "S9-bin-empty-name", state(("", tensor())), "ST_LIMIT"
    yield "S9-bin-long-name", state(("n" * 1025, tensor())), "ST_LIMIT"
    yield "S9-bin-control-in-name", state(("a\n", tensor())), "ST_LIMIT"


def storages():
    for name, store in [
        ("key-letter", storage(key="a")), ("key-empty", storage(key="")), ("key-path", storage(key="../0")), ("key-slash", storage(key="/0")),
        ("key-long", storage(key="0000000000")), ("key-missing", storage(key="7")), ("key-negative", storage(key="-0")),
        ("tag", storage(tag="Storage")), ("numel-0", storage(numel=0)), ("numel-negative", storage(numel=-6)), ("numel-2-to-41", storage(numel=2**41)),
        ("no-class", tuple_of(text("storage"), text("FloatStorage"), text("0"), text("cpu"), integer(6)) + b"Q"),
        ("class-is-dict", tuple_of(text("storage"), ORDERED_DICT, text("0"), text("cpu"), integer(6)) + b"Q"),
        ("numel-string", tuple_of(text("storage"), b"ctorch\nFloatStorage\n", text("0"), text("cpu"), text("6")) + b"Q"),
        ("key-integer", tuple_of(text("storage"), b"ctorch\nFloatStorage\n", integer(0), text("cpu"), integer(6)) + b"Q"),
        ("four", tuple_of(text("storage"), b"ctorch\nFloatStorage\n", text("0"), text("cpu")) + b"Q"),
        ("six", tuple_of(text("storage"), b"ctorch\nFloatStorage\n", text("0"), text("cpu"), integer(6), b"N") + b"Q"),
        ("string", text("storage") + b"Q"),
    ]:
        yield "Q1-" + name, state(("w", tensor(store))), "PKL_STORAGE"
    for name, store in [("too-long", storage(numel=7)), ("too-short", storage(numel=5)), ("half", storage(kind="Half")),
                        ("double", storage(kind="Double")), ("wraps", storage(kind="Double", numel=2**40))]:
        yield "Q2-" + name, state(("w", tensor(store, size=(2,), stride=(1,)))), "PKL_STORAGE"
    yield "Q2-two-classes", state(("a", tensor()), ("b", tensor(storage(kind="Int")))), "PKL_STORAGE"
    yield "Q2-two-sizes", state(("a", tensor()), ("b", tensor(storage(kind="Half", numel=12), size=(2,), stride=(1,)))), "PKL_STORAGE"


def views():
    for name, value in [
        ("offset-beyond", tensor(offset=1)), ("offset-negative", tensor(offset=-1)), ("offset-far", tensor(offset=2**62)),
        ("size-beyond", tensor(size=(3, 3))), ("size-negative", tensor(size=(-2, 3))), ("stride-negative", tensor(stride=(-3, 1))),
        ("stride-beyond", tensor(stride=(4, 1))), ("stride-wraps", tensor(size=(2, 2), stride=(2**47, 2**47))),
        ("size-and-stride", tensor(size=(2, 3), stride=(1,))), ("rank-9", tensor(size=(1,) * 9, stride=(1,) * 9)),
        ("five-arguments", REBUILD + tuple_of(storage(), integer(0), sizes((2, 3)), sizes((3, 1)), b"\x89") + b"R"),
        ("eight-arguments", tensor(more=b"}}")), ("metadata", tensor(more=b"}" + text("a") + b"Ns")),
        ("hooks", tensor(hooks=EMPTY_ORDERED + text("a") + b"Ns")), ("hooks-none", tensor(hooks=b"N")), ("grad-integer", tensor(grad=b"K\0")),
        ("no-storage", tensor(store=text("0"))), ("size-list", REBUILD + tuple_of(storage(), integer(0), b"]", b")", b"\x89", EMPTY_ORDERED) + b"R"),
        ("size-string", REBUILD + tuple_of(storage(), integer(0), tuple_of(text("2")), tuple_of(integer(1)), b"\x89", EMPTY_ORDERED) + b"R"),
    ]:
        yield "Q3-" + name, state(("w", value)), "PKL_TENSOR"
    yield "Q4-stride-0", state(("w", tensor(size=(1000, 6), stride=(0, 1)))), "PKL_TENSOR"
    yield "Q4-stride-0-huge", state(("w", tensor(size=(2**40, 6), stride=(0, 1)))), "PKL_TENSOR"
    yield "Q6-overflow", state(("w", tensor(size=(2**40, 2**40), stride=(0, 0)))), "ST_OVERFLOW"
    yield "Q6-empty", state(("w", tensor(size=(0,), stride=(1,)))), "ST_EMPTY_TENSOR"
    shifted = [("w%d" % i, tensor(storage(numel=5000), offset=i, size=(4000,), stride=(1,))) for i in range(40)]
    yield "Q5-shifted-copies", (state(*shifted), {"0": b"\0" * 20000}), "PKL_TENSOR"
    nan = struct.pack("<6f", 1, 2, 3, float("nan"), 5, 6)
    yield "Q6-nan", (W, {"0": nan}), "W_NONFINITE"
    yield "Q6-nan-in-view", (state(("w", tensor(size=(3, 2), stride=(1, 3)))), {"0": nan}), "W_NONFINITE"


def good():
    yield "P-plain", W
    yield "P-protocol-3", b"\x80\x03" + W[2:]
    yield "P-dict", state(("w", tensor()), dict_=b"}")
    yield "P-one-by-one", PROTO + EMPTY_ORDERED + text("w") + tensor() + b"s."
    yield "P-empty-dict", PROTO + b"}."
    yield "P-metadata", state(("w", tensor()), build=b"}" + text("_metadata") + EMPTY_ORDERED + b"(" + text("") + b"}" + text("version") + b"K\1susb")
    yield "P-parameter", state(("w", PARAMETER + tuple_of(tensor(), b"\x88", EMPTY_ORDERED) + b"R"))
    yield "P-memo", PROTO + EMPTY_ORDERED + b"q\0(" + text("w") + b"q\1" + tensor() + b"r\0\1\0\0" + text("x") + b"j\0\1\0\0u."
    yield "Q-seven-arguments", state(("w", tensor(more=b"}")))
    yield "Q-scalar", state(("w", tensor(size=(), stride=())))
    yield "Q-transposed", state(("w", tensor(size=(3, 2), stride=(1, 3))))
    yield "Q-aliases", state(("a", tensor()), ("b", tensor()))
    yield "Q-two-views", state(("a", tensor(size=(3,), stride=(1,))), ("b", tensor(offset=3, size=(3,), stride=(1,))))
    yield "Q-middle", state(("a", tensor(offset=2, size=(2,), stride=(1,))))
    yield "Q-every-type", (state(*[(k.lower(), tensor(storage(k, str(i), 2), size=(2,), stride=(1,))) for i, k in enumerate(
        ["Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool"])]),
        {str(i): bytes(2 * n) for i, n in enumerate([4, 2, 2, 8, 8, 4, 2, 1, 1, 1])})


def zipped(pickle):
    """The file of a case that gives a pickle, or a pickle and its storages."""
    if isinstance(pickle, tuple):
        return torch_zip(*pickle)
    return with_storage(pickle)


def cases():
    found = [case for part in (opcodes, names, structures, limits, roots, storages, views) for case in part()]
    found += [(name, pickle, "OK") for name, pickle in good()]
    for name, pickle, code in found:
        yield Case(name, "weights", {"pytorch_model.bin": zipped(pickle)}, code)
        yield Case(name, "pickle", {"data.pkl": pickle[0] if isinstance(pickle, tuple) else pickle}, "SEED")
