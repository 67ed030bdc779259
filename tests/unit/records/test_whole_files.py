"""Whole files: cut into chunks of any size, guessed, proven, redone and cut into blocks of any size, they give what
Python's csv and json modules read, with the same bytes and rejects as one sequential pass.
"""

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.reject import Reject
from haulier.contracts.report import ChunkReport
from haulier.jobs.items import ChunkItem
from haulier.jobs.peek import peek
from haulier.jobs.planning import chunk_range, known_start, plan_chunks
from haulier.jobs.prove import Broken, Proven, prove
from tests.unit.jobs.test_prove import parse
from tests.unit.records.test_pipeline import FACTS, dataset
from worker.records import Block, BlockProcessor, Processed, cutter_for, read_from

JOB = "j" + "a" * 26
Guess = Callable[[int, int], int | None]
"""(start, end) of a chunk to where its first record is said to start; None: the cutter shall guess."""


@dataclass
class Outcome:
    """What all chunks gave together.

    Attributes:
        payload, rejects: their bytes, in the order of the chunks.
        rounds: how often something was redone.
        redone: the chunks that were.
    """

    payload: bytes
    rejects: bytes
    rounds: int
    redone: list[int]

    def in_order(self) -> list[tuple[int, object]]:
        """(offset, the record's values or the reject's code), ascending."""
        found: list[tuple[int, object]] = []
        for line in self.payload.splitlines():
            record = json.loads(line)
            found.append((record.pop("_record_offset"), record))
        for line in self.rejects.splitlines():
            reject = Reject.model_validate_json(line)
            found.append((reject.offset, reject.code.value))
        assert len({offset for offset, _ in found}) == len(found)
        return sorted(found, key=lambda one: one[0])


class File:
    """One file, whose blocks are processed once each however often a cut gives them: a block's result is its own."""

    def __init__(self, data: bytes, kind: str, *, delimiter: str = ",", quote: str = '"') -> None:
        self.data = data
        config = {"type": kind, "delimiter": delimiter, "quote": quote} if kind == "csv" else {"type": kind}
        self._dataset = dataset(enrich=["_record_offset"], format=config)
        self._reading = peek(data, key=f"f.{kind}", complete=True, compression="none", dataset=self._dataset)
        self._processor = BlockProcessor(reading=self._reading, dataset=self._dataset, facts=FACTS)
        self._done: dict[Block, Processed] = {}

    def chunk(self, start: int, end: int, given_: int | None, block: int, feed: int) -> tuple[int, int, list[Block]]:
        how, data = self._reading, self.data
        cutter = cutter_for(how, start=start, end=end, given=given_, max_record_bytes=10**6, block_bytes=block)
        at = read_from(how, start=start, given=given_)
        blocks: list[Block] = []
        while at < len(data) and not cutter.done:
            blocks += cutter.feed(data[at : at + feed])
            at += feed
        blocks += [] if cutter.done else cutter.finish()
        assert cutter.first is not None
        assert cutter.next is not None
        return cutter.first, cutter.next, blocks

    def process(self, block: Block) -> Processed:
        if block not in self._done:
            self._done[block] = self._processor.process(block)
        return self._done[block]

    def sequential(self, *, block: int = 1 << 20, feed: int = 1 << 16) -> Outcome:
        _, following, blocks = self.chunk(0, len(self.data), self._reading.body_start, block, feed)
        assert following == len(self.data)
        return self._joined(blocks, 0, [])

    def chunked(self, chunk_bytes: int, *, block: int = 1 << 20, feed: int = 1 << 16, guess: Guess) -> Outcome:
        """Plays workers and assembler until the chain holds."""
        plan = plan_chunks(reading=self._reading, size=len(self.data), chunk_bytes=chunk_bytes)
        items: dict[tuple[int, int], ChunkItem] = {}
        written: dict[int, list[Block]] = {}

        def work(chunk: int, round_: int, given_: int | None, end: int | None) -> None:
            start, stop = chunk_range(plan, chunk)
            stop = max(stop, end or 0)
            known = known_start(plan, chunk, given_)
            said = known if known is not None else guess(start, stop)
            first, following, written[chunk] = self.chunk(start, stop, said, block, feed)
            report = ChunkReport(
                first=first, next=following, read=0, written=0, rejected=0, filtered=0, input_bytes=0
            )  # fmt: skip
            items[chunk, round_] = ChunkItem(
                job_id=JOB, run=1, chunk=chunk, round=round_, given=given_, end=end, report=report
            )

        for chunk in range(plan.chunks):
            work(chunk, 0, None, None)
        rounds, redone = 0, []
        while isinstance(proof := prove(plan, items.values()), Broken):
            rounds += 1
            for redo in proof.redos:
                redone.append(redo.chunk)
                work(redo.chunk, redo.round, redo.given, redo.end)
        assert isinstance(proof, Proven)
        blocks = [block_ for one in proof.chunks if one.report is not None for block_ in written[one.chunk]]
        return self._joined(blocks, rounds, redone)

    def _joined(self, blocks: list[Block], rounds: int, redone: list[int]) -> Outcome:
        done = [self.process(block) for block in blocks]
        return Outcome(
            b"".join(one.payload for one in done if isinstance(one.payload, bytes)),
            b"".join(one.rejects for one in done),
            rounds,
            redone,
        )


def by_itself(start: int, stop: int) -> None:
    """The cutter's own guess."""


def rows_of(data: bytes) -> list[list[bytes]]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="latin-1", newline="")
    return [[value.encode("latin-1") for value in row] for row in csv.reader(text) if row]


def by_csv(data: bytes) -> list[object]:
    """Each record of a CSV of two columns x and y: its values, or why it is a reject."""
    rows = rows_of(data.removeprefix(b"\xef\xbb\xbf"))[1:]
    closed = rows_of(data + b"\n\x01")[-1] == [b"\x01"]
    found: list[object] = []
    for n, row in enumerate(rows):
        try:
            texts = [value.decode() for value in row]
        except UnicodeDecodeError:
            texts = None
        if not closed and n == len(rows) - 1:
            found.append("unterminated_quote")
        elif texts is None:
            found.append("bad_encoding")
        elif len(texts) != 2:
            found.append("too_few_fields" if len(texts) < 2 else "too_many_fields")
        else:
            found.append(dict(zip("xy", texts, strict=True)))
    return found


def refuse(constant: str) -> None:
    raise ValueError(constant)


def by_json(data: bytes) -> list[object]:
    """Each line that is not blank: its value, or why it is a reject."""
    found: list[object] = []
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        text = line.strip(b" \t\r\n")
        if not text:
            continue
        try:
            value = json.loads(text.decode(), parse_constant=refuse)
        except UnicodeDecodeError:
            found.append("bad_encoding")
        except ValueError:
            found.append("bad_json")
        else:
            found.append(value if isinstance(value, dict) else "not_an_object")
    return found


def line_starts(data: bytes, kind: str) -> list[int]:
    """Byte by byte, behind the header of a CSV."""
    if kind == "jsonl":
        return [at + 1 for at, byte in enumerate(data) if byte == 10]
    starts = []
    at = len(b"\xef\xbb\xbf") if data.startswith(b"\xef\xbb\xbf") else 0
    while at < len(data):
        _, at = parse(data, at, at + 1)
        starts.append(at)
    return starts


PLAIN = {"csv": by_csv, "jsonl": by_json}
FILES = {
    "multi-byte and CRLF, quoted": ("csv", 'x,y\r\né,"ü\r\nñ"\r\n"𝄞""€",\r\n\r\n"\r\n",é\r\n'.encode()),
    "every line end": ("csv", b'\xef\xbb\xbfx,y\ra,b\r\r\nc,d\r\n\r\r\ne,f\n\r\r"g\r",h\n\n"\r\r\n",\r'),
    "one long quoted field": ("csv", b'x,y\n"' + b'a\n"",b,\r\n' * 5 + b'",z\nc,d\n'),
    "quotes in bare fields": ("csv", b'x,y\n5" pipe,a\n6","b\n"\n7,8"\n"p" q,r\n"s"t",u"v\n'),
    "bad bytes and ragged rows": ("csv", b'x,y\n\xff,a\n"\xc3\n\x28",b\nc\xe2\x82,d\n\xa9\n1,2,3\n"4\n",5'),
    "a quote that is never closed": ("csv", b'x,y\na,b\n"c,d\ne,f\ng","h\ni,j\n'),
    "lines of JSON": (
        "jsonl",
        '\ufeff{"a": "é\\n𝄞"}\r\n\r\n  {"b": [1,{"c":"€"}]}\n[1]\nnull\n{"d":NaN}\n{"e"\n : 1}\r\r\n{"ü": 1}'.encode(),
    ),
    "bad bytes in JSON": ("jsonl", b'{"a": 1}\n{"\xff": 1}\n{"b": "\xc3\n\xa9"}\n\xef\xbb\xbf{"c": 2}\n{}\n'),
}
files = pytest.mark.parametrize(("kind", "data"), FILES.values(), ids=FILES)


@files
def test_a_file_is_what_python_reads_at_every_block_size_and_feed(kind, data):
    file = File(data, kind)
    whole = file.sequential()
    assert [what for _, what in whole.in_order()] == PLAIN[kind](data)
    for block in range(1, len(data) + 2):
        for feed in (1, 2, 3, 7, len(data)):
            assert file.sequential(block=block, feed=feed) == whole, (block, feed)


@files
def test_a_file_is_the_same_at_every_chunk_size_when_it_is_guessed_and_proven(kind, data):
    file = File(data, kind)
    whole = file.sequential()
    for size in range(1, len(data) + 1):
        for block in (1, 5, 1 << 20):
            found = file.chunked(size, block=block, feed=1 + size % 4, guess=by_itself)
            assert (found.payload, found.rejects) == (whole.payload, whole.rejects), (size, block)


@files
def test_wrong_guesses_are_seen_and_redone_when_they_are_injected_at_every_place(kind, data):
    file = File(data, kind)
    whole = file.sequential()
    starts = line_starts(data, kind)
    seen = 0
    for size in range(5, len(data) + 1, 4):
        for shift in range(size + 1):
            found = file.chunked(size, guess=lambda start, stop, shift=shift: min(start + shift, stop))
            assert (found.payload, found.rejects) == (whole.payload, whole.rejects), (size, shift)
            for at in range(size, len(data), size):
                first = next((start for start in starts if start >= at), len(data))
                if first < min(at + size, len(data)) and first != at + shift:
                    assert at // size in found.redone, (size, shift, at)
                    seen += 1
    assert seen > 0


@files
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_file_is_the_same_in_utf_16_at_every_block_size_and_feed(kind, data, codec):
    text = "\ufeff" + data.removeprefix(b"\xef\xbb\xbf").decode(errors="ignore")
    expected = PLAIN[kind](text.encode())
    file = File(text.encode(codec), kind)
    whole = file.sequential()
    assert [what for _, what in whole.in_order()] == expected
    for block in range(1, len(data), 3):
        assert file.sequential(block=block, feed=1 + block % 5) == whole, block


@pytest.mark.parametrize(
    ("delimiter", "quote"), [("\t", '"'), (";", "'"), ("|", "`"), (" ", '"'), ("\\", "^"), ("\x01", "\x02")]
)
@pytest.mark.parametrize("data", [data for kind, data in FILES.values() if kind == "csv"])
def test_a_file_is_the_same_in_another_dialect_when_it_is_configured(data, delimiter, quote):
    def other(bytes_: bytes) -> bytes:
        return bytes_.replace(b" ", b"_").translate(bytes.maketrans(b',"', (delimiter + quote).encode()))

    file = File(other(data), "csv", delimiter=delimiter, quote=quote)
    expected = [
        {name: other(text.encode()).decode() for name, text in what.items()} if isinstance(what, dict) else what
        for what in by_csv(data)
    ]
    for chunk in (3, 8, 1 << 20):
        found = file.chunked(chunk, block=4, feed=3, guess=by_itself)
        assert [what for _, what in found.in_order()] == expected


csv_pieces = st.sampled_from([b"a", b",", b",", b'"', b'"', b"\r", b"\n", b"\n", b"\r\n", "é".encode(), "𝄞".encode()])
json_pieces = st.sampled_from(
    [b"{}", b'{"a": 1}', b'{"a": "\xc3\xa9"}', b"\n", b"\n", b"\r\n", b" ", b'{"b": [1,', b"2]}", b"\xff", b"NaN", b"7"]
)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_any_file_is_what_python_reads_when_cut_anywhere_and_guessed_at_random(kind, data):
    pieces = csv_pieces if kind == "csv" else json_pieces
    body = data.draw(st.lists(pieces, max_size=50).map(b"".join), label="body")
    file = File((b"x,y\n" if kind == "csv" else b"{}\n") + body, kind)
    whole = file.sequential()
    assert [what for _, what in whole.in_order()] == PLAIN[kind](file.data)
    dice = random.Random(data.draw(st.integers(), label="seed"))
    guesses: list[Guess] = [by_itself, dice.randint, lambda start, stop: dice.choice([start, stop])]
    found = file.chunked(
        data.draw(st.integers(1, 30), label="chunk"),
        block=data.draw(st.integers(1, 40), label="block"),
        feed=data.draw(st.integers(1, 9), label="feed"),
        guess=data.draw(st.sampled_from(guesses), label="guess"),
    )
    assert (found.payload, found.rejects) == (whole.payload, whole.rejects)
