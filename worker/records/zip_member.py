"""One member of a zip, from its local header to its last byte, checked against what the directory says of it.

The directory is believed and the local header must agree in what both say for certain: signature, name, method,
encryption. Sizes are the directory's, so stored members with data descriptors and zip64 need nothing of their own.
Length and CRC-32 of what comes out are compared at the member's end: until then nothing that was made of it counts.
"""

import struct
import zlib
from collections.abc import Iterator

from worker.records.errors import InputBroken
from worker.records.expansion import Expansion
from worker.records.streams import FAULTS, METHODS, SLICE_BYTES, needs_too_much_memory
from worker.records.zip_directory import LOCAL_HEADER_BYTES, Member

_LOCAL = struct.Struct("<4s5H3L2H")
_SIGNATURE = b"PK\x03\x04"
GAP_BYTES = 28
"""The longest data descriptor (24 bytes, APPNOTE.TXT 4.3.9) and a signature behind it."""


def header_bytes(fixed: bytes, member: Member, *, archive: str) -> int:
    """How long the local header is of which `fixed` is the beginning.

    Args:
        fixed: its first LOCAL_HEADER_BYTES bytes.
        member: whose it should be.
        archive: for messages.

    Raises:
        InputBroken: `corrupt`.
    """
    signature, _, flags, method, _, _, _, _, _, name, extra = _LOCAL.unpack(fixed)
    if signature != _SIGNATURE or method != member.method or (flags & 1 and not member.left_out):
        raise _differs(member, archive, "method or signature")
    size = LOCAL_HEADER_BYTES + int(name) + int(extra)
    if member.at + size + member.stored > member.upto:
        raise _differs(member, archive, "length")
    return size


def check_name(header: bytes, member: Member, *, archive: str) -> None:
    """Compares the name in a whole local header.

    Raises:
        InputBroken: `corrupt`.
    """
    length = int.from_bytes(header[26:28], "little")
    name = header[LOCAL_HEADER_BYTES : LOCAL_HEADER_BYTES + length].decode(member.encoding, "replace")
    if name != member.headed:
        raise _differs(member, archive, "name")


def check_gap(begins: bytes, at: int, *, archive: str) -> None:
    """Looks at the first bytes of what lies between a member's data and what the directory lists next.

    A data descriptor and padding may lie there. A local header may not: then two archives were put one after another,
    or a member was taken off the list, and to pass over it would lose it without a word.

    Args:
        begins: at most GAP_BYTES bytes.
        at: where they lie in the archive.
        archive: for messages.

    Raises:
        InputBroken: `corrupt`.
    """
    found = begins.find(_SIGNATURE)
    if found >= 0:
        raise InputBroken(
            "corrupt",
            f"{archive} holds a member at byte {at + found} that its zip directory does not list: it may be two "
            "archives one after another; make the zip anew",
        )


def _differs(member: Member, archive: str, what: str) -> InputBroken:
    return InputBroken(
        "corrupt",
        f"{archive}: member {member.shown}: its header at byte {member.at} has another {what} than the directory says: "
        "the archive is damaged; upload it again",
    )


class MemberStage:
    """Feed it the member's stored bytes in order, then call `finish`; made as `decompress.Decompressor` is.

    Args:
        member: what the directory says.
        expansion: the archive's.
    """

    def __init__(self, member: Member, expansion: Expansion) -> None:
        self._member, self._expansion = member, expansion
        self._stream = METHODS[member.method]()
        self._took = self._size = self._crc = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes expand to, piece by piece; take them all before feeding more.

        Raises:
            InputBroken: `corrupt`, `expands_too_far`, `needs_too_much_memory`.
        """
        for at in range(0, len(data), SLICE_BYTES):
            part = data[at : at + SLICE_BYTES]
            self._expansion.took(len(part))
            if self._stream.eof:
                raise self._broken(f"its data ends before byte {self._took} of {self._member.stored}")
            self._took += len(part)
            yield from self._through(part)

    def _through(self, part: bytes) -> Iterator[bytes]:
        try:
            for piece in self._stream.feed(part):
                self._size += len(piece)
                if self._size > self._member.size:
                    raise self._broken(f"it expands to more than the {self._member.size} bytes the directory says")
                self._expansion.gave(len(piece))
                self._crc = zlib.crc32(piece, self._crc)
                yield piece
        except FAULTS as fault:
            if needs_too_much_memory(fault):
                raise InputBroken(
                    "needs_too_much_memory",
                    f"{self._expansion.name}: member {self._member.shown} needs too much memory: compress it with a "
                    "smaller dictionary (128 MiB at most)",
                ) from None
            raise self._broken(str(fault)) from None
        if self._stream.rest:
            raise self._broken(f"{len(self._stream.rest)} bytes or more follow the end of its data")

    def finish(self) -> None:
        """Says that the member ends here.

        Raises:
            InputBroken: `corrupt`.
        """
        if self._size != self._member.size:
            raise self._broken(f"it expands to {self._size} bytes and the directory says {self._member.size}")
        if self._crc != self._member.crc:
            raise self._broken("its CRC-32 is not the one the directory says")

    def _broken(self, how: str) -> InputBroken:
        return InputBroken(
            "corrupt",
            f"{self._expansion.name}: member {self._member.shown} is damaged before byte {self._took} of its "
            f"{self._member.stored} (its header is at byte {self._member.at}): {how}; nothing was published",
        )
