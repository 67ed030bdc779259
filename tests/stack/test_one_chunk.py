"""One small file, from `put` to `_SUCCESS`."""

import csv
import gzip
import io
import json

import pyarrow.parquet as pq
import pytest
import zstandard

from haulier.contracts.states import JobState

ROWS = [{"id": str(n), "name": f"Zoë {n}", "note": 'said "hi",\nthen left' if n % 3 else ""} for n in range(50)]
ADDED = {"_processed_at", "_source_file"}


def delimited(rows: list[dict[str, str]], delimiter: str = ",", end: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def lines(rows: list[dict[str, str]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def without_added(records: list[dict]) -> list[dict]:
    return [{name: value for name, value in record.items() if name not in ADDED} for record in records]


CASES = {
    "comma.csv": delimited(ROWS),
    "crlf.csv": delimited(ROWS, end="\r\n"),
    "semicolon.csv": delimited(ROWS, ";"),
    "pipe.csv": delimited(ROWS, "|"),
    "tab.tsv": delimited(ROWS, "\t"),
    "bom.csv": b"\xef\xbb\xbf" + delimited(ROWS),
    "no-final-newline.csv": delimited(ROWS).rstrip(b"\n"),
    "lines.jsonl": lines(ROWS),
    "lines.ndjson": lines(ROWS),
    "array.json": json.dumps(ROWS, indent=1).encode(),
    "lines-in-a.json": lines(ROWS),
    "csv-in-a.json": delimited(ROWS),
    "packed.csv.gz": gzip.compress(delimited(ROWS)),
    "two-members.jsonl.gz": gzip.compress(lines(ROWS[:20])) + gzip.compress(lines(ROWS[20:])),
    "packed.csv.zst": zstandard.compress(delimited(ROWS)),
    "packed-array.json.gz": gzip.compress(json.dumps(ROWS).encode()),
}


@pytest.mark.parametrize("file", CASES)
def test_every_record_of_a_file_comes_out_when_it_is_put(stack, name, file):
    job = stack.succeed(f"incoming/{name}/{file}", CASES[file])
    records = stack.records(job)
    assert without_added(records) == ROWS
    assert {record["_source_file"] for record in records} == {f"s3://{job.bucket}/{job.key}"}
    assert {record["_processed_at"][-1] for record in records} == {"Z"}
    assert (job.read, job.written, job.rejected, job.filtered) == (50, 50, 0, 0)


def test_a_single_object_is_one_record(stack, name):
    job = stack.succeed(f"incoming/{name}/one.json", json.dumps({"a": 1, "b": {"c": [1, 2]}}, indent=2).encode())
    assert without_added(stack.records(job)) == [{"a": 1, "b": {"c": [1, 2]}}]


def test_what_the_name_promised_and_the_bytes_are_not_is_remarked(stack, name):
    job = stack.succeed(f"incoming/{name}/x.json", CASES["comma.csv"])
    assert any("json" in remark.lower() for remark in job.remarks)
    assert job.file_type == "csv"


def test_bad_rows_are_set_aside_with_their_reason_and_good_ones_pass(stack, name):
    body = b"a,b\n1,2\n3\n4,5,6\n7,8\n\xff,9\n"
    job = stack.succeed(f"incoming/{name}/ragged.csv", body)
    assert without_added(stack.records(job)) == [{"a": "1", "b": "2"}, {"a": "7", "b": "8"}]
    rejects = stack.rejects(job)
    assert [(r["code"], r["offset"]) for r in rejects] == [
        ("too_few_fields", body.index(b"3\n")),
        ("too_many_fields", body.index(b"4,5")),
        ("bad_encoding", body.index(b"\xff")),
    ]
    assert {r["stage"] for r in rejects} == {"parse"}
    assert (job.read, job.written, job.rejected) == (5, 2, 3)


DATASET = """
match: [{prefix: incoming/%(name)s/}]
schema:
  nulls: ["", NA]
  extra: drop
  columns:
    - {name: id, type: integer, required: true, min: 0, max: 100}
    - {name: price, type: decimal, precision: 8, scale: 2}
    - {name: day, type: date}
    - {name: kind, enum: [a, b]}
transforms:
  - rename: {kind: sort}
  - derive: {double: "id * 2"}
  - filter: "id < 90"
output: {format: %(format)s}
max_invalid_ratio: %(ratio)s
"""
TYPED = (
    b"id,price,day,kind,junk\n1,1.50,2024-02-29,a,x\nx,1,2024-01-01,a,x\n2,1.555,2024-01-01,a,x\n3,NA,NA,b,x\n"
    b"4,1,2024-02-30,a,x\n5,1,,c,x\n101,1,,a,x\n,1,,a,x\n99,1,,a,x\n"
)


def test_a_dataset_types_transforms_and_filters(stack, name):
    stack.put_dataset(name, DATASET % {"name": name, "format": "jsonl", "ratio": 1.0})
    job = stack.succeed(f"incoming/{name}/typed.csv", TYPED)
    assert job.dataset == name
    assert without_added(stack.records(job)) == [
        {"id": 1, "price": 1.50, "day": "2024-02-29", "sort": "a", "double": 2},
        {"id": 3, "price": None, "day": None, "sort": "b", "double": 6},
    ]
    rejects = stack.rejects(job)
    assert [(r["column"], r["code"]) for r in rejects] == [
        ("id", "bad_type"),
        ("price", "out_of_range"),
        ("day", "bad_type"),
        ("kind", "not_in_enum"),
        ("id", "out_of_range"),
        ("id", "required"),
    ]
    assert [r["value"] for r in rejects[:5]] == ["x", "1.555", "2024-02-30", "c", "101"]
    assert (job.read, job.written, job.rejected, job.filtered) == (9, 2, 6, 1)


def test_parquet_is_written_with_the_schema_s_types(stack, name):
    stack.put_dataset(name, DATASET % {"name": name, "format": "parquet", "ratio": 1.0})
    job = stack.succeed(f"incoming/{name}/typed.csv", TYPED)
    (key,) = stack.manifest(job).output_keys
    table = pq.read_table(io.BytesIO(stack.output(key)))
    assert table.column("id").to_pylist() == [1, 3]
    assert str(table.schema.field("price").type) == "decimal128(8, 2)"
    assert str(table.schema.field("day").type).startswith("date32")
    assert key.endswith(".parquet")


def test_a_run_with_too_many_rejects_fails_and_publishes_nothing(stack, name):
    stack.put_dataset(name, DATASET % {"name": name, "format": "jsonl", "ratio": 0.1})
    job = stack.process(f"incoming/{name}/typed.csv", TYPED)
    assert (job.status, job.error.code, job.error.stage) == (JobState.FAILED, "too_many_rejects", "seal")
    assert not [key for key in stack.listing(stack.prefix(job)) if key.endswith(("_SUCCESS", "_manifest.json"))]
    record = json.loads(stack.output(f"failed/{name}/{job.job_id}/run=1.json"))
    assert record["error"]["code"] == "too_many_rejects"


def test_a_broken_archive_fails_with_its_stage_and_leaves_a_letter(stack, name):
    job = stack.process(f"incoming/{name}/cut.csv.gz", gzip.compress(delimited(ROWS * 100))[:-20])
    assert (job.status, job.error.stage) == (JobState.FAILED, "read")
    letters = [m for m in stack.letters(stack.names.dlq("standard")) if job.job_id in m["Body"]]
    assert [m["MessageAttributes"]["error_type"]["StringValue"] for m in letters] == [job.error.code]
