"""Zips made field by field, so that each field can lie; what is not told to lie is as APPNOTE.TXT has it."""

import bz2
import lzma
import struct
import zlib
from dataclasses import dataclass, field

import inflate64
import zstandard


def packed(data: bytes, method: int) -> bytes:
    """The data as a member of that method holds it."""
    if method == 8:
        raw = zlib.compressobj(9, zlib.DEFLATED, -15)
        return raw.compress(data) + raw.flush()
    if method == 9:
        deep = inflate64.Deflater()
        return deep.deflate(data) + deep.flush()
    if method == 14:
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}]
        coder = struct.pack("<BBHBI", 9, 4, 5, (2 * 5 + 0) * 9 + 3, 1 << 16)
        return coder + lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
    whole = {12: bz2.compress, 93: zstandard.compress, 95: lzma.compress}
    return whole[method](data) if method in whole else data


@dataclass
class Entry:
    """A member. `central` and `local` replace fields of the one header or the other."""

    name: str
    data: bytes = b""
    method: int = 8
    flags: int = 0x0800
    descriptor: bool = False
    zip64: bool = False
    stored: bytes | None = None
    central: dict[str, int] = field(default_factory=dict)
    local: dict[str, int | bytes] = field(default_factory=dict)


def make_zip(members: list[Entry], /, *, comment: bytes = b"", zip64: bool = False, **end: int) -> bytes:
    """An archive of these; `end` replaces fields of the end record: disk, entries, size, offset."""
    out, directory = bytearray(), bytearray()
    for entry in members:
        at = len(out)
        data = packed(entry.data, entry.method) if entry.stored is None else entry.stored
        facts = {"crc": zlib.crc32(entry.data), "stored": len(data), "size": len(entry.data), "at": at, "disk": 0}
        facts |= {"method": entry.method, "flags": entry.flags | (8 if entry.descriptor else 0)}
        out += _local(entry, facts) + data
        if entry.descriptor:
            out += struct.pack("<4s3L", b"PK\x07\x08", facts["crc"], facts["stored"], facts["size"])
        directory += _central(entry, facts | entry.central)
    offset = len(out)
    facts = {"disk": 0, "entries": len(members), "size": len(directory), "offset": offset} | end
    out += directory
    if zip64:
        at = len(out)
        out += struct.pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, len(members), len(members), len(directory), offset
        )
        out += struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
        facts |= {"entries": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF}
    out += struct.pack(
        "<4s4H2LH", b"PK\x05\x06", facts["disk"], facts["disk"], facts["entries"], facts["entries"], facts["size"],
        facts["offset"], len(comment),
    )  # fmt: skip
    return bytes(out + comment)


def _local(entry: Entry, facts: dict[str, int]) -> bytes:
    fields = facts | ({"crc": 0, "stored": 0, "size": 0} if entry.descriptor else {}) | entry.local
    name = fields.get("name", entry.name.encode())
    extra = b""
    if entry.zip64:
        extra = struct.pack("<2H2Q", 1, 16, fields["size"], fields["stored"])
        fields |= {"size": 0xFFFFFFFF, "stored": 0xFFFFFFFF}
    return (
        struct.pack(
            "<4s5H3L2H", fields.get("signature", b"PK\x03\x04"), 45, fields["flags"], fields["method"], 0, 0x21,
            fields["crc"], fields["stored"], fields["size"], len(name), len(extra),
        )
        + name
        + extra
    )  # fmt: skip


def _central(entry: Entry, fields: dict[str, int]) -> bytes:
    name, extra = entry.name.encode(), b""
    if entry.zip64:
        extra = struct.pack("<2H3Q", 1, 24, fields["size"], fields["stored"], fields["at"])
        fields |= {"size": 0xFFFFFFFF, "stored": 0xFFFFFFFF, "at": 0xFFFFFFFF}
    return (
        struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 45, 45, fields["flags"], fields["method"], 0, 0x21, fields["crc"],
            fields["stored"], fields["size"], len(name), len(extra), 0, fields["disk"], 0, 0, fields["at"],
        )
        + name
        + extra
    )  # fmt: skip
