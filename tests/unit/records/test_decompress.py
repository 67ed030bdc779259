"""gzip, zstd, bz2 and xz are undone wherever the bytes are cut, and what is broken or a bomb is an error."""

import bz2
import gzip
import lzma
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import MAX_DECOMPRESSED_BYTES, MAX_EXPANSION
from worker.records import Decompressor, InputBroken, expansion
from worker.records.expansion import Expansion
from worker.records.streams import LARGEST_PIECE_BYTES, PIECE_BYTES

KINDS = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "bz2": bz2.compress,
    "xz": lambda text: lzma.compress(text, preset=0),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
BOMB_BYTES = {"gzip": 64 << 20, "zstd": 160 << 20, "bz2": 64 << 20, "xz": 64 << 20}
MOST_HELD = {"zstd": 2 * LARGEST_PIECE_BYTES + (4 << 20)}


def unpack(packed: bytes, kind: str, sizes: int | list[int] = 1 << 20, **bounds: int) -> bytes:
    stage = Decompressor(kind, Expansion("s3://in/a", **bounds))
    out, at = [], 0
    sizes = [sizes] if isinstance(sizes, int) else sizes
    while at < len(packed):
        size = sizes[len(out) % len(sizes)]
        out.append(b"".join(stage.feed(packed[at : at + size])))
        at += size
    stage.finish()
    return b"".join(out)


@every_kind
@settings(deadline=None)
@given(
    texts=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5),
)
def test_text_is_whole_when_it_has_several_members_and_is_cut_anywhere(kind, texts, sizes):
    packed = b"".join(KINDS[kind](text) for text in texts)
    assert unpack(packed, kind, sizes) == b"".join(texts)


@every_kind
def test_text_is_whole_when_it_is_larger_than_a_piece(kind):
    text = b"".join(b"%d,some text %d\n" % (n, n * n) for n in range(60_000))
    assert len(text) > PIECE_BYTES
    assert unpack(KINDS[kind](text), kind) == text


@every_kind
def test_error_says_truncated_when_the_object_ends_at_any_byte_of_a_member(kind):
    first, second = KINDS[kind](b"some text" * 40), KINDS[kind](b"more")
    for cut in range(1, len(first) + len(second)):
        if cut == len(first):
            continue
        with pytest.raises(InputBroken) as caught:
            unpack((first + second)[:cut], kind, 7)
        assert caught.value.code == "truncated"
        assert f"byte {cut}" in str(caught.value)
        assert "s3://in/a" in str(caught.value)


@every_kind
def test_error_says_corrupt_when_the_bytes_are_something_else(kind):
    with pytest.raises(InputBroken, match=f"is not {kind} data") as caught:
        unpack(b"a,b,c\n" * 10, kind, 100)
    assert caught.value.code == "corrupt"


@every_kind
def test_error_names_the_place_when_something_else_follows_the_last_member(kind):
    packed = KINDS[kind](b"abc")
    for behind in (b"garbage that is no member", b"\n" * 30, b"\x00\x00garbage that is no member"):
        with pytest.raises(InputBroken) as caught:
            unpack(packed + behind, kind, 5)
        assert caught.value.code == "corrupt"
        assert f"byte {len(packed) + (2 if behind[0] == 0 else 0)}" in str(caught.value)


@every_kind
def test_no_damage_passes_unseen_when_a_byte_is_changed(kind):
    text = b"".join(b"%d," % (n * n) for n in range(300))
    packed = KINDS[kind](text)
    # gzip's header holds a time, a name and flags that its checksum does not cover: RFC 1952.
    for at in range(10 if kind == "gzip" else 0, len(packed)):
        broken = packed[:at] + bytes([packed[at] ^ 0x41]) + packed[at + 1 :]
        try:
            assert unpack(broken, kind) == text, at
        except InputBroken:
            continue


@every_kind
@pytest.mark.parametrize("zeroes", [1, 4, 20, 40_000])
def test_padding_is_passed_over_when_it_follows_a_member(kind, zeroes):
    packed = KINDS[kind](b"abc")
    assert unpack(packed + b"\x00" * zeroes, kind, 3) == b"abc"
    assert unpack(packed + b"\x00" * zeroes + packed, kind, 3000) == b"abcabc"


def test_skippable_frames_are_passed_over_when_zstd_has_them():
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    packed = skippable + KINDS["zstd"](b"abc") + skippable + KINDS["zstd"](b"def")
    assert unpack(packed, "zstd", 1) == unpack(packed, "zstd") == b"abcdef"


def _bomb(kind: str) -> bytes:
    writers = {
        "gzip": lambda: zlib.compressobj(1, wbits=31),
        "zstd": zstandard.ZstdCompressor(level=1).compressobj,
        "bz2": lambda: bz2.BZ2Compressor(1),
        "xz": lambda: lzma.LZMACompressor(preset=0),
    }
    writer, zeroes = writers[kind](), bytes(1 << 20)
    return b"".join(writer.compress(zeroes) for _ in range(BOMB_BYTES[kind] >> 20)) + writer.flush()


@every_kind
def test_a_bomb_never_lies_in_memory_and_is_refused_when_it_expands_too_far(kind, monkeypatch):
    monkeypatch.setattr(expansion, "EXPANSION_FREE_BYTES", 8 << 20)
    packed = _bomb(kind)
    tracemalloc.start()
    try:
        stage = Decompressor(kind, Expansion("s3://in/a", max_expansion=20))
        sizes = map(len, stage.feed(packed))
        given_out: list[int] = []
        with pytest.raises(InputBroken, match=r"format\.max_expansion") as caught:
            given_out.extend(sizes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "expands_too_far"
    assert peak < MOST_HELD.get(kind, 4 << 20)
    assert sum(given_out) < (8 << 20) + 20 * len(packed) + LARGEST_PIECE_BYTES < BOMB_BYTES[kind]


@every_kind
def test_many_members_are_one_object_when_it_is_bounded(kind):
    packed = KINDS[kind](b"x" * 3000)
    assert len(unpack(packed * 3, kind, 100, max_bytes=9000)) == 9000
    with pytest.raises(InputBroken, match=r"format\.max_decompressed_bytes") as caught:
        unpack(packed * 3, kind, 100, max_bytes=8999)
    assert caught.value.code == "expands_too_far"


def test_bounds_are_the_datasets_when_it_sets_them():
    plain, bounded = (
        Dataset.model_validate({"name": "d", "format": form})
        for form in ({}, {"max_expansion": 7, "max_decompressed_bytes": 100_000_000})
    )
    Expansion.of(plain.format, "x").check_size(MAX_DECOMPRESSED_BYTES)
    with pytest.raises(InputBroken):
        Expansion.of(plain.format, "x").check_size(MAX_DECOMPRESSED_BYTES + 1)
    with pytest.raises(InputBroken):
        Expansion.of(bounded.format, "x").check_size(100_000_001)
    for dataset, times in ((plain, MAX_EXPANSION), (bounded, 7)):
        counted = Expansion.of(dataset.format, "x")
        counted.took(10_000_000)
        counted.gave(70_000_000)
        counted.took(-10_000_000 + 70_000_000 // times)
        with pytest.raises(InputBroken, match=f"{times} times"):
            counted.gave(10_000)


def test_error_says_what_to_do_when_a_window_needs_too_much_memory():
    wide = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    writer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    wide_frame = writer.compress(b"abc" * 1000) + writer.flush()
    small = lzma.compress(b"abc", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    # The first block's header (xz format 3.1) with a dictionary of 256 MiB (5.3.1), and its CRC-32.
    block = small[12:16] + bytes([32]) + small[17:20]
    wide_stream = small[:12] + block + zlib.crc32(block).to_bytes(4, "little") + small[24:]
    for packed, kind in ((wide_frame, "zstd"), (wide_stream, "xz")):
        with pytest.raises(InputBroken) as caught:
            unpack(packed, kind)
        assert caught.value.code == "needs_too_much_memory"


def test_bytes_pass_when_there_is_no_compression():
    assert unpack(b"abc", "none", 2) == b"abc"
