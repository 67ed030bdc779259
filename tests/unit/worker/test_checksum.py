"""The whole object's checksum comes from its parts', without a second look at the bytes."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from worker.checksum import crc32, joined


@given(st.lists(st.binary(max_size=100)))
def test_whole_has_the_crc_of_all_bytes_when_it_is_joined_from_parts(parts: list[bytes]) -> None:
    whole = 0
    for part in parts:
        whole = joined(whole, crc32(part), len(part))
    assert whole == zlib.crc32(b"".join(parts))


def test_whole_has_the_crc_of_all_bytes_when_parts_are_large() -> None:
    part = bytes(range(256)) * 32768
    assert joined(crc32(part), crc32(part), len(part)) == zlib.crc32(part + part)
