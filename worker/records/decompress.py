"""Undoes gzip, zstd, bz2 and xz as the bytes arrive, within bounds. (A zip is an archive: see `zip_member`.)

What is one object may be several members, frames or streams, one after another; they are one text. The rule for what
follows the last of them: zero bytes are padding and are passed over (tapes and block devices leave them, and the xz
format has them by definition); anything else must be a further member. Bytes after the end are never ignored, and an
object that ends in the middle of a member is an error, never a shorter object: both fail the job for good and say at
which byte. An object cut off exactly between two members cannot be told from one that was always so short.
"""

from collections.abc import Iterator

from haulier.contracts.dataset import InputCompression
from haulier.jobs.compression import compression_by_content
from worker.records.errors import InputBroken
from worker.records.expansion import Expansion
from worker.records.streams import FAULTS, MEMORY_BYTES, OPENED, SLICE_BYTES, Stream, needs_too_much_memory

_MAGIC_BYTES = 16


class Decompressor:
    """Feed it the object's bytes in order, then call `finish`.

    Args:
        compression: of the whole object; any but zip.
        expansion: counts and bounds what comes out.

    Attributes:
        compression: as given.

    Raises:
        InputBroken: `corrupt`, `truncated`, `expands_too_far`, `needs_too_much_memory`.
    """

    def __init__(self, compression: InputCompression, expansion: Expansion) -> None:
        self.compression, self._expansion = compression, expansion
        self._stream: Stream | None = None
        self._members = 0
        self._at = 0
        """Stored bytes before those being fed."""
        self._member_at = 0
        self._begins = b""
        """The first bytes of the member being read."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes expand to, in pieces of `streams.LARGEST_PIECE_BYTES` at most, mostly of a MiB; take them
        all before feeding more.
        """
        if self.compression == "none":
            yield data
            return
        for at in range(0, len(data), SLICE_BYTES):
            part = data[at : at + SLICE_BYTES]
            self._expansion.took(len(part))
            yield from self._members_of(part)

    def finish(self) -> None:
        """Says that the object ends here."""
        if self._stream is not None:
            if not self._is_member():
                raise self._broken("it is too short for one")
            raise InputBroken(
                "truncated",
                f"{self._expansion.name} ends at byte {self._at}, in the middle of the {self.compression} data that "
                f"begins at byte {self._member_at}: upload it again",
            )

    def _members_of(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None:
                text = data.lstrip(b"\x00") if self._members else data
                self._at += len(data) - len(text)
                data = text
                if not data:
                    return
                self._stream, self._member_at, self._begins = OPENED[self.compression](), self._at, b""
            self._begins += data[: _MAGIC_BYTES - len(self._begins)]
            yield from self._through(self._stream, data)
            behind = self._stream.rest
            self._at += len(data) - len(behind)
            if not self._stream.eof:
                return
            data = behind
            self._stream = None
            self._members += 1

    def _through(self, stream: Stream, data: bytes) -> Iterator[bytes]:
        try:
            for piece in stream.feed(data):
                self._expansion.gave(len(piece))
                yield piece
        except FAULTS as fault:
            if needs_too_much_memory(fault):
                raise self._too_wide() from None
            raise self._broken(f"{fault}, before byte {self._at + len(data)}") from None

    def _is_member(self) -> bool:
        return compression_by_content(self._begins, promised=self.compression) == self.compression

    def _broken(self, fault: str) -> InputBroken:
        name, kind = self._expansion.name, self.compression
        if self._is_member():
            how = f"is damaged: the {kind} data that begins at byte {self._member_at} breaks off"
        elif self._members:
            how = f"holds something else after its {kind} data ends at byte {self._member_at}: cut it off"
        else:
            how = f"is not {kind} data"
        return InputBroken("corrupt", f"{name} {how} ({fault}); nothing was published")

    def _too_wide(self) -> InputBroken:
        return InputBroken(
            "needs_too_much_memory",
            f"{self._expansion.name} needs more than {MEMORY_BYTES} bytes of memory to undo its {self.compression}: "
            "compress it with a smaller window (no --long, a dictionary of at most 128 MiB)",
        )
