"""Profiles of chunks, merged into a run's. Pure, and the same in whatever order they come.

Counts add, bounds and sketches take the greater or less: cutting a text to its first characters keeps the order of
texts, so the least of the cut is the cut of the least.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from haulier.contracts.profile import Bound, ChunkProfile, ColumnProfile, ColumnSummary, Kind, Rejects, RunProfile
from haulier.jobs.sketch import EMPTY, estimate, union, unpack

_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Column:
    name: str
    kind: Kind
    values: int = 0
    nulls: int = 0
    low: Bound | None = None
    high: Bound | None = None
    registers: bytes | None = EMPTY

    def add(self, other: ColumnProfile) -> None:
        self.values += other.values
        self.nulls += other.nulls
        if other.kind != self.kind:
            # Two releases at once may type a column differently: then only the counts are of one kind.
            self.kind, self.low, self.high, self.registers = "other", None, None, None
            return
        self.low = _chosen(min, self.kind, self.low, other.min)
        self.high = _chosen(max, self.kind, self.high, other.max)
        if self.registers is not None:
            self.registers = union(self.registers, unpack(other.sketch)) if other.sketch is not None else None


@dataclass(slots=True)
class ProfileSum:
    """Adds up the profiles of a run's chunks, one at a time, so that only one is held beside the sum."""

    _columns: dict[str, _Column] = field(default_factory=dict)
    _hashes: set[str] = field(default_factory=set)
    _rejects: dict[str, Counter[str]] = field(default_factory=dict)
    _left_out: int = 0

    def add(self, profile: ChunkProfile) -> None:
        """Adds a chunk's.

        Raises:
            BadSketch: a column's sketch is none.
        """
        self._hashes.add(profile.hash)
        self._left_out = max(self._left_out, profile.left_out)
        for column in profile.columns:
            self._columns.setdefault(column.name, _Column(column.name, column.kind)).add(column)
        for name, codes in profile.rejects.items():
            self._rejects.setdefault(name, Counter()).update(codes)

    def result(self) -> RunProfile:
        """The run's profile. Workers that hash differently (two releases of polars at once) leave `distinct` unknown:
        no number is better than one that may be twice the truth.
        """
        mergeable = len(self._hashes) == 1
        return RunProfile(
            columns=tuple(_summary(column, mergeable=mergeable) for column in self._columns.values()),
            left_out=self._left_out,
            rejects=in_order(self._rejects),
        )


def in_order(rejects: dict[str, Counter[str]]) -> Rejects:
    """By name and code, so that the same counts are the same bytes."""
    return {name: dict(sorted(codes.items())) for name, codes in sorted(rejects.items())}


def _summary(column: _Column, *, mergeable: bool) -> ColumnSummary:
    return ColumnSummary(
        name=column.name,
        kind=column.kind,
        values=column.values,
        nulls=column.nulls,
        min=_shown(column.kind, column.low),
        max=_shown(column.kind, column.high),
        distinct=_distinct(column, mergeable=mergeable),
    )


def _distinct(column: _Column, *, mergeable: bool) -> int | None:
    if column.kind == "boolean":
        return len({column.low, column.high} - {None})
    if column.registers is None or not mergeable:
        return None
    # More than there are values is only the estimate's error.
    return min(estimate(column.registers), column.values)


def _chosen(choose: Callable[..., Any], kind: Kind, one: Bound | None, other: Bound | None) -> Bound | None:
    if one is None or other is None:
        return other if one is None else one
    chosen: Bound = choose(one, other, key=Decimal) if kind == "decimal" else choose(one, other)
    return chosen


def _shown(kind: Kind, bound: Bound | None) -> Bound | None:
    """A bound as a person reads it; a moment outside the years 1 to 9999 stays a number."""
    if not isinstance(bound, int) or kind not in ("date", "timestamp"):
        return bound
    try:
        if kind == "date":
            return (_EPOCH_DAY + timedelta(days=bound)).isoformat()
        return (_EPOCH + timedelta(microseconds=bound)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return bound
