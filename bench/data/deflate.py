"""One gzip member of any length from one compressed piece.

A piece that ends with a full flush is whole deflate blocks on a byte's boundary which refer to nothing before them, so
it may be repeated as it is (RFC 1951; zlib manual, Z_FULL_FLUSH). A head, an empty last block and the check sum of the
whole make it one member, as `gzip` writes for one file: reading it cannot be started in the middle.
"""

import struct
import zlib

GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
_LEVEL = 6


def flushed(data: bytes) -> bytes:
    """`data` as deflate blocks that may follow and be followed by any such blocks."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)


def gzip_tail(parts: list[tuple[bytes, int]]) -> bytes:
    """The end of a member that holds each of `parts` so many times: an empty last block, CRC32, length."""
    crc = size = 0
    for data, repeats in parts:
        for _ in range(repeats):
            crc = zlib.crc32(data, crc)
        size += len(data) * repeats
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, -15).flush() + struct.pack("<II", crc, size & 0xFFFFFFFF)
