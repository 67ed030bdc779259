"""What a zip holds, by its central directory.

The directory, at the archive's end, is the truth of a zip: a member that is not listed was deleted, sizes and checksums
in it are final where local headers only promise them in a data descriptor (so that a stored member could not be told
from what follows), and zip64 sizes stand there. It is read first, by range; then the members are read in one forward
stream (`zip_member`), in the order in which they lie. Python's `zipfile` parses it, over the object's last bytes; what
zipfile lets pass and would lose data is refused here: bytes behind the end, a count that is not the number of entries,
members that overlap (so zip bombs are made that list the same data a thousand times), pieces of split archives.
"""

import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from haulier.contracts.limits import KIB, MAX_ZIP_DIRECTORY_BYTES, MAX_ZIP_MEMBERS
from worker.records.errors import InputBroken
from worker.records.expansion import Expansion
from worker.records.streams import METHODS
from worker.records.zip_names import UTF8_NAME, is_clutter, is_link, listed, named, shown

TAIL_BYTES = 128 * KIB
"""Read first: the end record, its comment (64 KiB at most), zip64's records, and a directory of some 800 members."""
LOCAL_HEADER_BYTES = 30
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_NOT_SAID = 0xFFFF
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
"""General purpose bits 0, 6 and 13: encrypted, strongly, with masked headers (APPNOTE.TXT 4.4.4)."""
_PATCH = 0x0020
_METHOD_NAMES = {1: "shrink", 6: "implode", 10: "PKWARE implode", 96: "JPEG", 97: "WavPack", 98: "PPMd", 99: "AES"}
_MAX_NAME_CHARS = 1024
"""As long as an S3 key may be: it stands in every record that is enriched by `_source_file`."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of the directory.

    Attributes:
        name: as it is meant, see `zip_names.named`.
        headed: as the header has it; the local header repeats it.
        at: where its local header starts.
        upto: where the next member, or the directory, starts: none of its bytes lies beyond.
        stored: bytes of its data.
        size: bytes they expand to.
        crc: of what they expand to.
        method: how it is compressed; a key of `streams.METHODS` unless it is left out.
        encoding: of `headed`.
        left_out: it holds no records, and its data is passed over.
    """

    name: str
    headed: str
    at: int
    upto: int
    stored: int
    size: int
    crc: int
    method: int
    encoding: Literal["utf-8", "cp437"]
    left_out: bool

    @property
    def shown(self) -> str:
        """The name for messages: printable, of bounded length."""
        return shown(self.name)


@dataclass(frozen=True, slots=True)
class Directory:
    """What an archive holds.

    Attributes:
        members: in the order in which they lie in the archive.
        end: where the directory starts.
        remarks: what is left out.
    """

    members: tuple[Member, ...]
    end: int
    remarks: tuple[str, ...]


def read_directory(tail: bytes, *, size: int, expansion: Expansion) -> Directory | int:
    """The archive's members, or the offset from which its bytes are needed as well.

    Args:
        tail: the object's last bytes.
        size: of the whole object.
        expansion: whose bounds the members' sizes must keep; its name is the object's, for messages.

    Raises:
        InputBroken: `truncated`, `corrupt`, `split_archive`, `too_many_members`, `encrypted_member`,
            `unsupported_member`, `expands_too_far`.
    """
    name = expansion.name
    entries = _check_end(tail, name)
    held = _Tail(tail, size)
    try:
        with zipfile.ZipFile(held) as archive:
            infos, end = archive.infolist(), archive.start_dir
    except _Before as before:
        if size - before.offset > MAX_ZIP_DIRECTORY_BYTES + TAIL_BYTES:
            raise _too_many(name) from None
        return before.offset
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as wrong:
        raise InputBroken("corrupt", f"{name}: its zip directory cannot be read: {wrong}; upload it again") from None
    if len(infos) > MAX_ZIP_MEMBERS:
        raise _too_many(name)
    if entries not in (_NOT_SAID, len(infos) & _NOT_SAID):
        raise InputBroken(
            "corrupt", f"{name}: its zip directory has {len(infos)} entries and its end record says {entries}"
        )
    for info in infos:
        info.filename = named(info)
    expansion.check_size(sum(info.file_size for info in infos))
    return _chosen(infos, end, name)


def _check_end(tail: bytes, name: str) -> int:
    """How many entries the end record counts."""
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or at + _END.size > len(tail):
        raise InputBroken(
            "truncated",
            f"{name} has no zip directory at its end: it is cut off, or no zip and named like one; upload it again, or "
            "under another name",
        )
    _, disk, first_disk, _, entries, _, _, comment = _END.unpack_from(tail, at)
    if disk not in (0, _NOT_SAID) or first_disk not in (0, _NOT_SAID):
        raise _split(name)
    behind = tail[at + _END.size + comment :]
    if at + _END.size + comment > len(tail):
        raise InputBroken("truncated", f"{name} ends in the middle of its zip comment: upload it again")
    if behind.strip(b"\x00"):
        raise InputBroken("corrupt", f"{name} has {len(behind)} bytes after the end of its zip data: cut them off")
    return int(entries)


def _chosen(infos: Sequence[zipfile.ZipInfo], end: int, name: str) -> Directory:
    members: list[Member] = []
    empty: list[str] = []
    clutter: list[str] = []
    links: list[str] = []
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for at, info in enumerate(ordered):
        upto = ordered[at + 1].header_offset if at + 1 < len(ordered) else end
        _check_place(info, upto, name)
        if is_clutter(info.filename):
            clutter.append(info.filename)
        elif is_link(info):
            links.append(info.filename)
        elif info.file_size == 0 and not info.is_dir():
            empty.append(info.filename)
        left_out = info.file_size == 0 or is_clutter(info.filename) or is_link(info)
        if not left_out:
            _check_readable(info, name)
        members.append(_member(info, upto, left_out=left_out))
    told = (("hold no bytes", empty), ("are symbolic links", links), ("are a file manager's own", clutter))
    remarks = [f"zip members that {why} were left out: {listed(names)}" for why, names in told if names]
    if all(member.left_out for member in members):
        remarks.append("the zip holds no member with records")
    return Directory(tuple(members), end, tuple(remarks))


def _check_place(info: zipfile.ZipInfo, upto: int, name: str) -> None:
    if info.volume not in (0, _NOT_SAID):
        raise _split(name)
    if info.header_offset < 0 or info.header_offset + LOCAL_HEADER_BYTES + info.compress_size > upto:
        raise InputBroken(
            "corrupt",
            f"{name}: member {shown(info.filename)} (at byte {info.header_offset}) reaches into what follows it at "
            f"byte {upto}: the archive is damaged, or a bomb",
        )


def _check_readable(info: zipfile.ZipInfo, name: str) -> None:
    told = f"{name}: member {shown(info.filename)}"
    if info.flag_bits & _ENCRYPTED or info.compress_type == 99:
        raise InputBroken(
            "encrypted_member", f"{told} is encrypted, which is not undone: make the zip without a password"
        )
    if info.compress_type not in METHODS or info.flag_bits & _PATCH:
        method = _METHOD_NAMES.get(info.compress_type, f"method {info.compress_type}")
        raise InputBroken(
            "unsupported_member",
            f"{told} is compressed by {method}, which is not read: make the zip with deflate, zstd, bzip2, xz or LZMA",
        )
    if len(info.filename) > _MAX_NAME_CHARS:
        raise InputBroken(
            "unsupported_member",
            f"{told} has a name of {len(info.filename)} characters, and {_MAX_NAME_CHARS} are read: shorten it",
        )
    if info.is_dir():
        raise InputBroken("corrupt", f"{told} is a directory and has {info.file_size} bytes")


def _member(info: zipfile.ZipInfo, upto: int, *, left_out: bool) -> Member:
    return Member(
        name=info.filename,
        headed=info.orig_filename,
        at=info.header_offset,
        upto=upto,
        stored=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
        method=info.compress_type,
        encoding="utf-8" if info.flag_bits & UTF8_NAME else "cp437",
        left_out=left_out,
    )


def _split(name: str) -> InputBroken:
    return InputBroken(
        "split_archive",
        f"{name} is one piece of a split zip: join them (zip -s 0 all.zip --out one.zip) and upload that",
    )


def _too_many(name: str) -> InputBroken:
    return InputBroken(
        "too_many_members",
        f"{name}: its zip directory has more than {MAX_ZIP_MEMBERS} entries or {MAX_ZIP_DIRECTORY_BYTES} bytes: make "
        "several archives of it",
    )


class _Before(Exception):
    """Bytes were asked for that lie before the tail."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class _Tail(io.RawIOBase):
    """An object of which only the last bytes are here, as a file."""

    def __init__(self, tail: bytes, size: int) -> None:
        super().__init__()
        self._tail, self._size, self._at = tail, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise OSError(f"offset {at}")
        self._at = at
        return at

    def read(self, size: int = -1) -> bytes:
        start = self._size - len(self._tail)
        if self._at < start:
            raise _Before(self._at)
        at = self._at - start
        data = self._tail[at:] if size < 0 else self._tail[at : at + size]
        self._at += len(data)
        return data
