"""Undoes gzip (any number of members) and zstd (any number of frames) as the bytes arrive, within bounds.

An object that ends in the middle is an error, never a shorter object; one that expands beyond reason is stopped.
"""

import zlib
from typing import Protocol

import zstandard

from haulier.contracts.dataset import Compression
from haulier.contracts.limits import MAX_OBJECT_BYTES, MIB
from worker.records.errors import InputBroken

MAX_RATIO = 1000
"""Text does not shrink a thousandfold for long; zlib's own ceiling is 1,032, zstd has none."""
_FREE_BYTES = 64 * MIB
"""The ratio counts from here on: a small file of zeroes harms nobody."""
_STEP = 4 * MIB
_WINDOW_BYTES = 128 * MIB


class _Stream(Protocol):
    """One member or frame. zlib's and zstandard's objects both are."""

    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Decompressor:
    """Feed it the object's bytes in order, then call `finish`.

    Args:
        compression: of the whole object.
        name: the object, for messages.
        max_ratio: bytes out for a byte in, at most, from 64 MiB on.
        max_bytes: bytes out in all.

    Raises (all three methods' InputBroken): `corrupt`, `truncated`, `expands_too_far`.
    """

    def __init__(
        self,
        compression: Compression,
        *,
        name: str = "the object",
        max_ratio: int = MAX_RATIO,
        max_bytes: int = MAX_OBJECT_BYTES,
    ) -> None:
        self._compression, self._name = compression, name
        self._max_ratio, self._max_bytes = max_ratio, max_bytes
        self._stream: _Stream | None = None
        self._taken = self._given = 0
        self._members = 0

    def feed(self, data: bytes) -> bytes:
        """What these bytes expand to, maybe nothing."""
        if self._compression == "none":
            return data
        self._taken += len(data)
        out: list[bytes] = []
        # In steps, so that a bomb is noticed before it is expanded whole.
        for at in range(0, len(data), self._step()):
            self._members_of(data[at : at + self._step()], out)
        return out[0] if len(out) == 1 else b"".join(out)

    def finish(self) -> bytes:
        """Says that the object ends here."""
        if self._compression != "none" and (self._stream is not None or (self._members == 0 and self._taken > 0)):
            raise InputBroken(
                "truncated", f"{self._name} ends in the middle of its {self._compression} data: upload it again"
            )
        return b""

    def _step(self) -> int:
        return max(_STEP // self._max_ratio, 1024)

    def _members_of(self, data: bytes, out: list[bytes]) -> None:
        while data:
            if self._stream is None:
                # Padding after the last member is allowed, as gzip itself allows it.
                if self._members and not (data := data.lstrip(b"\x00")):
                    return
                self._stream = self._opened()
            try:
                expanded = self._stream.decompress(data)
            except (zlib.error, zstandard.ZstdError) as wrong:
                where = "is not" if self._members == 0 and self._given == 0 else "is damaged as"
                raise InputBroken("corrupt", f"{self._name} {where} {self._compression} data: {wrong}") from None
            if expanded:
                self._given += len(expanded)
                self._check()
                out.append(expanded)
            if not self._stream.eof:
                return
            data = self._stream.unused_data
            self._stream = None
            self._members += 1

    def _opened(self) -> _Stream:
        if self._compression == "gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        return zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()

    def _check(self) -> None:
        if self._given > self._max_bytes:
            raise InputBroken("expands_too_far", f"{self._name} expands to more than {self._max_bytes} bytes")
        if self._given > _FREE_BYTES and self._given > self._taken * self._max_ratio:
            raise InputBroken(
                "expands_too_far", f"{self._name} expands more than {self._max_ratio} times: it may be a bomb"
            )
