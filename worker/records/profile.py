"""Profiles an attempt's columns, block by block, on whatever thread a block is processed.

The numbers do not depend on how records are cut into blocks, nor on their order. What makes it cheap: of each of the
1,024 groups of hashes only the least hash counts (it has the most leading zeros), so the least ones seen so far are a
filter that nearly every value fails after the first few thousand. It is exact: a value that fails it cannot raise a
register.
"""

import functools
import hashlib
import json
import math
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from haulier.contracts.profile import (
    BOUND_CHARS,
    MAX_PROFILED_COLUMNS,
    PROFILE_BYTES,
    Bound,
    ChunkProfile,
    ColumnProfile,
    Kind,
)
from haulier.jobs.profile import in_order
from haulier.jobs.sketch import HASH_BITS, REGISTERS, pack
from worker.records.parsed import TYPED, column_of, visible
from worker.records.rejects import Rejection

_NOTHING = 2**HASH_BITS - 1
"""The least hash of a group nothing fell into; a value that has this hash itself has rank 1 at most, and is one in
2^64."""
_FIRST_SLICES = (0, 1 << 11, 1 << 14)
"""Where the first block is cut, so that its beginning is a filter for the rest."""
_COLUMN_BYTES = 2400
"""What a column takes in a profile at most, its name aside: its sketch 1,100, two bounds of 65 characters as JSON 780,
its rejects by code 400."""
_Value = bool | int | float | str | Decimal
_KINDS: tuple[tuple[type[pl.DataType], Kind], ...] = (
    (pl.String, "string"), (pl.Boolean, "boolean"), (pl.Date, "date"), (pl.Datetime, "timestamp"),
    (pl.Decimal, "decimal"),
)  # fmt: skip


@functools.cache
def hash_name() -> str:
    """Names polars' hash function by what it does: its results are promised to be the same within a version only."""
    probes = [
        pl.Series(["", "haulier", "x" * 40]),
        pl.Series([0, -1, 2**62]),
        pl.Series([0.0, 1.5, -2e300]),
        pl.Series([True, False]),
        pl.Series([date(2026, 11, 21)]),
        pl.Series([datetime(2026, 11, 21, tzinfo=UTC)]),
        pl.Series([Decimal("1.50")]),
    ]
    hashes = [value for probe in probes for value in probe.hash().to_list()]
    return "polars-" + hashlib.blake2b(json.dumps(hashes).encode(), digest_size=4).hexdigest()


def profiled(names: Iterable[str]) -> list[str]:
    """Those of an output's columns that are profiled: the first hundred, or as many as fit. By their names alone, so
    that all chunks agree.
    """
    chosen: list[str] = []
    room = PROFILE_BYTES
    for name in names:
        # Twice: it may come again among the rejects.
        room -= _COLUMN_BYTES + 2 * len(json.dumps(name, ensure_ascii=False).encode("utf-8", "replace"))
        if room < 0 or len(chosen) == MAX_PROFILED_COLUMNS:
            break
        chosen.append(name)
    return chosen


def _empty_sketch() -> pl.Series:
    return pl.Series([_NOTHING], dtype=pl.UInt64).new_from_index(0, REGISTERS)


@dataclass(slots=True)
class _Column:
    """What is known of a column so far.

    Attributes:
        source: the frame's column it lies in.
        least: (1,024,) UInt64, the least hash of each group; replaced, never changed.
    """

    name: str
    kind: Kind
    source: str
    values: int = 0
    nulls: int = 0
    low: _Value | None = None
    high: _Value | None = None
    least: pl.Series = field(default_factory=_empty_sketch)

    @property
    def told_apart(self) -> bool:
        # A boolean's bounds say it.
        return self.kind not in ("boolean", "nested", "other")

    def take(self, low: _Value | None, high: _Value | None, *, values: int, nulls: int) -> None:
        self.values += values
        self.nulls += nulls
        if low is not None:
            self.low = low if self.low is None else min(self.low, low)
        if high is not None:
            self.high = high if self.high is None else max(self.high, high)

    def report(self) -> ColumnProfile:
        ranks = (self.least | (REGISTERS - 1)).bitwise_leading_zeros() + 1
        registers = ranks.set(self.least == _NOTHING, 0).to_list()
        return ColumnProfile(
            name=self.name,
            kind=self.kind,
            values=self.values,
            nulls=self.nulls,
            min=_wire(self.low),
            max=_wire(self.high),
            sketch=pack(bytes(registers)) if self.told_apart else None,
        )


class Profiler:
    """Collects one attempt's profile.

    Args:
        frame: no rows, and the columns that come.
        added: names of columns the enrichment makes; they are not profiled.
        listed: names of the schema's columns: rejects are counted for these and for those profiled, since of JSON a
            reject may name any field at all.
    """

    def __init__(self, frame: pl.DataFrame, *, added: Sequence[str], listed: Sequence[str]) -> None:
        names = [name for name in visible(frame) if name not in added]
        chosen = profiled(names)
        self._columns = [self._column(frame, name) for name in chosen]
        self._left_out = len(names) - len(chosen)
        self._known = frozenset(profiled(dict.fromkeys([*chosen, *listed])))
        self._rejects: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()

    @staticmethod
    def _column(frame: pl.DataFrame, name: str) -> _Column:
        """A column is profiled as it was typed, also where it is written in the words it came in."""
        source = TYPED + name if TYPED + name in frame.schema else name
        return _Column(name, _kind(frame.schema[source]), source)

    def add(self, frame: pl.DataFrame, rejects: Sequence[Rejection]) -> None:
        """Takes a block's records, as they are before enrichment, and its rejects. On any thread."""
        for column in self._columns:
            self._add(column, column_of(frame, column.source))
        counts = Counter((rejection.column, rejection.code) for rejection in rejects)
        with self._lock:
            for (name, code), count in counts.items():
                if name is not None and name in self._known:
                    self._rejects.setdefault(name, Counter())[code.value] += count

    def _add(self, column: _Column, values: pl.Series) -> None:
        nulls = values.null_count()
        if nulls == len(values):
            with self._lock:
                column.nulls += nulls
            return
        low, high = _bounds(values, column)
        for hashes in _hashes(values, nulls, first=column.values == 0) if column.told_apart else ():
            least = column.least
            lower = _below(hashes, least)
            if len(lower):
                with self._lock:
                    # Another thread may have lowered it meanwhile.
                    lower = lower if column.least is least else _below(lower, column.least)
                    column.least = _lowered(column.least, lower)
        with self._lock:
            column.take(low, high, values=len(values) - nulls, nulls=nulls)

    def result(self) -> ChunkProfile:
        """The profile of all blocks so far."""
        with self._lock:
            return ChunkProfile(
                hash=hash_name(),
                columns=tuple(column.report() for column in self._columns),
                left_out=self._left_out,
                rejects=in_order(self._rejects),
            )


def _kind(dtype: pl.DataType) -> Kind:
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "float"
    found = next((kind for cls, kind in _KINDS if isinstance(dtype, cls)), None)
    return found or ("nested" if dtype.is_nested() else "other")


def _bounds(values: pl.Series, column: _Column) -> tuple[_Value | None, _Value | None]:
    """(least, greatest), or None for what cannot change the column's. NaN and infinities are no bounds, and a zero has
    no sign.
    """
    match column.kind:
        case "nested" | "other":
            return None, None
        case "string":
            return _text_bounds(values, column.low, column.high)
        case "date" | "timestamp":
            numbers = values.to_physical()
            per_micro = 1000 if isinstance(values.dtype, pl.Datetime) and values.dtype.time_unit == "ns" else 1
            micros = 1000 if isinstance(values.dtype, pl.Datetime) and values.dtype.time_unit == "ms" else 1
            low, high = numbers.min(), numbers.max()
            if not isinstance(low, int) or not isinstance(high, int):
                return None, None
            return low * micros // per_micro, high * micros // per_micro
        case "float":
            return _finite_bounds(values)
        case _:
            return values.min(), values.max()  # type: ignore[return-value]


def _finite_bounds(values: pl.Series) -> tuple[float | None, float | None]:
    low, high = values.min(), values.max()
    if isinstance(low, float) and isinstance(high, float) and not (math.isfinite(low) and math.isfinite(high)):
        finite = values.filter(values.is_finite())
        low, high = finite.min(), finite.max()
    if not isinstance(low, float) or not isinstance(high, float):
        return None, None
    return low + 0.0, high + 0.0


def _text_bounds(values: pl.Series, low: object, high: object) -> tuple[str | None, str | None]:
    """Comparing with the bounds so far costs less than half of finding a block's. That they are cut changes nothing:
    a text whose cut lies outside of them lies outside itself.
    """
    if not isinstance(low, str) or not isinstance(high, str):
        return _cut(values.min()), _cut(values.max())
    lower, higher = values < low, values > high
    return (
        _cut(values.filter(lower).min()) if lower.any() else None,
        _cut(values.filter(higher).max()) if higher.any() else None,
    )


def _cut(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    return text if len(text) <= BOUND_CHARS else text[:BOUND_CHARS] + "…"


def _wire(value: _Value | None) -> Bound | None:
    return format(value, "f") if isinstance(value, Decimal) else value


def _hashes(values: pl.Series, nulls: int, *, first: bool) -> list[pl.Series]:
    """Hashes of the values; of the first ones in slices, to be looked at one after another."""
    hashes = values.hash()
    if nulls:
        hashes = hashes.filter(values.is_not_null())
    if not first:
        return [hashes]
    ends = [*_FIRST_SLICES[1:], len(hashes)]
    return [hashes.slice(at, end - at) for at, end in zip(_FIRST_SLICES, ends, strict=True) if at < len(hashes)]


def _below(hashes: pl.Series, least: pl.Series) -> pl.Series:
    """Those that are less than the least of their group."""
    return hashes.filter(hashes < least[_groups(hashes)])


def _lowered(least: pl.Series, hashes: pl.Series) -> pl.Series:
    """With these hashes in it, all of them below: in descending order the last one written to a group is its least."""
    hashes = hashes.sort(descending=True)
    return least.clone().scatter(_groups(hashes), hashes)


def _groups(hashes: pl.Series) -> pl.Series:
    return hashes.cast(pl.UInt32, wrap_numerical=True) & (REGISTERS - 1)
