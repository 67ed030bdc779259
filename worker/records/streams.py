"""One compressed stream of each kind behind one shape: a gzip member, a zstd frame, the data of a zip's member.

The libraries do the work: zlib, bz2, lzma, zstandard and, for Deflate64 (method 9, what Windows Explorer writes for
files beyond 2 GiB, which zlib cannot read), inflate64. Each is driven so that a bomb never lies in memory whole: the
first three by their `max_length`, the others, which have none, by slices so small that what they expand to is bounded.
"""

import bz2
import lzma
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import inflate64
import zstandard

from haulier.contracts.dataset import InputCompression
from haulier.contracts.limits import KIB, MIB

SLICE_BYTES = 16 * KIB
"""Fed at once, at most: what is left of a slice is copied for each piece that comes out and each member that ends."""
PIECE_BYTES = MIB
LARGEST_PIECE_BYTES = 33 * MIB
"""What `_Sliced` may give at once."""
MEMORY_BYTES = 128 * MIB
"""Window or dictionary, at most; `xz -9` and `zstd --ultra -22` stay below, `zstd --long=31` does not."""
_SMALL_SLICE_BYTES = KIB
"""zstd makes 128 KiB of 4 bytes (RFC 8878, RLE blocks), Deflate64 64 KiB of 18 bits: 32 MiB of a KiB. Measured: slices
of 1 KiB cost zstd nothing against 16 KiB (976 and 929 MB/s)."""
_LZMA_HEADER_BYTES = 4
_LZMA_PROPERTIES_BYTES = 5

FAULTS = (zlib.error, OSError, EOFError, lzma.LZMAError, zstandard.ZstdError, ValueError)
"""What the streams raise for bytes that are wrong; OSError is bz2's."""


class Stream(Protocol):
    """Decompresses until its own end.

    Attributes:
        eof: whether its end was seen; nothing may be fed from then on.
        rest: what was fed and lies behind the end.
    """

    @property
    def eof(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What at most SLICE_BYTES expand to, piece by piece; take them all before feeding more. Raises FAULTS."""
        ...


class _Inflate:
    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            out = self._inner.decompress(data, PIECE_BYTES)
            if out:
                yield out
            data = self._inner.unconsumed_tail
            # A full piece may leave more in the window though all input is used.
            if self._inner.eof or (not data and len(out) < PIECE_BYTES):
                return


class _Buffered:
    """bz2 and lzma: they keep their input until it is expanded."""

    def __init__(self, inner: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            out = self._inner.decompress(data, PIECE_BYTES)
            if out:
                yield out
            if self._inner.eof or self._inner.needs_input:
                return
            data = b""


class _Sliced:
    """Libraries that expand all they are given at once."""

    def __init__(self, feed: Callable[[bytes], bytes], eof: Callable[[], bool], unused: Callable[[], bytes]) -> None:
        self._feed, self._eof, self._unused = feed, eof, unused
        self._behind = b""

    @property
    def eof(self) -> bool:
        return self._eof()

    @property
    def rest(self) -> bytes:
        return self._unused() + self._behind

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), _SMALL_SLICE_BYTES):
            if self._eof():
                self._behind = data[at:]
                return
            if out := self._feed(data[at : at + _SMALL_SLICE_BYTES]):
                yield out


class _Stored:
    eof = False
    rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data


class _ZipLzma:
    """A zip's method 14: version and properties of the coder stand before the data (APPNOTE.TXT 5.8.8)."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: _Buffered | None = None

    @property
    def eof(self) -> bool:
        return self._inner is not None and self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.rest if self._inner is not None else b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None:
            self._head += data
            begins = _LZMA_HEADER_BYTES + _LZMA_PROPERTIES_BYTES
            if len(self._head) < begins:
                return
            self._inner = _Buffered(_lzma1(self._head[:begins]))
            data, self._head = self._head[begins:], b""
        yield from self._inner.feed(data)


def _lzma1(head: bytes) -> lzma.LZMADecompressor:
    coder, dictionary = head[_LZMA_HEADER_BYTES], int.from_bytes(head[_LZMA_HEADER_BYTES + 1 :], "little")
    if int.from_bytes(head[2:_LZMA_HEADER_BYTES], "little") != _LZMA_PROPERTIES_BYTES or coder >= 9 * 5 * 5:
        raise lzma.LZMAError("its LZMA properties are none")
    if dictionary > MEMORY_BYTES:
        raise lzma.LZMAError(_TOO_MUCH_MEMORY)
    filters = [
        {
            "id": lzma.FILTER_LZMA1,
            "lc": coder % 9,
            "lp": coder // 9 % 5,
            "pb": coder // 45,
            "dict_size": max(dictionary, 4 * KIB),
        }
    ]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def _zstd() -> Stream:
    inner = zstandard.ZstdDecompressor(max_window_size=MEMORY_BYTES).decompressobj()
    return _Sliced(inner.decompress, lambda: inner.eof, lambda: inner.unused_data)


class _Lent(threading.local):
    """Buffers for inflate64, which never lets go of one it was given (1.0.4 releases no `Py_buffer`): a member of many
    GB would stay in memory whole. So it is given the same ones again, one for each length and thread: half a MiB.
    """

    def __init__(self) -> None:
        self._of: dict[int, bytearray] = {}

    def __call__(self, data: bytes) -> bytearray:
        lent = self._of.setdefault(len(data), bytearray(len(data)))
        lent[:] = data
        return lent


_LENT = _Lent()


def _inflate64() -> Stream:
    inner = inflate64.Inflater()
    return _Sliced(lambda data: inner.inflate(_LENT(data)), lambda: inner.eof, lambda: b"")


def _xz() -> Stream:
    # The dictionary is most of what the limit counts; the rest is less than a MiB.
    return _Buffered(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES + MIB))


OPENED: dict[InputCompression, Callable[[], Stream]] = {
    "gzip": lambda: _Inflate(16 + zlib.MAX_WBITS),
    "zstd": _zstd,
    "bz2": lambda: _Buffered(bz2.BZ2Decompressor()),
    "xz": _xz,
}
"""Makes a stream of each compression of a whole object; zip is none."""
METHODS: dict[int, Callable[[], Stream]] = {
    0: _Stored,
    8: lambda: _Inflate(-zlib.MAX_WBITS),
    9: _inflate64,
    12: lambda: _Buffered(bz2.BZ2Decompressor()),
    14: _ZipLzma,
    93: _zstd,
    95: _xz,
}
"""Makes a stream of each method of a zip's member (APPNOTE.TXT 4.4.5) that can be read."""
_TOO_MUCH_MEMORY = "Memory usage limit exceeded"


def needs_too_much_memory(fault: Exception) -> bool:
    """Whether a fault says that MEMORY_BYTES do not suffice; lzma and zstd have no code for it, only words."""
    return _TOO_MUCH_MEMORY in str(fault) or "too much memory" in str(fault)
