"""HyperLogLog: how many values differ, in 1,024 registers that merge by their maximum.

A value's 64-bit hash names a register by its low 10 bits; the register keeps the greatest rank seen, which is the
number of leading zeros of the other 54 bits, plus one (Flajolet et al. 2007; 64-bit hashes and no correction for a
large range as in Heule et al. 2013). Standard error: 1.04 / sqrt(1,024) = 3.25 %. The maximum knows no order and no
repetition, so blocks, chunks and redos in any order give the same registers.
"""

import base64
import math
import zlib

INDEX_BITS = 10
REGISTERS = 1 << INDEX_BITS
HASH_BITS = 64
_MAX_RANK = HASH_BITS - INDEX_BITS + 1
EMPTY = bytes(REGISTERS)
_TOP_BITS = int.from_bytes(b"\x80" * REGISTERS)


class BadSketch(ValueError):
    """A text that is no sketch of this kind."""


def pack(registers: bytes) -> str:
    """The registers (1,024 ranks, one a byte) as text: some 600 characters, fewer if few are set."""
    return base64.b64encode(zlib.compress(registers)).decode()


def unpack(text: str) -> bytes:
    """The registers of a packed sketch.

    Raises:
        BadSketch: the text holds none.
    """
    try:
        opened = zlib.decompressobj()
        registers = opened.decompress(base64.b64decode(text, validate=True), REGISTERS + 1)
    except (ValueError, zlib.error) as error:
        raise BadSketch(f"not a sketch: {error}") from None
    if len(registers) != REGISTERS or max(registers) > _MAX_RANK:
        raise BadSketch(f"a sketch has {REGISTERS} ranks up to {_MAX_RANK}, not {len(registers)} bytes of another kind")
    return registers


def union(one: bytes, other: bytes) -> bytes:
    """The registers of all values of both: the greater of each two, all at once in one number, since a run may add up a
    million sketches (10,000 chunks of 100 columns).
    """
    first, second = int.from_bytes(one), int.from_bytes(other)
    # A rank is far below 128: the top bit of a byte stays where the first is no less, and no byte borrows from another.
    no_less = ((first | _TOP_BITS) - second) & _TOP_BITS
    chosen = no_less - (no_less >> 7)
    return (second ^ ((first ^ second) & chosen)).to_bytes(REGISTERS)


def estimate(registers: bytes) -> int:
    """How many different values there were, by the improved estimator of Ertl 2017 (arXiv 1702.01284, algorithm 6):
    unbiased from none on, without the tables of empirical corrections that Heule et al. need.
    """
    counts = [0] * (_MAX_RANK + 1)
    for rank in registers:
        counts[rank] += 1
    total = REGISTERS * _tau(1 - counts[_MAX_RANK] / REGISTERS)
    for rank in range(_MAX_RANK - 1, 0, -1):
        total = 0.5 * (total + counts[rank])
    total += REGISTERS * _sigma(counts[0] / REGISTERS)
    if math.isinf(total):
        return 0
    if total == 0:
        return 1 << HASH_BITS  # every register is full: as many as there are hashes
    return round(REGISTERS * REGISTERS / (2 * math.log(2)) / total)


def _sigma(share: float) -> float:
    """Ertl's sigma, of the share of registers that nothing fell into."""
    if share == 1:
        return math.inf
    weight, total, before = 1.0, share, -1.0
    while total != before:
        share *= share
        before = total
        total += share * weight
        weight += weight
    return total


def _tau(share: float) -> float:
    """Ertl's tau, of the share of registers that are not full."""
    if share in (0, 1):
        return 0.0
    weight, total, before = 1.0, 1 - share, -1.0
    while total != before:
        share = math.sqrt(share)
        before = total
        weight *= 0.5
        total -= (1 - share) ** 2 * weight
    return total / 3
