"""gzip and zstd are undone wherever the bytes are cut, and what is broken or a bomb is an error."""

import gzip

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from worker.records import Decompressor, InputBroken


def pack(text: bytes, compression: str) -> bytes:
    return gzip.compress(text) if compression == "gzip" else zstandard.ZstdCompressor().compress(text)


def unpack(packed: bytes, compression: str, size: int, **bounds: int) -> bytes:
    stage = Decompressor(compression, **bounds)
    out = b"".join(stage.feed(packed[at : at + size]) for at in range(0, len(packed), size))
    return out + stage.finish()


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@given(texts=st.lists(st.binary(max_size=200), min_size=1, max_size=4), size=st.integers(1, 50))
def test_text_is_whole_when_it_has_several_members(compression, texts, size):
    packed = b"".join(pack(text, compression) for text in texts)
    assert unpack(packed, compression, size) == b"".join(texts)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_error_says_truncated_when_the_object_ends_early(compression):
    packed = pack(b"some text" * 100, compression)
    for cut in (3, len(packed) // 2, len(packed) - 1):
        with pytest.raises(InputBroken) as caught:
            unpack(packed[:cut], compression, 7)
        assert caught.value.code == "truncated"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_error_says_corrupt_when_the_bytes_are_something_else(compression):
    with pytest.raises(InputBroken) as caught:
        unpack(b"a,b,c\n" * 10, compression, 100)
    assert caught.value.code == "corrupt"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_error_stops_it_when_it_expands_too_far(compression):
    packed = pack(b"\x00" * (80 << 20), compression)
    with pytest.raises(InputBroken) as caught:
        unpack(packed, compression, 1 << 20, max_ratio=100)
    assert caught.value.code == "expands_too_far"
    with pytest.raises(InputBroken):
        unpack(pack(b"x" * 5000, compression), compression, 100, max_bytes=4000)


def test_padding_is_passed_over_when_it_follows_gzip():
    assert unpack(gzip.compress(b"abc") + b"\x00" * 20, "gzip", 3) == b"abc"


def test_bytes_pass_when_there_is_no_compression():
    assert unpack(b"abc", "none", 2) == b"abc"
