"""The vectorised parse of a block equals the exact one, for any bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.jobs.delimited import Dialect
from worker.records.block import Block
from worker.records.csv_block import CsvReader
from worker.records.csv_exact import exact_rows
from worker.records.parsed import ROW, row_numbers

COMMA = Dialect.of(",", '"')
tokens = [
    b"a",
    b",",
    b",",
    b'"',
    b'""',
    b'",',
    b',"',
    b"\r",
    b"\n",
    b"\r\n",
    b";",
    b"\x00",
    b"\xff",
    "é".encode(),
    b" ",
]
hostile = st.lists(st.sampled_from(tokens), max_size=60).map(b"".join)


def agree(data: bytes, columns: int, encoding: str, limit: int) -> None:
    names = tuple(f"c{n}" for n in range(columns))
    reader = CsvReader(dialect=COMMA, columns=names, wanted=names, encoding=encoding, limit=limit)
    parsed = reader.parse(Block(data, 1000))
    exact = exact_rows(data, COMMA, columns=columns, encoding=encoding, limit=limit)
    assert parsed.read == len(exact)
    rows = [list(row) for row in parsed.frame.drop(ROW, strict=False).rows()]
    assert rows == [row.texts for row in exact if row.texts is not None]
    numbers = row_numbers(parsed.frame).to_list()
    assert numbers == [n for n, row in enumerate(exact) if row.texts is not None]
    assert parsed.places.offsets(range(parsed.read)) == [1000 + row.start for row in exact]
    assert [parsed.places.raw(n) for n in range(parsed.read)] == [row.raw.rstrip(b"\r\n") for row in exact]
    assert [(r.row, r.code) for r in parsed.rejects] == [(n, row.code) for n, row in enumerate(exact) if row.code]


@given(hostile, st.integers(1, 3), st.sampled_from(["utf-8", "latin-1", "cp1252"]), st.sampled_from([5, 12, 10**6]))
@settings(max_examples=3000, deadline=None)
def test_block_equals_the_exact_reading_when_bytes_are_hostile(data, columns, encoding, limit):
    agree(data, columns, encoding, limit)


@given(
    st.lists(st.sampled_from([b'5" pipe,x\n', b"a,b\n", b'"q,""r""",s\r\n', b'"x\ny",z\n', b"only\n", b'"a" b,c\r']))
)
def test_block_equals_the_exact_reading_when_some_quotes_are_odd(lines):
    agree(b"".join(lines), 2, "utf-8", 10**6)
