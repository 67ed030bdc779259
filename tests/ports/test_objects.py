"""S3, as the record path relies on it."""

import os

import pytest

from tests.ports.services import LEAST_PART, Services
from worker.checksum import as_header, crc32
from worker.errors import SourceChanged, SourceGone, Transient, WorkerError
from worker.ports import Reply, Target

_MIB = 1 << 20


async def _whole(reply: Reply) -> bytes:
    pieces = []
    while piece := await reply.body.read(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


async def test_a_range_is_given_with_its_place_when_the_etag_fits(services: Services) -> None:
    data = bytes(range(256)) * 40
    source = await services.put_source(data)
    reply = await services.reader.get(source, 100, 5000, by_version=False)
    assert reply.content_range == f"bytes 100-4999/{len(data)}"
    assert reply.etag == source.etag
    assert await _whole(reply) == data[100:5000]


async def test_a_source_has_changed_when_it_was_written_again(services: Services) -> None:
    source = await services.put_source(b"one")
    await services.put_source(b"two")
    with pytest.raises(SourceChanged):
        await services.reader.get(source, 0, 3, by_version=False)


async def test_a_source_is_gone_when_there_is_none(services: Services) -> None:
    source = await services.put_source(b"one")
    with pytest.raises(SourceGone):
        await services.reader.get(source.model_copy(update={"key": "incoming/b.csv"}), 0, 3, by_version=False)


async def test_an_object_is_there_with_its_bytes_when_it_was_put(services: Services) -> None:
    data = os.urandom(1000)
    stored = await services.store.put(Target("processed/a", "text/plain", {"job": "j"}), data, as_header(crc32(data)))
    assert stored.etag
    assert await services.stored("processed/a") == data


async def test_an_upload_becomes_an_object_only_when_it_is_completed(services: Services) -> None:
    pieces = [os.urandom(5 * _MIB), os.urandom(5 * _MIB + 1), b"end"]
    upload = await services.store.create(Target("processed/b", "text/plain"))
    parts = [
        await services.store.put_part("processed/b", upload, number, piece, as_header(crc32(piece)))
        for number, piece in enumerate(pieces, 1)
    ]
    assert await services.stored("processed/b") is None
    whole = b"".join(pieces)
    await services.store.complete("processed/b", upload, parts, as_header(crc32(whole)), size=len(whole))
    assert await services.stored("processed/b") == whole


async def test_parts_are_copied_by_the_server_when_their_source_has_the_etag(services: Services) -> None:
    data = os.urandom(6 * _MIB)
    source = await services.put_source(data)
    if source.bucket != services.store.bucket:
        source = source.model_copy(update={"bucket": services.store.bucket, "key": "processed/piece"})
        await services.store.put(Target(source.key, "text/plain"), data, as_header(crc32(data)))
    upload = await services.store.create(Target("processed/c", "text/plain"))
    part = await services.store.copy_part("processed/c", upload, 1, source, 0, len(data))
    other = source.model_copy(update={"etag": "0" * 32})
    with pytest.raises(SourceChanged):
        await services.store.copy_part("processed/c", upload, 2, other, 0, len(data))
    tail = await services.store.put_part("processed/c", upload, 2, b"tail", as_header(crc32(b"tail")))
    await services.store.complete("processed/c", upload, [part, tail], None, size=len(data) + 4)
    assert await services.stored("processed/c") == data + b"tail"


async def test_an_upload_is_refused_when_a_part_in_its_middle_is_too_small(services: Services) -> None:
    upload = await services.store.create(Target("processed/d", "text/plain"))
    parts = [
        await services.store.put_part("processed/d", upload, number, b"small", as_header(crc32(b"small")))
        for number in (1, 2)
    ]
    if services.enforces(LEAST_PART):
        with pytest.raises((WorkerError, AssertionError), match="EntityTooSmall"):
            await services.store.complete("processed/d", upload, parts, None)
    else:
        await services.store.complete("processed/d", upload, parts, None)


async def test_a_part_is_refused_when_its_checksum_is_another(services: Services) -> None:
    upload = await services.store.create(Target("processed/e", "text/plain"))
    with pytest.raises((WorkerError, AssertionError), match="BadDigest"):
        await services.store.put_part("processed/e", upload, 1, b"data", as_header(crc32(b"other")))


async def test_dropping_is_done_when_upload_or_object_are_gone_already(services: Services) -> None:
    upload = await services.store.create(Target("processed/f", "text/plain"))
    await services.store.abort("processed/f", upload)
    await services.store.abort("processed/f", upload)
    await services.store.delete("processed/f")
    with pytest.raises(Transient):
        await services.store.put_part("processed/f", upload, 1, b"late", as_header(crc32(b"late")))
