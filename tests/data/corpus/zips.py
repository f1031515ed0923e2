# SPDX-License-Identifier: LGPL-2.1-or-later
"""Zip files written record by record: rules Z, and the files before zip (BIN_LEGACY)."""

import struct
import zlib

from corpus.case import Case

FLAGS = 0x0808
ONES = 0xFFFFFFFF


class Member:
    """What is written of a member; each number may be made to lie."""

    def __init__(self, name, data, **lies):
        self.name = name if isinstance(name, bytes) else name.encode()
        self.data = data
        self.lies = lies

    def get(self, key, truth):
        return self.lies.get(key, truth)

    def crc(self):
        return zlib.crc32(self.data)

    def local(self, offset):
        described = self.get("flags", FLAGS) & 8
        name = self.get("local_name", self.name)
        pad = -(offset + 30 + len(name) + 4) % 64
        extra = self.get("local_extra", b"FB" + struct.pack("<H", pad) + b"Z" * pad)
        head = struct.pack("<4sHHHHHIIIHH", self.get("local_signature", b"PK\3\4"), 0, self.get("local_flags", self.get("flags", FLAGS)),
                           self.get("local_method", self.get("method", 0)), 0, 0, self.get("local_crc", 0 if described else self.crc()),
                           self.get("local_packed", 0 if described else len(self.data)),
                           self.get("local_size", 0 if described else len(self.data)), len(name), len(extra))
        return head + name + extra + self.data + self.get("descriptor", self.descriptor() if described else b"") + self.get("gap", b"")

    def descriptor(self, wide=False):
        return struct.pack("<4sIQQ" if wide else "<4sIII", b"PK\7\x08", self.crc(), len(self.data), len(self.data))

    def central(self, offset):
        extra, comment = self.get("extra", b""), self.get("comment", b"")
        return struct.pack("<4sHHHHHHIIIHHHHHII", self.get("signature", b"PK\1\2"), 0, 0, self.get("flags", FLAGS), self.get("method", 0), 0, 0,
                           self.get("crc", self.crc()), self.get("packed", len(self.data)), self.get("size", len(self.data)),
                           len(self.name), len(extra), len(comment), self.get("disk", 0), 0, 0,
                           self.get("offset", offset)) + self.name + extra + comment


def archive(members, zip64=True, prefix=b"", gap=b"", comment=b"", suffix=b"", **lies):
    """The file; lies are of the end records."""
    body, directory, offsets = prefix, b"", []
    for member in members:
        offsets.append(len(body) - len(prefix if lies.get("shifted") else b""))
        body += member.local(len(body))
    for member, offset in zip(members, offsets):
        directory += member.central(offset)
    body += gap
    begin, n = lies.get("begin", len(body)), lies.get("n", len(members))
    size = lies.get("size", len(directory))
    body += directory + lies.get("after", b"")
    if zip64:
        at = len(body)
        body += struct.pack("<4sQHHIIQQQQ", lies.get("signature64", b"PK\6\6"), lies.get("length64", 44), 0, 0, lies.get("disk64", 0), 0,
                            lies.get("n64", n), lies.get("n64", n), lies.get("size64", size), lies.get("begin64", begin))
        body += lies.get("between", b"")
        body += struct.pack("<4sIQI", b"PK\6\7", lies.get("locator_disk", 0), lies.get("locator", at), lies.get("disks", 1))
    return body + struct.pack("<4sHHHHIIH", lies.get("signature_end", b"PK\5\6"), lies.get("disk", 0), lies.get("cd_disk", 0), lies.get("n_here", n), n,
                              size, begin, len(comment)) + comment + suffix


def torch_members(pickle, storages, root="archive", **notes):
    """As torch.save() orders them; a note of None is left out."""
    have = {"byteorder": b"little", ".format_version": b"1", ".storage_alignment": b"64", "version": b"3\n",
            ".data/serialization_id": b"0" * 40}
    have.update({k.replace("__", "."): v for k, v in notes.items()})
    members = [Member(root + "/data.pkl", pickle)]
    members += [Member("%s/%s" % (root, k), have[k]) for k in (".format_version", ".storage_alignment", "byteorder") if have[k] is not None]
    members += [Member("%s/data/%s" % (root, k), v) for k, v in storages.items()]
    members += [Member("%s/%s" % (root, k), have[k]) for k in ("version", ".data/serialization_id") if have[k] is not None]
    return members


def torch_zip(pickle, storages, **how):
    return archive(torch_members(pickle, storages, **how))


def sound():
    """A small state dict, one float tensor of six."""
    from corpus.pickles import FLOATS, W
    return W, {"0": FLOATS}


def members(**notes):
    return torch_members(*sound(), **notes)


def lying(which=0, **lies):
    """All members, one of which lies."""
    out = members()
    out[which] = Member(out[which].name, out[which].data, **lies)
    return out


def ends():
    whole = archive(members())
    yield "Z1-empty", b""
    yield "Z1-two-bytes", b"PK"
    yield "Z1-only-end-record", b"PK\5\6" + b"\0" * 18
    yield "Z1-prefix", b"#!/bin/sh\n" + whole
    yield "Z1-prefix-with-right-offsets", archive(members(), prefix=b"MZ" + b"\0" * 62)
    yield "Z1-local-in-front", archive(members(), prefix=b"PK\3\4" + b"\0" * 60)
    yield "Z1-comment", archive(members(), comment=b"hello")
    yield "Z1-comment-holds-an-archive", archive(members(), comment=whole[-500:])
    yield "Z1-trailing-byte", whole + b"\0"
    yield "Z1-trailing-newline", whole + b"\n"
    yield "Z1-two-archives", whole + whole
    yield "Z1-disk-1", archive(members(), disk=1)
    yield "Z1-directory-on-disk-1", archive(members(), cd_disk=1)
    yield "Z1-fewer-here", archive(members(), zip64=False, n_here=3)
    yield "Z1-no-end-signature", archive(members(), signature_end=b"PK\5\5")
    for at in (1, 5, 22, 43, 99, 200, len(whole) // 2, len(whole) - 60, len(whole) - 1):
        yield "Z1-cut-at-%d" % at, whole[:at]
    yield "Z2-record-length-45", archive(members(), length64=45)
    yield "Z2-record-length-huge", archive(members(), length64=2**63)
    yield "Z2-record-signature", archive(members(), signature64=b"PK\6\5")
    yield "Z2-gap-before-locator", archive(members(), between=b"\0" * 8)
    yield "Z2-locator-elsewhere", archive(members(), locator=0)
    yield "Z2-locator-far", archive(members(), locator=2**63)
    yield "Z2-two-disks", archive(members(), disks=2)
    yield "Z2-locator-disk", archive(members(), locator_disk=1)
    yield "Z2-record-disk", archive(members(), disk64=1)
    yield "Z2-count-differs", archive(members(), n64=3)
    yield "Z2-size-differs", archive(members(), size64=46)
    yield "Z2-begin-differs", archive(members(), begin64=0)
    yield "Z2-begin-huge", archive(members(), begin=ONES, begin64=2**64 - 1)
    yield "Z2-ones-without-record", archive(members(), zip64=False, begin=ONES)


def directories():
    yield "Z3-no-members", archive([])
    yield "Z3-one-too-many", archive(members(), n=9)
    yield "Z3-one-too-few", archive(members(), n=4)
    yield "Z3-count-65535", archive(members(), n=65535)
    yield "Z3-count-beyond", archive(members(), n=65535, n64=2**32)
    yield "Z3-size-short", archive(members(), size=100)
    yield "Z3-size-long", archive(members(), size=100000)
    yield "Z3-size-17-megabytes", archive(members(), size=17 << 20)
    yield "Z3-bytes-after", archive(members(), after=b"\0" * 10)
    yield "Z3-begin-moved", archive(members(), begin=10)
    yield "Z3-signature", archive(lying(signature=b"PK\1\3"))
    yield "Z4-sizes-differ", archive(lying(packed=3))
    yield "Z5-encrypted", archive(lying(flags=FLAGS | 1))
    yield "Z5-strong-encryption", archive(lying(flags=FLAGS | 0x40))
    yield "Z5-patched", archive(lying(flags=FLAGS | 0x20))
    yield "Z5-masked", archive(lying(flags=FLAGS | 0x2000))
    yield "Z1-member-comment", archive(lying(comment=b"hello"))
    yield "Z1-member-disk", archive(lying(disk=1))
    yield "Z9-unknown-extra", archive(lying(extra=b"UT\5\0\0\0\0\0\0"))
    yield "Z9-padding-twice", archive(lying(extra=b"FB\0\0FB\0\0"))
    yield "Z9-extra-cut", archive(lying(extra=b"FB\5\0"))
    yield "Z9-extra-short", archive(lying(extra=b"FB"))
    yield "Z9-zip64-unneeded", archive(lying(extra=b"\1\0\x08\0" + b"\0" * 8))
    yield "Z9-zip64-missing", archive(lying(size=ONES, packed=ONES))
    yield "Z9-zip64-short", archive(lying(size=ONES, packed=ONES, extra=b"\1\0\4\0" + b"\0" * 4))
    yield "Z9-zip64-long", archive(lying(size=ONES, packed=ONES, extra=struct.pack("<HHQQQ", 1, 24, 9, 9, 9)))
    yield "Z9-zip64-huge", archive(lying(size=ONES, packed=ONES, extra=struct.pack("<HHQQ", 1, 16, 2**63, 2**63)))
    yield "Z9-local-unknown-extra", archive(lying(local_extra=b"UT\0\0"))
    yield "Z9-local-padding-twice", archive(lying(local_extra=b"FB\0\0FB\0\0"))
    yield "Z9-local-zip64-differs", archive(lying(local_extra=struct.pack("<HHQQ", 1, 16, 1, 1)))


def locals_():
    yield "Z6-name-differs", archive(lying(local_name=b"archive/data.pkI"))
    yield "Z6-name-shorter", archive(lying(local_name=b"archive"))
    yield "Z6-flags-differ", archive(lying(local_flags=8))
    yield "Z6-method-differs", archive(lying(local_method=8))
    yield "Z6-signature", archive(lying(local_signature=b"PK\3\5"))
    yield "Z6-local-size", archive(lying(local_size=5))
    yield "Z6-local-crc", archive(lying(local_crc=5))
    yield "Z6-local-ones-without-zip64", archive(lying(local_size=ONES, local_packed=ONES))
    yield "Z6-descriptor-crc", archive(lying(descriptor=struct.pack("<4sIII", b"PK\7\x08", 5, 5, 5)))
    yield "Z6-descriptor-signature", archive(lying(descriptor=b"\0" * 16))
    yield "Z6-no-descriptor", archive(lying(descriptor=b""))
    yield "Z6-descriptor-without-signature", archive(lying(descriptor=b"\0" * 12))
    yield "Z7-gap-between", archive(lying(gap=b"\0" * 7))
    yield "Z7-hidden-member", archive(lying(gap=Member("archive/hidden", b"payload").local(0)))
    yield "Z7-gap-before-directory", archive(members(), gap=b"\0" * 64)
    yield "Z7-overlap", archive(lying(1, offset=0))
    yield "Z7-offset-beyond", archive(lying(1, offset=10**8))
    yield "Z7-offset-in-data", archive(lying(2, offset=70))
    yield "Z7-size-beyond", archive(lying(1, size=10**8, packed=10**8))
    yield "Z7-size-into-next", archive(lying(0, size=500, packed=500))


def names():
    for name, root in [("dot", "."), ("dot-dot", ".."), ("empty", ""), ("long", "r" * 256), ("backslash", "a\\b"), ("control", "a\nb"),
                       ("slash", "a/b"), ("absolute", "/etc")]:
        code = "BIN_NOT_A_STATE_DICT" if name == "slash" else "ZIP"
        yield "Z8-root-" + name, archive(members(root=root)), code
    yield "Z8-root-not-utf8", archive([Member(m.name.replace(b"archive", b"\xff\xfe"), m.data) for m in members()]), "ZIP"
    yield "Z8-two-roots", archive(members() + [Member("other/data/9", b"1234")]), "ZIP"
    yield "Z8-no-root", archive([Member("data.pkl", sound()[0]), Member("version", b"3\n")]), "ZIP"
    yield "Z8-duplicate", archive(members() + [members()[0]]), "ZIP"
    yield "Z8-nul-in-name", archive(members() + [Member(b"archive/data/1\0", b"1234")]), "ZIP"
    yield "Z8-empty-name", archive(members() + [Member(b"", b"1234")]), "ZIP"
    for name in ["code/__torch__.py", "constants.pkl", "data/a", "data/", "data/0123456789", "../evil", "data/../x", "data/0/1", "readme.txt", "data/-1"]:
        yield "Z8-member-" + name.replace("/", "_"), archive(members() + [Member("archive/" + name, b"1234")]), "BIN_NOT_A_STATE_DICT"
    yield "Z8-no-pickle", archive([m for m in members() if not m.name.endswith(b"data.pkl")]), "BIN_NOT_A_STATE_DICT"


def notes():
    for key, value in [("version", None), ("version", b"1\n"), ("version", b"11\n"), ("version", b"three"), ("version", b"3" * 100), ("version", b""),
                       ("byteorder", b"big"), ("byteorder", b""), ("__format_version", b"2"), ("__storage_alignment", b"0"),
                       ("__storage_alignment", b"63"), ("__storage_alignment", b"8192"), ("__storage_alignment", b"-64")]:
        shown = "missing" if value is None else value.decode().strip()[:8] or "empty"
        yield "Z10-%s-%s" % (key.strip("_"), shown), archive(members(**{key: value})), "BIN_NOT_A_STATE_DICT"


def checksums():
    for i, name in [(0, "pickle"), (4, "storage"), (5, "version")]:
        out = members()
        out[i] = Member(out[i].name, out[i].data, crc=1, descriptor=struct.pack("<4sIII", b"PK\7\x08", 1, len(out[i].data), len(out[i].data)))
        yield "Z11-" + name, archive(out), "ZIP_CRC"
    flipped = bytearray(archive(members()))
    flipped[flipped.find(sound()[1]["0"]) + 2] ^= 1
    yield "Z11-flipped-bit", bytes(flipped), "ZIP_CRC"


def compressed():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = squeeze.compress(sound()[0]) + squeeze.flush()
    out = members()
    out[0] = Member(out[0].name, data, method=8, size=len(sound()[0]), crc=zlib.crc32(sound()[0]))
    yield "Z4-deflated", archive(out), "ZIP_COMPRESSED"
    for method in (9, 12, 14, 93, 99):
        yield "Z4-method-%d" % method, archive(lying(method=method)), "ZIP_COMPRESSED"
    bomb = Member("archive/data/1", b"\0" * 10, method=8, size=2**31)
    yield "Z4-bomb", archive(members() + [bomb]), "ZIP_COMPRESSED"


def legacy():
    magic = bytes.fromhex("80028a0a6cfc9c46f9206aa85019") + b"."
    yield "BIN-legacy-pickle", magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}q\0." * 4, "BIN_LEGACY"
    tar = b"pickle" + b"\0" * 251 + b"ustar\0" + b"\0" * 700
    yield "BIN-legacy-tar", tar, "BIN_LEGACY"
    yield "BIN-plain-pickle", b"\x80\x02}q\0." + b"\0" * 40, "ZIP"
    yield "BIN-safetensors-inside", b"\x02\0\0\0\0\0\0\0{}" + b" " * 40, "ZIP"
    yield "E5-bin-lfs-pointer", b"version https://git-lfs.github.com/spec/v1\n", "LFS_POINTER"


def good():
    yield "Z-as-torch-2", archive(members())
    yield "Z-as-torch-1", archive(members(byteorder=None, __format_version=None, __storage_alignment=None) [:3])
    yield "Z-without-zip64", archive(members(), zip64=False)
    yield "Z-root-with-spaces", archive(members(root="my model (1)"))
    yield "Z-root-utf8", archive(members(root="modèle"))
    yield "Z-root-255", archive(members(root="r" * 255))
    yield "Z-wide-descriptor", archive([Member(m.name, m.data, descriptor=m.descriptor(True)) for m in members()])
    yield "Z-no-descriptors", archive([Member(m.name, m.data, flags=0) for m in members()])
    yield "Z-local-ones-with-zip64", archive([Member(m.name, m.data, flags=0, local_size=ONES, local_packed=ONES,
                                                     local_extra=struct.pack("<HHQQ", 1, 16, len(m.data), len(m.data))) for m in members()])
    yield "Z-other-order", archive(list(reversed(members())))
    yield "Z-version-10", archive(members(version=b"10"))


def cases():
    for part in (ends, directories, locals_):
        for name, data in part():
            yield Case(name, "weights", {"pytorch_model.bin": data}, "ZIP")
    for part in (names, notes, checksums, compressed, legacy):
        for name, data, code in part():
            yield Case(name, "weights", {"pytorch_model.bin": data}, code)
    for name, data in good():
        yield Case(name, "weights", {"pytorch_model.bin": data}, "OK")
