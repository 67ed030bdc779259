"""The report of a chunk of several inputs, from the reports of each."""

from collections import Counter
from decimal import Decimal

from haulier.contracts.profile import ChunkProfile, ColumnProfile
from haulier.contracts.report import ChunkReport
from haulier.jobs.profile import in_order
from haulier.jobs.sketch import pack, union, unpack
from worker.records.profile import profiled

MAX_REMARKS = 50
"""A zip's members may each have their own; the report is an item of at most 400 KB (DynamoDB)."""

NOTHING_READ = ChunkReport(first=0, next=0, read=0, written=0, rejected=0, filtered=0, input_bytes=0)


def together(one: ChunkReport | None, other: ChunkReport) -> ChunkReport:
    """Both as one; `other` follows `one`. Counts add; outputs are added when all is written."""
    if one is None:
        return other
    remarks = tuple(dict.fromkeys((*one.remarks, *other.remarks)))
    return one.model_copy(
        update={
            "next": other.next,
            "read": one.read + other.read,
            "written": one.written + other.written,
            "rejected": one.rejected + other.rejected,
            "filtered": one.filtered + other.filtered,
            "input_bytes": one.input_bytes + other.input_bytes,
            "reject_codes": dict(Counter(one.reject_codes) + Counter(other.reject_codes)),
            "remarks": remarks[:MAX_REMARKS],
            # They agree on a column's type: the first member that shows it says it, see `inputs`.
            "inferred": None if one.inferred is None else {**one.inferred, **(other.inferred or {})},
            "profile": _profile(one.profile, other.profile),
        }
    )


def _profile(one: ChunkProfile | None, other: ChunkProfile | None) -> ChunkProfile | None:
    """By column name; None if nobody knows the fields of one of them."""
    if one is None or other is None:
        return None
    first, second = ({column.name: column for column in profile.columns} for profile in (one, other))
    names = dict.fromkeys((*first, *second))
    chosen = profiled(names)
    same = one.hash == other.hash
    columns = tuple(_column(first.get(name), second.get(name), same_hash=same) for name in chosen)
    rejects = {name: Counter(codes) for name, codes in one.rejects.items()}
    for name, codes in other.rejects.items():
        rejects.setdefault(name, Counter()).update(codes)
    # Each member may have other columns: what is kept of them all has one member's bound.
    known = profiled(dict.fromkeys((*chosen, *rejects)))
    return ChunkProfile(
        hash=one.hash,
        columns=tuple(column for column in columns if column is not None),
        # Nobody knows their names any more: members may have left out the same ones.
        left_out=max(one.left_out, other.left_out, len(names) - len(chosen)),
        rejects=in_order({name: rejects[name] for name in known if name in rejects}),
    )


def _column(one: ColumnProfile | None, other: ColumnProfile | None, *, same_hash: bool) -> ColumnProfile | None:
    if one is None or other is None:
        return one or other
    counts = {"values": one.values + other.values, "nulls": one.nulls + other.nulls}
    if one.kind != other.kind:
        return ColumnProfile(name=one.name, kind="other", **counts)
    key = Decimal if one.kind == "decimal" else None
    lows = [bound for bound in (one.min, other.min) if bound is not None]
    highs = [bound for bound in (one.max, other.max) if bound is not None]
    sketch = None
    if same_hash and one.sketch is not None and other.sketch is not None:
        sketch = pack(union(unpack(one.sketch), unpack(other.sketch)))
    return ColumnProfile(
        name=one.name,
        kind=one.kind,
        **counts,
        min=min(lows, key=key, default=None),
        max=max(highs, key=key, default=None),
        sketch=sketch,
    )
