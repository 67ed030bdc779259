"""Types of columns from the beginning of a file, where the dataset asks for it (`schema: {infer: true}`).

Pure Python: the planner finds it in a Lambda that has no columnar library, the worker by the same code where there is
no plan. What it finds depends on the object's first bytes and the dataset alone, both pinned by the run. It becomes
part of the `Reading`, so every chunk and redo of a planned run has it from the run item; where the worker finds it the
run is one chunk, and the attempt that commits says in its report what it used.

The rules (docs/datasets.md has them as a table) prefer text wherever another type might change a value: what an
inferred column takes is `plain`, in the sample and everywhere after it. Changing a rule changes what the same input
gives: raise `contracts.run.ENGINE_REVISION` with it.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from haulier.contracts.dataset import Column, ColumnType, Dataset
from haulier.contracts.limits import MAX_RECORD_BYTES
from haulier.contracts.run import Reading
from haulier.jobs.delimited import Dialect
from haulier.jobs.flatten import Unflattened, flattened
from haulier.jobs.plain import is_plain

SMALL_SAMPLE = 100
"""Records below which a remark says how few were seen."""
_MAX_DIGITS = 18
"""Of an integer: any number of so many digits fits in 64 bits."""
_FLOAT_DIGITS = 15
"""Of a number that 64 bits of float surely hold."""
_TOLD_COLUMNS = 20
_TOLD_CHARS = 40
NOTHING: Mapping[str, ColumnType] = {}
_WHITE = " \t\r\n"
_ESCAPES = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]|(u[dD][89a-fA-F])|.)", re.DOTALL)
"""Escapes of JSON; half a surrogate pair without its other half is a group."""


class _Number(str):
    """A JSON number's own text."""

    __slots__ = ()


@dataclass(slots=True)
class _Seen:
    """What a column's values were: kinds (`wide` is an integer that a float would round, `zoned` a timestamp with an
    offset), and how numbers are written.
    """

    kinds: set[str] = field(default_factory=set)
    places: set[int] = field(default_factory=set)
    padded: bool = False

    @property
    def type(self) -> ColumnType:
        match sorted(self.kinds):
            case ["integer"] | ["wide"] | ["integer", "wide"]:
                return "integer"
            case ["float"] | ["float", "integer"]:
                # 1.10 beside 1.9 may be a version: a number would take its last digit.
                return "string" if self.padded and len(self.places) > 1 else "float"
            case ["boolean"]:
                return "boolean"
            case ["date"]:
                return "date"
            case ["timestamp"] | ["zoned"]:
                return "timestamp"
            case _:
                return "string"

    def text(self, text: str) -> None:
        """Takes a value of delimited text."""
        if "string" in self.kinds:
            return
        kind = _number_kind(text) or ("boolean" if is_plain("boolean", text) else _moment_kind(text))
        if kind == "float":
            mantissa, _, exponent = text.lower().partition("e")
            fraction = mantissa.partition(".")[2]
            self.places.add(len(fraction))
            self.padded = self.padded or (len(fraction) > 1 and fraction.endswith("0"))
            # 7E10 is more often a code than a number; programs write 7e+10 or 7.0E10.
            if exponent and not fraction and exponent[0] not in "+-":
                kind = "string"
        self.kinds.add(kind)

    def value(self, value: object) -> None:
        """Takes a value of JSON: its kind is said, except that dates and timestamps are strings."""
        if isinstance(value, bool):
            self.kinds.add("boolean")
        elif isinstance(value, _Number):
            self.kinds.add(_number_kind(value) or "string")
        else:
            self.kinds.add(_moment_kind(value) if isinstance(value, str) else "nested")


def _number_kind(text: str) -> str | None:
    digits = len(text.lstrip("-"))
    if digits <= _MAX_DIGITS and is_plain("integer", text):
        return "integer" if digits <= _FLOAT_DIGITS or is_plain("float", text) else "wide"
    return "float" if is_plain("float", text) else None


def _moment_kind(text: str) -> str:
    if is_plain("date", text):
        return "date"
    if not is_plain("timestamp", text):
        return "string"
    return "zoned" if text.endswith("Z") or "+" in text or text.count("-") > 2 else "timestamp"


@dataclass(frozen=True, slots=True)
class Inferred:
    """What was found: the columns' types, in the order of the file, and a sentence for the job's record."""

    types: dict[str, ColumnType]
    remark: str


def infer(
    reading: Reading, body: bytes, *, complete: bool, dataset: Dataset, earlier: Mapping[str, ColumnType] = NOTHING
) -> Inferred:
    """Finds the types of the columns that the dataset does not list.

    Args:
        reading: how the object is read.
        body: its beginning after BOM and header; UTF-8 where the object is UTF-16, else as it is.
        complete: whether `body` is all of it.
        dataset: whose columns are left out, and whose nulls are no values.
        earlier: types that streams of the same run before this one were found to have (members of a zip): a column of
            that name that is found here has that type, whatever values it has.
    """
    codec = "utf-8" if reading.encoding.startswith("utf-16") else reading.encoding
    given = {column.name for column in dataset.schema_.columns} | set(dataset.enrich)
    nulls = frozenset(dataset.schema_.nulls)
    limit = dataset.max_record_bytes or MAX_RECORD_BYTES
    seen: dict[str, _Seen] = {}
    count = 0
    if reading.type in ("csv", "tsv"):
        seen = {name: _Seen() for name in reading.columns if name not in given}
        for texts in _rows(reading, body, codec, complete=complete, limit=limit):
            count += 1
            for name, text in zip(reading.columns, texts, strict=True):
                if name in seen and text not in nulls:
                    seen[name].text(text)
        types = {name: earlier.get(name, column.type) for name, column in seen.items()}
        return _told(types, [], count, complete=complete)
    for record in _objects(reading, body, codec, complete=complete, dataset=dataset, limit=limit):
        count += 1
        for name, value in record.items():
            if name in given or not _usable(name):
                continue
            column = seen.setdefault(name, _Seen())
            if value is not None and _text(value) not in nulls:
                column.value(value)
    # What holds objects or arrays, or nothing at all so far, must not be held to one type.
    held = {name: column.type for name, column in seen.items() if column.kinds and "nested" not in column.kinds}
    types = {name: earlier.get(name, kind) for name, kind in held.items()}
    return _told(types, [name for name in seen if name not in types], count, complete=complete)


def with_inferred(dataset: Dataset, reading: Reading) -> Dataset:
    """The dataset with the inferred columns behind those it lists."""
    if not reading.inferred:
        return dataset
    columns = (*dataset.schema_.columns, *inferred_columns(reading.inferred))
    return dataset.model_copy(update={"schema_": dataset.schema_.model_copy(update={"columns": columns})})


def inferred_columns(types: Mapping[str, ColumnType]) -> tuple[Column, ...]:
    """Inferred types as columns of a schema: exact, so that no value is changed that the sample did not show."""
    return tuple(Column(name=name, type=kind, exact=kind != "string") for name, kind in types.items())


def _rows(reading: Reading, body: bytes, codec: str, *, complete: bool, limit: int) -> Iterator[list[str]]:
    """The fields of records that will not be rejects for their form."""
    dialect = Dialect.of(reading.delimiter, reading.quote)
    at = 0
    while at < len(body):
        record = dialect.record_at(body, at)
        long = record.next - at > limit
        at = record.next
        if (at >= len(body) and not complete) or record.blank or long:
            continue
        if record.closed and len(record.fields) == len(reading.columns):
            try:
                yield [text.decode(codec) for text in record.fields]
            except UnicodeDecodeError:
                continue


def _objects(
    reading: Reading, body: bytes, codec: str, *, complete: bool, dataset: Dataset, limit: int
) -> Iterator[dict[str, object]]:
    """Records that are objects, flattened where the dataset says so."""
    how = dataset.flattening
    lines = reading.type == "jsonl"
    texts = _lines(body, codec, limit, complete=complete) if lines else _values(body, codec, limit)
    for value, size in texts:
        if not isinstance(value, dict):
            continue
        try:
            yield value if how is None else flattened(value, how, size=size)
        except Unflattened:
            continue


class _Json:
    """Reads JSON as the worker does, except that a number is its own text."""

    def __init__(self) -> None:
        self._beyond: list[str] = []
        self._decoder = json.JSONDecoder(
            parse_float=self._number, parse_int=self._number, parse_constant=self._beyond.append
        )

    def _number(self, text: str) -> _Number:
        if math.isinf(float(text)):
            self._beyond.append(text)
        return _Number(text)

    def value(self, text: str, at: int) -> tuple[object, int]:
        """The value that begins at `at`, and where it ends; None for one that the worker refuses: with NaN, a number
        that 64 bits do not hold, half a character, bytes that are none.

        Raises:
            ValueError: what is there is no JSON.
            RecursionError: it is nested too deep.
        """
        self._beyond.clear()
        value, end = self._decoder.raw_decode(text, at)
        return (None if self._beyond or _halved(text[at:end]) else value), end


def _halved(text: str) -> bool:
    """Whether half a surrogate pair stands in it, escaped or not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return any(found.group(1) for found in _ESCAPES.finditer(text))


def _lines(body: bytes, codec: str, limit: int, *, complete: bool) -> Iterator[tuple[object, int]]:
    reader = _Json()
    lines = body.split(b"\n")
    for line in lines if complete else lines[:-1]:
        if len(line) >= limit:
            continue
        try:
            text = line.decode(codec).strip(_WHITE)
            value, end = reader.value(text, 0)
        except (ValueError, RecursionError):
            continue
        if end == len(text):
            yield value, end


def _values(body: bytes, codec: str, limit: int) -> Iterator[tuple[object, int]]:
    """The elements of an array, or one value; up to where the text ends or is no JSON."""
    reader = _Json()
    text = body.decode(codec, "surrogateescape")
    at = _skip(text, 0, _WHITE)
    if text.startswith("[", at):
        at += 1
    while (at := _skip(text, at, _WHITE + ",")) < len(text):
        try:
            value, end = reader.value(text, at)
        except (ValueError, RecursionError):
            return
        if len(text[at:end].encode(codec, "surrogateescape")) <= limit:
            yield value, end - at
        at = end


def _skip(text: str, at: int, characters: str) -> int:
    while at < len(text) and text[at] in characters:
        at += 1
    return at


def _usable(name: str) -> bool:
    """Whether a field can become a column: Arrow ends a name at a NUL."""
    return name != "" and "\x00" not in name


def _text(value: object) -> str | None:
    """A JSON value as its column's text, which nulls are compared with."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def _told(types: dict[str, ColumnType], left: list[str], count: int, *, complete: bool) -> Inferred:
    records = f"{count:,} record" + ("" if count == 1 else "s")
    said = f"schema inferred from {'all' if complete else 'the first'} {records}"
    if types:
        said += ": " + _listed(f"{_short(name)} {kind}" for name, kind in types.items())
    if left:
        said += "; left as they are (nested, or only nulls): " + _listed(_short(name) for name in left)
    if not complete and count < SMALL_SAMPLE:
        said += "; so few may mislead: list columns in the dataset's schema if good values are rejected"
    return Inferred(types, said)


def _listed(entries: Iterable[str]) -> str:
    shown = list(entries)
    more = len(shown) - _TOLD_COLUMNS
    return ", ".join(shown[:_TOLD_COLUMNS]) + (f" and {more:,} more (see the manifest)" if more > 0 else "")


def _short(name: str) -> str:
    return name if len(name) <= _TOLD_CHARS else name[: _TOLD_CHARS - 1] + "…"
