"""What an inferred schema lets through is what was written: compared value by value with the file."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Column, Dataset
from haulier.contracts.reject import Reject, RejectCode
from haulier.contracts.run import Reading
from haulier.jobs.infer import inferred_columns, with_inferred
from haulier.jobs.peek import peek
from haulier.jobs.plain import PATTERNS, is_plain
from worker.records import BlockProcessor, Encoder, Facts, cutter_for, read_from
from worker.records.cast import Caster
from worker.records.exact import judge

FACTS = Facts(job_id="j1", source="s3://in/incoming/x", accepted_at_ms=0)


def _through(data: bytes, key: str, sample: int, block: int, **config) -> tuple[Reading, list[dict], list[Reject]]:
    """The object, with its schema inferred from its first `sample` bytes."""
    dataset = Dataset.model_validate({"name": "d", "schema": {"infer": True}, "enrich": ["_record_offset"], **config})
    complete = sample >= len(data)
    reading = peek(data[:sample], key=key, complete=complete, compression="none", dataset=dataset)
    processor = BlockProcessor(reading=reading, dataset=with_inferred(dataset, reading), facts=FACTS)
    encoder = Encoder(dataset.output, header=processor.header, schema=processor.schema)
    start = reading.body_start
    cutter = cutter_for(reading, start=0, end=len(data), given=start, max_record_bytes=1 << 20, block_bytes=block)
    blocks = cutter.feed(data[read_from(reading, start=0, given=start) :]) if not cutter.done else []
    payload, rejects = b"", b""
    for one in blocks + ([] if cutter.done else cutter.finish()):
        processed = processor.process(one)
        payload += encoder.feed(processed)
        rejects += processed.rejects
    lines = (payload + encoder.finish()).splitlines()
    return (
        reading,
        [json.loads(line, parse_float=Decimal) for line in lines],
        [Reject.model_validate_json(line) for line in rejects.splitlines()],
    )


TEXTS = [
    ["0", "7", "-12", "999999999999999999", "1234567890123456789", "9223372036854775808", "007", "+5", "-0", ""],
    ["1.5", "0.30000000000000004", "2", "1e-07", "1.10", "7E10", "1e-320", "1.234e-320", "1e400", ".5", "5.", "NaN"],
    ["12345678901234567.89", "0.1", "1e5", "-1.25E+3", "3", "1.50", "99999999999999999999"],
    ["true", "False", "TRUE", "yes", "1", "", "tRue"],
    ["2024-02-29", "0001-01-01", "2023-02-29", "2024-1-1", "0000-01-01", "", "20240101"],
    ["2024-02-29T23:59:59Z", "2024-02-29 10:00:00.123456+02:00", "0001-01-01T00:00:00+14:00", "2024-01-01T24:00:00Z"],
    ["2024-02-29T23:59:59", "2024-02-29 10:00:00.1234567", "2024-02-29", "2024-02-29T10:00", "2024-01-01T00:00:60"],
    ["x", "N/A", "é", "a,b", 'say "hi"', "two\nlines", " 5", "5 ", "1_000"],
]
common = st.integers(0, len(TEXTS) - 1).flatmap(lambda n: st.sampled_from(TEXTS[n][:3] * 4 + TEXTS[n] + ["", "x"]))


def _same(kind: str, text: str, value) -> bool:
    """Whether a value in the output says what the text in the file said."""
    if text == "":
        return value is None
    match kind:
        case "string":
            return value == text
        case "integer":
            return str(value) == text
        case "float":
            return Decimal(str(value)) == Decimal(text)
        case "boolean":
            return json.dumps(value) == text.lower()
        case "date":
            return value == text
        case _:
            moment = datetime.fromisoformat(text)
            wanted = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return datetime.fromisoformat(value) == wanted and value.endswith("Z")


@given(st.lists(st.tuples(common, common, common), max_size=12), st.integers(0, 300), st.integers(1, 200))
@settings(max_examples=200, deadline=None)
def test_every_value_is_kept_or_rejected_with_its_reason_when_the_schema_is_inferred(rows, sample, block):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    data = text.getvalue().encode()
    sample = max(sample, len("a,b,c\n") + 1)
    assume(sample < len(data) or sample > len(data))
    reading, records, rejects = _through(data, "f.csv", sample, block)
    assert len(records) + len(rejects) == len(rows)
    starts = {record.pop("_record_offset") for record in records} | {reject.offset for reject in rejects}
    rejected = {reject.offset: reject for reject in rejects}
    ordered = sorted(starts)
    for start, following, row in zip(ordered, [*ordered, len(data)][1:], rows, strict=True):
        values = dict(zip("abc", row, strict=True))
        if (reject := rejected.get(start)) is not None:
            # What ends with the sample may go on behind it.
            assert following >= min(sample, len(data)), "a record of the sample itself is rejected"
            assert sample < len(data)
            assert reject.code in (RejectCode.BAD_TYPE, RejectCode.OUT_OF_RANGE)
            assert values[reject.column] == reject.value
            assert not is_plain(reading.inferred[reject.column], reject.value) or reject.code == "out_of_range"
            continue
        record = records.pop(0)
        assert list(record) == ["a", "b", "c"]
        for name, value in record.items():
            assert _same(reading.inferred[name], values[name], value), (name, values[name], value)


@given(st.sampled_from([*PATTERNS]), st.sampled_from([text for texts in TEXTS for text in texts]))
@settings(deadline=None)
def test_columns_and_single_values_agree_when_a_column_is_exact(kind, text):
    scale = {"precision": 38, "scale": 9} if kind == "decimal" else {}
    column = Column(name="c", type=kind, exact=True, **scale)
    typed, wrong = Caster(column)(pl.Series([text, None, "x"]))
    judged = judge(column, text)
    if 0 in wrong:
        assert wrong[0].code == judged.code
        assert judged.code is not None
    else:
        assert is_plain(kind, text)
        assert typed[0] is not None
    assert typed[1] is None
    assert 2 in wrong


def test_the_reject_says_what_to_do_when_a_value_does_not_fit_its_inferred_type():
    data = b"zip,n\n" + b"94110,1\n" * 40 + b"01234,2\n"
    _, records, (reject,) = _through(data, "f.csv", 100, 1 << 20)
    assert len(records) == 40
    assert (reject.column, reject.code, reject.value) == ("zip", "bad_type", "01234")
    assert "list the column in the dataset's schema with another type" in reject.message


def test_given_columns_win_when_others_are_inferred():
    data = b"zip,n\n" + b"94110,1\n" * 40 + b"01234,2\n"
    schema = {"infer": True, "columns": [{"name": "zip"}]}
    reading, records, rejects = _through(data, "f.csv", 100, 1 << 20, schema=schema)
    assert (reading.inferred, rejects) == ({"n": "integer"}, [])
    assert (records[-1]["zip"], records[-1]["n"]) == ("01234", 2)


@pytest.mark.parametrize("key", ["f.jsonl", "f.json"])
def test_numbers_of_json_are_not_rounded_when_their_field_is_inferred(key):
    values = ['{"n":1,"x":1.5,"t":[1]}'] * 20 + [
        '{"n":12345678901234567890,"x":1}',
        '{"n":2,"x":0.1234567890123456789}',
    ]
    data = "\n".join(values) + "\n" if key == "f.jsonl" else "[" + ",".join(values) + "]"
    reading, records, rejects = _through(data.encode(), key, 200, 1 << 20)
    assert reading.inferred == {"n": "integer", "x": "float"}
    assert len(records) == 20
    assert [(reject.column, reject.code) for reject in rejects] == [("n", "out_of_range"), ("x", "bad_type")]
    assert records[0]["t"] == [1]


def test_inferred_strings_are_not_exact():
    assert inferred_columns({"a": "string", "b": "date"}) == (
        Column(name="a"),
        Column(name="b", type="date", exact=True),
    )
