"""Compressed objects and archives, from their bytes to what is published."""

import bz2
import gzip
import io
import json
import lzma
from collections.abc import AsyncIterator
from typing import Any

import pyarrow.parquet
import pytest

from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import MIB, PEEK_BYTES
from haulier.contracts.states import JobState
from tests.fakes.world import World
from tests.fakes.zips import Entry, make_zip
from worker.chunk import form, inputs

CSV = b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n) for n in range(300))
ROWS = [{"id": str(n), "name": f"name {n}"} for n in range(300)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.close()


def dataset(**config: Any) -> Dataset:
    return Dataset.model_validate({"name": "d", "enrich": [], **config})


async def done(world: World, data: bytes, key: str = "incoming/a.zip", **config: Any) -> str:
    job = world.submit(data, key=key, dataset=dataset(**config))
    await world.deliver(world.worker())
    ended = world.job(job.job_id)
    assert (ended.status, ended.error) == (JobState.SUCCEEDED, None)
    return job.job_id


async def failed(world: World, data: bytes, code: str, *told: str, key: str = "incoming/a.zip", **config: Any) -> None:
    job = world.submit(data, key=key, dataset=dataset(**config))
    await world.deliver(world.worker())
    ended = world.job(job.job_id)
    assert ended.status is JobState.FAILED
    assert ended.error.code == code, ended.error
    assert all(text in ended.error.message for text in told), ended.error
    assert not any(name.startswith(("processed/", "rejected/")) for name in world.objects.outputs)
    assert not world.objects.uploads


def outputs(world: World, job_id: str) -> list[bytes]:
    return [world.objects.outputs[key] for key in world.manifest(job_id).output_keys]


def records(world: World, job_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(outputs(world, job_id)).splitlines()]


def rejects(world: World, job_id: str) -> list[dict[str, Any]]:
    (key,) = world.manifest(job_id).rejects_keys
    return [json.loads(line) for line in world.objects.outputs[key].splitlines()]


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("incoming/a.csv.bz2", bz2.compress(CSV)),
        ("incoming/a.csv.bz2", bz2.compress(CSV[:1000]) + bz2.compress(CSV[1000:]) + b"\x00" * 99),
        ("incoming/a.csv.xz", lzma.compress(CSV)),
        ("incoming/a.csv.xz", lzma.compress(CSV[:1001]) + lzma.compress(CSV[1001:]) + b"\x00" * 4),
        ("incoming/a.csv.gz", gzip.compress(CSV[:7]) + gzip.compress(CSV[7:])),
        ("incoming/named-otherwise.csv", bz2.compress(CSV)),
        ("incoming/a.csv.zip", make_zip([Entry("any.csv", CSV)])),
        ("incoming/no-extension", make_zip([Entry("any", CSV, 9, descriptor=True)])),
    ],
    ids=["bz2", "bz2 members", "xz", "xz streams", "gzip members", "by content", "zip", "zip by content"],
)
async def test_every_record_is_published_when_an_object_is_compressed(world, key, data):
    assert records(world, await done(world, data, key)) == ROWS


@pytest.mark.parametrize("method", [0, 8])
async def test_each_member_is_a_stream_of_its_own_when_a_zip_has_several(world, method):
    archive = make_zip(
        [
            Entry("one.csv", b"id,name\n1,a\n2,b", method, descriptor=True),
            Entry("dir/"),
            Entry("dir/two.tsv", b'\xef\xbb\xbfname\tother\n"c\nd"\te', method),
            Entry("three.json", b'[{"id": 3}]', method, zip64=True),
            Entry("four.csv", "id;größe\r\n4;5\r\n".encode("utf-16"), method),
        ],
        zip64=True,
    )
    assert records(world, await done(world, archive)) == [
        {"id": "1", "name": "a"},
        {"id": "2", "name": "b"},
        {"name": "c\nd", "other": "e"},
        {"id": 3},
        {"id": "4", "größe": "5"},
    ]


async def test_records_and_rejects_say_where_they_are_when_they_are_in_a_member(world):
    one, two = b"id,name\n1,a\nbad\n", b"id,name\n2,b\nworse\n3,c\n"
    archive = make_zip([Entry("one.csv", one), Entry("empty.csv"), Entry("dir/two.csv", two)])
    job_id = await done(world, archive, enrich=["_source_file", "_record_offset"])
    assert [(r["_source_file"], r["_record_offset"]) for r in records(world, job_id)] == [
        ("s3://in/incoming/a.zip!/one.csv", 8),
        ("s3://in/incoming/a.zip!/dir/two.csv", len(one) + 8),
        ("s3://in/incoming/a.zip!/dir/two.csv", len(one) + 18),
    ]
    assert [(r["member"], r["offset"], r["member_offset"], r["raw"]) for r in rejects(world, job_id)] == [
        ("one.csv", 12, 12, "bad"),
        ("dir/two.csv", len(one) + 12, 12, "worse"),
    ]
    manifest = world.manifest(job_id)
    assert (manifest.read, manifest.written, manifest.rejected) == (5, 3, 2)
    assert manifest.chunks[0].next == len(one + two)
    assert any("empty.csv" in remark for remark in manifest.remarks)


async def test_rejects_say_no_member_when_the_object_is_no_zip(world):
    assert "member" not in rejects(world, await done(world, b"a,b\n1,2\n3\n", "incoming/a.csv"))[0]


AB, BA, ABC = b"a,b\n1,2\n", b"b,a\n3,4\n", b"a,b,c\n5,6,7\n"


async def test_no_record_is_changed_to_fit_when_members_have_other_columns_and_csv_is_written(world):
    members = [Entry("1.csv", AB), Entry("2.csv", AB), Entry("3.csv", b""), Entry("4.csv", BA), Entry("5.csv", ABC)]
    job_id = await done(world, make_zip(members), output={"format": "csv"})
    assert outputs(world, job_id) == [b"a,b\n1,2\n1,2\n", BA, ABC]


async def test_no_record_is_changed_to_fit_when_members_have_other_columns_and_parquet_is_written(world):
    members = [
        Entry("1.csv", AB),
        Entry("2.csv", AB),
        Entry("3.csv", ABC),
        Entry("4.csv", b"\n\n"),
        Entry("5.csv", ABC),
    ]
    job_id = await done(world, make_zip(members), output={"format": "parquet"})
    tables = [pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist() for data in outputs(world, job_id)]
    row, wide = {"a": "1", "b": "2"}, {"a": "5", "b": "6", "c": "7"}
    assert tables == [[row, row], [wide, wide]]
    assert [output.records for chunk in world.manifest(job_id).chunks for output in chunk.outputs] == [2, 2]


async def test_one_object_has_one_header_when_it_is_asked_for_and_the_columns_are_the_same(world):
    output = {"format": "csv", "layout": "single"}
    members = [Entry("1.csv", AB), Entry("2.csv", AB), Entry("3.csv", b"\n")]
    assert outputs(world, await done(world, make_zip(members), output=output)) == [b"a,b\n1,2\n1,2\n"]
    await failed(
        World(), make_zip([*members, Entry("4.csv", BA)]), "columns_differ", "4.csv", "layout: single", output=output
    )


async def test_the_job_fails_when_columns_change_more_often_than_a_report_can_list(world, monkeypatch):
    monkeypatch.setattr(form, "MAX_FORMS", 3)
    members = [Entry(f"{n}.csv", BA if n % 2 else AB) for n in range(4)]
    await done(World(), make_zip(members[:3]), output={"format": "csv"})
    await failed(world, make_zip(members), "columns_differ", "more than 3 times", output={"format": "csv"})


async def test_the_job_fails_when_all_members_together_have_too_many_columns_to_infer(world, monkeypatch):
    monkeypatch.setattr(inputs, "MAX_READING_BYTES", 100)
    members = [Entry(f"{n}.csv", b"a%d,b%d\n1,2\n" % (n, n)) for n in range(4)]
    await done(World(), make_zip(members[:2]), schema={"infer": True})
    await failed(world, make_zip(members), "schema_too_wide", "a.zip", schema={"infer": True})


async def test_the_manifest_tells_of_all_members_when_it_has_a_profile(world):
    members = [Entry("1.csv", AB), Entry("2.jsonl", b'{"a": 9, "x": 1}\n'), Entry("3.csv", BA)]
    schema = {"columns": [{"name": "a", "type": "integer"}]}
    job_id = await done(world, make_zip(members), schema=schema)
    manifest = world.manifest(job_id)
    assert manifest.written == 3
    columns = {column.name: column for column in manifest.profile.columns} if manifest.profile else {}
    assert (columns["a"].min, columns["a"].max, columns["a"].values, columns["a"].distinct) == (1, 9, 3, 3)


async def test_nothing_is_published_but_a_remark_when_no_member_holds_records(world):
    job_id = await done(world, make_zip([Entry("dir/"), Entry("dir/empty.csv")]))
    manifest = world.manifest(job_id)
    assert (manifest.read, manifest.output_keys) == (0, [])
    assert any("no member" in remark for remark in manifest.remarks)


@pytest.mark.parametrize(
    ("entry", "code", "told"),
    [
        (Entry("secret.csv", CSV, flags=0x0801), "encrypted_member", "secret.csv"),
        (Entry("odd.csv", CSV, 98), "unsupported_member", "odd.csv"),
        (Entry("inner.zip", make_zip([Entry("a.csv", CSV)])), "unsupported_content", "a.zip!/inner.zip"),
        (Entry("inner.csv", make_zip([Entry("a.csv", CSV)]), 0), "unsupported_content", "a.zip!/inner.csv"),
        (Entry("inner.csv.gz", gzip.compress(CSV)), "unsupported_content", "a.zip!/inner.csv.gz"),
        (Entry("inner.xz", lzma.compress(CSV)), "unsupported_content", "a.zip!/inner.xz"),
        (Entry("README.md", b"# Read me\n"), "unsupported_type", "a.zip!/README.md"),
        (Entry("damaged.csv", CSV, central={"crc": 1}), "corrupt", "damaged.csv"),
        (Entry("damaged.csv", CSV * 2000, 0, central={"crc": 1}), "corrupt", "damaged.csv"),
        (Entry("binary", b"\x00\x01\x02\x03" * 99), "unsupported_content", "a.zip!/binary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_job_fails_and_names_the_member_when_one_cannot_be_read(world, entry, code, told):
    await failed(world, make_zip([Entry("good.csv", CSV), entry]), code, told)


async def test_an_archive_that_holds_itself_is_refused_when_it_is_opened(world):
    # Of a quine's many layers only the first is opened, so one that holds any archive stands for it.
    archive = make_zip([Entry("quine.zip", make_zip([Entry("quine.zip", b"PK\x03\x04" * 50)]))])
    await failed(world, archive, "unsupported_content", "quine.zip", "only one layer")


@pytest.mark.parametrize(
    ("pack", "key"), [(gzip.compress, "a.csv.gz"), (bz2.compress, "a.csv.bz2"), (lzma.compress, "a.csv.xz")]
)
async def test_the_job_fails_when_the_compressed_object_is_no_whole(world, pack, key):
    for cut in (1, 5, 11, -9, -1):
        await failed(World(), pack(CSV)[:cut], "truncated", key, key=f"incoming/{key}")
    await failed(world, pack(CSV) + b"more", "corrupt", "byte", key=f"incoming/{key}")


@pytest.mark.parametrize("cut", [1, 3, 40, -1, -23])
async def test_the_job_fails_when_a_zip_is_cut_off(world, cut):
    await failed(world, make_zip([Entry("a.csv", CSV), Entry("b.csv", CSV)])[:cut], "truncated", "a.zip")


async def test_the_job_fails_when_it_expands_further_than_its_dataset_allows(world):
    for data, key in ((bz2.compress(CSV), "a.bz2"), (make_zip([Entry("1", CSV), Entry("2", CSV)]), "a.zip")):
        form = {"max_decompressed_bytes": len(CSV) - 1 if key == "a.bz2" else 2 * len(CSV) - 1}
        await failed(World(), data, "expands_too_far", "max_decompressed_bytes", key=f"incoming/{key}", format=form)
        form = {"max_decompressed_bytes": 2 * len(CSV)}
        await done(world, data, f"incoming/{key}", format=form)


async def test_a_zip_is_read_when_the_dataset_says_it_is_one(world):
    stub = b"#!/bin/sh\n" * 9
    assert (
        records(world, await done(world, stub + make_zip([Entry("a.csv", CSV)]), format={"compression": "zip"})) == ROWS
    )


async def test_the_stream_goes_on_when_members_are_larger_than_what_is_looked_at(world):
    row = b"%d," + b"x" * 500 + b"\n"
    large = b"id,text\n" + b"".join(row % n for n in range(4 * PEEK_BYTES // 500))
    members = [Entry(f"{n}.csv", large, method) for n, method in enumerate((0, 8, 0, 93))]
    archive = make_zip(members)
    assert len(archive) > 2 * MIB
    job_id = await done(world, archive)
    assert [r["id"] for r in records(world, job_id)] == [str(n) for n in range(4 * PEEK_BYTES // 500)] * 4
    asked = [(start, end) for start, end, _ in world.objects.asked]
    assert len(asked) == 2, "the directory and one forward stream"
